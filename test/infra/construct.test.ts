// The construct `Migrations` in a stack of a team's own: its props, its members, and what is granted to and by it.
import type { App } from 'aws-cdk-lib';
import { Aspects, CfnResource, Duration, RemovalPolicy, Stack, Stage, Tags } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import type { IVpc, VpcProps } from 'aws-cdk-lib/aws-ec2';
import { Port, SecurityGroup, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { ManagedPolicy, PermissionsBoundary, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Architecture, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { offlineApp } from '../../infra/build-app.ts';
import type { DeployedMigration, MigrationsProps } from '../../infra/index.ts';
import { Migrations } from '../../infra/index.ts';
import { EnvironmentStack } from '../../infra/environment-stack.ts';
import { parseConfiguration } from '../../project/configuration.ts';
import { constructOf, stackOf, type StubMigration } from '../support/stack.ts';
import type { SynthesisedResource } from '../support/synth.ts';
import { thrownBy } from '../support/thrown.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'odin-construct-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let apps = 0;
const newApp = (): App => offlineApp(path.join(directory, String((apps += 1))));
const newStack = (): Stack => new Stack(newApp(), 'Team');

const TWO = [{ id: '0001' }, { id: '0004' }];

function made(props: (stack: Stack) => Partial<MigrationsProps>, migrations: StubMigration[] = TWO) {
  const stack = newStack();
  const construct = constructOf(stack, migrations, props(stack));
  return { stack, construct, template: Template.fromStack(stack) };
}
/** An error annotation refuses a stack: in a test, which is no CDK CLI, its synthesis throws. */
const errorsOf = ({ node }: Migrations): unknown[] =>
  node.metadata.filter(({ type }) => type === 'aws:cdk:error').map(({ data }) => data as unknown);
type Resources = Record<string, SynthesisedResource>;
const resourcesOf = (template: Template) => (template.toJSON() as { Resources: Resources }).Resources;
const ofType = (template: Template, type: string) =>
  Object.entries(resourcesOf(template)).filter(([, { Type }]) => Type === type);
/** CDK's own types do not fit one another under exactOptionalPropertyTypes. */
const vpcIn = (stack: Stack, props: VpcProps = { natGateways: 1 }): IVpc => new Vpc(stack, 'Vpc', props) as IVpc;
const lambdas = (template: Template, name: RegExp) =>
  ofType(template, 'AWS::Lambda::Function')
    .map(([, { Properties }]) => Properties!)
    .filter(({ FunctionName }) => name.test(FunctionName as string));
const MIGRATION = /-\d{4}$/;

interface Statement {
  Action: string | string[];
  Resource: unknown;
  Condition?: unknown;
}
/** Of the inline policies of the one role whose logical id begins so. */
function inlineOf(template: Template, role: string): Statement[] {
  const found = ofType(template, 'AWS::IAM::Role').filter(([id]) => id.startsWith(role));
  expect(found).toHaveLength(1);
  const policies = found[0]?.[1].Properties?.['Policies'] as { PolicyDocument: { Statement: Statement[] } }[];
  return policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
}
const actions = (statements: Statement[]) => statements.flatMap(({ Action }) => Action);

describe('what is granted to a migration', () => {
  it('lands in the inline policy of its role, and in that of no other, without a further resource', () => {
    const plain = made(() => ({}));
    const stack = newStack();
    const bucket = new Bucket(stack, 'Data');
    bucket.grantReadWrite(constructOf(stack, TWO).migration('0004'));
    const template = Template.fromStack(stack);
    expect(actions(inlineOf(template, 'MigrationsMigration0004Role'))).toContain('s3:DeleteObject*');
    expect(actions(inlineOf(template, 'MigrationsMigration0001Role'))).not.toContain('s3:DeleteObject*');
    expect(Object.keys(resourcesOf(template))).toHaveLength(Object.keys(resourcesOf(plain.template)).length + 1);
  });

  it('by its role or its function lands there too', () => {
    const stack = newStack();
    const bucket = new Bucket(stack, 'Data');
    const construct = constructOf(stack, TWO);
    bucket.grantRead(construct.migration('0001').role);
    bucket.grantRead(construct.migration('0004').function);
    const template = Template.fromStack(stack);
    for (const id of ['0001', '0004']) {
      expect(actions(inlineOf(template, `MigrationsMigration${id}Role`))).toContain('s3:GetBucket*');
    }
    expect(ofType(template, 'AWS::IAM::Policy').map(([id]) => id.replace(/\w{8}$/, ''))).toEqual([
      'MigrationsStateMachineRoleDefaultPolicy',
    ]);
  });

  it('is granted to each of them by the construct', () => {
    const stack = newStack();
    new Bucket(stack, 'Data').grantPut(constructOf(stack, TWO));
    for (const id of ['0001', '0004']) {
      expect(actions(inlineOf(Template.fromStack(stack), `MigrationsMigration${id}Role`))).toContain('s3:Abort*');
    }
  });

  it.each(['a migration', 'the construct'])('is something to wait for, granted to %s', (whom) => {
    const stack = newStack();
    const construct = constructOf(stack, TWO);
    const grant = new Bucket(stack, 'Data').grantRead(whom === 'a migration' ? construct.migration('0004') : construct);
    const later = new CfnResource(stack, 'Later', { type: 'Team::Own::Thing' });
    grant.assertSuccess();
    grant.applyBefore(later);
    expect(resourcesOf(Template.fromStack(stack))['Later']?.DependsOn).toContainEqual(
      expect.stringMatching(/^MigrationsMigration0004Role/),
    );
  });

  it('of a secret with a key of its own is no circle: the key names the role by its name', () => {
    const stack = newStack();
    const secret = new Secret(stack, 'Orders', { encryptionKey: new Key(stack, 'Key') });
    const construct = constructOf(stack, TWO);
    secret.grantRead(construct.migration('0004'));
    secret.grantRead(construct);
    const template = Template.fromStack(stack); // throws for a circle
    const condition = JSON.stringify(ofType(template, 'AWS::KMS::Key'));
    expect(condition).toContain('role/odin-odin-dev-0004-');
    expect(condition).toContain('role/odin-odin-dev-????-');
  });

  it('may be another role: it can name the migration as who may assume it', () => {
    const stack = newStack();
    const { grantPrincipal } = constructOf(stack, TWO).migration('0004');
    new Role(stack, 'Other', { assumedBy: grantPrincipal });
    Template.fromStack(stack).hasResourceProperties('AWS::IAM::Role', {
      AssumeRolePolicyDocument: {
        Statement: [
          {
            Effect: 'Allow',
            Action: 'sts:AssumeRole',
            Principal: { AWS: '*' },
            Condition: { ArnEquals: { 'aws:PrincipalArn': Match.anyValue() } },
          },
        ],
      },
    });
  });
});

describe('access', () => {
  const asks = (...access: string[]) => [{ id: '0001' }, { id: '0004', access }];

  it('is granted by name to the files that ask for it, and to no other', () => {
    const asked: string[] = [];
    const { template } = made((stack) => {
      const bucket = new Bucket(stack, 'Data', { encryption: BucketEncryption.KMS });
      return {
        access: {
          data: (migration: DeployedMigration) => {
            asked.push(`${migration.id} ${migration.file}`);
            bucket.grantRead(migration);
          },
          other: () => asked.push('other'),
        },
      };
    }, asks('data'));
    expect(asked).toEqual(['0004 migrations/odin-dev/0004.ts']);
    expect(actions(inlineOf(template, 'MigrationsMigration0004Role'))).toContain('kms:Decrypt');
    expect(actions(inlineOf(template, 'MigrationsMigration0001Role'))).not.toContain('kms:Decrypt');
  });

  it.each([
    [{ data: () => undefined }, 'Known: data.'],
    [{}, 'The construct has no access.'],
  ])('that is unknown is an error which names the file: %#', (access, known) => {
    const construct = constructOf(newStack(), asks('dta'), { access });
    expect(errorsOf(construct)).toEqual([`migrations/odin-dev/0004.ts, access: nothing is called "dta". ${known}`]);
  });
});

describe('props', () => {
  it('variables: tokens too; those of a file go before', () => {
    const { template } = made(
      (stack) => ({ variables: { DATA_BUCKET: new Bucket(stack, 'Data').bucketName, OTHER: 'o' } }),
      [{ id: '0001' }, { id: '0004', variables: { OTHER: 'of the file' } }],
    );
    const [first, second] = lambdas(template, MIGRATION).map(
      ({ Environment }) => (Environment as { Variables: Record<string, unknown> }).Variables,
    );
    expect(first).toMatchObject({ DATA_BUCKET: { Ref: expect.stringMatching(/^Data/) as unknown }, OTHER: 'o' });
    expect(second).toMatchObject({ OTHER: 'of the file' });
  });

  it('app: is part of every name, and is refused when it cannot be', async () => {
    const { template } = made(() => ({ app: 'shop' }));
    expect(lambdas(template, /./).every(({ FunctionName }) => /shop--odin-dev/.test(FunctionName as string))).toBe(
      true,
    );
    const error = await thrownBy(() => constructOf(newStack(), TWO, { app: 'Shop' }));
    expect(error).toMatchObject({ code: 'BadConfiguration', source: 'user' });
  });

  it('environmentName: is refused when it cannot be one', async () => {
    const error = await thrownBy(() => constructOf(newStack(), TWO, { environmentName: 'Odin_Dev' }));
    expect(error.code).toBe('BadEnvironmentName');
  });

  it('topic: takes the place of its own, and lets alarms and the two functions publish, with its key', () => {
    const { template, construct } = made((stack) => ({
      topic: new Topic(stack, 'Ours', { masterKey: new Key(stack, 'Key') }),
    }));
    expect(construct.topic.node.id).toBe('Ours');
    template.resourceCountIs('AWS::SNS::Topic', 1);
    template.hasResourceProperties('AWS::SNS::TopicPolicy', {
      PolicyDocument: { Statement: [{ Principal: { Service: 'cloudwatch.amazonaws.com' }, Action: 'sns:Publish' }] },
    });
    expect(actions(inlineOf(template, 'MigrationsHaltRole'))).toEqual(
      expect.arrayContaining(['sns:Publish', 'kms:Decrypt']),
    );
  });

  it('chatTopic: a chat is told by it, beside the operators, and read may count who is told there', () => {
    const { template, construct } = made((stack) => ({ chatTopic: new Topic(stack, 'Chat') }));
    expect(construct.chatTopic?.node.id).toBe('Chat');
    expect(construct.topic.node.id).toBe('Notifications');
    const publishers = ['ListPending', 'Halt', 'WatchHalts'].map((role) =>
      JSON.stringify(inlineOf(template, `Migrations${role}Role`)),
    );
    for (const role of publishers)
      expect(role).toMatch(/"sns:Publish","Effect":"Allow","Resource":\[{"Ref":"Chat\w+"},/);
  });

  it('topic: two environments may share one', () => {
    const stack = newStack();
    const topic = new Topic(stack, 'Ours');
    for (const name of ['odin-dev', 'pr-12']) {
      constructOf(new Stack(stack, name), [], { environmentName: name, topic });
    }
    const [[, policy] = []] = ofType(Template.fromStack(stack), 'AWS::SNS::TopicPolicy');
    const { Statement } = policy?.Properties?.['PolicyDocument'] as { Statement: { Sid?: string }[] };
    const sids = Statement.map(({ Sid }) => Sid);
    expect(new Set(sids).size).toBe(sids.length);
  });

  it('commit: is known to those that record it, which are those that decide what runs and that tell of a halt', () => {
    const { template } = made(() => ({ commit: 'c0ffee' }));
    const told = lambdas(template, /./).filter(({ Environment }) => JSON.stringify(Environment).includes('"c0ffee"'));
    expect(told.map(({ FunctionName }) => FunctionName)).toEqual([
      'odin-migrate-odin-dev-list-pending',
      'odin-migrate-odin-dev-halt',
    ]);
  });

  it('subscriptions: tell whoever is given', () => {
    const { template } = made(() => ({ subscriptions: [new EmailSubscription('team@example.com')] }));
    template.hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'email', Endpoint: 'team@example.com' });
  });

  it('encryptionKey: encrypts ledger and topic, for every role that works with them', () => {
    const { template } = made((stack) => ({ encryptionKey: new Key(stack, 'Key') }));
    template.hasResourceProperties('AWS::S3::Bucket', {
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [
          { BucketKeyEnabled: true, ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' } },
        ],
      },
    });
    template.hasResourceProperties('AWS::SNS::Topic', { KmsMasterKeyId: Match.anyValue() });
    template.hasResourceProperties('AWS::KMS::Key', {
      KeyPolicy: {
        Statement: Match.arrayWith([
          {
            Effect: 'Allow',
            Principal: { Service: 'cloudwatch.amazonaws.com' },
            Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
            Resource: '*',
            Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
          },
        ]),
      },
    });
    for (const role of ['ListPending', 'Halt', 'Resume', 'Dashboard', 'WatchHalts', 'Migration0004']) {
      expect(actions(inlineOf(template, `Migrations${role}Role`)), role).toEqual(
        expect.arrayContaining(['kms:Decrypt', 'kms:GenerateDataKey']),
      );
    }
  });

  it('vpc: the migrations alone are in it, with one security group for all; each may have its interfaces', () => {
    const { template, construct } = made((stack) => ({ vpc: vpcIn(stack) }));
    const inside = lambdas(template, /./).filter(({ VpcConfig }) => VpcConfig !== undefined);
    expect(inside.map(({ FunctionName }) => FunctionName)).toEqual([
      'odin-migrate-odin-dev-0001',
      'odin-migrate-odin-dev-0004',
    ]);
    template.resourceCountIs('AWS::EC2::SecurityGroup', 1);
    expect(construct.connections.securityGroups).toHaveLength(1);
    template.hasResourceProperties('AWS::EC2::SecurityGroup', { GroupDescription: 'Migrations of odin-migrate' });
    // What Lambda asks for (docs/aws-facts.md).
    const needed = ['Create', 'Delete'].map((verb) => `ec2:${verb}NetworkInterface`);
    needed.push('ec2:DescribeNetworkInterfaces', 'ec2:DescribeSubnets');
    needed.push('ec2:AssignPrivateIpAddresses', 'ec2:UnassignPrivateIpAddresses');
    const ofMigration = actions(inlineOf(template, 'MigrationsMigration0004Role'));
    expect(ofMigration.filter((action) => action.startsWith('ec2:')).sort()).toEqual(needed.sort());
    expect(actions(inlineOf(template, 'MigrationsHaltRole'))).not.toContain('ec2:CreateNetworkInterface');
  });

  it('vpcSubnets, securityGroups: are those that are given; a migration and the construct are connectable', () => {
    const stack = newStack();
    const vpc = vpcIn(stack, {
      subnetConfiguration: [
        { name: 'a', subnetType: SubnetType.PRIVATE_ISOLATED },
        { name: 'b', subnetType: SubnetType.PRIVATE_ISOLATED },
      ],
    });
    const own = new SecurityGroup(stack, 'Own', { vpc });
    const database = new SecurityGroup(stack, 'Database', { vpc });
    const construct = constructOf(stack, TWO, { vpc, vpcSubnets: { subnetGroupName: 'b' }, securityGroups: [own] });
    database.connections.allowFrom(construct.migration('0004'), Port.tcp(5432));
    construct.connections.allowTo(database, Port.tcp(5433));
    const template = Template.fromStack(stack);
    template.resourceCountIs('AWS::EC2::SecurityGroup', 2);
    expect(ofType(template, 'AWS::EC2::SecurityGroupIngress')).toHaveLength(2);
    const [{ VpcConfig } = {}] = lambdas(template, MIGRATION);
    expect(JSON.stringify(VpcConfig)).toMatch(/bSubnet1/);
    expect(JSON.stringify(VpcConfig)).not.toMatch(/aSubnet1/);
  });

  it('vpc: without one there are no connections, and the error says so', async () => {
    const { construct } = made(() => ({}));
    for (const each of [construct, construct.migration('0004')]) {
      expect(await thrownBy(() => each.connections)).toMatchObject({ code: 'BadConfiguration', source: 'user' });
    }
  });

  it('architecture, tracing: of every function and of the machine', () => {
    const { template } = made(() => ({ architecture: Architecture.X86_64, tracing: Tracing.DISABLED }));
    for (const { Architectures, TracingConfig } of lambdas(template, /./)) {
      expect({ Architectures, TracingConfig }).toEqual({ Architectures: ['x86_64'], TracingConfig: undefined });
    }
    expect(JSON.stringify(ofType(template, 'AWS::IAM::Role'))).not.toContain('xray');
    template.hasResourceProperties('AWS::StepFunctions::StateMachine', { TracingConfiguration: { Enabled: false } });
  });

  it('runtime: of every function; one that they are not made for is refused', async () => {
    const { template } = made(() => ({ runtime: Runtime.NODEJS_22_X }));
    for (const { Runtime: name } of lambdas(template, /./)) expect(name).toBe('nodejs22.x');
    const error = await thrownBy(() => made(() => ({ runtime: Runtime.NODEJS_20_X })));
    expect(error).toMatchObject({ code: 'BadConfiguration', source: 'user' });
    expect(error.what).toBe('runtime: expected "nodejs24.x" or "nodejs22.x", found "nodejs20.x".');
  });

  it('logRetention, haltAlarmAfter: are kept, and waited for, as long as is said', () => {
    const { template } = made(() => ({ logRetention: RetentionDays.ONE_WEEK, haltAlarmAfter: Duration.minutes(30) }));
    expect(
      ofType(template, 'AWS::Logs::LogGroup').map(([, { Properties }]) => Properties?.['RetentionInDays']),
    ).toEqual([7, 7, 7]);
    template.hasResourceProperties('AWS::CloudWatch::Alarm', { Threshold: 0.5 });
  });

  it('alarms, dashboard: are left out when they are not wanted', () => {
    const { template, construct } = made(() => ({ alarms: false, dashboard: false }));
    template.resourceCountIs('AWS::CloudWatch::Alarm', 0);
    template.resourceCountIs('AWS::CloudWatch::Dashboard', 0);
    expect(lambdas(template, /^customWidget/)).toEqual([]);
    expect([construct.alarms, construct.dashboard, construct.dashboardUrl]).toEqual([[], undefined, undefined]);
  });

  it('existingLedgerBucketName: is the ledger, with our policy on it, and no bucket is made', () => {
    const { template } = made(() => ({ existingLedgerBucketName: 'former-ledger' }));
    template.resourceCountIs('AWS::S3::Bucket', 0);
    // The claim and the ledger's name stand there since it was made: to make them again would be refused.
    const parameters = (of: Template) =>
      ofType(of, 'AWS::SSM::Parameter').map(([, { Properties }]) => Properties?.['Name']);
    const [path, names] = ['/odin-migrate/-/odin-dev/', ['claim', 'ledger', 'registration']];
    expect(parameters(template)).toEqual([`${path}registration`]);
    expect(parameters(made(() => ({})).template).sort()).toEqual(names.map((name) => `${path}${name}`));
    const sids = (of: Template) => {
      const [[id, found] = []] = ofType(of, 'AWS::S3::BucketPolicy');
      const { Bucket: name, PolicyDocument } = found?.Properties as {
        Bucket: unknown;
        PolicyDocument: { Statement: { Sid?: string; Condition?: unknown }[] };
      };
      return { name, id, sids: PolicyDocument.Statement.map(({ Sid, Condition }) => Sid ?? Condition) };
    };
    // Under another id it would be a second policy of one bucket, when an environment takes its former ledger back.
    expect(sids(template)).toEqual({ ...sids(made(() => ({})).template), name: 'former-ledger' });
    expect(ofType(template, 'AWS::S3::BucketPolicy')[0]?.[1]).toMatchObject({ DeletionPolicy: 'RetainExceptOnCreate' });
  });

  it('removalPolicy: DESTROY empties the ledger, which its policy lets that one function do, and warns', () => {
    const { template, stack } = made(() => ({ removalPolicy: RemovalPolicy.DESTROY }));
    template.hasResource('AWS::S3::Bucket', { DeletionPolicy: 'Delete' });
    template.hasResource('AWS::S3::BucketPolicy', { DeletionPolicy: 'Delete' });
    template.hasResource('Custom::S3AutoDeleteObjects', {
      DependsOn: Match.arrayWith([Match.stringLikeRegexp('^MigrationsLedgerPolicy')]),
    });
    const emptier = { 'Fn::GetAtt': [Match.stringLikeRegexp('^CustomS3AutoDeleteObjects.*Role'), 'Arn'] };
    template.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Allow', Principal: { AWS: emptier } }),
          Match.objectLike({ Sid: 'NothingIsDeleted', Condition: { ArnNotEquals: { 'aws:PrincipalArn': emptier } } }),
        ]),
      },
    });
    Annotations.fromStack(stack).hasWarning('/Team/Migrations', Match.stringLikeRegexp('everything is pending again'));
  });

  it('removalPolicy: what is rolled back at once is all that goes; nothing is emptied, and there is no warning', () => {
    const { template, stack } = made(() => ({}));
    template.hasResource('AWS::S3::Bucket', { DeletionPolicy: 'RetainExceptOnCreate' });
    template.resourceCountIs('Custom::S3AutoDeleteObjects', 0);
    expect(Annotations.fromStack(stack).findWarning('*', Match.anyValue())).toEqual([]);
  });
});

