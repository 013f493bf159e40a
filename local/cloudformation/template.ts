// Puts a synthesised stack onto the embedded AWS: reads the CloudFormation template as `cdk deploy` would, and creates
// its buckets, topics, functions and state machines. Permissions, logs and the like mean nothing there.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OdinError } from '../../core/errors.ts';
import { VARIABLES } from '../../core/names/names.ts';
import { CDK } from '../../core/text/command.ts';
import type { EmbeddedAws } from '../embedded-aws.ts';
import type { LambdaFunctionConfig } from '../lambda/host.ts';
import { TemplateScope } from './template-scope.ts';
import type { Resource, Template } from './template-scope.ts';

export interface DeployOptions {
  /** The folder that `cdk synth` writes: cdk.out. */
  readonly assemblyDirectory: string;
  readonly stackName: string;
}

export interface DeployedTemplate {
  readonly stackName: string;
  readonly outputs: Readonly<Record<string, string>>;
  /** The first one's, which is the only one of a stack of ours. */
  readonly stateMachineArn: string | undefined;
  readonly stateMachineArns: readonly string[];
  readonly bucketNames: readonly string[];
  readonly topicArns: readonly string[];
  readonly functionNames: readonly string[];
  /** Resources of types that are neither supported here nor known to be without meaning. */
  readonly notDeployed: readonly { readonly logicalId: string; readonly type: string }[];
}

/** Creates or updates; a function that is no longer in the template is removed. Nothing changes if anything is wrong. */
export function deployTemplate(aws: EmbeddedAws, options: DeployOptions): DeployedTemplate {
  const { assemblyDirectory, stackName } = options;
  const { templateFile, assets } = readAssembly(assemblyDirectory, stackName);
  const root = new TemplateScope({
    template: readJson(join(assemblyDirectory, templateFile)) as Template,
    stackName,
    region: aws.region,
    accountId: aws.accountId,
    readNested: (file) => readJson(join(assemblyDirectory, file)) as Template,
  });

  const scopes = [root, ...root.nestedScopes()];
  const resources = scopes.flatMap((scope) => scope.resources().map((resource) => ({ scope, ...resource })));
  const ofType = (type: string) => resources.filter(({ resource }) => resource.Type === type);

  const bucketNames = ofType('AWS::S3::Bucket').map(({ scope, logicalId }) => scope.physicalName(logicalId));
  const topicNames = ofType('AWS::SNS::Topic').map(({ scope, logicalId }) => scope.physicalName(logicalId));
  const functions = ofType('AWS::Lambda::Function').map(({ scope, logicalId }) =>
    functionConfig(scope, logicalId, assemblyDirectory, assets),
  );
  const machines = ofType('AWS::StepFunctions::StateMachine').map(({ scope, logicalId, resource }) => ({
    name: scope.physicalName(logicalId),
    definition: definitionOf(scope, logicalId, resource),
  }));
  const outputs = root.outputs();
  const parameters = ofType('AWS::SSM::Parameter').map(({ scope, logicalId }) => ({
    name: String(scope.property(logicalId, 'Name')),
    value: String(scope.property(logicalId, 'Value')),
  }));
  const functionNames = functions.map(({ name }) => name);

  for (const name of bucketNames) aws.s3.createBucket(name);
  const topicArns = topicNames.map((name) => aws.sns.createTopic(name).topicArn);
  aws.lambda.updateFunctions(functions);
  aws.lambda.removeFunctions(exchangeFunctions(aws, stackName, functionNames));
  const stateMachineArns = machines.map(({ name, definition }) => {
    return aws.stepFunctions.createStateMachine(name, definition).stateMachineArn;
  });

  for (const { name, value } of parameters) aws.parameters.put(name, value);
  aws.stacks.deployed(stackName, outputs);

  return {
    stackName,
    outputs,
    stateMachineArn: stateMachineArns[0],
    stateMachineArns,
    bucketNames,
    topicArns,
    functionNames,
    notDeployed: resources
      .filter(({ resource }) => !DEPLOYED.has(resource.Type) && !WITHOUT_MEANING.test(resource.Type))
      .map(({ logicalId, resource }) => ({ logicalId, type: resource.Type })),
  };
}

const DEPLOYED = new Set([
  'AWS::S3::Bucket',
  'AWS::SNS::Topic',
  'AWS::Lambda::Function',
  'AWS::StepFunctions::StateMachine',
  'AWS::SSM::Parameter',
  'AWS::CloudFormation::Stack',
]);

/** Nothing here checks permissions, keeps logs, draws dashboards or runs custom resources. */
const WITHOUT_MEANING = new RegExp(
  `^(${[
    'AWS::IAM::.*',
    'AWS::KMS::.*',
    'AWS::Logs::.*',
    'AWS::CloudWatch::.*',
    'AWS::S3::BucketPolicy',
    'AWS::SNS::(TopicPolicy|Subscription)',
    'AWS::Lambda::(Permission|Version|Alias|EventInvokeConfig)',
    'AWS::Events::.*',
    'AWS::CDK::Metadata',
    'AWS::CloudFormation::(CustomResource|WaitConditionHandle)',
    'Custom::.*',
  ].join('|')})$`,
);

