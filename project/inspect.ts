// Reads what each migration's file exports, and checks it (docs/design.md §3). The files are evaluated in a process of their own
// that has no AWS credentials: a file that works at its top level can do no harm at synth.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import * as esbuild from 'esbuild';
import * as z from 'zod';
import { describeThrown, OdinError } from '../core/errors.ts';
import { PreviewAllows } from '../core/preview/preview.ts';
import { cut } from '../core/ledger/summaries.ts';
import { Variables } from './configuration.ts';
import type { MigrationFile } from './discover.ts';
import { variablesRead } from './variables.ts';

/** A text or a list of texts, each of this form. CDK and CloudFormation would refuse another form without naming the file. */
function texts(form: RegExp, expected: string) {
  return z
    .union([z.string(), z.array(z.string()).min(1)], `${expected}, or a list of such`)
    .superRefine((value, context) => {
      for (const [index, text] of [value].flat().entries()) {
        if (!form.test(text))
          context.addIssue({ code: 'custom', path: Array.isArray(value) ? [index] : [], message: expected });
      }
    });
}
const actions = texts(/^(\*|[a-zA-Z0-9-]+:[a-zA-Z0-9*]+)$/, 'expected "*" or an action such as "s3:GetObject"');
const resources = texts(
  /^(\*|arn:[^:\s]+:([^:\s]*:){3}\S.*)$/,
  'expected "*" or an ARN such as "arn:aws:s3:::bucket/*"',
);

/** An IAM policy statement as plain JSON. */
const Permission = z
  .strictObject(
    {
      Sid: z.string().optional(),
      Effect: z.enum(['Allow', 'Deny'], 'expected "Allow" or "Deny"'),
      Action: actions.optional(),
      NotAction: actions.optional(),
      Resource: resources.optional(),
      NotResource: resources.optional(),
      Condition: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
    },
    {
      error: ({ code }) =>
        code === 'unrecognized_keys'
          ? 'expected no key but Sid, Effect, Action, NotAction, Resource, NotResource and Condition'
          : 'expected an IAM policy statement, { Effect, Action, Resource }',
    },
  )
  .refine((statement) => (statement.Action === undefined) !== (statement.NotAction === undefined), {
    message: 'expected either Action or NotAction',
  })
  .refine((statement) => (statement.Resource === undefined) !== (statement.NotResource === undefined), {
    message: 'expected either Resource or NotResource',
  });
export type Permission = z.infer<typeof Permission>;

const MAX_TIMEOUT_MINUTES = 15;

const Exports = z.object({
  description: z
    .string('expected one line of text')
    .max(200, 'expected at most 200 characters')
    .regex(/^[^\r\n]*$/, 'expected one line')
    .optional(),
  permissions: z.array(Permission, 'expected a list of IAM policy statements').optional(),
  timeoutMinutes: z
    .number('expected a number of minutes')
    .positive('expected more than 0 minutes')
    .max(
      MAX_TIMEOUT_MINUTES,
      `expected at most ${MAX_TIMEOUT_MINUTES} minutes, Lambda's limit (a longer one is checkpointed)`,
    )
    .optional(),
  memoryMB: z
    .int('expected a whole number of MB')
    .min(128, "expected at least 128, Lambda's smallest")
    .max(10_240, "expected at most 10240, Lambda's largest")
    .optional(),
  variables: Variables.optional(),
  access: z.array(z.string('expected a name'), 'expected a list of names').optional(),
  previewAllows: PreviewAllows.optional(),
});

export interface InspectedMigration extends MigrationFile {
  description?: string | undefined;
  permissions: Permission[];
  timeoutSeconds: number;
  memoryMB: number;
  variables: Record<string, string>;
  /** The variables that its code reads, in the modules that it imports too (project/variables.ts). */
  reads: string[];
  /** Names of what the construct's `access` grants. */
  access: string[];
  /** What it may do in a preview besides reading from AWS. */
  previewAllows: PreviewAllows;
  checkpointed: boolean;
  /** For each export whose name looks misspelt, the end of a sentence that begins with the file's name: nothing reads it. */
  misspelt: string[];
}

