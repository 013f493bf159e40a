// The CloudFormation template of an environment: what is in it, who may do what, and what stays the same.
import { Match, Template } from 'aws-cdk-lib/assertions';
import fc from 'fast-check';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isEnvironmentName } from '../../core/names/identifiers.ts';
import { migrationFunctionName, OUTPUTS, SYSTEM_FUNCTIONS, systemFunctionName } from '../../core/names/names.ts';
import { addEnvironments, offlineApp } from '../../infra/build-app.ts';
import { MAX_MIGRATIONS } from '../../project/discover.ts';
import { planDeployed } from '../../project/plan.ts';
import { arnOfFunction, bucketPolicyOf, isAllowed, rolesOf } from '../support/policies.ts';
import { PROJECT, temporaryProject } from '../support/project.ts';
import { CODE } from '../support/services.ts';
import type { StubMigration } from '../support/stack.ts';
import { stackOf } from '../support/stack.ts';
import { thrownBy } from '../support/thrown.ts';

interface Resource {
  Type: string;
  Properties: Record<string, unknown>;
  DeletionPolicy?: string;
  DependsOn?: string[];
  UpdateReplacePolicy?: string;
}
interface Statement {
  Sid?: string;
  Effect: string;
  Action: string | string[];
  Resource?: unknown;
  NotResource?: unknown;
  Condition?: unknown;
}

const directory = mkdtempSync(path.join(tmpdir(), 'odin-template-'));
let synthesised = 0;

function synthesise(migrations: StubMigration[], options?: Parameters<typeof stackOf>[2]): Template {
  synthesised += 1;
  return Template.fromStack(stackOf(offlineApp(path.join(directory, `cdk.out.${synthesised}`)), migrations, options));
}

const resourcesOf = (template: Template) => (template.toJSON() as { Resources: Record<string, Resource> }).Resources;
const ofType = (template: Template, type: string) =>
  Object.values(resourcesOf(template)).filter((resource) => resource.Type === type);

/** Text of a value of a template, its references by their logical names: `${LedgerB7379752.Arn}/attempts/*`. */
function text(value: unknown): string {
  if (typeof value === 'string') return value;
  const {
    Ref,
    'Fn::GetAtt': attribute,
    'Fn::Join': join,
  } = value as { Ref?: string; 'Fn::GetAtt'?: string[]; 'Fn::Join'?: [string, unknown[]] };
  if (Ref !== undefined) return `\${${Ref}}`;
  if (attribute) return `\${${attribute.join('.')}}`;
  if (join) return join[1].map(text).join(join[0]);
  throw new Error(`not text: ${JSON.stringify(value)}`);
}
const list = <T>(value: T | T[] | undefined): T[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];
/** `${LedgerB7379752.Arn}/attempts/*` is `/attempts/*`. */
const inLedger = (value: unknown) => list(value).map((each) => text(each).replace(/^\$\{Ledger\w+\.Arn\}/, ''));

/** Everything that a function's role, or the machine's, allows: its inline policies and those attached to it. */
function statementsOf(template: Template, role: string): Statement[] {
  const all = Object.entries(resourcesOf(template));
  const [logicalId, found] = all.find(([id, { Type }]) => Type === 'AWS::IAM::Role' && id.startsWith(role)) ?? [];
  if (!found || logicalId === undefined) throw new Error(`no role ${role}`);
  const inline = (found.Properties['Policies'] ?? []) as { PolicyDocument: { Statement: Statement[] } }[];
  const attached = all
    .filter(([, { Type, Properties }]) => {
      return Type === 'AWS::IAM::Policy' && JSON.stringify(Properties['Roles']).includes(logicalId);
    })
    .map(([, { Properties }]) => Properties as unknown as { PolicyDocument: { Statement: Statement[] } });
  return [...inline, ...attached].flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
}
/** The role of 0004. */
const OWN_ROLE = 'arn:${AWS::Partition}:iam::${AWS::AccountId}:role/odin-odin-dev-0004-${AWS::Region}';
const actionsOf = (statements: Statement[]) => statements.flatMap(({ Action }) => list(Action));
const roles = (template: Template) =>
  Object.entries(resourcesOf(template))
    .filter(([, { Type }]) => Type === 'AWS::IAM::Role')
    .map(([id]) => id);
const functionNamed = (template: Template, name: string) => {
  const found = ofType(template, 'AWS::Lambda::Function').find(({ Properties }) => Properties['FunctionName'] === name);
  if (!found) throw new Error(`no function ${name}`);
  return found.Properties as {
    Environment: { Variables: Record<string, unknown> };
    Role: { 'Fn::GetAtt': [string, string] };
    [property: string]: unknown;
  };
};

