// Reads odin-migrate.json: what the commands have to know of a project without running any code.
import * as z from 'zod';
import { OdinError } from '../core/errors.ts';
import { problemOfApp } from '../core/names/identifiers.ts';
import { cut, plainLine } from '../core/ledger/summaries.ts';
import { emptyIn } from './empty-text.ts';
import { PermissionList } from './permission.ts';
import type { Given } from './placeholder.ts';
import { NOTHING_GIVEN } from './placeholder.ts';

export const CONFIGURATION_FILE = 'odin-migrate.json';

/** Names that this project sets itself (ODIN_, NODE_OPTIONS), its logger reads, or Lambda refuses (AWS_, its reserved ones). */
const RESERVED = /^(ODIN_|AWS_|POWERTOOLS_|NODE_OPTIONS$|LAMBDA_|TZ$)/;
const VARIABLE_RULE =
  'expected a variable name that begins with a letter, and not with "ODIN_", "AWS_", "LAMBDA_" or "POWERTOOLS_"';

/** Lambda's rule for names, and none that is reserved. Checked on the whole record: of one key zod says only that it is bad. */
export const Variables = z.record(z.string(), z.string('expected text')).superRefine((variables, context) => {
  for (const [name, value] of Object.entries(variables)) {
    const isNamed = /^[a-zA-Z]\w+$/.test(name) && !RESERVED.test(name);
    if (!isNamed) context.addIssue({ code: 'custom', path: [name], message: VARIABLE_RULE });
    const empty = emptyIn(value);
    if (empty !== undefined) {
      context.addIssue({ code: 'custom', path: [name], message: `expected a text without "${empty}" in it` });
    }
  }
});

const RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

const arnOf = (service: string): string => `arn:[^:\\s]+:${service}:[a-z0-9-]+:\\d{12}:\\S+`;
const arn = (service: string, example: string) =>
  z
    .string()
    .regex(new RegExp(`^${arnOf(service)}$`), `expected an ARN such as "${example}"`)
    .optional();
const ids = (prefix: string) =>
  z.array(z.string().regex(new RegExp(`^${prefix}-[0-9a-f]+$`), `expected an id such as "${prefix}-0a1b2c3d"`)).min(1);

/** As Lambda calls it. */
export const Architecture = z.enum(['arm64', 'x86_64'], 'expected "arm64" or "x86_64"');

const exactlyOne = (parts: object): boolean =>
  Object.values(parts).filter((part: unknown) => part !== undefined).length === 1;

/** Of Amazon Q Developer in chat applications, which subscribes by itself to the topic that a channel is given. */
const CHAT_ADDRESS = /^https:\/\/global\.sns-api\.chatbot\.amazonaws\.com(\/|$)/;

