// Who may do what, as IAM would answer: every role of a synthesised environment, and an administrator who may do
// everything, against the ledger's bucket and the state machine.
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { keys } from '../../core/ledger/keys.ts';
import { migrationFunctionName, resourcePrefix, SYSTEM_FUNCTIONS, systemFunctionName } from '../../core/names/names.ts';
import type { Principal, Statement } from '../support/policies.ts';
import {
  ACCOUNT,
  arnOfFunction,
  arnOfMachine,
  bucketPolicyOf,
  isAllowed,
  LEDGER,
  rolesOf,
} from '../support/policies.ts';
import { synthesiseStack } from '../support/synth.ts';

const PLAIN = 'export async function migration(): Promise<void> {}\n';
/** As careless as a migration's file can be. */
const GREEDY = `export const permissions = [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }];\n${PLAIN}`;

let roles: Map<string, Principal>;
let bucketPolicy: Statement[];
beforeAll(() => {
  const { json } = synthesiseStack({ runOnDeploy: true }, { '0001.ts': PLAIN, '0004.ts': GREEDY, '0010.ts': PLAIN });
  roles = rolesOf(json.Resources);
  bucketPolicy = bucketPolicyOf(json.Resources);
});

const ADMINISTRATOR: Principal = {
  arn: `arn:aws:iam::${ACCOUNT}:role/Administrator`,
  tags: {},
  statements: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
};
const everybody = () => [...roles, ['Administrator', ADMINISTRATOR] as const];

const TLS = { 'aws:SecureTransport': 'true', 's3:TlsVersion': '1.3' };
const CREATE = { ...TLS, 's3:if-none-match': '*' };

/** Who may do this to a key of the ledger. */
const whoMay = (action: string, key: string, context: Record<string, string> = TLS) =>
  everybody()
    .filter(([, principal]) => isAllowed({ principal, action, resource: `${LEDGER}/${key}`, context }, bucketPolicy))
    .map(([name]) => name);

const ids = ['0001', '0004', '0010', '0002', '9999'];
const id = fc.constantFrom(...ids);
const number = fc.integer({ min: 1, max: 12_000 });
const record = fc.oneof(
  fc.tuple(id, number).map(([migration, attempt]) => keys.started(migration, attempt)),
  fc.tuple(id, number, number).map(([migration, attempt, slice]) => keys.slice(migration, attempt, slice + 1)),
  fc.tuple(id, number).map(([migration, attempt]) => keys.finished(migration, attempt)),
  fc.tuple(id, number, number).map(([migration, attempt, halt]) => keys.decision(migration, attempt, halt)),
  id.map(keys.completed),
);
const anyKey = fc.oneof(record, id.map(keys.halt), id.map(keys.checkpoint), fc.stringMatching(/^[\w/.-]{1,40}$/));

it('has all roles of the environment before it', () => {
  expect([...roles.keys()].sort()).toEqual(
    expect.arrayContaining(['HaltRole', 'ListPendingRole', 'Migration0004Role', 'ResumeRole', 'StartRunRole']),
  );
  expect(roles.size).toBe(SYSTEM_FUNCTIONS.length + 3 + 1);
});