/**
 * @param workDirectory inside the project, so that the files find its node_modules
 * @throws OdinError BadMigrationFile, naming the file and the field, what was expected and what was found
 */
export function inspectMigrations(migrations: readonly MigrationFile[], workDirectory: string): InspectedMigration[] {
  if (migrations.length === 0) return [];
  rmSync(workDirectory, { recursive: true, force: true });
  mkdirSync(workDirectory, { recursive: true });
  compile(migrations, workDirectory);
  const answers = evaluate(migrations, workDirectory);
  return migrations.map((migration, index) => {
    const reads = variablesRead(readFileSync(path.join(workDirectory, `${migration.id}.mjs`), 'utf8'));
    return { ...check(migration, answers[index]), reads };
  });
}

/** What the evaluating process says of one file. */
const Answer = z.object({
  error: z.string().optional(),
  /** `typeof` of the export `migration`, and the constructor's name of a function (`AsyncGeneratorFunction`). */
  type: z.string().optional(),
  kind: z.string().optional(),
  fields: z.record(z.string(), z.unknown()).optional(),
  /** The names of the other exports that are no functions. */
  others: z.array(z.string()).optional(),
});
type Answer = z.infer<typeof Answer>;

function compile(migrations: readonly MigrationFile[], workDirectory: string): void {
  try {
    esbuild.buildSync({
      entryPoints: migrations.map(({ id, path: from }) => ({ in: from, out: id })),
      outdir: workDirectory,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
      logLevel: 'silent',
    });
  } catch (thrown) {
    throw bundlingFailed(thrown);
  }
}

/** Also used by bundle.ts: what esbuild says, with the place in the file. */
export function bundlingFailed(thrown: unknown): OdinError {
  const errors = (thrown as Partial<esbuild.BuildFailure>).errors ?? [];
  const lines = errors.map(({ text, location }) =>
    location ? `${location.file}:${location.line}:${location.column}: ${text}` : text,
  );
  return new OdinError({
    code: 'BundlingFailed',
    source: 'user',
    what: lines.length > 0 ? `${lines.slice(0, 5).join('; ')}.` : describeThrown(thrown),
    next: 'Correct the file and try again.',
    cause: thrown,
  });
}

const readAnswers = (output: string): Answer[] =>
  existsSync(output) ? z.array(Answer).parse(JSON.parse(readFileSync(output, 'utf8'))) : [];

const EVALUATION_TIMEOUT_MS = 60_000;

function evaluate(migrations: readonly MigrationFile[], workDirectory: string): Answer[] {
  const script = path.join(workDirectory, 'inspect.mjs');
  const output = path.join(workDirectory, 'answers.json');
  const modules = migrations.map(({ id }) => pathToFileURL(path.join(workDirectory, `${id}.mjs`)).href);
  writeFileSync(
    script,
    `const modules = ${JSON.stringify(modules)};\nconst output = ${JSON.stringify(output)};\n${EVALUATE}`,
  );
  try {
    execFileSync(process.execPath, [script], {
      env: harmlessEnvironment(),
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: EVALUATION_TIMEOUT_MS,
    });
    const answers = readAnswers(output);
    if (answers.length === migrations.length) return answers;
    throw new OdinError({ code: 'Internal', source: 'system', what: 'the process ended early' });
  } catch (thrown) {
    const culprit = migrations[readAnswers(output).length]?.file ?? 'the migrations';
    throw new OdinError({
      code: 'BadMigrationFile',
      source: 'user',
      what: `Reading the exports of ${culprit} did not come to an end.`,
      why: `A file that works at its top level, or ends the process, has this effect. ${cut(describeThrown(thrown), 1000)}`,
      next: 'Move the work into migration().',
      cause: thrown,
    });
  }
}

const FIELDS = Object.keys(Exports.shape);