let template: Template;
beforeAll(() => {
  template = synthesise(
    [
      { id: '0001' },
      {
        id: '0004',
        description: 'Move ä to b',
        permissions: [{ Effect: 'Allow', Action: 's3:*', Resource: ['arn:aws:s3:::data', 'arn:aws:s3:::data/*'] }],
        timeoutSeconds: 150,
        memoryMB: 512,
        variables: { DATA_BUCKET: 'of the migration' },
        checkpointed: true,
      },
      { id: '0010' },
    ],
    { environment: { variables: { DATA_BUCKET: 'of the environment', OTHER: 'o' } } },
  );
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Without the one that is another for each set of functions: test/infra/check-removals.test.ts. */
const resourcesButTheCheck = (of: Template) =>
  Object.fromEntries(Object.entries(resourcesOf(of)).filter(([, { Type }]) => Type !== 'Custom::OdinMigrateRemovals'));

describe('a migration', () => {
  it('is one function and one role, and nothing else', () => {
    const ids = (of: Template) => Object.entries(resourcesButTheCheck(of)).map(([id, { Type }]) => `${Type} ${id}`);
    const without = new Set(ids(synthesise([{ id: '0001' }, { id: '0004' }])));
    const added = ids(template).filter((id) => !without.has(id));
    expect(added.map((id) => id.replace(/\w{8}$/, ''))).toEqual([
      'AWS::IAM::Role Migration0010Role',
      'AWS::Lambda::Function Migration0010',
    ]);
  });

  it('changes nothing of the others when it is added at the end', () => {
    const before = resourcesButTheCheck(synthesise([{ id: '0001' }, { id: '0004' }]));
    const after = resourcesButTheCheck(synthesise([{ id: '0001' }, { id: '0004' }, { id: '0005' }]));
    for (const [id, { DependsOn, ...resource }] of Object.entries(before)) {
      expect(after[id], id).toMatchObject(resource);
      if (!id.startsWith('ListPending')) expect(after[id]?.DependsOn, id).toEqual(DependsOn);
    }
    expect(Object.keys(after)).toHaveLength(Object.keys(before).length + 2);
  });

  it('runs with what its file says, on the current Node.js and arm64', () => {
    template.hasResourceProperties('AWS::Lambda::Function', {
      FunctionName: 'odin-migrate-odin-dev-0004',
      Description: 'Migration 0004 of odin-dev', // its own is not ASCII, and stands in the manifest
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Handler: 'index.handler',
      Timeout: 150,
      MemorySize: 512,
      LoggingConfig: { LogGroup: { Ref: Match.stringLikeRegexp('^MigrationLogs') } },
    });
  });

  it('has what else of Lambda its file asks for', () => {
    const heavy = synthesise([
      { id: '0001' },
      {
        id: '0002',
        ephemeralStorageMB: 4096,
        architecture: 'x86_64',
        layers: ['arn:aws:lambda:eu-west-1:111122223333:layer:ffmpeg:3'],
      },
    ]);
    const settings = (id: string) => {
      const { Architectures, EphemeralStorage, Layers } = functionNamed(heavy, `odin-migrate-odin-dev-${id}`);
      return { Architectures, EphemeralStorage, Layers };
    };
    expect(settings('0001')).toEqual({ Architectures: ['arm64'], EphemeralStorage: undefined, Layers: undefined });
    expect(settings('0002')).toEqual({
      Architectures: ['x86_64'],
      EphemeralStorage: { Size: 4096 },
      Layers: ['arn:aws:lambda:eu-west-1:111122223333:layer:ffmpeg:3'],
    });
  });

  it('knows itself and whose its ledger is; its own variables win over the environment’s, and ours over both', () => {
    const variables = functionNamed(template, 'odin-migrate-odin-dev-0004').Environment.Variables;
    expect(variables).toEqual({
      DATA_BUCKET: 'of the migration',
      OTHER: 'o',
      NODE_OPTIONS: '--enable-source-maps',
      ODIN_ENVIRONMENT: 'odin-dev',
      ODIN_ACCOUNT: { Ref: 'AWS::AccountId' },
      ODIN_LEDGER_BUCKET: { Ref: expect.stringMatching(/^Ledger/) as unknown },
      ODIN_MIGRATION: '0004',
      ODIN_CODE_SHA256: CODE,
      ODIN_ROLE_ARN: expect.anything() as unknown,
    });
    const ofFirst = functionNamed(template, 'odin-migrate-odin-dev-0001').Environment.Variables;
    expect(ofFirst['DATA_BUCKET']).toBe('of the environment');
  });

  it('may do what its file says, read what its turn rests on, and write its own part of the ledger', () => {
    const statements = statementsOf(template, 'Migration0004Role').filter(
      ({ Action }) => !list(Action).some((action) => action.startsWith('logs:') || action.startsWith('xray:')),
    );
    expect(statements.map(({ Effect, Action, Resource }) => [Effect, list(Action), inLedger(Resource).sort()])).toEqual(
      [
        ['Allow', ['s3:ListBucket'], ['']],
        [
          'Allow',
          ['s3:GetObject'],
          [
            '/checkpoints/0004.json',
            '/log/????????.json',
            '/turns/0004/????????/batches/*.json',
            '/turns/0004/????????/claim.json',
            '/turns/0004/????????/outcome.json',
          ],
        ],
        [
          'Allow',
          ['s3:PutObject'],
          [
            '/checkpoints/0004.json',
            '/turns/0004/????????/batches/*.json',
            '/turns/0004/????????/claim.json',
            '/turns/0004/????????/outcome.json',
          ],
        ],
        ['Allow', ['sts:AssumeRole'], [OWN_ROLE]],
        ['Allow', ['s3:*'], ['arn:aws:s3:::data', 'arn:aws:s3:::data/*']],
      ],
    );
  });

  it('may not touch the run that it is part of, whatever its file says', () => {
    const [id, limits] = Object.entries(resourcesOf(template)).find(
      ([, { Type }]) => Type === 'AWS::IAM::ManagedPolicy',
    )!;
    const { Statement } = limits.Properties['PolicyDocument'] as { Statement: Statement[] };
    const arn = (service: string, rest: string) =>
      `arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}:${rest}`;
    expect(Statement.map(({ Effect, Action, Resource }) => [Effect, Action, list(Resource).map(text).sort()])).toEqual([
      [
        'Deny',
        'lambda:*',
        [
          arn('lambda', 'function:customWidget-odin-migrate-odin-dev'),
          arn('lambda', 'function:customWidget-odin-migrate-odin-dev:*'),
          arn('lambda', 'function:odin-migrate-odin-dev-*'),
        ],
      ],
      [
        'Deny',
        'states:*',
        [
          arn('states', 'execution:odin-migrate-odin-dev/*:*'),
          arn('states', 'execution:odin-migrate-odin-dev:*'),
          arn('states', 'mapRun:odin-migrate-odin-dev/*:*'),
          arn('states', 'stateMachine:odin-migrate-odin-dev'),
          arn('states', 'stateMachine:odin-migrate-odin-dev:*'),
        ],
      ],
      ['Deny', 'states:SendTask*', ['*']],
      ['Deny', expect.arrayContaining(['iam:*', 'lambda:*', 'ssm:*', 'states:*', 'events:*', 'cloudwatch:*']), ['*']],
      ['Deny', 'iam:PassRole', ['*']],
      ['Deny', 'iam:*', ['arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/odin-migrate/*']],
      ['Deny', expect.arrayContaining(['cloudformation:Update*', 'cloudformation:Delete*']), ['${AWS::StackId}']],
    ]);
    expect(Statement.map(({ Condition }) => Condition).filter(Boolean)).toEqual([
      { Null: { 'aws:ResourceTag/odin-migrate:environment': 'false' } },
      { StringEquals: { 'iam:PassedToService': ['lambda.amazonaws.com', 'states.amazonaws.com'] } },
    ]);
    // 6,144 characters are all that a managed policy may have.
    expect(JSON.stringify(Statement).length).toBeLessThan(4000);
    const holders = Object.entries(resourcesOf(template)).filter(
      ([, { Properties }]) => Properties['ManagedPolicyArns'],
    );
    expect(holders.map(([role]) => role.replace(/\w{8}$/, ''))).toEqual([
      'Migration0001Role',
      'Migration0004Role',
      'Migration0010Role',
    ]);
    for (const [, { Properties }] of holders) expect(Properties['ManagedPolicyArns']).toEqual([{ Ref: id }]);
  });

  it('may nothing but that, when its file asks for nothing', () => {
    expect(new Set(actionsOf(statementsOf(template, 'Migration0001Role')))).toEqual(
      new Set([
        'logs:CreateLogStream',
        'logs:PutLogEvents',
        'xray:PutTraceSegments',
        'xray:PutTelemetryRecords',
        's3:ListBucket',
        's3:GetObject',
        's3:PutObject',
        'sts:AssumeRole',
      ]),
    );
  });

  it('may assume its own role, for a preview, and its role may be assumed by nobody else but Lambda', () => {
    const role = Object.entries(resourcesOf(template)).find(([id]) => id.startsWith('Migration0004Role'))?.[1];
    expect(text(role?.Properties['RoleName'])).toBe('odin-odin-dev-0004-${AWS::Region}');
    const { Statement } = role?.Properties['AssumeRolePolicyDocument'] as {
      Statement: (Statement & { Principal: object })[];
    };
    expect(Statement.map(({ Action }) => Action)).toEqual(['sts:AssumeRole', 'sts:AssumeRole']);
    const [lambda, itself] = Statement;
    expect(lambda?.Principal).toEqual({ Service: 'lambda.amazonaws.com' });
    // The account, because a policy cannot name a principal that is not there yet; the condition is what counts.
    expect(text((itself?.Principal as { AWS: unknown }).AWS)).toBe('arn:${AWS::Partition}:iam::${AWS::AccountId}:root');
    const condition = itself?.Condition as { ArnEquals: Record<string, unknown> };
    expect(Object.keys(condition)).toEqual(['ArnEquals']);
    expect(Object.keys(condition.ArnEquals)).toEqual(['aws:PrincipalArn']);
    expect(text(condition.ArnEquals['aws:PrincipalArn'])).toBe(OWN_ROLE);
    expect(text(functionNamed(template, 'odin-migrate-odin-dev-0004').Environment.Variables['ODIN_ROLE_ARN'])).toBe(
      OWN_ROLE,
    );
  });

  it('is told what its file allows in a preview', () => {
    const allowing = synthesise([{ id: '0001', previewAllows: ['network:db.example.com'] }]);
    const { Variables } = functionNamed(allowing, 'odin-migrate-odin-dev-0001').Environment;
    expect(Variables['ODIN_PREVIEW_ALLOWS']).toBe('["network:db.example.com"]');
  });

  it('carries its id as a tag of its role, which the policy of the ledger goes by; no system function does', () => {
    const role = Object.entries(resourcesOf(template)).find(([id]) => id.startsWith('Migration0004Role'))?.[1];
    expect(role?.Properties['Tags']).toContainEqual({ Key: 'odin-migrate:migration', Value: '0004' });
    for (const [id, { Type, Properties }] of Object.entries(resourcesOf(template))) {
      if (Type !== 'AWS::IAM::Role') continue;
      const tags = (Properties['Tags'] as { Key: string }[]).map(({ Key }) => Key);
      expect(tags).toContain('odin-migrate:environment');
      expect([id, tags.includes('odin-migrate:migration')]).toEqual([id, id.startsWith('Migration')]);
    }
  });
});

describe('a run in the middle of a deployment', () => {
  const dependsOn = (name: string) =>
    Object.entries(resourcesOf(template)).find(([id, { Type }]) => id.startsWith(name) && !Type.includes('Role'))?.[1]
      .DependsOn ?? [];

  it('never names a function that is not there yet: what lists them comes after them', () => {
    const functions = Object.entries(resourcesOf(template))
      .filter(([id, { Type }]) => Type === 'AWS::Lambda::Function' && id.startsWith('Migration'))
      .map(([id]) => id);
    expect(functions).toHaveLength(3);
    expect(dependsOn('ListPending')).toEqual(expect.arrayContaining(functions));
    expect(dependsOn('StateMachine2E')).toContainEqual(expect.stringMatching(/^ListPending\w{8}$/));
  });
});

describe('every function', () => {
  it('has a role of its own', () => {
    const functions = ofType(template, 'AWS::Lambda::Function');
    const own = functions.map(({ Properties }) => JSON.stringify(Properties['Role']));
    expect(functions).toHaveLength(8 + 3); // start-run is there only with runOnDeploy
    expect(new Set(own).size).toBe(functions.length);
  });

  it('runs on nodejs24.x and arm64, with source maps and traces', () => {
    for (const { Properties } of ofType(template, 'AWS::Lambda::Function')) {
      expect(Properties).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        TracingConfig: { Mode: 'Active' },
        Environment: {
          Variables: {
            NODE_OPTIONS: '--enable-source-maps',
            ODIN_ENVIRONMENT: 'odin-dev',
            ODIN_ACCOUNT: { Ref: 'AWS::AccountId' },
          },
        },
      });
    }
  });

  it('of the system has time for a ledger that answers late, and for a preview that somebody waits for', () => {
    const ours = ofType(template, 'AWS::Lambda::Function')
      .map(({ Properties }) => Properties)
      .filter(({ FunctionName }) => !/-\d{4}$/.test(FunctionName as string));
    expect(ours).toHaveLength(8);
    for (const { FunctionName, Timeout, MemorySize } of ours) {
      expect([FunctionName, Timeout, MemorySize]).toEqual([FunctionName, 90, 512]);
    }
  });

  it('of the system knows the machine, the topics and what else it works with, and no more', () => {
    const common = ['NODE_OPTIONS', 'ODIN_ENVIRONMENT', 'ODIN_ACCOUNT', 'ODIN_LEDGER_BUCKET', 'ODIN_COMMIT'];
    const told = synthesise([], { environment: { stack: { chatTopic: 'own', runOnDeploy: true } } });
    const known = ofType(told, 'AWS::Lambda::Function').map(({ Properties }) => {
      const { Variables } = Properties['Environment'] as { Variables: Record<string, unknown> };
      const more = Object.entries(Variables).filter(([name]) => !common.includes(name));
      return [Properties['FunctionName'], Object.fromEntries(more.map(([name, value]) => [name, text(value)]))];
    });
    const arn = (service: string, rest: string) =>
      `arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}:${rest}`;
    const machine = { ODIN_STATE_MACHINE_ARN: arn('states', 'stateMachine:odin-migrate-odin-dev') };
    const topics = {
      ODIN_TOPIC_ARN: expect.stringMatching(/^\$\{Notifications/) as unknown,
      ODIN_CHAT_TOPIC_ARN: expect.stringMatching(/^\$\{ChatNotifications/) as unknown,
    };
    const address = { ODIN_DASHBOARD_URL: expect.stringContaining('#dashboards/') as unknown };
    expect(Object.fromEntries(known)).toEqual({
      'odin-migrate-odin-dev-list-pending': { ...machine, ...topics },
      'odin-migrate-odin-dev-record-completion': {},
      'odin-migrate-odin-dev-halt': { ...machine, ...topics, ...address },
      'odin-migrate-odin-dev-resume': machine,
      'odin-migrate-odin-dev-baseline': {},
      'odin-migrate-odin-dev-watch-halts': { ...machine, ...topics },
      'odin-migrate-odin-dev-check-removals': {},
      'odin-migrate-odin-dev-start-run': { ...machine, ...topics },
      'customWidget-odin-migrate-odin-dev': {
        ...topics,
        ODIN_RESUME_FUNCTION: expect.stringMatching(/^\$\{Resume/) as unknown,
      },
    });
  });

  it('may write log lines of its own group only', () => {
    for (const role of roles(template).filter((id) => !id.startsWith('StateMachine'))) {
      const group = role.startsWith('Migration') ? 'MigrationLogs' : 'SystemLogs';
      const logs = statementsOf(template, role).filter(({ Action }) => list(Action)[0]?.startsWith('logs:'));
      expect(logs.map(({ Resource }) => text(Resource))).toEqual([
        expect.stringMatching(`^\\$\\{${group}\\w+\\.Arn\\}$`),
      ]);
    }
  });
});

describe('logs', () => {
  it('are kept for a year, or for as long as is configured', () => {
    const days = (of: Template) =>
      ofType(of, 'AWS::Logs::LogGroup').map(({ Properties }) => Properties['RetentionInDays']);
    expect(days(template)).toEqual([365, 365, 365]);
    expect(days(synthesise([], { environment: { stack: { logRetentionDays: 7 } } }))).toEqual([7, 7, 7]);
  });

  it('of the state machine have no execution data, in which the task tokens are', () => {
    template.hasResourceProperties('AWS::StepFunctions::StateMachine', {
      LoggingConfiguration: { IncludeExecutionData: false, Level: 'ALL' },
    });
  });
});

describe('the ledger bucket', () => {
  it('is versioned, encrypted, private, and stays when the stack goes', () => {
    template.hasResource('AWS::S3::Bucket', {
      Properties: {
        VersioningConfiguration: { Status: 'Enabled' },
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
        },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
      },
      DeletionPolicy: 'RetainExceptOnCreate',
      UpdateReplacePolicy: 'Retain',
    });
    expect(ofType(template, 'AWS::S3::Bucket')).toHaveLength(1);
    template.hasResourceProperties('AWS::S3::Bucket', {
      LifecycleConfiguration: {
        Rules: ['checkpoints/', 'state.json'].map((Prefix) => ({
          NoncurrentVersionExpiration: { NoncurrentDays: 90 },
          Prefix,
          Status: 'Enabled',
        })),
      },
    });
  });

  const policy = () => {
    const [found] = ofType(template, 'AWS::S3::BucketPolicy');
    const { Statement: statements } = found?.Properties['PolicyDocument'] as { Statement: Statement[] };
    return statements.map(({ Sid, Effect, Action, Resource, NotResource, Condition, ...rest }) => ({
      sid: Sid,
      effect: Effect,
      principal: (rest as { Principal?: unknown }).Principal,
      actions: list(Action),
      resources: inLedger(Resource),
      notResources: inLedger(NotResource),
      condition: Condition,
    }));
  };
  const statement = (sid: string) => policy().find((each) => each.sid === sid);

  it('has a policy that only denies, to everybody, with room for more', () => {
    expect(policy().map(({ sid }) => sid)).toEqual([
      undefined, // TLS
      undefined,
      'NothingIsDeleted',
      'NothingIsReplicatedHere',
      'NothingIsArchived',
      'NothingHasAKeyOfItsOwn',
      'NothingHasAnotherKey',
      'KeysAreCreatedOnce',
      'OthersAreReplacedFromWhatIsKnown',
      'WritersOfLog',
      'WritersOfTurns',
      'WritersOfCheckpoints',
      'WritersOfWaiters',
      'WritersOfCompleted',
      'WritersOfState',
      'ReadersOfWaiters',
      'MigrationsWriteTheirOwnPart',
      'MigrationsChangeNoSettings',
      'ThisAccountAlone',
    ]);
    for (const { effect, principal } of policy()) {
      expect(effect).toBe('Deny');
      expect(principal).toEqual({ AWS: '*' });
    }
    const longest = bucketPolicyOf(resourcesOf(synthesise([{ id: '0001' }], { name: 'x'.repeat(32) })));
    expect(JSON.stringify(longest).length).toBeLessThan(20 * 1024 * 0.8); // 20 KB are all that a bucket takes
  });

  it('takes nothing without TLS 1.2', () => {
    const conditions = policy().map(({ condition }) => condition);
    expect(conditions).toContainEqual({ Bool: { 'aws:SecureTransport': 'false' } });
    expect(conditions).toContainEqual({ NumericLessThan: { 's3:TlsVersion': 1.2 } });
  });

  it('lets nobody delete anything: a delete marker would let a create succeed again', () => {
    expect(statement('NothingIsDeleted')).toMatchObject({
      actions: ['s3:DeleteObject', 's3:DeleteObjectVersion'],
      resources: ['/*'],
      condition: undefined,
    });
  });

  it('lets nothing be put there in a way in which its readers are refused', () => {
    const headers = {
      NothingIsArchived: 'x-amz-storage-class',
      NothingHasAKeyOfItsOwn: 'x-amz-server-side-encryption-customer-algorithm',
      NothingHasAnotherKey: 'x-amz-server-side-encryption-aws-kms-key-id',
    };
    for (const [sid, header] of Object.entries(headers)) {
      expect(statement(sid), sid).toMatchObject({
        actions: ['s3:PutObject'],
        resources: ['/*'],
        condition: { Null: { [`s3:${header}`]: 'false' } },
      });
    }
    expect(statement('NothingIsArchived')?.condition).toMatchObject({
      StringNotEquals: { 's3:x-amz-storage-class': 'STANDARD' },
    });
  });

  it('lets keys be created once; what is replaced is replaced from what the writer knows', () => {
    expect(statement('KeysAreCreatedOnce')).toMatchObject({
      actions: ['s3:PutObject'],
      notResources: ['/checkpoints/*', '/state.json'],
      condition: { Null: { 's3:if-none-match': 'true' } },
    });
    expect(statement('OthersAreReplacedFromWhatIsKnown')).toMatchObject({
      actions: ['s3:PutObject'],
      resources: ['/checkpoints/*', '/state.json'],
      condition: { Null: { 's3:if-none-match': 'true', 's3:if-match': 'true' } },
    });
  });

  const roleNames = (names: string[]) => ({
    'aws:PrincipalArn': names.map((name) => ({
      'Fn::GetAtt': [expect.stringMatching(`^${name}Role`) as unknown, 'Arn'],
    })),
  });
  const ofMigrations = { 'Fn::Join': ['', expect.arrayContaining([':role/odin-odin-dev-????-']) as unknown] };

  it.each<[string, string, string[], boolean]>([
    ['WritersOfLog', '/log/*', ['ListPending', 'Halt', 'Resume', 'RecordCompletion', 'Baseline'], false],
    ['WritersOfTurns', '/turns/*', ['ListPending'], true],
    ['WritersOfCheckpoints', '/checkpoints/*', [], true],
    ['WritersOfWaiters', '/waiters/*', ['Halt'], false],
    ['WritersOfCompleted', '/completed/*', ['RecordCompletion', 'Baseline', 'ListPending'], false],
    ['WritersOfState', '/state.json', ['ListPending'], false],
  ])('%s: %s is written by its own writers, whoever else may write', (sid, pattern, names, migrations) => {
    const { actions, resources, condition } = statement(sid)!;
    expect({ actions, resources }).toEqual({ actions: ['s3:PutObject'], resources: [pattern] });
    const roles = roleNames(names)['aws:PrincipalArn'];
    expect(condition).toEqual({ ArnNotLike: { 'aws:PrincipalArn': migrations ? [ofMigrations, ...roles] : roles } });
  });

  it('shows the task tokens to those who tell or count the waiters, in no version of an object to anybody else', () => {
    expect(statement('ReadersOfWaiters')).toMatchObject({
      actions: ['s3:GetObject', 's3:GetObjectVersion'],
      resources: ['/waiters/*'],
      condition: { ArnNotLike: roleNames(['Halt', 'Resume', 'WatchHalts', 'RecordCompletion']) },
    });
  });

  it('lets a migration write its own part alone, whatever its own permissions say', () => {
    const tag = 'aws:PrincipalTag/odin-migrate:migration';
    expect(statement('MigrationsWriteTheirOwnPart')).toMatchObject({
      actions: ['s3:PutObject'],
      notResources: [
        `/turns/\${${tag}}/????????/claim.json`,
        `/turns/\${${tag}}/????????/outcome.json`,
        `/turns/\${${tag}}/????????/batches/*.json`,
        `/checkpoints/\${${tag}}.json`,
      ],
      condition: { Null: { [tag]: 'false' } },
    });
  });

  it('is of this account alone', () => {
    expect(statement('ThisAccountAlone')).toMatchObject({
      actions: ['s3:*'],
      resources: ['', '/*'],
      condition: {
        StringNotEquals: { 'aws:PrincipalAccount': { Ref: 'AWS::AccountId' } },
        BoolIfExists: { 'aws:PrincipalIsAWSService': 'false' },
      },
    });
  });

  it.each<[string, string[]]>([
    [
      'ListPending',
      [
        '/completed/????.json',
        '/log/????????.json',
        '/state.json',
        '/turns/????/????????/batches/*.json',
        '/turns/????/????????/claim.json',
        '/turns/????/????????/failures.jsonl',
        '/turns/????/????????/outcome.json',
      ],
    ],
    ['RecordCompletion', ['/completed/????.json', '/log/????????.json']],
    ['Halt', ['/log/????????.json', '/waiters/????????/*.json']],
    ['Resume', ['/log/????????.json']],
    ['Baseline', ['/completed/????.json', '/log/????????.json']],
    ['WatchHalts', []],
    ['Dashboard', []],
    ['StateMachine', []],
  ])('is written by %s in these keys, and nowhere else', (role, patterns) => {
    const writes = statementsOf(template, `${role}Role`).filter(({ Action }) => list(Action).includes('s3:PutObject'));
    expect(writes.flatMap(({ Resource }) => inLedger(Resource)).sort()).toEqual(patterns);
  });

  it('may be listed by everybody who reads it: without that, a missing key answers 403', () => {
    for (const role of roles(template).filter((id) => !id.startsWith('StateMachine'))) {
      expect(actionsOf(statementsOf(template, role)), role).toContain('s3:ListBucket');
    }
  });
});

describe('Step Functions', () => {
  const holders = (action: string) =>
    roles(template)
      .filter((role) => actionsOf(statementsOf(template, role)).includes(action))
      .map((id) => id.replace(/\w{8}$/, ''));

  it('is answered by those who read the waiters, and started by `resume`, the watch and what hands over, for this machine', () => {
    for (const action of ['states:SendTaskSuccess', 'states:SendTaskFailure']) {
      expect(holders(action), action).toEqual(['RecordCompletionRole', 'HaltRole', 'ResumeRole', 'WatchHaltsRole']);
    }
    expect(holders('states:StartExecution')).toEqual([
      'ListPendingRole',
      'ResumeRole',
      'StateMachineRole',
      'WatchHaltsRole',
    ]);
    const starts = statementsOf(template, 'ListPendingRole').filter(({ Action }) => Action === 'states:StartExecution');
    expect(starts.map(({ Resource }) => text(Resource))).toEqual([
      expect.stringMatching(/:stateMachine:odin-migrate-odin-dev$/),
    ]);
    expect(holders('states:GetExecutionHistory')).toEqual(['ListPendingRole']);
    const sends = statementsOf(template, 'ResumeRole').filter(({ Action }) =>
      list(Action).includes('states:SendTaskSuccess'),
    );
    expect(sends.flatMap(({ Resource }) => list(Resource).map(text))).toEqual([
      'arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:odin-migrate-odin-dev',
    ]);
  });

  it('is asked whether an execution is alive by those who decide on it', () => {
    expect(holders('states:DescribeExecution')).toEqual([
      'ListPendingRole',
      'HaltRole',
      'ResumeRole',
      'StateMachineRole', // of the children of its map
      'WatchHaltsRole',
    ]);
    const [describe_] = statementsOf(template, 'HaltRole').filter(
      ({ Action }) => Action === 'states:DescribeExecution',
    );
    expect(text(describe_?.Resource)).toMatch(/:execution:odin-migrate-odin-dev:\*$/);
  });

  it('has no wildcard action anywhere but in what a migration asks for', () => {
    for (const role of roles(template).filter((id) => !id.startsWith('Migration0004'))) {
      for (const action of actionsOf(statementsOf(template, role))) expect(action, role).not.toContain('*');
    }
  });

  it('publishes by those who have something to tell, and by no migration', () => {
    expect(holders('sns:Publish')).toEqual(['ListPendingRole', 'HaltRole', 'WatchHaltsRole']);
  });

  describe('the role of the machine', () => {
    const mayInvoke = (name: string) => {
      const principal = rolesOf(resourcesOf(template)).get('StateMachineRole');
      if (!principal) throw new Error('the machine has no role');
      return isAllowed({ principal, action: 'lambda:InvokeFunction', resource: arnOfFunction(name) });
    };

    it('may invoke what the machine invokes', () => {
      for (const name of ['list-pending', 'record-completion', 'halt'] as const) {
        expect(mayInvoke(systemFunctionName({ environment: 'odin-dev' }, name)), name).toBe(true);
      }
      for (const id of ['0001', '9999'])
        expect(mayInvoke(migrationFunctionName({ environment: 'odin-dev' }, id))).toBe(true);
    });

    it('may invoke no other: a machine does not decide, and declares nothing done', () => {
      for (const name of ['resume', 'baseline', 'dashboard', 'watch-halts', 'start-run', 'check-removals'] as const) {
        expect(mayInvoke(systemFunctionName({ environment: 'odin-dev' }, name)), name).toBe(false);
      }
    });

    it('may not invoke a function of another environment, however it is named', () => {
      const name = fc.oneof(
        fc.stringMatching(/^[a-z](-?[a-z0-9]){0,10}$/),
        fc.stringMatching(/^[a-z0-9]{0,3}(-?[a-z0-9]){0,4}$/).map((rest) => `odin-dev-${rest}`),
        fc.constantFrom('odin', 'odin-dev-0001', 'odin-de', 'odin-dev0', 'odin-dev-halt'),
      );
      fc.assert(
        fc.property(name, (other) => {
          fc.pre(isEnvironmentName(other) && other !== 'odin-dev');
          for (const system of SYSTEM_FUNCTIONS)
            expect(mayInvoke(systemFunctionName({ environment: other }, system))).toBe(false);
          expect(mayInvoke(migrationFunctionName({ environment: other }, '0001'))).toBe(false);
        }),
      );
    });

    it('may besides that start executions of itself, for batches, and write its logs and traces', () => {
      const statements = statementsOf(template, 'StateMachineRole');
      const others = actionsOf(statements).filter((action) => !action.startsWith('lambda:'));
      expect(others.length).toBeGreaterThan(0);
      for (const action of others) expect(action).toMatch(/^(logs|xray|states):/);
      const own = statements.filter(({ Action }) => list(Action).some((action) => action.startsWith('states:')));
      expect(
        own.map(({ Action, Resource }) => [list(Action).join(), text(Resource).replace(/^.*AccountId}:/, '')]),
      ).toEqual([
        ['states:StartExecution', 'stateMachine:odin-migrate-odin-dev'],
        ['states:DescribeExecution,states:StopExecution', 'execution:odin-migrate-odin-dev:*'],
        ['states:RedriveExecution', 'execution:odin-migrate-odin-dev/*:*'],
      ]);
    });
  });
});

describe('the stack', () => {
  it('says what it is', () => {
    expect(template.toJSON()).toMatchObject({ Description: 'odin-migrate: one-time operations of odin-dev' });
  });

  it('claims its name before anything else is made or replaced: where it is another’s, nothing is', () => {
    const all = Object.entries(resourcesOf(template));
    const [claim, found] =
      all.find(([, { Properties }]) => Properties['Name'] === '/odin-migrate/-/odin-dev/claim') ?? [];
    expect(found).toMatchObject({
      Type: 'AWS::SSM::Parameter',
      Properties: {
        Value: 'odin-dev',
        Description: expect.stringContaining('odin-migrate adopt brings it back') as string,
      },
      DeletionPolicy: 'RetainExceptOnCreate',
    });
    expect(found?.DependsOn).toBeUndefined();
    const hurried = all.filter(([id, { DependsOn }]) => id !== claim && !list(DependsOn).includes(claim ?? ''));
    expect(hurried.map(([id]) => id)).toEqual([]);
  });

  it('tells the command line where everything is', () => {
    expect(Object.keys(template.findOutputs('*')).sort()).toEqual([
      'DashboardUrl',
      'LedgerBucketName',
      'NotificationTopicArn',
      'ResumeFunctionName',
      'StateMachineArn',
    ]);
    template.hasOutput('ResumeFunctionName', { Value: 'odin-migrate-odin-dev-resume' });
  });

  it('has a machine of a fixed name, whose definition is the one that is tested', () => {
    const [machine] = ofType(template, 'AWS::StepFunctions::StateMachine');
    expect(machine?.Properties['StateMachineName']).toBe('odin-migrate-odin-dev');
    const definition = text(machine?.Properties['DefinitionString']);
    expect(JSON.parse(definition)).toMatchObject({ StartAt: 'List pending', States: { 'Halt for operator': {} } });
    expect(Buffer.byteLength(definition)).toBeLessThan(1024 * 1024);
  });

  it('tells whoever is configured', () => {
    const told = synthesise([], {
      environment: { stack: { notify: ['mailto:team@example.com', 'https://example.com/hook'] } },
    });
    const subscriptions = ofType(told, 'AWS::SNS::Subscription').map(({ Properties }) => [
      Properties['Protocol'],
      Properties['Endpoint'],
    ]);
    expect(subscriptions).toEqual([
      ['email', 'team@example.com'],
      ['https', 'https://example.com/hook'],
    ]);
  });

  it('has no ledger of its own, when odin-migrate.json names the one of before', () => {
    const template = synthesise([{ id: '0001' }], {
      environment: { stack: { existingLedgerBucketName: 'former-ledger' } },
    });
    template.resourceCountIs('AWS::S3::Bucket', 0);
    template.hasOutput(OUTPUTS.ledgerBucket, { Value: 'former-ledger' });
  });

  it('may have no migration', () => {
    expect(ofType(synthesise([]), 'AWS::Lambda::Function')).toHaveLength(8);
  });

  it('stays under the 500 resources and the 1 MB of a template with as many migrations as it may have', () => {
    const ids = Array.from({ length: 220 }, (_, n) => String(n + 1).padStart(4, '0'));
    const permissions = [
      {
        Effect: 'Allow' as const,
        Action: ['s3:GetObject', 's3:PutObject'],
        Resource: ['arn:aws:s3:::data/some/prefix/*'],
      },
    ];
    const full = synthesise(
      ids.map((id) => ({ id, permissions, description: 'x'.repeat(100), variables: { DATA_BUCKET: 'data' } })),
      { name: 'x'.repeat(32), environment: { stack: { notify: ['mailto:a@example.com', 'mailto:b@example.com'] } } },
    );
    expect(Object.keys(resourcesOf(full)).length).toBeLessThanOrEqual(500);
    expect(ofType(full, 'AWS::Lambda::Function')).toHaveLength(228);
    expect(Buffer.byteLength(JSON.stringify(full.toJSON()))).toBeLessThan(1_000_000);
  });

  it('has as many resources as docs/performance.md says', () => {
    const [none = 0, one = 0] = [[], [{ id: '0001' }]].map(
      (migrations) => Object.keys(resourcesOf(synthesise(migrations))).length,
    );
    const said = `${none} and ${one - none} for each migration: ${Math.floor((500 - none) / (one - none))}.`;
    expect(readFileSync(path.join(PROJECT, 'docs/performance.md'), 'utf8')).toContain(said);
    expect(MAX_MIGRATIONS).toBeLessThanOrEqual((500 - none) / (one - none));
  });

  it('is not synthesised for an unknown environment or a bad name: nothing is built', async () => {
    const project = temporaryProject({ 'migrations/odin-dev/0001.ts': '', 'migrations/Odin_Prod/0001.ts': '' });
    const build = (only: string) => () => {
      const app = offlineApp(path.join(directory, 'none'));
      addEnvironments(app, project, { plans: planDeployed(project, { only }) });
      return app.node.children.length;
    };
    expect((await thrownBy(build('odin-prod'))).code).toBe('UnknownEnvironment');
    expect((await thrownBy(build('Odin_Prod'))).code).toBe('BadEnvironmentName');
    project.remove();
  });
});