describe('the ledger', () => {
  it.each<[string, string, string[]]>([
    ['the claim of an attempt', keys.started('0004', 1), ['Migration0004Role']],
    ['the claim of a slice', keys.slice('0004', 1, 2), ['Migration0004Role']],
    ['an outcome', keys.finished('0004', 1), ['Migration0004Role']],
    ['a checkpoint', keys.checkpoint('0004'), ['Migration0004Role']],
    ['a claim of a migration that is not deployed', keys.started('0002', 1), []],
    ['a decision', keys.decision('0004', 1, 1), ['ResumeRole']],
    ['a decision that is named like a claim', 'attempts/0004/0001/decisions/started.json', ['ResumeRole']],
    ['a completion', keys.completed('0004'), ['RecordCompletionRole', 'BaselineRole']],
    ['a halt', keys.halt('0004'), ['HaltRole']],
  ])('%s is created by its own writers alone, although 0004 was given s3:*', (_, key, writers) => {
    expect(whoMay('s3:PutObject', key, CREATE).filter((name) => name !== 'Administrator')).toEqual(writers);
  });

  it('an administrator who is no writer of them creates no completion, decision and halt', () => {
    for (const key of [keys.completed('0004'), keys.decision('0004', 1, 1), keys.halt('0004')]) {
      expect(whoMay('s3:PutObject', key, CREATE)).not.toContain('Administrator');
    }
  });

  it('no record is written over, by anybody', () => {
    fc.assert(
      fc.property(record, fc.constantFrom(TLS, { ...TLS, 's3:if-match': '"etag"' }), (key, context) => {
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

  it('a migration writes nothing but its own attempts and its own checkpoint, whatever key it thinks of', () => {
    const own = (key: string) => /^(attempts\/0004\/(?!.*\/decisions\/).+|checkpoints\/0004\.json)$/.test(key);
    fc.assert(
      fc.property(anyKey, fc.constantFrom(TLS, CREATE), (key, context) => {
        if (!own(key)) expect(whoMay('s3:PutObject', key, context)).not.toContain('Migration0004Role');
      }),
      { numRuns: 500 },
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
    const may = [...roles].filter(([, principal]) =>
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
        const resource = LEDGER;
        for (const [, principal] of everybody()) {
          expect(isAllowed({ principal, action, resource, context }, bucketPolicy)).toBe(false);
        }
      }),
    );
  });

  it('can be read and listed by each function that reads it', () => {
    for (const [name, principal] of roles) {
      if (name === 'StateMachineRole') continue;
      const list = isAllowed({ principal, action: 's3:ListBucket', resource: LEDGER, context: TLS }, bucketPolicy);
      expect(list, name).toBe(true);
    }
    expect(whoMay('s3:GetObject', keys.completed('0001'))).toContain('Migration0004Role'); // its predecessor
  });

  it('shows its task tokens to no migration, not even to 0004', () => {
    const readers = whoMay('s3:GetObject', keys.halt('0004'));
    expect(readers).toContain('ResumeRole');
    expect(readers.filter((name) => name.startsWith('Migration'))).toEqual([]);
  });
});

describe('the state machine', () => {
  const holders = (action: string, resource: string) =>
    [...roles].filter(([, principal]) => isAllowed({ principal, action, resource })).map(([name]) => name);

  it('is answered by resume alone, and started by it, by what hands over, and by the deployment', () => {
    const machine = arnOfMachine(resourcePrefix('odin-dev'));
    for (const action of ['states:SendTaskSuccess', 'states:SendTaskFailure']) {
      expect(holders(action, machine)).toEqual(['ResumeRole']);
    }
    expect(holders('states:SendTaskHeartbeat', machine)).toEqual([]);
    expect(holders('states:StartExecution', machine).sort()).toEqual(['ListPendingRole', 'ResumeRole', 'StartRunRole']);
    for (const action of ['states:SendTaskSuccess', 'states:StartExecution']) {
      expect(holders(action, arnOfMachine(resourcePrefix('odin-dev-two')))).toEqual([]);
      expect(holders(action, arnOfMachine(resourcePrefix('odin')))).toEqual([]);
    }
  });

  it('resume and baseline are invoked by the dashboard, and by no other function', () => {
    expect(holders('lambda:InvokeFunction', arnOfFunction(systemFunctionName('odin-dev', 'resume')))).toEqual([
      'DashboardRole',
    ]);
    expect(holders('lambda:InvokeFunction', arnOfFunction(systemFunctionName('odin-dev', 'baseline')))).toEqual([]);
  });

  it('invokes the migrations of this environment, and what it needs', () => {
    for (const name of ['list-pending', 'record-completion', 'halt'] as const) {
      const arn = arnOfFunction(systemFunctionName('odin-dev', name));
      expect(holders('lambda:InvokeFunction', arn)).toEqual(['StateMachineRole']);
    }
    fc.assert(
      fc.property(fc.nat(9999), (n) => {
        const arn = arnOfFunction(migrationFunctionName('odin-dev', String(n).padStart(4, '0')));
        const others = holders('lambda:InvokeFunction', arn).filter((name) => name !== 'DashboardRole');
        expect(others).toEqual(['StateMachineRole']);
      }),
    );
  });

  it('the migrations are previewed by the dashboard, which invokes no function of another environment', () => {
    for (const migration of ['0001', '0004', '0010']) {
      const arn = arnOfFunction(migrationFunctionName('odin-dev', migration));
      expect(holders('lambda:InvokeFunction', arn)).toContain('DashboardRole');
    }
    for (const environment of ['odin', 'odin-dev-two', 'odin-dev-0abc']) {
      const arn = arnOfFunction(migrationFunctionName(environment, '0001'));
      expect(holders('lambda:InvokeFunction', arn)).toEqual([]);
    }
  });
});
