// From a cloud assembly to the embedded AWS: a small one written by hand, with every intrinsic function that CDK uses.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OdinError } from '../../core/errors.ts';
import { deployTemplate } from '../../local/cloudformation/template.ts';
import { start } from './support.ts';
import type { Started } from './support.ts';

let started: Started;
let assembly: string;

beforeEach(async () => {
  started = await start();
  assembly = join(started.folder, 'cdk.out');
});
afterEach(() => started.stop());

const fn = (name: string, hash: string, variables: object = {}, more: object = {}) => ({
  Type: 'AWS::Lambda::Function',
  Properties: {
    FunctionName: name,
    Code: { S3Bucket: { 'Fn::Sub': 'assets-${AWS::AccountId}-${AWS::Region}' }, S3Key: `${hash}.zip` },
    Environment: { Variables: variables },
    Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
    Handler: 'index.handler',
    Runtime: 'nodejs24.x',
    Timeout: 30,
    MemorySize: 256,
    EphemeralStorage: { Size: 1024 },
    ...more,
  },
});

const machine = {
  Type: 'AWS::StepFunctions::StateMachine',
  Properties: {
    StateMachineName: 'machine',
    DefinitionString: {
      'Fn::Join': [
        '',
        [
          '{"StartAt":"A","States":{"A":{"Type":"Task","End":true,"Resource":"arn:',
          { Ref: 'AWS::Partition' },
          ':states:::lambda:invoke","Parameters":{"FunctionName":"',
          { 'Fn::GetAtt': ['Reads', 'Arn'] },
          '","Payload":{"comment":"${comment}"}},"OutputPath":"$.Payload"}}}',
        ],
      ],
    },
    DefinitionSubstitutions: { comment: { Ref: 'AWS::StackName' } },
  },
};

const RESOURCES = {
  Ledger: { Type: 'AWS::S3::Bucket', Properties: { BucketEncryption: { unread: { 'Fn::If': ['x', 'y', 'z'] } } } },
  Named: { Type: 'AWS::S3::Bucket', Properties: { BucketName: { 'Fn::Sub': 'data-${AWS::AccountId}' } } },
  Topic: { Type: 'AWS::SNS::Topic' },
  Role: { Type: 'AWS::IAM::Role' },
  Policy: { Type: 'AWS::IAM::Policy' },
  Meta: { Type: 'AWS::CDK::Metadata', Condition: 'CDKMetadataAvailable' },
  Table: { Type: 'AWS::DynamoDB::Table' },
  Reads: fn('reads', 'one', {
    REF: { Ref: 'Ledger' },
    ARN: { 'Fn::GetAtt': ['Named', 'Arn'] },
    TOPIC: { Ref: 'Topic' },
    MACHINE: { Ref: 'Machine' },
    SUB: { 'Fn::Sub': ['${Ledger}/${extra}/${Topic.TopicName}/${!kept}', { extra: { Ref: 'AWS::Region' } }] },
    SELECT: { 'Fn::Select': [1, { 'Fn::Split': ['/', 'a/b/c'] }] },
    NUMBER: 7,
    NONE: { Ref: 'AWS::NoValue' },
    PARAMETER: { Ref: 'Given' },
    ROLE: { 'Fn::GetAtt': ['Role', 'Arn'] },
  }),
  Machine: machine,
};

interface Parts {
  readonly resources?: object;
  readonly outputs?: object;
  readonly assets?: Record<string, string>;
}

