// What the `stack` of an environment in odin-migrate.json says becomes what the construct makes of the prop of that name.
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { offlineApp } from '../../infra/build-app.ts';
import { EnvironmentStack } from '../../infra/environment-stack.ts';
import { parseConfiguration } from '../../project/configuration.ts';
import { stackOf } from '../support/stack.ts';
import { thrownBy } from '../support/thrown.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'odin-configured-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let apps = 0;
const TWO = [{ id: '0001' }, { id: '0004' }];
const KEY = 'arn:aws:kms:eu-west-1:111122223333:key/0a1b';
const TOPIC = 'arn:aws:sns:eu-west-1:111122223333:operators';
const WHERE = { account: '111122223333', region: 'eu-west-1' };

interface Resource {
  Type: string;
  Properties: Record<string, unknown>;
}
function synth(stack: object, env: object = {}, context: Record<string, unknown> = {}) {
  const app = offlineApp(path.join(directory, String((apps += 1))));
  for (const [key, value] of Object.entries(context)) app.node.setContext(key, value);
  const made = stackOf(app, TWO, { environment: { stack }, env });
  const template = Template.fromStack(made);
  const { Resources } = template.toJSON() as { Resources: Record<string, Resource> };
  const ofType = (type: string) => Object.values(Resources).filter(({ Type }) => Type === type);
  const functions = ofType('AWS::Lambda::Function').map(({ Properties }) => Properties);
  return {
    template,
    ofType,
    functions,
    migrations: functions.filter(({ FunctionName }) => /-\d{4}$/.test(FunctionName as string)),
    actionsOf: (role: string) =>
      JSON.stringify(
        Object.entries(Resources).filter(([id, { Type }]) => Type === 'AWS::IAM::Role' && id.startsWith(role)),
      ),
    warnings: Annotations.fromStack(made).findWarning('*', Match.anyValue()),
    missing: app.synth().manifest.missing ?? [],
  };
}

describe('a topic that was made elsewhere', () => {
  it('takes the place of its own, is subscribed to, and is what the functions publish to, with its key', () => {
    const { template, actionsOf } = synth({ topic: TOPIC, topicKey: KEY, notify: ['mailto:team@example.com'] });
    template.resourceCountIs('AWS::SNS::Topic', 0);
    template.hasResourceProperties('AWS::SNS::Subscription', { TopicArn: TOPIC, Endpoint: 'team@example.com' });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', { AlarmActions: [TOPIC] });
    expect(actionsOf('HaltRole')).toContain(`"Resource":"${TOPIC}"`);
    expect(actionsOf('HaltRole')).toContain(KEY);
    expect(actionsOf('Migration0004Role')).not.toContain(KEY);
  });
});

