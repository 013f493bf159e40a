// Who may do what, as IAM would answer: every role of a synthesised environment, an administrator who may do everything, and
// roles of others, against the ledger's bucket and the state machine.
import { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Key } from 'aws-cdk-lib/aws-kms';
import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Kind, LedgerFunction } from '../../core/ledger/keys.ts';
import {
  batchKey,
  checkpointKey,
  claimKey,
  completedKey,
  failuresKey,
  entryKey,
  KINDS,
  outcomeKey,
  STATE_KEY,
  waiterKey,
} from '../../core/ledger/keys.ts';
import type { EnvironmentId } from '../../core/names/names.ts';
import {
  migrationFunctionName,
  migrationRoleName,
  resourcePrefix,
  SYSTEM_FUNCTIONS,
  systemFunctionName,
} from '../../core/names/names.ts';
import { offlineApp } from '../../infra/build-app.ts';
import type { Principal, Statement } from '../support/policies.ts';
import {
  ACCOUNT,
  arnOfExecution,
  arnOfFunction,
  arnOfMachine,
  bucketPolicyOf,
  documentedStatements,
  isAllowed,
  LEDGER,
  REGION,
  rolesOf,
  trustOf,
} from '../support/policies.ts';
import { constructOf, stackOf } from '../support/stack.ts';
import type { SynthesisedResource } from '../support/synth.ts';

/** As careless as a migration's file can be. */
const GREEDY = [{ Effect: 'Allow' as const, Action: '*', Resource: '*' }];

