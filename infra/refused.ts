// What IAM, Lambda and CloudFormation refuse of a finished template, whoever said it: files, odin-migrate.json, a grant of the team, its
// aspects and tags (docs/aws-facts.md). A deployment would say so after minutes, of a logical id, and roll back.
import type { IPolicyValidationPlugin, PolicyViolation } from 'aws-cdk-lib';
import { CfnResource, Stack, Validations } from 'aws-cdk-lib';
import type { CfnElement } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { readFileSync } from 'node:fs';
import { countText } from '../core/text/format.ts';
import { PROGRAM } from '../core/text/command.ts';
import { MAX_INLINE_POLICIES } from '../project/permission.ts';
import { MAX_VARIABLES, sizeOfVariables } from '../project/variables.ts';
import type { MadeMigration } from './migration.ts';

/** Bytes of a template. */
const MAX_TEMPLATE = 1_000_000;

/** What a tag of IAM may be, which other services take too (docs/aws-facts.md). */
const TAG_KEY = /^(?!aws:)[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/iu;
const TAG_VALUE = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u;
const MAX_TAGS = 50;

interface Refused {
  /** Where, what was expected, what was found. */
  what: string;
  next: string;
  /** Of the resource that is meant. */
  logicalId?: string | undefined;
}

/** As a rule of CDK's own, which reads the template when it is written: to make it once more would take a tenth of the synthesis. */
export function refuseWhatAwsRefuses(scope: Construct, made: readonly MadeMigration[]): void {
  const stack = Stack.of(scope);
  const plugin: IPolicyValidationPlugin = {
    name: 'odin-migrate',
    validate: ({ stackTemplates }) => {
      const { templatePath } = stackTemplates.find((each) => each.stackConstructPath === stack.node.path) ?? {};
      if (templatePath === undefined) return { success: true, violations: [] };
      const violations = refusedIn(readFileSync(templatePath, 'utf8'), scope, made).map(
        ({ what, next, logicalId }): PolicyViolation => ({
          ruleName: 'refused-by-aws',
          description: what,
          fix: next,
          severity: 'fatal',
          violatingResources: [{ resourceLogicalId: logicalId ?? stack.artifactId, templatePath, locations: [] }],
        }),
      );
      return { success: violations.length === 0, violations };
    },
  };
  Validations.of(scope).addPlugins(plugin);
}

interface Resource {
  Type: string;
  Properties?: {
    Policies?: { PolicyDocument: PolicyDocument }[];
    Environment?: { Variables: Record<string, unknown> };
    Tags?: { Key: string; Value: unknown }[] | Record<string, unknown>;
  };
}
interface PolicyDocument {
  Statement: { Sid?: string }[];
}

function refusedIn(template: string, scope: Construct, made: readonly MadeMigration[]): Refused[] {
  const { Resources } = JSON.parse(template) as { Resources: Record<string, Resource> };
  const all = made.flatMap(({ migration, lambda, file: { file } }) => [
    ...refusedRole(file, logicalIdOf(migration.role), Resources),
    ...refusedVariables(file, logicalIdOf(lambda), Resources),
  ]);
  return [...refusedSize(Buffer.byteLength(template)), ...all, ...refusedTags(scope, made, Resources)];
}

/** Each once, of the first resource that has it: the team's are on all of them. */
function refusedTags(scope: Construct, made: readonly MadeMigration[], resources: Record<string, Resource>): Refused[] {
  const roles = new Map(made.map(({ migration, file: { file } }) => [logicalIdOf(migration.role), file]));
  const ids = scope.node
    .findAll()
    .filter(CfnResource.isCfnResource)
    .map(({ logicalId, stack }) => stack.resolve(logicalId) as string);
  const found = new Map<string, Refused>();
  // Those of roles first, which people know by their files.
  for (const logicalId of [...roles.keys(), ...ids]) {
    const { Type = '', Properties: { Tags = [] } = {} } = resources[logicalId] ?? {};
    const tags = Array.isArray(Tags)
      ? Tags.map(({ Key, Value }) => [Key, String(leastOf(Value))] as const)
      : Object.entries(Tags).map(([key, value]) => [key, String(leastOf(value))] as const);
    const file = roles.get(logicalId);
    const whose = file === undefined ? `of ${Type} ${logicalId}` : `of the role of ${file}`;
    const refuse = (what: string, next: string) => {
      if (!found.has(what)) found.set(what, { what: `${what} ${whose}: ${next}`, next: HOW_TAGS, logicalId });
    };
    for (const [key, value] of tags) {
      if (TAG_KEY.test(key) && TAG_VALUE.test(value)) continue;
      refuse(
        `The tag ${key}=${value}`,
        'expected letters, digits, spaces and _.:/=+-@, which IAM takes, at most 128 in its key and 256 in its value, and no "aws:" before it.',
      );
    }
    if (tags.length > MAX_TAGS)
      refuse(`${tags.length} tags`, `expected at most ${MAX_TAGS}, with those of odin-migrate.`);
  }
  return [...found.values()];
}

const HOW_TAGS =
  'Change the tag, or keep it from what does not take it: Tags.of(…).add(…, { excludeResourceTypes: ["AWS::IAM::Role"] }).';

const logicalIdOf = ({ node, stack }: { node: Construct['node']; stack: Stack }): string =>
  stack.resolve((node.defaultChild as CfnElement).logicalId) as string;

function refusedSize(bytes: number): Refused[] {
  if (bytes <= MAX_TEMPLATE) return [];
  return [
    {
      what: `The template: expected at most ${countText(MAX_TEMPLATE)} bytes, found ${countText(bytes)}.`,
      next: `Let \`${PROGRAM} prune\` delete the files of what is completed, name resources by fewer and wider patterns, or give the environment a stack of its own with \`suppressTemplateIndentation\`.`,
    },
  ];
}

function refusedRole(file: string, logicalId: string, resources: Record<string, Resource>): Refused[] {
  const { Policies = [] } = resources[logicalId]?.Properties ?? {};
  const documents = Policies.map(({ PolicyDocument }) => PolicyDocument);
  const size = documents.reduce((sum, document) => sum + JSON.stringify(leastOf(document)).length, 0);
  const tooLong: Refused[] =
    size <= MAX_INLINE_POLICIES
      ? []
      : [
          {
            what: `${file}, permissions: expected at most ${countText(MAX_INLINE_POLICIES)} characters in the policies of its role, with what access and grants add, found at least ${countText(size)}.`,
            next: 'Name what is alike by one pattern ("*"), or let `access` attach a managed policy.',
            logicalId,
          },
        ];
  const repeated = documents.flatMap(({ Statement }) => {
    const sids = Statement.flatMap(({ Sid }) => Sid ?? []);
    return [...new Set(sids.filter((sid, index) => sids.indexOf(sid) < index))];
  });
  return [
    ...tooLong,
    ...repeated.map((sid) => ({
      what: `${file}, permissions: expected each Sid once in the policy of its role, with what access and grants add, found "${sid}" twice.`,
      next: 'Give one of the two statements another.',
      logicalId,
    })),
  ];
}

function refusedVariables(file: string, logicalId: string, resources: Record<string, Resource>): Refused[] {
  const { Variables = {} } = resources[logicalId]?.Properties?.Environment ?? {};
  const size = sizeOfVariables(leastOf(Variables) as Record<string, string>);
  if (size <= MAX_VARIABLES) return [];
  return [
    {
      what: `${file}, variables: expected at most ${countText(MAX_VARIABLES)} bytes, with those of the environment and of odin-migrate, found at least ${countText(size)}.`,
      next: 'Put what is long into a file or a parameter, and its name into a variable.',
      logicalId,
    },
  ];
}

/** With the shortest text that can come in place of what a deployment alone knows: what is too long then, is too long. */
function leastOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(leastOf);
  if (typeof value !== 'object' || value === null) return value;
  const [[key, inner] = ['', undefined], ...others] = Object.entries(value) as [string, unknown][];
  if (others.length > 0 || !(key === 'Ref' || key.startsWith('Fn::'))) {
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, leastOf(each)]));
  }
  if (key === 'Ref') return PSEUDO[String(inner)] ?? 'x';
  if (key === 'Fn::GetAtt') return (inner as string[])[1] === 'Arn' ? 'arn:aws:s3:::xxx' : 'x';
  if (key !== 'Fn::Join') return 'x';
  const [separator, parts] = inner as [string, unknown[]];
  return parts.map((part) => String(leastOf(part))).join(separator);
}

const PSEUDO: Record<string, string> = {
  'AWS::Partition': 'aws',
  'AWS::AccountId': '000000000000',
  'AWS::Region': 'xx-x-0',
  'AWS::URLSuffix': 'amazonaws.com',
};