describe('a chatTopic', () => {
  const CHAT = 'arn:aws:sns:eu-west-1:111122223333:chat';
  const toldOf = ({ functions }: ReturnType<typeof synth>) =>
    Object.fromEntries(
      functions.flatMap(({ FunctionName, Environment }) => {
        const { Variables } = Environment as { Variables: Record<string, unknown> };
        const arn = Variables['ODIN_CHAT_TOPIC_ARN'];
        return arn === undefined ? [] : [[(FunctionName as string).replace(/^.*odin-dev-?/, ''), arn]];
      }),
    );
  const ROLES = ['HaltRole', 'ListPendingRole', 'WatchHaltsRole', 'StartRunRole'];

  it('is none unless it is said', () => {
    const made = synth({ notify: ['https://example.com/on-call'] });
    made.template.resourceCountIs('AWS::SNS::Topic', 1);
    expect(toldOf(made)).toEqual({});
  });

  it('of its own has nobody but the chat: whoever is told by notify, and e-mail, stays with the other', () => {
    const made = synth({
      chatTopic: 'own',
      notify: ['https://example.com/on-call'],
      encryptionKey: KEY,
      runOnDeploy: true,
    });
    const topics = Object.entries(made.template.findResources('AWS::SNS::Topic')) as [string, Resource][];
    expect(topics.map(([, { Properties }]) => Properties['KmsMasterKeyId'])).toEqual([KEY, KEY]);
    const own = topics.map(([id]) => id).find((id) => id.startsWith('ChatNotifications')) ?? '';
    const operators = topics.map(([id]) => id).find((id) => id !== own) ?? '';
    made.template.resourceCountIs('AWS::SNS::Subscription', 1);
    made.template.hasResourceProperties('AWS::SNS::Subscription', { TopicArn: { Ref: operators } });
    made.template.hasOutput('ChatTopicArn', { Value: { Ref: own } });
    const arn = { Ref: own };
    expect(toldOf(made)).toEqual({ '': arn, halt: arn, 'list-pending': arn, 'watch-halts': arn, 'start-run': arn });
    for (const role of ROLES)
      expect(made.actionsOf(role), role).toContain(
        `"sns:Publish","Effect":"Allow","Resource":[{"Ref":"${own}"},{"Ref":"${operators}"}]`,
      );
    expect(made.actionsOf('DashboardRole')).toContain(
      `"sns:GetTopicAttributes","Effect":"Allow","Resource":[{"Ref":"${own}"},{"Ref":"${operators}"}]`,
    );
    for (const { Properties } of made.ofType('AWS::CloudWatch::Alarm')) {
      expect(Properties['AlarmActions']).toEqual([{ Ref: operators }, { Ref: own }]);
    }
    made.template.hasResourceProperties('AWS::SNS::TopicPolicy', {
      Topics: [{ Ref: own }],
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Action: 'sns:Publish', Principal: { Service: 'cloudwatch.amazonaws.com' } }),
        ]),
      },
    });
    const [registration] = made
      .ofType('AWS::SSM::Parameter')
      .filter(({ Properties }) => String(Properties['Name']).endsWith('registration'));
    expect(JSON.stringify(registration)).toContain('chatTopicArn');
  });

  it('that was made elsewhere is published to, with its key', () => {
    const made = synth({ chatTopic: CHAT, topicKey: KEY });
    made.template.resourceCountIs('AWS::SNS::Topic', 1);
    expect(toldOf(made)).toMatchObject({ halt: CHAT });
    expect(made.actionsOf('HaltRole')).toContain(`"sns:Publish","Effect":"Allow","Resource":["${CHAT}",`);
    expect(made.actionsOf('HaltRole')).toContain(KEY);
  });
});

describe('an encryptionKey', () => {
  it('encrypts ledger and topic, for every role that works with them', () => {
    const { template, actionsOf } = synth({ encryptionKey: KEY });
    template.hasResourceProperties('AWS::S3::Bucket', {
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [
          { ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: KEY } },
        ],
      },
    });
    template.hasResourceProperties('AWS::SNS::Topic', { KmsMasterKeyId: KEY });
    for (const role of ['HaltRole', 'Migration0004Role']) expect(actionsOf(role)).toContain('kms:GenerateDataKey');
  });
});

describe('a VPC', () => {
  const SUBNETS = ['subnet-0a', 'subnet-0b'];
  const configOf = (made: ReturnType<typeof synth>) => {
    const [first, ...more] = made.migrations.map(({ VpcConfig }) => VpcConfig);
    for (const other of more) expect(other).toEqual(first);
    expect(made.functions.filter(({ VpcConfig }) => VpcConfig !== undefined)).toHaveLength(TWO.length);
    return first;
  };

  it('by ids alone is looked up nowhere; its security group is made in it', () => {
    const made = synth({ vpc: { id: 'vpc-0a1b' }, vpcSubnets: { ids: SUBNETS } });
    expect(configOf(made)).toMatchObject({ SubnetIds: SUBNETS });
    made.template.hasResourceProperties('AWS::EC2::SecurityGroup', { VpcId: 'vpc-0a1b' });
    expect(made.missing).toEqual([]);
    expect(made.warnings).toEqual([]);
  });

  it('with security groups makes none', () => {
    const groups = ['sg-0a', 'sg-0b'];
    const made = synth({ vpc: { id: 'vpc-0a1b' }, vpcSubnets: { ids: SUBNETS }, securityGroups: groups });
    expect(configOf(made)).toEqual({ SubnetIds: SUBNETS, SecurityGroupIds: groups });
    expect(made.ofType('AWS::EC2::SecurityGroup')).toEqual([]);
  });

  const group = (name: string, type: string, subnetId: string) => ({
    name,
    type,
    subnets: [{ subnetId, availabilityZone: 'eu-west-1a', routeTableId: 'rtb-1' }],
  });
  const FOUND = {
    vpcId: 'vpc-0a1b',
    vpcCidrBlock: '10.0.0.0/16',
    ownerAccountId: WHERE.account,
    availabilityZones: [],
    subnetGroups: [
      group('out', 'Private', 'subnet-out'),
      group('data', 'Isolated', 'subnet-data'),
      group('other', 'Isolated', 'subnet-other'),
    ],
  };

  it.each<[string, object, string, object, string[]]>([
    ['its id', { id: 'vpc-0a1b' }, 'filter.vpc-id=vpc-0a1b', {}, ['subnet-out']],
    ['its name', { name: 'shop' }, 'filter.tag:Name=shop', { group: 'data' }, ['subnet-data']],
    [
      'tags',
      { tags: { team: 'shop' } },
      'filter.tag:team=shop',
      { type: 'PRIVATE_ISOLATED' },
      ['subnet-data', 'subnet-other'],
    ],
  ])('by %s is looked up by the CDK CLI, as in code, and its subnets are chosen', (_, vpc, filter, subnets, ids) => {
    const settings = { vpc, vpcSubnets: Object.keys(subnets).length > 0 ? subnets : undefined };
    const [asked, ...more] = synth(settings, WHERE).missing;
    expect(more).toEqual([]);
    expect(asked?.key).toContain(filter);
    const made = synth(settings, WHERE, { [asked?.key ?? '']: FOUND });
    expect(made.missing).toEqual([]);
    expect(configOf(made)).toMatchObject({ SubnetIds: ids });
  });

  it('that is looked up nobody knows where is an error that says what to say', async () => {
    const error = await thrownBy(() => synth({ vpc: { name: 'shop' } }));
    expect(error).toMatchObject({ code: 'BadConfiguration', source: 'user' });
    expect(error.what).toContain('odin-migrate.json, environments.odin-dev.stack.vpc: ');
    expect(error.next).toContain('account and region');
  });
});