it('a warning of its files is acknowledged by a short id of its own', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'warnings-'));
  const warnings = ['5.ts', '6.ts'].map((file) => `migrations/odin-dev/${file} is NOT a migration and was skipped: …`);
  const stack = stackOf(offlineApp(directory), TWO, { warnings });
  const told = Annotations.fromStack(stack).findWarning('*', Match.anyValue());
  rmSync(directory, { recursive: true, force: true });
  const ids = told.map(({ entry }) => / \[ack: (odin-migrate:[0-9a-f]{8})\]$/.exec(entry.data as string)?.[1]);
  expect(new Set(ids).size).toBe(2);
  expect(ids).not.toContain(undefined);
});

describe('members', () => {
  it('are there', () => {
    const { construct } = made(() => ({}));
    expect(construct.migrations.map(({ id }) => id)).toEqual(['0001', '0004']);
    expect(construct.alarms).toHaveLength(7);
    expect(construct.dashboard?.node.id).toBe('MigrationsDashboard');
    expect(construct.ledger.node.id).toBe('Ledger');
    expect(construct.stateMachine.node.id).toBe('StateMachine');
    expect(construct.metricOpenHaltHours()).toMatchObject({
      namespace: 'odin-migrate',
      metricName: 'OpenHaltHours',
      dimensions: { Environment: 'odin-dev' },
    });
    expect(construct.metricOpenHaltHours({ period: Duration.hours(1) }).period).toEqual(Duration.hours(1));
  });

  it('migration(): names those that there are when it is none of them', async () => {
    const { construct } = made(() => ({}));
    const error = await thrownBy(() => construct.migration('0002'));
    expect(error).toMatchObject({ code: 'UnknownMigration', why: 'It has 0001, 0004.' });
  });

  it('executeAfter(): the run of a deployment comes after these too; without one it does nothing', () => {
    for (const runOnDeploy of [true, false]) {
      const stack = newStack();
      const before = new CfnResource(stack, 'Before', { type: 'Team::Own::Thing' });
      constructOf(stack, TWO, { runOnDeploy }).executeAfter(before);
      const template = Template.fromStack(stack);
      const waiting = Object.values(resourcesOf(template)).filter(({ DependsOn = [] }) => DependsOn.includes('Before'));
      expect(waiting.map(({ Type }) => Type)).toEqual(runOnDeploy ? ['Custom::OdinMigrateRun'] : []);
    }
  });

  it('runOnDeploy comes after the whole construct, and what is granted in it', () => {
    const { template } = made(
      (stack) => {
        const vpc = vpcIn(stack);
        const database = new SecurityGroup(stack, 'Database', { vpc });
        return {
          runOnDeploy: true,
          vpc,
          access: { orders: (migration: DeployedMigration) => migration.connections.allowTo(database, Port.tcp(5432)) },
        };
      },
      [{ id: '0001', access: ['orders'] }],
    );
    const [[, run] = []] = ofType(template, 'Custom::OdinMigrateRun');
    const own = /^Migrations(StartRun|RunOnDeploy)/;
    const others = Object.keys(resourcesOf(template)).filter((id) => id.startsWith('Migrations') && !own.test(id));
    expect(others.filter((id) => !run?.DependsOn?.includes(id))).toEqual([]);
  });
});