/** What the stack of an environment is made with, read by `odin-migrate synth` alone: a CDK app of one's own says it in code. */
export const StackFields = z.strictObject({
  topic: arn('sns', 'arn:aws:sns:eu-west-1:111122223333:operators').describe(
    'Where operators are told, in place of a topic of its own: an ARN. Its policy has to let CloudWatch publish.',
  ),
  chatTopic: z
    .string()
    .regex(
      new RegExp(`^(own|${arnOf('sns')})$`),
      'expected "own" or an ARN such as "arn:aws:sns:eu-west-1:111122223333:chat"',
    )
    .optional()
    .describe(
      'Where a chat is told, in the form that Amazon Q Developer shows: `own` for a topic of its own, or an ARN. No chat is told when absent.',
    ),
  topicKey: arn('kms', 'arn:aws:kms:eu-west-1:111122223333:key/0a1b').describe(
    'The key of those topics, if they have one of your own: an ARN. Its policy has to let CloudWatch use it.',
  ),
  notify: z
    .array(
      z
        .string()
        .regex(/^(mailto:[^@\s]+@[^@\s]+|https:\/\/\S+)$/, 'expected "mailto:…@…" or "https://…"')
        .refine(
          (address) => !CHAT_ADDRESS.test(address),
          'a chat does not show plain text: expected "chatTopic", which its channel is given',
        ),
    )
    .default([])
    .describe('Who is told of a halt, of its end and of an alarm, in plain text: mailto: and https: addresses.'),
  encryptionKey: arn('kms', 'arn:aws:kms:eu-west-1:111122223333:key/0a1b').describe(
    "Encrypts the ledger and a topic of its own: an ARN. Its policy has to let this account's roles and CloudWatch use it.",
  ),
  vpc: z
    .strictObject({
      id: z
        .string()
        .regex(/^vpc-[0-9a-f]+$/, 'expected an id such as "vpc-0a1b2c3d"')
        .optional()
        .describe('Where the migrations run: the id of a VPC. One of `id`, `name` and `tags`.'),
      name: z.string().min(1).optional().describe('The name of that VPC: its tag `Name`.'),
      tags: z.record(z.string(), z.string()).optional().describe('Tags that no other VPC has.'),
    })
    .refine(exactlyOne, 'expected one of id, name and tags')
    .optional(),
  vpcSubnets: z
    .strictObject({
      ids: ids('subnet').optional().describe("The ids of the VPC's subnets. One of `ids`, `group` and `type`."),
      group: z.string().min(1).optional().describe('The subnets of this group: their tag `aws-cdk:subnet-name`.'),
      type: z
        .enum(['PRIVATE_WITH_EGRESS', 'PRIVATE_ISOLATED'], 'expected "PRIVATE_WITH_EGRESS" or "PRIVATE_ISOLATED"')
        .optional()
        .describe('The subnets of this type, as CDK calls it.'),
    })
    .refine(exactlyOne, 'expected one of ids, group and type')
    .optional(),
  securityGroups: ids('sg')
    .optional()
    .describe('The ids of the security groups of all migrations; one that lets everything out is made when absent.'),
  architecture: Architecture.default('arm64').describe('The processor of every function: `arm64` or `x86_64`.'),
  runtime: z
    .enum(['nodejs24.x', 'nodejs22.x'], 'expected "nodejs24.x" or "nodejs22.x"')
    .default('nodejs24.x')
    .describe('What runs every function: `nodejs24.x`, or `nodejs22.x` where a region lacks that.'),
  tracing: z
    .enum(['active', 'pass-through', 'disabled'], 'expected "active", "pass-through" or "disabled"')
    .default('active')
    .describe('X-Ray of every function, and of the state machine: `active`, `pass-through` or `disabled`.'),
  logRetentionDays: z
    .number()
    .refine((days) => RETENTION_DAYS.includes(days), `expected one of ${RETENTION_DAYS.join(', ')}`)
    .default(365)
    .describe("How long log groups keep their lines; one of CloudWatch Logs' own values."),
  haltAlarmHours: z
    .number()
    .min(0.25)
    .max(168)
    .default(4)
    .describe('An alarm goes off when a halt has waited for a decision for so long.'),
  existingLedgerBucketName: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'expected the name of a bucket')
    .optional()
    .describe('The bucket that was the ledger of this environment before: `odin-migrate adopt` says it.'),
  access: z
    .record(z.string(), PermissionList)
    .default({})
    .describe('What a file may ask for by name, `export const access = ["data"]`: lists of IAM policy statements.'),
  alarms: z.boolean().default(true).describe('Whether there are alarms.'),
  dashboard: z
    .union([z.boolean(), z.literal('look')], 'expected true, false or "look"')
    .default(true)
    .describe("Whether there is a dashboard in CloudWatch's console; `look`: one in which nobody decides or previews."),
  removalPolicy: z
    .enum(['retain', 'destroy'], 'expected "retain" or "destroy"')
    .default('retain')
    .describe('`destroy` empties and deletes the ledger with the stack, for branches and tests.'),
  runOnDeploy: z
    .boolean()
    .default(false)
    .describe('The deployment itself starts a run when it is done, unless one is halted, and does not wait for it.'),
});

const StackConfiguration = StackFields.superRefine(
  ({ vpc, vpcSubnets, securityGroups, topic, chatTopic, topicKey }, context) => {
    const needs = (field: string, other: string) => {
      context.addIssue({ code: 'custom', path: [field], message: `expected "${other}" beside it` });
    };
    if (vpcSubnets && !vpc) needs('vpcSubnets', 'vpc');
    if (securityGroups && !vpc) needs('securityGroups', 'vpc');
    const elsewhere = topic ?? (chatTopic === 'own' ? undefined : chatTopic);
    if (topicKey !== undefined && elsewhere === undefined) needs('topicKey', 'topic');
  },
);
export type StackConfiguration = z.infer<typeof StackConfiguration>;