describe('architecture and tracing', () => {
  it.each([
    ['arm64', 'active', { Mode: 'Active' }, true],
    ['x86_64', 'pass-through', { Mode: 'PassThrough' }, true],
    ['arm64', 'disabled', undefined, false],
  ])('%s, %s', (architecture, tracing, mode, ofMachine) => {
    const { functions, template } = synth({ architecture, tracing });
    for (const { Architectures, TracingConfig } of functions) {
      expect({ Architectures, TracingConfig }).toEqual({ Architectures: [architecture], TracingConfig: mode });
    }
    template.hasResourceProperties('AWS::StepFunctions::StateMachine', {
      TracingConfiguration: { Enabled: ofMachine },
    });
  });
});

describe('access', () => {
  it('is granted, as the statements say, to the files that ask for it by name', () => {
    const app = offlineApp(path.join(directory, String((apps += 1))));
    const statement = { Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::data/*' };
    const environment = { stack: { access: { data: [statement] } } };
    const stack = stackOf(app, [{ id: '0001' }, { id: '0004', access: ['data'] }], { environment });
    const { Resources } = Template.fromStack(stack).toJSON() as { Resources: Record<string, Resource> };
    const withIt = Object.entries(Resources).filter(([, each]) => JSON.stringify(each).includes('s3:::data/*'));
    expect(withIt.map(([id]) => id)).toEqual([expect.stringMatching(/^Migration0004Role/)]);
  });
});

describe('on this machine', () => {
  it('nothing is there that was made elsewhere: the ledger and the topic are its own, and no VPC is looked up', () => {
    const app = offlineApp(path.join(directory, String((apps += 1))));
    const configuration = parseConfiguration({
      environments: {
        'odin-dev': {
          stack: {
            topic: TOPIC,
            topicKey: KEY,
            encryptionKey: KEY,
            vpc: { name: 'shop' },
            securityGroups: ['sg-0a'],
            existingLedgerBucketName: 'former-ledger',
            removalPolicy: 'destroy',
          },
        },
      },
    });
    const project = { directory: app.outdir, configuration };
    mkdirSync(path.join(project.directory, 'migrations/odin-dev'), { recursive: true });
    const stack = new EnvironmentStack(app, { environment: 'odin-dev', project, onThisMachine: true });
    const template = Template.fromStack(stack);
    template.resourceCountIs('AWS::SNS::Topic', 1);
    template.hasResource('AWS::S3::Bucket', { DeletionPolicy: 'RetainExceptOnCreate' });
    expect(JSON.stringify(template.toJSON())).not.toMatch(/former-ledger|sg-0a|:operators|:kms:/);
    expect(app.synth().manifest.missing).toBeUndefined();
  });
});
