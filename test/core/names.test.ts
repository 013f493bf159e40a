// Names that are deployed: what stands in AWS, in a running execution or in a team's scripts knows them by these letters.
import { describe, expect, it } from 'vitest';
import {
  accountOf,
  continuingExecutionName,
  deployedExecutionName,
  environmentOfParameter,
  executionName,
  HALT_METRIC,
  logGroupName,
  MACHINE_FUNCTIONS,
  migrationFunctionName,
  migrationRoleName,
  OUTPUTS,
  pad,
  parameterName,
  parameterPath,
  PARAMETERS,
  partName,
  qualifiedName,
  regionOf,
  resourcePrefix,
  RUN_FIELD,
  siblingExecution,
  stackName,
  STATES,
  SYSTEM_FUNCTIONS,
  systemFunctionName,
  VARIABLES,
} from '../../core/names/names.ts';

const SHOP = { app: 'shop', environment: 'odin-dev' };
const ALONE = { environment: 'odin-dev' };

describe('the names of an environment', () => {
  it.each([
    ['itself', qualifiedName, 'shop--odin-dev', 'odin-dev'],
    ['its resources', resourcePrefix, 'shop--odin-dev', 'odin-migrate-odin-dev'],
    ['its stack', stackName, 'shop--odin-dev--migrations', 'OdinMigrate-odin-dev'],
    ['its parameters', parameterPath, '/odin-migrate/shop/odin-dev/', '/odin-migrate/-/odin-dev/'],
    ['a part', (of: typeof ALONE) => partName(of, 'x'), 'shop--odin-dev--x', 'odin-migrate-odin-dev-x'],
    [
      'a function',
      (of: typeof ALONE) => systemFunctionName(of, 'list-pending'),
      'shop--odin-dev--list-pending',
      'odin-migrate-odin-dev-list-pending',
    ],
    [
      'its dashboard',
      (of: typeof ALONE) => systemFunctionName(of, 'dashboard'),
      'customWidget-shop--odin-dev',
      'customWidget-odin-migrate-odin-dev',
    ],
    [
      'the function of a migration',
      (of: typeof ALONE) => migrationFunctionName(of, '0004'),
      'shop--odin-dev--0004',
      'odin-migrate-odin-dev-0004',
    ],
    [
      'the role of a migration',
      (of: typeof ALONE) => migrationRoleName(of, '0004', 'eu-west-1'),
      'shop--odin-dev--0004--eu-west-1',
      'odin-odin-dev-0004-eu-west-1',
    ],
    [
      'the logs of migrations',
      (of: typeof ALONE) => logGroupName(of, 'migrations'),
      '/odin-migrate/shop--odin-dev/migrations',
      '/odin-migrate/odin-dev/migrations',
    ],
    [
      'the parameter of its ledger',
      (of: typeof ALONE) => parameterName(of, 'ledger'),
      '/odin-migrate/shop/odin-dev/ledger',
      '/odin-migrate/-/odin-dev/ledger',
    ],
  ])('%s, with an app and without', (_, name, withApp, without) => {
    expect(name(SHOP)).toBe(withApp);
    expect(name(ALONE)).toBe(without);
  });

  it('are told from the name of a parameter, and of no other', () => {
    expect(PARAMETERS).toBe('/odin-migrate/');
    expect(environmentOfParameter('/odin-migrate/shop/odin-dev/claim')).toEqual(SHOP);
    expect(environmentOfParameter('/odin-migrate/-/odin-dev/registration')).toEqual({ ...ALONE, app: undefined });
    for (const other of [
      ...['/odin-migrate/shop/odin-dev', '/odin-migrate/shop/odin-dev/', '/odin-migrate/shop/odin-dev/a/b', ''],
      ...['x/odin-migrate/shop/odin-dev/claim', '/odin-migrate//odin-dev/claim', '/odin-migrate/shop//claim'],
    ]) {
      expect(environmentOfParameter(other)).toBeUndefined();
    }
  });
});