const EnvironmentConfiguration = z.strictObject({
  account: z
    .string()
    .regex(/^\d{12}$/, 'expected twelve digits in quotes, e.g. "111122223333"')
    .optional()
    .describe("Where it is deployed; the current credentials' account when absent."),
  region: z
    .string()
    .regex(/^[a-z]{2,}(-[a-z]+)+-\d+$/, 'expected a region, e.g. "eu-west-1"')
    .optional()
    .describe('Where it is deployed, and where the commands look; the current one when absent.'),
  profile: z.string().min(1).optional().describe('The AWS profile that the commands use for it, unless one is named.'),
  directory: z
    .string()
    .min(1)
    .optional()
    .describe('Where its files are; the folder of its name when absent. Two environments may share one.'),
  variables: Variables.default({}).describe("Environment variables of every migration's function."),
  local: z
    .strictObject({
      variables: Variables.default({}).describe('Those that differ on this machine, or that only a stack knows.'),
      data: z
        .string()
        .min(1)
        .optional()
        .describe(
          'A module whose default export, (s3: S3Client) => Promise<string>, fills the embedded S3 before the first run there, and the first after --fresh.',
        ),
    })
    .prefault({})
    .describe('What holds on the embedded AWS of this machine alone.'),
  stack: StackConfiguration.prefault({}).describe('What `odin-migrate synth` makes its stack with.'),
});
export type EnvironmentConfiguration = z.infer<typeof EnvironmentConfiguration>;

const Configuration = z.strictObject({
  $schema: z.string().optional(),
  app: z
    .string()
    .superRefine((app, context) => {
      const problem = problemOfApp(app);
      if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
    })
    .optional()
    .describe(
      'Keeps the environments of several repositories in one account apart. It is part of every name: it is never changed.',
    ),
  directory: z
    .string()
    .min(1)
    .default('migrations')
    .describe('The folder that holds one folder per environment, relative to this file.'),
  environments: z.record(z.string(), EnvironmentConfiguration).default({}),
});
export type Configuration = z.infer<typeof Configuration>;

/** As a JSON Schema, for editors: it knows the fields and their kinds, and not every rule. */
export const configurationSchema = (): object => z.toJSONSchema(Configuration, { io: 'input' });

/** @throws OdinError BadConfiguration, naming the field, what was expected and what was found */
export function parseConfiguration(content: unknown): Configuration {
  const parsed = Configuration.safeParse(content);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = issue?.path.map(String) ?? [];
  const found = path.reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], content);
  throw new OdinError({
    code: 'BadConfiguration',
    source: 'user',
    what: plainLine(
      `${[CONFIGURATION_FILE, path.join('.')].filter(Boolean).join(', ')}: ${issue?.message ?? 'not valid'}.`,
      500,
    ),
    why: `Found ${shortOf(found)}.`,
    next: 'Correct the file: docs/configuration.md lists every field.',
    cause: parsed.error,
  });
}

/** As JSON, as much of it as a sentence can hold. */
function shortOf(value: unknown): string {
  try {
    return cut(JSON.stringify(value) ?? 'nothing', 300);
  } catch {
    return 'what is nested too deeply to be shown';
  }
}

export const configurationOf = (configuration: Configuration, environment: string): EnvironmentConfiguration =>
  (Object.hasOwn(configuration.environments, environment) ? configuration.environments[environment] : undefined) ??
  EnvironmentConfiguration.parse({});

/** Where it is deployed, as odin-migrate.json says or the CDK CLI knows; undefined when one of both is not known. */
export function deployedTo(settings: EnvironmentConfiguration): { account: string; region: string } | undefined {
  const account = settings.account ?? process.env['CDK_DEFAULT_ACCOUNT'];
  const region = settings.region ?? process.env['CDK_DEFAULT_REGION'];
  return account === undefined || region === undefined ? undefined : { account, region };
}

/** What is known of where the environment is deployed, and of what it is given there. */
export const givenThere = (settings: EnvironmentConfiguration): Given =>
  givenOf(settings.variables, deployedTo(settings) ?? {});

/** What is known of it on this machine. */
export function givenHere(configuration: Configuration, environment: string): Given {
  const { variables, local, ...at } = configurationOf(configuration, environment);
  return givenOf({ ...variables, ...local.variables }, at);
}

const givenOf = (
  variables: Record<string, string>,
  { account, region }: { account?: string | undefined; region?: string | undefined },
): Given => ({
  variables,
  account: account ?? NOTHING_GIVEN.account,
  region: region ?? NOTHING_GIVEN.region,
  partition: (region === undefined ? undefined : partitionOf(region)) ?? NOTHING_GIVEN.partition,
});

/** By its beginning, so that one is known that is newer than CDK; undefined for a region that is like none. */
export const partitionOf = (region: string): string | undefined =>
  PARTITIONS.find(([regions]) => regions.test(region))?.[1];

const PARTITIONS: [RegExp, string][] = [
  [/^cn-/, 'aws-cn'],
  [/^us-gov-/, 'aws-us-gov'],
  [/^us-iso-/, 'aws-iso'],
  [/^us-isob-/, 'aws-iso-b'],
  [/^us-isof-/, 'aws-iso-f'],
  [/^eu-isoe-/, 'aws-iso-e'],
  [/^eusc-/, 'aws-eusc'],
  [/^[a-z]{2}-[a-z]+-\d+$/, 'aws'],
];