const directory = mkdtempSync(path.join(tmpdir(), 'odin-policies-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let roles: Map<string, Principal>;
let bucketPolicy: Statement[];
let trust: ReturnType<typeof trustOf>;
let limits: SynthesisedResource[];
beforeAll(() => {
  const migrations = [{ id: '0001' }, { id: '0004', permissions: GREEDY }, { id: '0010' }];
  const stack = stackOf(offlineApp(directory), migrations, { environment: { stack: { runOnDeploy: true } } });
  const { Resources } = Template.fromStack(stack).toJSON() as { Resources: Record<string, SynthesisedResource> };
  roles = rolesOf(Resources);
  bucketPolicy = bucketPolicyOf(Resources);
  trust = trustOf(Resources);
  limits = Object.values(Resources).filter(({ Type }) => Type === 'AWS::IAM::ManagedPolicy');
});

const everything: Statement[] = [{ Effect: 'Allow', Action: '*', Resource: '*' }];
const ADMINISTRATOR: Principal = {
  arn: `arn:aws:iam::${ACCOUNT}:role/Administrator`,
  isService: false,
  tags: {},
  statements: everything,
};
/** A migration of the same number in another environment of the account, which was given everything. */
const ELSEWHERE: Principal = {
  arn: `arn:aws:iam::${ACCOUNT}:role/odin-other-0004-eu-west-1`,
  isService: false,
  tags: { 'odin-migrate:migration': '0004' },
  statements: everything,
};
const everybody = () => [...roles, ['Administrator', ADMINISTRATOR] as const, ['Elsewhere', ELSEWHERE] as const];

const TLS = { 'aws:SecureTransport': 'true', 's3:TlsVersion': '1.3' };
const CREATE = { ...TLS, 's3:if-none-match': '*' };
const REPLACE = { ...TLS, 's3:if-match': '"etag"' };

/** Who may do this to a key of the ledger. */
const whoMay = (action: string, key: string, context: Record<string, string> = TLS) =>
  everybody()
    .filter(([, principal]) => isAllowed({ principal, action, resource: `${LEDGER}/${key}`, context }, bucketPolicy))
    .map(([name]) => name)
    .sort();

/** The roles of these functions, a migration's being that of the key which is asked for. */
const rolesFor = (functions: readonly LedgerFunction[], migrations: string[]) =>
  functions
    .flatMap((name) =>
      name === 'migration'
        ? migrations.map((id) => `Migration${id}Role`)
        : `${name.replace(/(^|-)([a-z])/g, (_, __, letter: string) => letter.toUpperCase())}Role`,
    )
    .sort();

const NUMBER = 99;
const KEYS: Record<keyof typeof KINDS, (migration: string) => string> = {
  entry: () => entryKey(NUMBER),
  claim: (migration) => claimKey({ migration, number: NUMBER }),
  outcome: (migration) => outcomeKey({ migration, number: NUMBER }),
  batch: (migration) => batchKey({ migration, number: NUMBER }, 17, 'claim'),
  failures: (migration) => failuresKey({ migration, number: NUMBER }),
  checkpoint: checkpointKey,
  waiter: () => waiterKey(NUMBER, 'a1b2c3'),
  completed: completedKey,
  state: () => STATE_KEY,
};
const kinds = Object.entries(KINDS) as [keyof typeof KINDS, Kind][];

const deployed = ['0001', '0004', '0010'];
const id = fc.constantFrom(...deployed, '0002', '9999');
const keyOfKind = fc
  .tuple(fc.constantFrom(...kinds.map(([name]) => name)), id)
  .map(([name, migration]) => KEYS[name](migration));
const root = fc.constantFrom('log/', 'turns/', 'turns/0004/', 'checkpoints/', 'waiters/', 'completed/', '', 'x/');
const strange = fc.tuple(root, fc.stringMatching(/^[\w/.-]{1,40}$/)).map(([before, after]) => before + after);
const anyKey = fc.oneof(keyOfKind, strange);

it('there is a role for each function and for the machine', () => {
  expect([...roles.keys()].sort()).toEqual(
    [...rolesFor([...SYSTEM_FUNCTIONS, 'migration'], deployed), 'StateMachineRole'].sort(),
  );
});

describe.each(kinds)('a key of the kind %s', (name, { writers, readers, written, secret }) => {
  it.each(['0004', '0001', '0002'])('of %s is created by its own writers alone, although 0004 was given all', (of) => {
    const migrations = deployed.filter((each) => each === of);
    expect(whoMay('s3:PutObject', KEYS[name](of), CREATE)).toEqual(rolesFor(writers, migrations));
  });

  it('is replaced by its writers, who know what stands there, or by nobody', () => {
    expect(whoMay('s3:PutObject', KEYS[name]('0004'), REPLACE)).toEqual(
      written === 'again' ? rolesFor(writers, ['0004']) : [],
    );
  });

  it('is overwritten without a look, given another ACL, deleted or expired by nobody', () => {
    expect(whoMay('s3:PutObject', KEYS[name]('0004'))).toEqual([]);
    for (const action of ['s3:DeleteObject', 's3:DeleteObjectVersion']) {
      expect(whoMay(action, KEYS[name]('0004')), action).toEqual([]);
    }
    for (const action of ['s3:PutObjectAcl', 's3:PutObjectTagging', 's3:PutObjectRetention', 's3:RestoreObject']) {
      expect(whoMay(action, KEYS[name]('0004')), action).toEqual(['Administrator']);
    }
  });

  it('is read by its readers, and what is secret by nobody else', () => {
    // A migration that was given everything reads what is not secret; so does one of another environment.
    const greedy = secret ? [] : ['Migration0004Role', 'Elsewhere', 'Administrator'];
    const expected = (of: string) =>
      [...new Set([...rolesFor(readers, name === 'entry' ? deployed : [of]), ...greedy])].sort();
    expect(whoMay('s3:GetObject', KEYS[name]('0001'))).toEqual(expected('0001'));
    const versions = whoMay('s3:GetObjectVersion', KEYS[name]('0001'));
    expect(versions).toEqual(secret ? [] : ['Administrator']);
  });
});

describe('the ledger', () => {
  it('is forged by no migration: of its own number it may create claims that no entry allows, which nobody reads', () => {
    const may = (key: string, context: Record<string, string> = CREATE) =>
      whoMay('s3:PutObject', key, context).includes('Migration0004Role');
    expect(may('turns/0004/00000099/claim.json')).toBe(true);
    for (const key of [
      'turns/0001/00000099/claim.json',
      'turns/0001/00000099/outcome.json',
      'turns/0004/00000099/other.json',
      'turns/0004/claim.json',
      'turns/00041/00000099/claim.json',
      'checkpoints/0001.json',
      'log/00000099.json',
      'log/turns/0004/00000099/claim.json',
      'waiters/00000099/forged.json',
      'completed/0004.json',
      'state.json',
      'anything',
    ]) {
      expect([key, may(key), may(key, REPLACE)]).toEqual([key, false, false]);
    }
  });

  it('a migration writes nothing but its own turns and its own checkpoint, whatever key it thinks of', () => {
    const own = (key: string) =>
      /^(turns\/0004\/.{8}\/(claim|outcome|batches\/.*)\.json|checkpoints\/0004\.json)$/s.test(key);
    fc.assert(
      fc.property(anyKey, fc.constantFrom(TLS, CREATE, REPLACE), (key, context) => {
        if (!own(key)) expect(whoMay('s3:PutObject', key, context)).not.toContain('Migration0004Role');
      }),
      { numRuns: 500 },
    );
  });

  it('neither an administrator nor another environment writes below the names that are ours', () => {
    fc.assert(
      fc.property(anyKey, fc.constantFrom(TLS, CREATE, REPLACE), (key, context) => {
        fc.pre(/^(log\/|turns\/|checkpoints\/|waiters\/|completed\/|state\.json$)/.test(key));
        const may = whoMay('s3:PutObject', key, context);
        for (const other of ['Administrator', 'Elsewhere']) expect(may).not.toContain(other);
      }),
      { numRuns: 500 },
    );
  });

  describe('of another environment of the account', () => {
    /** Names that could be taken for ours, which is odin-dev without an app, or for a number or a region. */
    const word = fc.constantFrom(
      'odin',
      'odin-dev',
      'dev',
      'odin-odin-dev',
      'a',
      'dev-0004',
      'n0004',
      'eu-west-1',
      'odin-dev-eu',
    );
    const other = fc
      .record({ app: fc.option(word, { nil: undefined }), environment: word }, { requiredKeys: ['environment'] })
      .filter(({ app, environment }) => app !== undefined || environment !== 'odin-dev');
    const region = fc.constantFrom(REGION, 'us-east-1', 'eu-west-1');
    /** Every tag that a session can give itself, among them those of our roles. */
    const tags = fc.dictionary(
      fc.constantFrom('odin-migrate:migration', 'odin-migrate:environment', 'odin-migrate:ledger', 'aws:PrincipalArn'),
      fc.constantFrom(
        '0004',
        '0001',
        'odin-dev',
        'ledger',
        LEDGER,
        '*',
        '',
        `arn:aws:iam::${ACCOUNT}:role/odin-odin-dev-0004-eu-west-1`,
      ),
    );
    const session = (arn: string, tagged: Record<string, string>): Principal => ({
      arn,
      isService: false,
      tags: tagged,
      statements: everything,
    });
    const writes = (principal: Principal, key: string) =>
      [CREATE, REPLACE, TLS].some((context) =>
        isAllowed({ principal, action: 's3:PutObject', resource: `${LEDGER}/${key}`, context }, bucketPolicy),
      );

    it('a migration writes nothing, whatever its environment is called and its session is tagged with', () => {
      fc.assert(
        fc.property(other, id, region, tags, keyOfKind, (of: EnvironmentId, migration, where, tagged, key) => {
          const arn = `arn:aws:iam::${ACCOUNT}:role/${migrationRoleName(of, migration, where)}`;
          expect(writes(session(arn, tagged), key)).toBe(false);
        }),
        { numRuns: 1000 },
      );
    });

    it('nor does the same environment in another region, or in another account', () => {
      const ours = { environment: 'odin-dev' };
      for (const [account, where] of [
        [ACCOUNT, 'us-east-1'],
        ['444455556666', REGION],
      ] as const) {
        const arn = `arn:aws:iam::${account}:role/${migrationRoleName(ours, '0004', where)}`;
        expect(writes(session(arn, { 'odin-migrate:migration': '0004' }), KEYS.claim('0004'))).toBe(false);
      }
      const arn = `arn:aws:iam::${ACCOUNT}:role/${migrationRoleName(ours, '0004', REGION)}`;
      expect(writes(session(arn, { 'odin-migrate:migration': '0004' }), KEYS.claim('0004'))).toBe(true);
    });

    it('nor does anybody who is no role of ours, whatever the session is tagged with', () => {
      const name = fc.constantFrom(
        'Administrator',
        'odin-odin-dev-0004',
        'odin-odin-dev-0004-eu-west-1-x',
        'x/odin-odin-dev-0004-eu-west-1',
        'odin-odin-dev-00004-eu-west-1',
      );
      fc.assert(
        fc.property(name, fc.constantFrom('role', 'user'), tags, keyOfKind, (who, kind, tagged, key) => {
          expect(writes(session(`arn:aws:iam::${ACCOUNT}:${kind}/${who}`, tagged), key)).toBe(false);
        }),
        { numRuns: 1000 },
      );
    });

    it('and no session of a role of ours may tag itself: so a migration keeps its own number', () => {
      expect(trust).toHaveLength(roles.size);
      for (const [role, actions] of trust)
        expect([role, actions.filter((one) => one !== 'sts:AssumeRole')]).toEqual([role, []]);
    });

    it.each([
      'lambda:UpdateFunctionCode',
      'lambda:UpdateFunctionConfiguration',
      'lambda:InvokeFunction',
      'lambda:AddPermission',
      'lambda:UntagResource',
      'states:UpdateStateMachine',
      'states:StartExecution',
      'states:DeleteStateMachine',
      'states:UntagResource',
      'iam:PutRolePolicy',
      'iam:AttachRolePolicy',
      'iam:UpdateAssumeRolePolicy',
      'iam:TagRole',
      'iam:UntagRole',
      'iam:DeleteRolePolicy',
      'ssm:PutParameter',
      'ssm:DeleteParameter',
      'events:PutTargets',
      'events:RemoveTargets',
      'events:PutRule',
      'events:DisableRule',
      'events:DeleteRule',
      'cloudwatch:DeleteAlarms',
      'cloudwatch:DisableAlarmActions',
      'cloudwatch:SetAlarmState',
      'cloudwatch:PutMetricAlarm',
      'sns:DeleteTopic',
      'sns:SetTopicAttributes',
      'sns:RemovePermission',
      'logs:DeleteLogGroup',
      'logs:DeleteLogStream',
      'logs:PutRetentionPolicy',
      'logs:UntagResource',
    ])('its parts are reached by no migration of ours, although 0004 was given all: %s', (action) => {
      const may = (resource: string, context: Record<string, string>) =>
        [...roles].filter(([, principal]) => isAllowed({ principal, action, resource, context })).map(([name]) => name);
      for (const of of ['odin-prod', 'shop--prod', 'odin-dev']) {
        const parts = may('arn:aws:any:::prod', { 'aws:ResourceTag/odin-migrate:environment': of });
        expect(parts.filter((name) => name.startsWith('Migration'))).toEqual([]);
      }
      expect(may('arn:aws:any:::theirs', {}), 'what is not ours is its own affair').toContain('Migration0004Role');
    });
  });

  it('nothing is replicated into it, by anybody: that would look at no condition', () => {
    fc.assert(
      fc.property(
        anyKey,
        fc.constantFrom('s3:ReplicateObject', 's3:ReplicateDelete', 's3:ReplicateTags'),
        (key, action) => {
          expect(whoMay(action, key)).toEqual([]);
        },
      ),
    );
  });

  it.each<[string, string, boolean]>([
    ['x-amz-storage-class', 'GLACIER', false],
    ['x-amz-storage-class', 'DEEP_ARCHIVE', false],
    ['x-amz-storage-class', 'STANDARD', true],
    ['x-amz-server-side-encryption-customer-algorithm', 'AES256', false],
    ['x-amz-server-side-encryption-aws-kms-key-id', `arn:aws:kms:${REGION}:${ACCOUNT}:key/theirs`, false],
    ['x-amz-server-side-encryption', 'AES256', true],
  ])('nothing is put there so that its readers are refused: %s %s', (header, value, may) => {
    for (const [name, { writers, written }] of kinds) {
      const [context] = written === 'once' ? [CREATE] : [REPLACE];
      const found = whoMay('s3:PutObject', KEYS[name]('0004'), { ...context, [`s3:${header}`]: value });
      expect([name, found]).toEqual([name, may ? rolesFor(writers, ['0004']) : []]);
    }
  });

  it('nothing is overwritten without a look, by anybody, also in parts', () => {
    fc.assert(
      fc.property(anyKey, fc.constantFrom('true', 'false', undefined), (key, creates) => {
        const context = creates === undefined ? TLS : { ...TLS, 's3:ObjectCreationOperation': creates };
        expect(whoMay('s3:PutObject', key, context)).toEqual([]);
      }),
    );
  });

  it('nothing is deleted, by anybody, nor any version of it', () => {
    fc.assert(
      fc.property(anyKey, (key) => {
        for (const action of ['s3:DeleteObject', 's3:DeleteObjectVersion']) expect(whoMay(action, key)).toEqual([]);
      }),
    );
  });

  it.each([
    's3:PutBucketPolicy',
    's3:DeleteBucketPolicy',
    's3:PutLifecycleConfiguration',
    's3:PutBucketVersioning',
    's3:PutReplicationConfiguration',
    's3:PutEncryptionConfiguration',
    's3:PutBucketPublicAccessBlock',
    's3:PutBucketAcl',
    's3:DeleteBucket',
  ])('no role takes its protection away: %s', (action) => {
    const may = [...roles, ['Elsewhere', ELSEWHERE] as const].filter(([, principal]) =>
      isAllowed({ principal, action, resource: LEDGER, context: TLS }, bucketPolicy),
    );
    expect(may.map(([name]) => name)).toEqual([]);
  });

  it('answers nobody without TLS 1.2', () => {
    const actions = fc.constantFrom(
      's3:GetObject',
      's3:PutObject',
      's3:ListBucket',
      's3:PutBucketPolicy',
      's3:Anything',
    );
    const contexts = fc.constantFrom(
      { ...CREATE, 'aws:SecureTransport': 'false' },
      { ...CREATE, 's3:TlsVersion': '1.1' },
    );
    fc.assert(
      fc.property(actions, fc.oneof(anyKey, fc.constant('')), contexts, (action, key, context) => {
        expect(whoMay(action, key, context)).toEqual([]);
        for (const [, principal] of everybody()) {
          expect(isAllowed({ principal, action, resource: LEDGER, context }, bucketPolicy)).toBe(false);
        }
      }),
    );
  });

  describe('answers no other account', () => {
    /** As if another policy of the bucket let everybody in. */
    const open = () => [...bucketPolicy, ...everything];
    const asks = (principal: Principal, action: string, key = '') =>
      isAllowed({ principal, action, resource: `${LEDGER}${key}`, context: CREATE }, open());
    const of = (arn: string, more: Partial<Principal> = {}): Principal => ({
      arn,
      isService: false,
      tags: {},
      statements: everything,
      ...more,
    });

    it.each<[string, Principal]>([
      ['a role', of('arn:aws:iam::444455556666:role/Administrator')],
      ['one that is tagged like a migration of ours', of('arn:aws:iam::444455556666:role/x', { tags: ELSEWHERE.tags })],
      ['nobody', of('', { isService: undefined })],
    ])('%s', (_, principal) => {
      for (const action of ['s3:GetObject', 's3:PutObject', 's3:GetObjectVersion']) {
        expect(asks(principal, action, '/state.json'), action).toBe(false);
      }
      for (const action of ['s3:ListBucket', 's3:GetBucketPolicy', 's3:PutBucketPolicy']) {
        expect(asks(principal, action), action).toBe(false);
      }
    });

    it('but a service of AWS, which is bound by the rest', () => {
      const service = of('', { isService: true });
      expect(asks(service, 's3:GetObject', '/state.json')).toBe(true);
      expect(asks(service, 's3:PutObject', '/state.json')).toBe(false);
      expect(asks(service, 's3:DeleteObject', '/state.json')).toBe(false);
    });
  });

  it('can be listed by each function that reads it, so that a missing key is a 404', () => {
    for (const [name, principal] of roles) {
      const reads = name !== 'StateMachineRole';
      const may = isAllowed({ principal, action: 's3:ListBucket', resource: LEDGER, context: TLS }, bucketPolicy);
      expect(may, name).toBe(reads);
    }
  });
});

describe('the state machine', () => {
  const holders = (action: string, resource: string) =>
    [...roles].filter(([, principal]) => isAllowed({ principal, action, resource })).map(([name]) => name);

  it('is answered by those who tell the waiters, and started by resume, the watch, what hands over, and the deployment', () => {
    const machine = arnOfMachine(resourcePrefix({ environment: 'odin-dev' }));
    for (const action of ['states:SendTaskSuccess', 'states:SendTaskFailure']) {
      expect(holders(action, machine).sort()).toEqual(rolesFor(KINDS.waiter.readers, []));
    }
    expect(holders('states:SendTaskHeartbeat', machine)).toEqual([]);
    expect(holders('states:StartExecution', machine).sort()).toEqual([
      'ListPendingRole',
      'ResumeRole',
      'StartRunRole',
      'StateMachineRole', // its Distributed Map
      'WatchHaltsRole',
    ]);
  });

  it('and its halts are reached by no migration, although 0004 was given all', () => {
    const machine = arnOfMachine(resourcePrefix({ environment: 'odin-dev' }));
    const execution = arnOfExecution(resourcePrefix({ environment: 'odin-dev' }), 'run-1');
    const requests = fc.oneof(
      fc.tuple(
        fc.constantFrom('SendTaskSuccess', 'SendTaskFailure', 'SendTaskHeartbeat'),
        fc.constantFrom(machine, execution, '*'),
      ),
      fc.tuple(
        fc.constantFrom('StartExecution', 'UpdateStateMachine', 'DeleteStateMachine'),
        fc.constantFrom(machine, `${machine}:live`, `${machine}:1`),
      ),
      fc.tuple(fc.constantFrom('StopExecution', 'RedriveExecution', 'GetExecutionHistory'), fc.constant(execution)),
    );
    fc.assert(
      fc.property(requests, ([action, resource]) => {
        expect(holders(`states:${action}`, resource).filter((name) => name.startsWith('Migration'))).toEqual([]);
      }),
    );
    for (const name of SYSTEM_FUNCTIONS) {
      for (const qualifier of ['', ':live', ':$LATEST', ':1']) {
        const arn = `${arnOfFunction(systemFunctionName({ environment: 'odin-dev' }, name))}${qualifier}`;
        for (const action of [
          'lambda:InvokeFunction',
          'lambda:UpdateFunctionCode',
          'lambda:UpdateFunctionConfiguration',
          'lambda:AddPermission',
          'lambda:CreateFunctionUrlConfig',
          'lambda:CreateAlias',
          'lambda:PutFunctionConcurrency',
          'lambda:DeleteFunction',
        ]) {
          expect(
            holders(action, arn).filter((holder) => holder.startsWith('Migration')),
            arn,
          ).toEqual([]);
        }
      }
    }
    // It was given all: what is not ours is its own affair.
    expect(holders('states:StartExecution', arnOfMachine('theirs'))).toEqual(['Migration0004Role']);
    expect(holders('lambda:InvokeFunction', arnOfFunction('theirs'))).toEqual(['Migration0004Role']);
  });

  it('nor is it by a function, a machine or a rule that 0004 makes: no role that has a part in a run is passed by a migration', () => {
    const passes = (role: string, service: string) =>
      isAllowed({
        principal: roles.get('Migration0004Role')!,
        action: 'iam:PassRole',
        resource: role,
        // The tag has no effect on it, as in AWS.
        context: { 'iam:PassedToService': service, 'aws:ResourceTag/odin-migrate:environment': 'odin-dev' },
      });
    const trusted = new Set(trust.flatMap(([, , services]) => services));
    expect([...trusted].sort()).toEqual(['lambda.amazonaws.com', 'states.amazonaws.com']);
    const elsewhere = migrationRoleName({ app: 'shop', environment: 'prod' }, '0001', REGION);
    for (const arn of [...[...roles.values()].map((role) => role.arn), `arn:aws:iam::${ACCOUNT}:role/${elsewhere}`]) {
      for (const service of trusted) expect([arn, service, passes(arn, service)]).toEqual([arn, service, false]);
    }
    expect(passes(`arn:aws:iam::${ACCOUNT}:role/theirs`, 'glue.amazonaws.com')).toBe(true);
  });

  it('and what denies all this is not taken away by 0004, here or in another environment', () => {
    const may = (action: string, resource: string) =>
      isAllowed({ principal: roles.get('Migration0004Role')!, action, resource });
    const [path, ...more] = limits.map(({ Properties }) => String(Properties?.['Path']));
    expect([path, more]).toEqual(['/odin-migrate/', []]);
    for (const action of ['CreatePolicyVersion', 'SetDefaultPolicyVersion', 'DeletePolicyVersion', 'DeletePolicy']) {
      expect(may(`iam:${action}`, `arn:aws:iam::${ACCOUNT}:policy${path}OdinMigrate-prod-Limits`), action).toBe(false);
      expect(may(`iam:${action}`, `arn:aws:iam::${ACCOUNT}:policy/theirs`), action).toBe(true);
    }
    for (const action of ['UpdateStack', 'DeleteStack', 'CreateChangeSet', 'ExecuteChangeSet', 'RollbackStack']) {
      expect(may(`cloudformation:${action}`, '<AWS::StackId>'), action).toBe(false);
    }
    expect(may('cloudformation:DescribeStacks', '<AWS::StackId>')).toBe(true);
  });

  it('a key of the ledger is used by migrations, and neither closed nor given away, although 0004 was given all', () => {
    const app = offlineApp(directory);
    const stack = new Stack(app, 'WithKey');
    const key = new Key(stack, 'Key');
    constructOf(stack, [{ id: '0004', permissions: GREEDY }], { encryptionKey: key });
    const { Resources } = Template.fromStack(stack).toJSON() as { Resources: Record<string, SynthesisedResource> };
    const [id] = Object.entries(Resources).find(([, { Type }]) => Type === 'AWS::KMS::Key')!;
    const greedy = [...rolesOf(Resources)].find(([name]) => name.endsWith('Migration0004Role'))![1];
    const may = (name: string) => isAllowed({ principal: greedy, action: `kms:${name}`, resource: `<${id}.Arn>` });
    expect(['Decrypt', 'GenerateDataKey', 'DescribeKey'].filter((name) => !may(name))).toEqual([]);
    const put = (keyId: string) =>
      isAllowed(
        {
          principal: greedy,
          action: 's3:PutObject',
          resource: `${LEDGER}/${KEYS.claim('0004')}`,
          context: { ...CREATE, 's3:x-amz-server-side-encryption-aws-kms-key-id': keyId },
        },
        bucketPolicyOf(Resources),
      );
    expect([put(`<${id}.Arn>`), put('arn:aws:kms:theirs')]).toEqual([true, false]);
    expect(
      ['PutKeyPolicy', 'DisableKey', 'ScheduleKeyDeletion', 'DeleteImportedKeyMaterial', 'RevokeGrant'].filter(may),
    ).toEqual([]);
  });

  const ours = (names: string[]) => names.filter((name) => name !== 'Migration0004Role');

  it('of another environment is started and answered by none of ours', () => {
    for (const action of ['states:SendTaskSuccess', 'states:StartExecution']) {
      expect(ours(holders(action, arnOfMachine(resourcePrefix({ environment: 'odin-dev-two' }))))).toEqual([]);
      expect(ours(holders(action, arnOfMachine(resourcePrefix({ environment: 'odin' }))))).toEqual([]);
    }
  });

  it('resume and baseline are invoked by the dashboard, and by no other function', () => {
    expect(
      holders('lambda:InvokeFunction', arnOfFunction(systemFunctionName({ environment: 'odin-dev' }, 'resume'))),
    ).toEqual(['DashboardRole']);
    expect(
      holders('lambda:InvokeFunction', arnOfFunction(systemFunctionName({ environment: 'odin-dev' }, 'baseline'))),
    ).toEqual([]);
  });

  it('a dashboard that only shows invokes none, and reads the ledger as the other does', () => {
    const looking = mkdtempSync(path.join(tmpdir(), 'odin-policies-look-'));
    try {
      const stack = stackOf(offlineApp(looking), [{ id: '0001' }], { environment: { stack: { dashboard: 'look' } } });
      const { Resources } = Template.fromStack(stack).toJSON() as { Resources: Record<string, SynthesisedResource> };
      const may = (of: Map<string, Principal>, action: string, resource: string) =>
        isAllowed({ principal: of.get('DashboardRole')!, action, resource, context: TLS }, bucketPolicyOf(Resources));
      const shows = rolesOf(Resources);
      const functions = [
        ...SYSTEM_FUNCTIONS.map((name) => systemFunctionName({ environment: 'odin-dev' }, name)),
        migrationFunctionName({ environment: 'odin-dev' }, '0001'),
      ].map(arnOfFunction);
      const invoked = (of: Map<string, Principal>) =>
        functions.filter((arn) => may(of, 'lambda:InvokeFunction', arn)).map((arn) => arn.split('-').at(-1));
      expect([invoked(roles), invoked(shows)]).toEqual([['resume', '0001'], []]);
      for (const action of [
        'lambda:InvokeAsync',
        'lambda:UpdateFunctionCode',
        'states:StartExecution',
        'sts:AssumeRole',
      ])
        expect(may(shows, action, '*'), action).toBe(false);
      expect(may(shows, 's3:GetObject', `${LEDGER}/${entryKey(NUMBER)}`)).toBe(true);
      expect(may(shows, 's3:PutObject', `${LEDGER}/${entryKey(NUMBER)}`)).toBe(false);
      expect(JSON.stringify(Resources)).not.toContain('ODIN_RESUME_FUNCTION');
    } finally {
      rmSync(looking, { recursive: true, force: true });
    }
  });

  it('invokes the migrations of this environment, and what it needs', () => {
    for (const [name, others] of [
      ['list-pending', ['CheckRemovalsRole']], // asks what is deployed
      ['record-completion', []],
      ['halt', []],
    ] as const) {
      const arn = arnOfFunction(systemFunctionName({ environment: 'odin-dev' }, name));
      expect(holders('lambda:InvokeFunction', arn)).toEqual([...others, 'StateMachineRole']);
    }
    fc.assert(
      fc.property(fc.nat(9999), (n) => {
        const arn = arnOfFunction(migrationFunctionName({ environment: 'odin-dev' }, String(n).padStart(4, '0')));
        const others = holders('lambda:InvokeFunction', arn).filter((name) => name !== 'DashboardRole');
        expect(others).toEqual(['StateMachineRole']);
      }),
    );
  });

  it('the migrations are previewed by the dashboard, which invokes no function of another environment', () => {
    for (const migration of deployed) {
      const arn = arnOfFunction(migrationFunctionName({ environment: 'odin-dev' }, migration));
      expect(holders('lambda:InvokeFunction', arn)).toContain('DashboardRole');
    }
    for (const environment of ['odin', 'odin-two', 'odin-dev-two', 'odin-dev-0abc']) {
      const arn = arnOfFunction(migrationFunctionName({ environment }, '0001'));
      expect(ours(holders('lambda:InvokeFunction', arn))).toEqual([]);
    }
  });
});

describe('the policy for operators in docs/configuration.md', () => {
  const statements = documentedStatements('ledger');
  const may = (sids: string[], action: string, resource: string) =>
    isAllowed({
      principal: { ...ADMINISTRATOR, statements: statements.filter(({ Sid = '' }) => sids.includes(Sid)) },
      action,
      resource,
    });
  const machine = 'arn:aws:states:eu-west-1:111122223333:stateMachine:odin-migrate-odin-dev';
  const execution = 'arn:aws:states:eu-west-1:111122223333:execution:odin-migrate-odin-dev:run-1';
  const group = 'arn:aws:logs:eu-west-1:111122223333:log-group:/odin-migrate/odin-dev/migrations:log-stream:x';
  const resume = 'arn:aws:lambda:eu-west-1:111122223333:function:odin-migrate-odin-dev-resume';
  const widget = 'arn:aws:lambda:eu-west-1:111122223333:function:customWidget-odin-migrate-odin-dev';
  const dashboard = 'arn:aws:cloudwatch::111122223333:dashboard/odin-migrate-odin-dev-eu-west-1';
  const topic = 'arn:aws:sns:eu-west-1:111122223333:OdinMigrate-odin-dev-MigrationsNotifications1A2B3C4D-x';

  it.each<[string, string, string]>([
    ['ReadTheLedger', 's3:ListBucket', 'arn:aws:s3:::ledger'],
    ['ReadTheLedger', 's3:GetObject', 'arn:aws:s3:::ledger/log/00000001.json'],
    ['Look', 'sns:GetTopicAttributes', topic],
    ['Look', 'states:DescribeExecution', execution],
    ['FollowLinks', 'states:GetExecutionHistory', execution],
    ['FollowLinks', 'states:DescribeStateMachineForExecution', execution],
    ['FollowLinks', 'states:ListExecutions', machine],
    ['FollowLinks', 'logs:FilterLogEvents', group],
    ['FollowLinks', 'cloudwatch:GetDashboard', dashboard],
    ['StopAndRedrive', 'states:StopExecution', execution],
    ['StopAndRedrive', 'states:RedriveExecution', execution],
    ['DecideInTheLambdaConsole', 'lambda:GetFunction', resume],
    ['Decide', 'lambda:InvokeFunction', resume],
    ['OpenTheDashboard', 'lambda:InvokeFunction', widget],
    ['FindItInTheConsole', 'logs:DescribeLogGroups', '*'],
  ])('%s, and no other statement, opens %s', (sid, action, resource) => {
    const others = statements.flatMap(({ Sid = '' }) => (Sid === sid ? [] : [Sid]));
    expect([may([sid], action, resource), may(others, action, resource)]).toEqual([true, false]);
    const elsewhere = resource.replaceAll('odin-dev', 'odin-prod').replace(':ledger', ':ledger-of-prod');
    if (elsewhere !== resource) expect(may([sid], action, elsewhere)).toBe(false);
  });

  it('lets nobody write the ledger, send a task its answer, or change what is deployed', () => {
    const all = statements.map(({ Sid = '' }) => Sid);
    for (const action of ['s3:PutObject', 's3:DeleteObject', 's3:PutBucketPolicy']) {
      expect(may(all, action, 'arn:aws:s3:::ledger/log/00000002.json'), action).toBe(false);
    }
    for (const action of ['states:SendTaskSuccess', 'states:UpdateStateMachine'])
      expect(may(all, action, machine)).toBe(false);
    for (const action of ['lambda:UpdateFunctionCode', 'lambda:UpdateFunctionConfiguration']) {
      expect(may(all, action, resume), action).toBe(false);
    }
  });
});

describe('a system function', () => {
  const arnOfBus = (name: string) => `arn:aws:events:${REGION}:${ACCOUNT}:event-bus/${name}`;
  const may = (action: string, resource: string) =>
    [...roles]
      .filter(([name, principal]) => !name.startsWith('Migration') && isAllowed({ principal, action, resource }))
      .map(([name]) => name)
      .sort();

  it('tells programs by the default event bus, and by no other', () => {
    expect(may('events:PutEvents', arnOfBus('default'))).toEqual(['HaltRole', 'ListPendingRole']);
    expect(may('events:PutEvents', arnOfBus('other'))).toEqual([]);
  });

  it('does nothing with whatever there is, but what AWS has no narrower resource for: traces, and the delivery of logs', () => {
    for (const [name, { statements }] of roles) {
      if (name.startsWith('Migration0004')) continue; // which was given everything
      const everywhere = statements.filter(
        ({ Effect, Resource }) => Effect === 'Allow' && [Resource].flat().includes('*'),
      );
      for (const action of everywhere.flatMap(({ Action }) => Action ?? [])) {
        expect(action, name).toMatch(
          name === 'StateMachineRole' ? /^(xray:|logs:\w*(LogDeliver|ResourcePolic|LogGroups))/ : /^xray:Put/,
        );
      }
    }
  });
});