describe('grants', () => {
  const granted = (give: (construct: Migrations, role: Role) => void, app?: string) => {
    const stack = newStack();
    const role = new Role(stack, 'Pipeline', { assumedBy: new ServicePrincipal('codebuild.amazonaws.com') });
    give(constructOf(stack, TWO, { app }), role);
    return policyOf(Template.fromStack(stack));
  };
  const policyOf = (template: Template) => {
    const [[, policy] = []] = ofType(template, 'AWS::IAM::Policy').filter(([id]) => id.startsWith('Pipeline'));
    return (policy?.Properties?.['PolicyDocument'] as { Statement: Statement[] }).Statement;
  };
  const LOOK = [
    'cloudformation:DescribeStacks',
    'lambda:InvokeFunction',
    's3:GetObject',
    's3:ListBucket',
    'sns:GetTopicAttributes',
    'ssm:GetParameter',
    'ssm:GetParameters',
    'ssm:GetParametersByPath',
    'states:DescribeExecution',
  ];
  const invoked = (statements: Statement[]) =>
    JSON.stringify(
      statements.filter(({ Action }) => Action === 'lambda:InvokeFunction').map(({ Resource }) => Resource),
    )
      .match(/function:[^"]+/g)
      ?.sort();

  it.each<[keyof Migrations['grants'], string[], string[]]>([
    ['read', [], ['list-pending']],
    ['run', ['states:StartExecution'], ['list-pending']],
    ['preview', ['states:StartExecution'], ['0???', 'list-pending']],
    ['decide', [], ['list-pending', 'resume', 'customWidget']],
    ['baseline', [], ['baseline', 'list-pending']],
  ])('%s gives what its row of the table needs', (name, more, functions) => {
    const statements = granted((construct, role) => construct.grants[name](role).assertSuccess());
    expect(actions(statements).sort()).toEqual([...LOOK, ...more].sort());
    const expected = functions.map((each) =>
      each === 'customWidget'
        ? 'function:customWidget-odin-migrate-odin-dev'
        : `function:odin-migrate-odin-dev-${each}`,
    );
    expect(invoked(statements)).toEqual(expected.sort());
  });

  it('are of this environment alone', () => {
    const statements = granted((construct, role) => construct.grants.preview(role), 'shop');
    for (const { Action, Resource } of statements) {
      const text = JSON.stringify(Resource);
      if (text.includes('Ledger')) continue;
      if (Action === 'cloudformation:DescribeStacks') expect(text).toContain('stack/Team/*');
      else if (Action === 'sns:GetTopicAttributes') expect(text).toMatch(/^{"Ref":"MigrationsNotifications\w+"}$/);
      else expect(text, String(Action)).toMatch(/shop(--|\/)odin-dev/);
    }
  });

  it('need the key of the ledger too, when it has one', () => {
    const stack = newStack();
    const role = new Role(stack, 'Pipeline', { assumedBy: new ServicePrincipal('codebuild.amazonaws.com') });
    constructOf(stack, TWO, { encryptionKey: new Key(stack, 'Key') }).grants.read(role);
    expect(actions(policyOf(Template.fromStack(stack)))).toContain('kms:Decrypt');
  });

  it.each(['by its name', 'by what is known of it'])('of an environment that is found %s are the same', (how) => {
    const stack = newStack();
    const role = new Role(stack, 'Pipeline', { assumedBy: new ServicePrincipal('codebuild.amazonaws.com') });
    const found =
      how === 'by its name'
        ? Migrations.fromEnvironmentName(stack, 'Other', 'odin-dev', { app: 'shop' })
        : Migrations.fromMigrationsAttributes(stack, 'Other', {
            environmentName: 'odin-dev',
            app: 'shop',
            ledgerBucketName: 'the-ledger',
          });
    found.grants.run(role);
    const template = Template.fromStack(stack);
    expect(actions(policyOf(template)).sort()).toEqual([...LOOK, 'states:StartExecution'].sort());
    expect(invoked(policyOf(template))).toEqual(['function:shop--odin-dev--list-pending']);
    expect(JSON.stringify(policyOf(template))).toContain('stateMachine:shop--odin-dev');
    // CloudFormation gives its topics names that begin with the stack's.
    const told = policyOf(template).find(({ Action }) => Action === 'sns:GetTopicAttributes');
    expect(JSON.stringify(told?.Resource)).toMatch(/:shop--odin-dev--migrations-\*"\]\]}$/);
    const parameters = template.findParameters('*', { Default: '/odin-migrate/shop/odin-dev/ledger' });
    expect(Object.keys(parameters)).toHaveLength(how === 'by its name' ? 1 : 0);
    expect(found.metricOpenHaltHours().dimensions).toEqual({ Environment: 'shop--odin-dev' });
  });

  it('of a name that no environment can have are refused', async () => {
    const error = await thrownBy(() => Migrations.fromEnvironmentName(newStack(), 'Other', 'Odin'));
    expect(error.code).toBe('BadEnvironmentName');
  });
});

describe('what odin-migrate.json says of a stack', () => {
  const stackWith = (stack: object) =>
    stackOf(newApp(), [{ id: '0004', access: ['data'] }], { environment: { stack } });

  it('access: statements for the files that ask for them by name', () => {
    const statement = { Effect: 'Allow', Action: 'sqs:SendMessage', Resource: 'arn:aws:sqs:eu-west-1:111122223333:q' };
    const template = Template.fromStack(stackWith({ access: { data: [statement] } }));
    expect(inlineOf(template, 'Migration0004Role')).toContainEqual(statement);
  });

  it('alarms, dashboard, removalPolicy: are the props of the construct', () => {
    const stack = stackWith({ access: { data: [] }, alarms: false, dashboard: false, removalPolicy: 'destroy' });
    const template = Template.fromStack(stack);
    template.resourceCountIs('AWS::CloudWatch::Alarm', 0);
    template.resourceCountIs('AWS::CloudWatch::Dashboard', 0);
    template.resourceCountIs('Custom::S3AutoDeleteObjects', 1);
    expect(stack.terminationProtection).toBe(false);
  });

  it('its stack has the same name in a Stage, where the commands look for it', () => {
    const stage = new Stage(newApp(), 'Dev');
    const project = { directory, configuration: parseConfiguration({}) };
    const { stackName } = new EnvironmentStack(stage, { environment: 'odin-dev', project });
    expect(stackName).toBe('OdinMigrate-odin-dev');
  });
});

describe('in a team’s app', () => {
  it('it works in a Stage, in two of them, and twice in one stack, with the same names wherever it is', () => {
    const app = newApp();
    for (const name of ['dev', 'prod']) {
      const stack = new Stack(new Stage(app, name), 'Team');
      constructOf(stack, TWO, { environmentName: name });
      const names = lambdas(Template.fromStack(stack), MIGRATION).map(({ FunctionName }) => FunctionName);
      expect(names).toEqual([`odin-migrate-${name}-0001`, `odin-migrate-${name}-0004`]);
    }
    const stack = new Stack(app, 'Both');
    for (const name of ['a', 'b']) constructOf(new Stack(stack, name), TWO, { environmentName: name });
    expect(() => app.synth()).not.toThrow();
  });

  it('a permissions boundary reaches every role', () => {
    const stack = newStack();
    const boundary = ManagedPolicy.fromAwsManagedPolicyName('PowerUserAccess');
    PermissionsBoundary.of(constructOf(stack, TWO)).apply(boundary);
    const roles = ofType(Template.fromStack(stack), 'AWS::IAM::Role');
    expect(roles.length).toBeGreaterThan(5);
    for (const [id, { Properties }] of roles)
      expect(JSON.stringify(Properties?.['PermissionsBoundary']), id).toContain('PowerUserAccess');
  });

  it('tags of the team and ours are on what takes tags', () => {
    const stack = newStack();
    Tags.of(stack).add('team', 'blue');
    constructOf(stack, TWO);
    for (const [id, { Properties }] of ofType(Template.fromStack(stack), 'AWS::Lambda::Function')) {
      expect(Properties?.['Tags'], id).toEqual(
        expect.arrayContaining([
          { Key: 'team', Value: 'blue' },
          { Key: 'odin-migrate:environment', Value: 'odin-dev' },
        ]),
      );
    }
  });

  it('an aspect changes what it visits, a migration’s function too', () => {
    const stack = newStack();
    constructOf(stack, TWO);
    Aspects.of(stack).add({
      visit: (node) => {
        if (CfnResource.isCfnResource(node) && node.cfnResourceType === 'AWS::Lambda::Function') {
          node.addPropertyOverride('ReservedConcurrentExecutions', 3);
        }
      },
    });
    for (const { ReservedConcurrentExecutions } of lambdas(Template.fromStack(stack), /./)) {
      expect(ReservedConcurrentExecutions).toBe(3);
    }
  });
});