/** Runs in the process of its own. A function or a class among the exports cannot be JSON: it is named by its type. */
const EVALUATE = `
import { writeFileSync } from 'node:fs';
// What JSON cannot hold is named as it would be written.
const written = (key, value) =>
  typeof value === 'bigint' ? value + 'n' : typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
const answers = [];
for (const url of modules) {
  writeFileSync(output, JSON.stringify(answers)); // after each file: one of them may end the process
  try {
    const exported = await import(url);
    const fields = {};
    for (const name of ${JSON.stringify(FIELDS)}) {
      if (!(name in exported) || exported[name] === undefined) continue;
      const json = JSON.stringify(exported[name], written);
      fields[name] = json === undefined ? { unexpected: typeof exported[name] } : JSON.parse(json);
    }
    const { migration } = exported;
    const isClass = typeof migration === 'function' && /^class\\b/.test(Function.prototype.toString.call(migration));
    const others = Object.keys(exported).filter((name) => !(name in fields) && typeof exported[name] !== 'function');
    answers.push({ type: isClass ? 'a class' : typeof migration, kind: migration?.constructor?.name, fields, others });
  } catch (thrown) {
    answers.push({ error: thrown instanceof Error ? thrown.name + ': ' + thrown.message : String(thrown) });
  }
}
writeFileSync(output, JSON.stringify(answers));
process.exit(0);
`;

function check(migration: MigrationFile, answer: Answer | undefined): Omit<InspectedMigration, 'reads'> {
  if (!answer || answer.error !== undefined) {
    throw bad(migration, 'the file', `could not be evaluated: ${cut(answer?.error ?? 'no answer', 1000)}`);
  }
  if (answer.kind === 'GeneratorFunction') {
    throw bad(migration, 'migration', 'expected an exported async function, found a generator that is not async');
  }
  if (answer.type !== 'function') {
    const found = answer.type === 'undefined' ? 'no such export' : `found ${String(answer.type)}`;
    throw bad(migration, 'migration', `expected an exported async function, ${found}`);
  }
  const parsed = Exports.safeParse(answer.fields ?? {});
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const path_ = issue?.path ?? [];
    const found = path_.reduce<unknown>(
      (value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key],
      answer.fields,
    );
    throw bad(
      migration,
      z.core.toDotPath(path_),
      `${issue?.message ?? 'not valid'}, found ${cut(JSON.stringify(found) ?? 'nothing', 200)}`,
    );
  }
  const {
    description,
    permissions = [],
    timeoutMinutes = MAX_TIMEOUT_MINUTES,
    memoryMB = 1024,
    variables = {},
    access = [],
    previewAllows = [],
  } = parsed.data;
  return {
    ...migration,
    description,
    permissions,
    timeoutSeconds: Math.max(1, Math.round(timeoutMinutes * 60)),
    memoryMB,
    variables,
    access,
    previewAllows,
    checkpointed: answer.kind === 'AsyncGeneratorFunction',
    misspelt: (answer.others ?? []).flatMap((name) => {
      const [, meant] = STEMS.find(([stem]) => stem.test(name)) ?? [];
      return meant === undefined ? [] : [`exports ${name}, which nothing reads: is ${meant} meant?`];
    }),
  };
}

/** How the exports are usually misspelt: `timeout`, `memoryMb`, `permission`, `env`. */
const STEMS: [RegExp, string][] = [
  [/^desc/i, 'description'],
  [/^permission/i, 'permissions'],
  [/^timeout/i, 'timeoutMinutes'],
  [/^memory/i, 'memoryMB'],
  [/^(variable|env(ironment)?$)/i, 'variables'],
  [/^access/i, 'access'],
  [/^previewallow/i, 'previewAllows'],
];

const bad = ({ file }: MigrationFile, field: string, why: string): OdinError =>
  new OdinError({
    code: 'BadMigrationFile',
    source: 'user',
    what: `${file}, ${field}: ${why}.`,
    next: 'docs/migrations.md shows every export with an example.',
  });

/** Enough to run node, and nothing that could reach AWS. */
function harmlessEnvironment(): NodeJS.ProcessEnv {
  const { PATH, HOME, LANG, TMPDIR, SystemRoot } = process.env;
  return {
    PATH,
    HOME: HOME === undefined ? undefined : path.join(HOME, '.none'),
    LANG,
    TMPDIR,
    SystemRoot,
    AWS_REGION: 'us-east-1',
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}
