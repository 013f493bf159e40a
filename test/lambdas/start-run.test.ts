// The custom resource behind `runOnDeploy`: what it starts, and what CloudFormation hears of it.
import { beforeEach, describe, expect, it } from 'vitest';
import type { CustomResourceEvent } from '../../lambdas/start-run/start-run.ts';
import { createStartRun } from '../../lambdas/start-run/start-run.ts';
import { executionArn } from '../support/fake-executions.ts';
import type { World } from '../support/services.ts';
import { createWorld } from '../support/services.ts';

const IDENTITY = { StackId: 'stack', RequestId: 'request', LogicalResourceId: 'RunOnDeploy' };
let world: World;
let answers: { url: string; body: unknown }[];
let answerFailure: Error | undefined;
beforeEach(() => {
  world = createWorld();
  answers = [];
  answerFailure = undefined;
});

const call = (RequestType: CustomResourceEvent['RequestType'], ExecutionName?: string) =>
  createStartRun(world.services, (url, body) => {
    if (answerFailure) return Promise.reject(answerFailure);
    answers.push({ url, body: JSON.parse(body) as unknown });
    return Promise.resolve();
  })({
    ...IDENTITY,
    RequestType,
    ResponseURL: 'https://answer.example',
    ResourceProperties: ExecutionName === undefined ? {} : { ExecutionName },
  });

const success = (Data: object) => ({
  url: 'https://answer.example',
  body: { ...IDENTITY, PhysicalResourceId: 'run-on-deploy', Status: 'SUCCESS', Data },
});

describe('start-run', () => {
  it.each(['Create', 'Update'] as const)('starts the run of the manifest at %s, and answers at once', async (type) => {
    await call(type, 'deploy-1');
    expect(world.executions.started).toEqual([{ name: 'deploy-1', input: {} }]);
    expect(answers).toEqual([success({ Execution: executionArn('deploy-1') })]);
    expect(await world.executions.isAlive(executionArn('deploy-1'))).toBe(true);
  });

  it('starts no second run when the deployment is repeated, and calls it success', async () => {
    await call('Create', 'deploy-1');
    await call('Update', 'deploy-1');
    expect(world.executions.started).toHaveLength(1);
    expect(answers.at(-1)).toEqual(success({ Execution: executionArn('deploy-1') }));
  });

  it('starts and stops nothing when the setting is taken back', async () => {
    await call('Delete', 'deploy-1');
    expect(world.executions.started).toEqual([]);
    expect(answers).toEqual([success({})]);
  });

  it.each([
    ['Step Functions refuses', 'deploy-1', 'AccessDenied: no'],
    ['the name is missing', undefined, 'BadPayload: The resource has no ExecutionName.'],
  ])('fails the deployment and says why, when %s', async (_, name, why) => {
    const refusal = new Error('no');
    refusal.name = 'AccessDenied';
    world.executions.failures.push(refusal);
    await call('Create', name);
    expect(answers).toMatchObject([{ body: { Status: 'FAILED', Reason: `The run could not be started: ${why}` } }]);
  });

  it('fails when CloudFormation does not take the answer: Lambda calls again, and no second run starts', async () => {
    answerFailure = new Error('HTTP 503');
    await expect(call('Create', 'deploy-1')).rejects.toThrow('HTTP 503');
    answerFailure = undefined;
    await call('Create', 'deploy-1');
    expect(world.executions.started).toHaveLength(1);
    expect(answers).toHaveLength(1);
  });
});