/** @param parts.assets the source of each bundle, by hash */
function write(parts: Parts = {}): void {
  mkdirSync(assembly, { recursive: true });
  const file = (name: string, value: unknown) => writeFileSync(join(assembly, name), JSON.stringify(value));
  const assets = parts.assets ?? { one: `export const handler = async (event) => ({ event, env: process.env });` };
  for (const [hash, source] of Object.entries(assets)) {
    mkdirSync(join(assembly, `asset.${hash}`), { recursive: true });
    writeFileSync(join(assembly, `asset.${hash}`, 'index.mjs'), source);
  }
  const files = Object.keys(assets).map((hash) => [
    hash,
    { source: { path: `asset.${hash}`, packaging: 'zip' }, destinations: { here: { objectKey: `${hash}.zip` } } },
  ]);
  file('Stack.assets.json', { files: Object.fromEntries(files) as unknown });
  file('Stack.template.json', {
    Parameters: { Given: { Type: 'String', Default: 'default' } },
    Conditions: { CDKMetadataAvailable: {} },
    Resources: parts.resources ?? RESOURCES,
    Outputs: parts.outputs ?? { MachineArn: { Value: { Ref: 'Machine' } }, Bucket: { Value: { Ref: 'Ledger' } } },
  });
  file('manifest.json', {
    artifacts: {
      'Stack.assets': { type: 'cdk:asset-manifest', properties: { file: 'Stack.assets.json' } },
      Stack: {
        type: 'aws:cloudformation:stack',
        properties: { templateFile: 'Stack.template.json', stackName: 'MyStack' },
      },
    },
  });
}

const deploy = () => deployTemplate(started.aws, { assemblyDirectory: assembly, stackName: 'MyStack' });

describe('a deployment', () => {
  it('creates what the template says, with every reference resolved', async () => {
    write();
    const deployment = deploy();
    const states = 'arn:aws:states:eu-west-1:000000000000:stateMachine:machine';
    expect(deployment).toEqual({
      stackName: 'MyStack',
      outputs: { MachineArn: states, Bucket: 'mystack-ledger' },
      stateMachineArn: states,
      stateMachineArns: [states],
      bucketNames: ['mystack-ledger', 'data-000000000000'],
      topicArns: ['arn:aws:sns:eu-west-1:000000000000:MyStack-Topic'],
      functionNames: ['reads'],
      notDeployed: [{ logicalId: 'Table', type: 'AWS::DynamoDB::Table' }],
    });
    expect(started.aws.lambda.configOf('reads')).toMatchObject({
      timeoutSeconds: 30,
      memoryMB: 256,
      ephemeralStorageMB: 1024,
      runtime: 'nodejs24.x',
    });
    expect(started.aws.s3.store.buckets().map(({ name }) => name)).toEqual(['data-000000000000', 'mystack-ledger']);

    const { executionArn } = started.aws.stepFunctions.startExecution({ stateMachineArn: states });
    const { output = '' } = await started.aws.stepFunctions.waitFor(executionArn);
    const { event, env } = JSON.parse(output) as { event: unknown; env: object };
    expect(event).toEqual({ comment: 'MyStack' });
    expect(env).toMatchObject({
      REF: 'mystack-ledger',
      ARN: 'arn:aws:s3:::data-000000000000',
      TOPIC: 'arn:aws:sns:eu-west-1:000000000000:MyStack-Topic',
      MACHINE: states,
      SUB: 'mystack-ledger/eu-west-1/MyStack-Topic/${kept}',
      SELECT: 'b',
      NUMBER: '7',
      PARAMETER: 'default',
    });
    expect(env).not.toHaveProperty('NONE');
  });

  it('shortens names that are too long, and keeps them unique', () => {
    const long = 'L'.repeat(80);
    write({
      resources: { [`${long}1`]: { Type: 'AWS::S3::Bucket' }, [`${long}2`]: { Type: 'AWS::S3::Bucket' } },
      outputs: {},
    });
    const { bucketNames } = deploy();
    expect(new Set(bucketNames).size).toBe(2);
    for (const name of bucketNames) expect(name).toMatch(/^mystack-l+-[0-9a-f]{8}$/);
    expect(bucketNames[0]).toHaveLength(63);
    expect(deploy().bucketNames).toEqual(bucketNames);
  });

  it('again replaces code and definition, removes what is gone, and keeps data', async () => {
    const gone = fn('gone', 'one');
    write({ resources: { ...RESOURCES, Gone: gone } });
    deploy();
    const body = await started.aws.s3.store.receive([Buffer.from('kept')] as never);
    started.aws.s3.store.put('mystack-ledger', 'a', body, { headers: {} });
    const call = async (name: string) => JSON.parse((await started.aws.lambda.invoke(name, '{}')).payload) as unknown;
    expect(await call('gone')).toMatchObject({ event: {} });

    write({
      resources: { ...RESOURCES, Reads: fn('reads', 'two') },
      assets: { two: `export const handler = async () => 'two';` },
    });
    deploy();
    expect(await call('reads')).toBe('two');
    await expect(call('gone')).rejects.toMatchObject({ code: 'ResourceNotFoundException' });
    expect(started.aws.s3.store.get('mystack-ledger', 'a')).toMatchObject({ size: 4 });
  });

  it('reaches into nested stacks, both ways', () => {
    const nested = {
      Parameters: { topic: { Type: 'String' } },
      Resources: { Inner: fn('inner', 'one', { TOPIC: { Ref: 'topic' } }), Deep: { Type: 'AWS::S3::Bucket' } },
      Outputs: { DeepName: { Value: { Ref: 'Deep' } } },
    };
    const stack = {
      Type: 'AWS::CloudFormation::Stack',
      Properties: { Parameters: { topic: { Ref: 'Topic' } } },
      Metadata: { 'aws:asset:path': 'Nested.template.json' },
    };
    write({
      resources: { ...RESOURCES, Nested: stack },
      outputs: { Deep: { Value: { 'Fn::GetAtt': ['Nested', 'Outputs.DeepName'] } } },
    });
    writeFileSync(join(assembly, 'Nested.template.json'), JSON.stringify(nested));
    const deployment = deploy();
    expect(deployment.outputs).toEqual({ Deep: 'mystack-nested-deep' });
    expect(deployment.bucketNames).toContain('mystack-nested-deep');
    expect(started.aws.lambda.configOf('inner').environment).toEqual({
      TOPIC: 'arn:aws:sns:eu-west-1:000000000000:MyStack-Topic',
    });
  });
});