describe('the names of executions', () => {
  const ARN = 'arn:aws:states:eu-west-1:111122223333:execution:shop--odin-dev:run-1';

  it('are the last part of their ARN, which has region and account', () => {
    expect(executionName(ARN)).toBe('run-1');
    expect(siblingExecution(ARN, 'other')).toBe('arn:aws:states:eu-west-1:111122223333:execution:shop--odin-dev:other');
    expect([regionOf(ARN), accountOf(ARN)]).toEqual(['eu-west-1', '111122223333']);
    expect([regionOf('anna'), accountOf('anna')]).toEqual(['', '']);
  });

  it('that carry a run on are fixed', () => {
    expect(continuingExecutionName(45)).toBe('continue-00000045');
    expect([1, 2, 3].map((tries) => continuingExecutionName(45, tries))).toEqual([
      ...['continue-00000045', 'continue-00000045-2', 'continue-00000045-3'],
    ]);
    expect(pad(7, 3)).toBe('007');
  });

  it('that a deployment starts are of its request, in letters that a name may have, 80 at most', () => {
    expect(deployedExecutionName('3f1a-B2_9')).toBe('deploy-3f1a-B2_9');
    expect(deployedExecutionName('a:b/c.d e')).toBe('deploy-a-b-c-d-e');
    expect(deployedExecutionName('x'.repeat(100))).toBe(`deploy-${'x'.repeat(73)}`);
  });
});

it('what is deployed is called like this, also while half of a deployment is there', () => {
  expect(STATES).toEqual({
    listPending: 'List pending',
    whatNext: 'What next?',
    runMigration: 'Run migration',
    runBatches: 'Run batches',
    outcome: 'Outcome?',
    recordCompletion: 'Record completion',
    wait: 'Wait',
    halt: 'Halt for operator',
    finished: 'Finished',
    handedOver: 'Handed over',
    refused: 'Refused',
    unknownStep: 'Unknown step',
  });
  expect(VARIABLES).toEqual({
    environment: 'ODIN_ENVIRONMENT',
    app: 'ODIN_APP',
    account: 'ODIN_ACCOUNT',
    ledgerBucket: 'ODIN_LEDGER_BUCKET',
    stateMachineArn: 'ODIN_STATE_MACHINE_ARN',
    topicArn: 'ODIN_TOPIC_ARN',
    chatTopicArn: 'ODIN_CHAT_TOPIC_ARN',
    resumeFunction: 'ODIN_RESUME_FUNCTION',
    migration: 'ODIN_MIGRATION',
    codeSha256: 'ODIN_CODE_SHA256',
    commit: 'ODIN_COMMIT',
    dashboardUrl: 'ODIN_DASHBOARD_URL',
    sliceSeconds: 'ODIN_SLICE_SECONDS',
    saveEverySeconds: 'ODIN_SAVE_EVERY_SECONDS',
    ledgerEndpoint: 'ODIN_LEDGER_ENDPOINT_URL',
    local: 'ODIN_LOCAL',
    roleArn: 'ODIN_ROLE_ARN',
    previewAllows: 'ODIN_PREVIEW_ALLOWS',
  });
  expect(OUTPUTS).toEqual({
    stateMachineArn: 'StateMachineArn',
    ledgerBucket: 'LedgerBucketName',
    resumeFunction: 'ResumeFunctionName',
    topicArn: 'NotificationTopicArn',
    chatTopicArn: 'ChatTopicArn',
    dashboardUrl: 'DashboardUrl',
  });
  expect(SYSTEM_FUNCTIONS).toEqual([
    ...['list-pending', 'record-completion', 'halt', 'resume', 'baseline', 'dashboard', 'watch-halts', 'start-run'],
    'check-removals',
  ]);
  expect(MACHINE_FUNCTIONS).toEqual(['list-pending', 'record-completion', 'halt']);
  expect(HALT_METRIC).toEqual({ namespace: 'odin-migrate', name: 'OpenHaltHours', dimension: 'Environment' });
  expect(RUN_FIELD).toBe('odin-migrate');
});