/** The functions of each stack as last deployed, per embedded AWS: a redeployment removes those that are gone. */
const deployedFunctions = new WeakMap<EmbeddedAws, Map<string, readonly string[]>>();

function exchangeFunctions(aws: EmbeddedAws, stackName: string, names: readonly string[]): string[] {
  const stacks = deployedFunctions.get(aws) ?? new Map<string, readonly string[]>();
  const gone = (stacks.get(stackName) ?? []).filter((name) => !names.includes(name));
  deployedFunctions.set(aws, stacks.set(stackName, names));
  return gone;
}

function functionConfig(
  scope: TemplateScope,
  logicalId: string,
  assemblyDirectory: string,
  assets: ReadonlyMap<string, string>,
): LambdaFunctionConfig {
  const property = (name: string) => scope.property(logicalId, name);
  const text = (name: string) => {
    const value = property(name);
    return typeof value === 'string' ? value : undefined;
  };
  const key = (property('Code') as { S3Key?: string } | undefined)?.S3Key;
  const folder = key === undefined ? undefined : assets.get(key);
  if (folder === undefined) {
    throw broken(
      `${scope.stackName}: the code of ${logicalId} is no asset of this assembly (S3Key ${key ?? 'missing'}).`,
    );
  }
  const variables = (property('Environment') as { Variables?: Record<string, unknown> } | undefined)?.Variables ?? {};
  const timeout = property('Timeout');
  const memory = property('MemorySize');
  const storage = (property('EphemeralStorage') as { Size?: unknown } | undefined)?.Size;
  return {
    name: scope.physicalName(logicalId),
    directory: join(assemblyDirectory, folder),
    handler: text('Handler') ?? 'index.handler',
    runtime: text('Runtime') ?? 'nodejs24.x',
    environment: Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, String(value)])),
    timeoutSeconds: timeout === undefined ? undefined : Number(timeout),
    memoryMB: memory === undefined ? undefined : Number(memory),
    ephemeralStorageMB: storage === undefined ? undefined : Number(storage),
    ownFiles: ownFiles(variables[VARIABLES.migration]),
  };
}

/** Of a migration's function: its code runs in a process that ends with the turn, and nothing of it stays in the function's own. */
const ownFiles = (migration: unknown): string[] | undefined =>
  typeof migration === 'string'
    ? ['index.mjs', ...['.mjs', '.mjs.map', '.process.mjs'].map((ending) => `${migration}${ending}`)]
    : undefined;

function definitionOf(scope: TemplateScope, logicalId: string, resource: Resource): string {
  const text = scope.property(logicalId, resource.Properties?.['Definition'] ? 'Definition' : 'DefinitionString');
  if (text === undefined) throw broken(`${scope.stackName}: the state machine ${logicalId} has no definition.`);
  const substitutions = (scope.property(logicalId, 'DefinitionSubstitutions') ?? {}) as Record<string, unknown>;
  return (typeof text === 'string' ? text : JSON.stringify(text)).replace(/\$\{(\w+)\}/g, (whole, name: string) =>
    name in substitutions ? String(substitutions[name]) : whole,
  );
}

interface Assembly {
  readonly templateFile: string;
  /** Folder by S3 object key. */
  readonly assets: ReadonlyMap<string, string>;
}

interface Artifact {
  readonly type: string;
  readonly properties?: { readonly file?: string; readonly templateFile?: string; readonly stackName?: string };
}

interface AssetManifest {
  readonly files?: Record<
    string,
    {
      readonly source: { readonly path?: string };
      readonly destinations: Record<string, { readonly objectKey?: string }>;
    }
  >;
}

function readAssembly(directory: string, stackName: string): Assembly {
  const manifest = readJson(join(directory, 'manifest.json')) as { artifacts?: Record<string, Artifact> };
  const artifacts = Object.entries(manifest.artifacts ?? {});
  const stacks = artifacts.filter(([, artifact]) => artifact.type === 'aws:cloudformation:stack');
  const [id, stack] = stacks.find(([id, { properties }]) => (properties?.stackName ?? id) === stackName) ?? [];
  const templateFile = stack?.properties?.templateFile;
  if (id === undefined || templateFile === undefined) {
    const names = stacks.map(([name]) => name).join(', ');
    throw broken(`The assembly ${directory} has no stack ${stackName}; it has: ${names || 'none'}.`);
  }
  const assets = new Map<string, string>();
  for (const [, artifact] of artifacts) {
    if (artifact.type !== 'cdk:asset-manifest' || artifact.properties?.file === undefined) continue;
    const { files = {} } = readJson(join(directory, artifact.properties.file)) as AssetManifest;
    for (const { source, destinations } of Object.values(files)) {
      for (const { objectKey } of Object.values(destinations)) {
        if (objectKey !== undefined && source.path !== undefined) assets.set(objectKey, source.path);
      }
    }
  }
  return { templateFile, assets };
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw broken(`${file} cannot be read as JSON.`, cause);
  }
}

function broken(what: string, cause?: unknown): OdinError {
  const next = `Synthesise again (${CDK} synth) and deploy again.`;
  return new OdinError({ code: 'BadConfiguration', source: 'system', what, next, cause });
}