describe('an assembly that is wrong', () => {
  const message = () => {
    try {
      deploy();
    } catch (error) {
      expect(error).toBeInstanceOf(OdinError);
      return (error as Error).message;
    }
    throw new Error('It was deployed');
  };

  it.each([
    [{ 'Fn::ImportValue': 'other' }, 'Fn::ImportValue'],
    [{ 'Fn::If': ['a', 'b', 'c'] }, 'Fn::If'],
    [{ 'Fn::GetAtt': ['Table', 'StreamArn'] }, 'Fn::GetAtt Table.StreamArn (AWS::DynamoDB::Table)'],
    [{ Ref: 'Nowhere' }, 'Ref Nowhere: there is no such resource'],
    [{ 'Fn::Sub': '${Nowhere.Arn}' }, 'Fn::GetAtt Nowhere.Arn: there is no such resource'],
    [{ 'Fn::Select': [5, ['a']] }, 'Fn::Select 5'],
  ])('names what cannot be resolved, and where: %j', (value, what) => {
    write({ resources: { ...RESOURCES, Reads: fn('reads', 'one', { X: value }) } });
    expect(message()).toContain(`cannot resolve ${what}`);
    expect(message()).toContain('MyStack at Reads.Environment');
    expect(started.aws.s3.store.buckets()).toEqual([]);
  });

  it('names the condition of something that is used', () => {
    write({ resources: { ...RESOURCES, Reads: { ...fn('reads', 'one'), Condition: 'Sometimes' } } });
    expect(message()).toContain('the condition Sometimes');
  });

  it('names the code that is missing, the stack that is missing, and the file that is missing', () => {
    write({ resources: { ...RESOURCES, Reads: fn('reads', 'other') } });
    expect(message()).toContain('other.zip');
    const other = { assemblyDirectory: assembly, stackName: 'Other' };
    expect(() => deployTemplate(started.aws, other)).toThrow(/no stack Other; it has: Stack/);
    const nowhere = { assemblyDirectory: join(assembly, 'none'), stackName: 'MyStack' };
    expect(() => deployTemplate(started.aws, nowhere)).toThrow(/manifest\.json cannot be read/);
  });
});
