// Reads what each migration's file exports, and checks it (docs/design.md §3). The files are evaluated in a process of their own
// that has no AWS credentials: a file that works at its top level can do no harm at synth.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as esbuild from 'esbuild';
import * as z from 'zod';
import { asOdinError, OdinError } from '../core/errors.ts';
import {
  LAMBDA_MOST,
  LEAST_EPHEMERAL_STORAGE_MB,
  LEAST_MEMORY_MB,
  MAX_CONCURRENCY,
} from '../core/names/lambda-limits.ts';
import { describeThrown } from '../core/thrown.ts';
import type { ManifestEntry } from '../core/contract/manifest.ts';
import { PreviewAllows } from '../core/preview/preview.ts';
import { cut } from '../core/ledger/summaries.ts';
import { COMMON, compile, missing } from './compile.ts';
import type { EnvironmentConfiguration } from './configuration.ts';
import { Architecture, Variables } from './configuration.ts';
import type { MigrationFile } from './discover.ts';
import { unknownNames } from './iam-names.ts';
import { Layers, strangersAmong } from './layers.ts';
import { remarkOnExport } from './near-names.ts';
import type { Permission } from './permission.ts';
import { leastSizeOf, MAX_INLINE_POLICIES, PermissionList } from './permission.ts';
import type { OpenedBeside } from './opened-beside.ts';
import { openedBeside } from './opened-beside.ts';
import { assertReadable } from './sources.ts';
import type { Given } from './placeholder.ts';
import { hasChangedPlaceholder, hasPlaceholder, NOTHING_GIVEN, withoutPlaceholders } from './placeholder.ts';
import { temporaryFolder } from './temporary.ts';
import { textsOf } from './texts.ts';
import { MAX_VARIABLES, OWN_VARIABLES, sizeOfVariables, variablesRead } from './variables.ts';

const MAX_TIMEOUT_MINUTES = LAMBDA_MOST.timeoutSeconds / 60;

/** What one `yield` may hold is fewer, if they are long. */
const MAX_ITEMS_PER_BATCH = 10_000;
/** Of a file that does not say it: below what any account has, so that no other function waits for it. */
const CONCURRENCY = 20;

const isTolerance = (value: unknown): boolean =>
  typeof value === 'string'
    ? /^\d+(\.\d+)?%$/.test(value) && Number.parseFloat(value) <= 100
    : Number.isInteger(value) && Number(value) >= 0;

const Exports = z.object({
  description: z
    .string('expected one line of text')
    .max(200, 'expected at most 200 characters')
    .regex(/^\P{Cc}*$/u, 'expected one line without control characters')
    .optional(),
  permissions: PermissionList.optional(),
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
    .min(
      LEAST_MEMORY_MB,
      `expected at least ${LEAST_MEMORY_MB}: user code has a process of its own beside the function's, and with less both run out of memory`,
    )
    .max(LAMBDA_MOST.memoryMB, `expected at most ${LAMBDA_MOST.memoryMB}, Lambda's largest`)
    .optional(),
  ephemeralStorageMB: z
    .int('expected a whole number of MB')
    .min(LEAST_EPHEMERAL_STORAGE_MB, `expected at least ${LEAST_EPHEMERAL_STORAGE_MB}, which every function has`)
    .max(LAMBDA_MOST.ephemeralStorageMB, `expected at most ${LAMBDA_MOST.ephemeralStorageMB}, Lambda's largest`)
    .optional(),
  architecture: Architecture.optional(),
  layers: Layers.optional(),
  variables: Variables.optional(),
  access: z.array(z.string('expected a name'), 'expected a list of names').optional(),
  previewAllows: z.optional(PreviewAllows),
  parallel: z
    .strictObject({
      itemsPerBatch: z
        .int('expected a whole number of items')
        .min(1, 'expected at least 1 item')
        .max(MAX_ITEMS_PER_BATCH, `expected at most ${MAX_ITEMS_PER_BATCH} items`)
        .optional(),
      concurrency: z
        .int('expected a whole number of batches at the same time')
        .min(1, 'expected at least 1 batch')
        .max(
          MAX_CONCURRENCY,
          `expected at most ${MAX_CONCURRENCY}, what Step Functions and Lambda allow to an account unasked`,
        )
        .optional(),
      toleratedFailures: z
        .custom<number | string>(isTolerance, "expected a number of batches, or a share of the plan's, e.g. '5%'")
        .optional(),
    })
    .optional(),
});

export interface InspectedMigration extends MigrationFile {
  description?: string | undefined;
  permissions: Permission[];
  timeoutSeconds: number;
  memoryMB: number;
  /** Of `/tmp`; undefined: what every function has. */
  ephemeralStorageMB?: number | undefined;
  /** Undefined: the environment's. */
  architecture?: z.infer<typeof Architecture> | undefined;
  /** ARNs of layers' versions. */
  layers: string[];
  variables: Record<string, string>;
  /** The variables that its code reads, in the modules that it imports too (project/variables.ts). */
  reads: string[];
  /** Names of what the construct's `access` grants. */
  access: string[];
  /** What it may do in a preview besides reading from AWS. */
  previewAllows: PreviewAllows;
  checkpointed: boolean;
  /** Of one that plans batches. */
  parallel?: ManifestEntry['parallel'];
  /** What is worth a look: ends of sentences that begin with the file's name. */
  remarks: string[];
}

type CompiledMigration = MigrationFile & Pick<InspectedMigration, 'reads'> & OpenedBeside;

/** What is wrong with it is known, and nothing else. */
export interface BrokenMigration extends MigrationFile {
  problem: OdinError;
}

export const isFine = (file: InspectedMigration | BrokenMigration): file is InspectedMigration => !('problem' in file);

/** Of a file that says nothing. */
export const DEFAULTS = {
  permissions: [],
  timeoutSeconds: LAMBDA_MOST.timeoutSeconds,
  memoryMB: 1024,
  layers: [],
  variables: {},
  reads: [],
  access: [],
  previewAllows: [],
  remarks: [],
  checkpointed: false,
} satisfies Partial<InspectedMigration>;

/**
 * @param given what their permissions may be made of; nothing is known when it is left out
 * @throws OdinError BadMigrationFile, naming the first bad file and the field, what was expected and what was found; BundlingFailed
 */
export function inspectMigrations(migrations: readonly MigrationFile[], given?: Given): InspectedMigration[] {
  return inspectFiles(migrations, given).map((file) => {
    if (isFine(file)) return file;
    throw file.problem;
  });
}

/**
 * As inspectMigrations, in their order; a bad file does not keep the others from being read.
 * @param directory the project, from which files are named in errors
 */
export function inspectFiles(
  migrations: readonly MigrationFile[],
  given: Given = NOTHING_GIVEN,
  directory = process.cwd(),
): (InspectedMigration | BrokenMigration)[] {
  if (migrations.length === 0) return [];
  const workDirectory = temporaryFolder();
  try {
    const { compiled, importers, broken } = compileThose(migrations, directory, workDirectory);
    const answers = evaluate(compiled, { workDirectory, importers, given });
    const answerOf = new Map(compiled.map(({ id }, index) => [id, answers[index]]));
    return migrations.map((migration) => {
      const problem = broken.get(migration.id);
      if (problem) return { ...migration, problem };
      const code = readFileSync(path.join(workDirectory, `${migration.id}.mjs`), 'utf8');
      const about = { ...migration, reads: variablesRead(code), ...openedBeside(code) };
      return checked(about, answerOf.get(migration.id), given);
    });
  } finally {
    rmSync(workDirectory, { recursive: true, force: true });
  }
}

function checked(
  migration: CompiledMigration,
  answer: Answer | OdinError | undefined,
  given: Given,
): InspectedMigration | BrokenMigration {
  try {
    if (answer instanceof OdinError) throw answer;
    return check(migration, answer, given);
  } catch (thrown) {
    return { ...migration, problem: asOdinError(thrown) };
  }
}

/** What the evaluating process says of one file. */
const Answer = z.object({
  /** What was thrown, as plain data. */
  error: z.unknown().optional(),
  /** `typeof` of the export `migration`, and the constructor's name of a function (`AsyncGeneratorFunction`). */
  type: z.string().optional(),
  kind: z.string().optional(),
  /** The same of the export `plan`. */
  plan: z.string().optional(),
  fields: z.record(z.string(), z.unknown()).optional(),
  /** The names of the other exports, and which of them are functions. */
  others: z.array(z.object({ name: z.string(), isFunction: z.boolean() })).optional(),
});
type Answer = z.infer<typeof Answer>;

/** Of each compiled file (a URL): the packages that it imports, and the file of the project which says so. */
type Importers = Record<string, Record<string, string>>;

/** Those that can be: what is wrong with the others is known. */
function compileThose(migrations: readonly MigrationFile[], directory: string, workDirectory: string) {
  const broken = new Map<string, OdinError>();
  try {
    return { compiled: migrations, importers: compileInto(workDirectory, migrations, directory), broken };
  } catch (all) {
    if (migrations.length === 1) {
      return { compiled: [], importers: {}, broken: new Map(migrations.map(({ id }) => [id, asOdinError(all)])) };
    }
    // The error does not say for certain which file it is of, so each is compiled alone.
    const importers: Importers = {};
    for (const migration of migrations) {
      try {
        Object.assign(importers, compileInto(workDirectory, [migration], directory));
      } catch (thrown) {
        broken.set(migration.id, asOdinError(thrown));
      }
    }
    return { compiled: migrations.filter(({ id }) => !broken.has(id)), importers, broken };
  }
}

/** Into the work folder, for the Node.js that evaluates it. */
function compileInto(workDirectory: string, migrations: readonly MigrationFile[], directory: string): Importers {
  const { files, modules, metafile } = compile(directory, {
    ...COMMON,
    packages: 'external',
    target: `node${process.versions.node}`,
    entryPoints: migrations.map(({ id, path: from }) => ({ in: from, out: id })),
  });
  assertNoAddons(metafile);
  assertReadable(Object.keys(metafile.inputs), directory, metafile.inputs);
  const importersIn = (module: string) =>
    (metafile.inputs[module]?.imports ?? [])
      .filter(({ external }) => external)
      .map((imported) => [imported.path, pathToFileURL(path.resolve(directory, module)).href] as const);
  return Object.fromEntries(
    [...files].map(([file, text]) => {
      const to = path.join(workDirectory, file);
      writeFileSync(to, text);
      return [pathToFileURL(to).href, Object.fromEntries((modules.get(file) ?? []).flatMap(importersIn))];
    }),
  );
}

/** Packages are not looked into here. @throws OdinError BundlingFailed */
function assertNoAddons({ inputs }: esbuild.Metafile): void {
  for (const [file, { imports }] of Object.entries(inputs)) {
    const addon = imports.find((imported) => imported.path.endsWith('.node'));
    if (!addon) continue;
    throw new OdinError({
      code: 'BundlingFailed',
      source: 'user',
      what: `${file} imports ${addon.path}: a native addon is shipped as a part of its package, and not as a file of a project.`,
      next: 'Give it a folder with a package.json and code that loads it, and install that (npm install ./that-folder).',
    });
  }
}

const readAnswers = (output: string): Answer[] =>
  existsSync(output) ? z.array(Answer).parse(JSON.parse(readFileSync(output, 'utf8'))) : [];

const EVALUATION_TIMEOUT_MS = 60_000;

interface Evaluation {
  workDirectory: string;
  importers: Importers;
  given: Given;
}

/** What each file says, or that it did not come to an end. */
function evaluate(migrations: readonly MigrationFile[], evaluation: Evaluation): (Answer | OdinError)[] {
  const answers: (Answer | OdinError)[] = [];
  while (answers.length < migrations.length) {
    const { read, problem } = evaluateFrom(migrations.slice(answers.length), evaluation);
    answers.push(...read);
    // The one after the last that was read ended the process, or did not end: the others are tried without it.
    if (problem) answers.push(problem);
  }
  return answers;
}

/** @returns the answers until one file ends the process, and what that means */
function evaluateFrom(
  migrations: readonly MigrationFile[],
  { workDirectory, importers, given }: Evaluation,
): { read: Answer[]; problem: OdinError | undefined } {
  const script = path.join(workDirectory, 'inspect.mjs');
  const output = path.join(workDirectory, 'answers.json');
  rmSync(output, { force: true });
  const modules = migrations.map(({ id }) => pathToFileURL(path.join(workDirectory, `${id}.mjs`)).href);
  const constants = { modules, output, importers, given };
  writeFileSync(
    script,
    Object.entries(constants)
      .map(([name, value]) => `const ${name} = ${JSON.stringify(value)};\n`)
      .join('') + EVALUATE,
  );
  try {
    execFileSync(process.execPath, [script], {
      env: harmlessEnvironment(given),
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: EVALUATION_TIMEOUT_MS,
    });
    const read = readAnswers(output);
    if (read.length === migrations.length) return { read, problem: undefined };
    throw new OdinError({ code: 'Internal', source: 'system', what: 'the process ended early' });
  } catch (thrown) {
    const read = readAnswers(output).slice(0, migrations.length - 1);
    const problem = new OdinError({
      code: 'BadMigrationFile',
      source: 'user',
      what: `Reading the exports of ${migrations[read.length]?.file ?? 'the migrations'} did not come to an end.`,
      why: `A file that works at its top level, or ends the process, has this effect. ${cut(describeThrown(thrown), 1000)}`,
      next: 'Move the work into migration().',
      cause: thrown,
    });
    return { read, problem };
  }
}

const FIELDS = Object.keys(Exports.shape);

/**
 * Runs in the process of its own. A function or a class among the exports cannot be JSON: it is named by its type. What was
 * compiled lies outside of the project: a package is looked for from the file that imports it.
 */
const EVALUATE = `
import { writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
registerHooks({
  resolve: (specifier, context, next) => next(specifier, { ...context, parentURL: importers[context.parentURL]?.[specifier] ?? context.parentURL }),
});
const valueOf = (exported, name) =>
  name === 'permissions' && typeof exported.permissions === 'function'
    ? exported.permissions({ ...given, variables: { ...given.variables, ...exported.variables } })
    : exported[name];
// What JSON cannot hold is named as it would be written.
const written = (key, value) =>
  typeof value === 'bigint' ? value + 'n' : typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
// As plain data, of which an error is known by its shape.
const told = (thrown, depth) => {
  try {
    if (typeof thrown !== 'object' || thrown === null) return String(thrown);
    if (typeof thrown.stack !== 'string' && typeof thrown.message !== 'string') return JSON.parse(JSON.stringify(thrown));
    const { name, message, code, cause, errors } = thrown;
    return {
      name: String(name ?? 'Error'),
      message: String(message ?? ''),
      code: typeof code === 'string' ? code : undefined,
      cause: cause === undefined || depth > 5 ? undefined : told(cause, depth + 1),
      errors: Array.isArray(errors) && depth < 5 ? errors.map((each) => told(each, depth + 1)) : undefined,
    };
  } catch {
    return 'something that cannot be described';
  }
};
const answers = [];
for (const url of modules) {
  writeFileSync(output, JSON.stringify(answers)); // after each file: one of them may end the process
  try {
    const exported = await import(url);
    const fields = {};
    for (const name of ${JSON.stringify(FIELDS)}) {
      if (!(name in exported) || exported[name] === undefined) continue;
      const value = valueOf(exported, name);
      const json = JSON.stringify(value, written);
      fields[name] = json === undefined ? { unexpected: typeof value } : JSON.parse(json);
    }
    const { migration } = exported;
    const isClass = typeof migration === 'function' && /^class\\b/.test(Function.prototype.toString.call(migration));
    const others = Object.keys(exported)
      .filter((name) => !(name in fields) && name !== 'migration' && name !== 'plan')
      .map((name) => ({ name, isFunction: typeof exported[name] === 'function' }));
    const plan = exported.plan === undefined ? undefined : (exported.plan?.constructor?.name ?? String(exported.plan));
    answers.push({ type: isClass ? 'a class' : typeof migration, kind: migration?.constructor?.name, plan, fields, others });
  } catch (thrown) {
    answers.push({ error: told(thrown, 0) });
  }
}
writeFileSync(output, JSON.stringify(answers));
process.exit(0);
`;

function check(
  { opens, asks, ...migration }: CompiledMigration,
  answer: Answer | undefined,
  given: Given,
): InspectedMigration {
  if (opens !== undefined) {
    throw bad(
      migration,
      'the file',
      `opens "${opens}" where it lies, which is not there in Lambda: what is imported is shipped, and nothing else. Write import data from '${opens}' with { type: 'text' }, or 'bytes' for what is no text`,
    );
  }
  if (!answer || answer.error !== undefined) {
    const error = answer === undefined ? 'no answer' : describeThrown(answer.error);
    throw bad(migration, 'the file', `could not be evaluated: ${cut(error, 1000)}`, missing([error]));
  }
  if (answer.kind === 'GeneratorFunction') {
    throw bad(migration, 'migration', 'expected an exported async function, found a generator that is not async');
  }
  if (answer.type !== 'function') {
    const found = answer.type === 'undefined' ? 'no such export' : `found ${String(answer.type)}`;
    throw bad(migration, 'migration', `expected an exported async function, ${found}`);
  }
  assertPlan(migration, answer);
  assertPlaceholders(migration, answer.fields ?? {}, given);
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
  const { timeoutMinutes = MAX_TIMEOUT_MINUTES, parallel, ...fields } = parsed.data;
  assertSizes(migration, fields, given);
  const stranger = strangersAmong(fields.layers ?? [], given);
  if (stranger !== undefined) throw bad(migration, 'layers', stranger);
  return {
    ...DEFAULTS,
    ...migration,
    ...Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)),
    description: fields.description,
    timeoutSeconds: Math.max(1, Math.round(timeoutMinutes * 60)),
    checkpointed: [answer.kind, answer.plan].includes('AsyncGeneratorFunction'),
    parallel:
      answer.plan === undefined
        ? undefined
        : { concurrency: parallel?.concurrency ?? CONCURRENCY, toleratedFailures: parallel?.toleratedFailures },
    remarks: [
      ...(asks.length === 0
        ? []
        : [
            `asks for ${asks.join(' and ')}, which is /var/task in Lambda: nothing lies beside it there. Import what it needs.`,
          ]),
      ...(answer.others ?? []).flatMap((other) => remarkOnExport(other, FIELDS)),
      ...notAscii({ variables: fields.variables, permissions: fields.permissions }),
      ...unknownNames(['permissions'], fields.permissions ?? []),
    ],
  };
}

/**
 * `plan` makes a migration a parallel one: it is an async generator, and `migration` is none.
 * @throws OdinError BadMigrationFile
 */
function assertPlan(migration: MigrationFile, { kind, plan, fields }: Answer): void {
  if (plan === undefined) {
    if (fields?.['parallel'] === undefined) return;
    throw bad(
      migration,
      'parallel',
      'expected an exported plan() beside it, which says what there is to do, found none',
    );
  }
  if (plan !== 'AsyncGeneratorFunction') {
    const expected =
      'expected an exported async generator (export async function* plan), which yields { items, cursor }';
    throw bad(migration, 'plan', `${expected}, found ${plan}`);
  }
  if (kind !== 'AsyncGeneratorFunction') return;
  throw bad(
    migration,
    'migration',
    'expected an exported async function beside plan(), which has the checkpoints, found an async generator',
  );
}

/** Of what is joined with what others say: the stack knows the rest (infra/refused.ts). @throws OdinError BadMigrationFile */
function assertSizes(migration: MigrationFile, fields: z.infer<typeof Exports>, given: Given): void {
  const { permissions = [], variables = {} } = fields;
  const policies = leastSizeOf(permissions);
  if (policies > MAX_INLINE_POLICIES) {
    const expected = `what fits into the ${MAX_INLINE_POLICIES} characters of a role's inline policies`;
    const hint = 'name what is alike by one pattern ("*")';
    throw bad(migration, 'permissions', `expected ${expected}, found at least ${policies}: ${hint}`);
  }
  const all = sizeOfVariables({ ...given.variables, ...variables });
  if (all > MAX_VARIABLES - OWN_VARIABLES) {
    const expected = `what fits into the ${MAX_VARIABLES} bytes of a function's variables, of which odin-migrate has ${OWN_VARIABLES}`;
    const hint =
      'those of the environment are among them; put what is long into a file or a parameter, and its name into a variable';
    throw bad(migration, 'variables', `expected ${expected}, found ${all} bytes: ${hint}`);
  }
}

/** Where what stands for a value may be: in all other places it would be taken for the value. */
const MAY_HOLD_TOKENS = ['permissions', 'variables'];

/** @throws OdinError BadMigrationFile */
function assertPlaceholders(migration: MigrationFile, fields: Record<string, unknown>, given: Given): void {
  for (const [name, value] of Object.entries(fields)) {
    for (const [field, text, isKey] of textsOf(value, [name])) {
      if (!hasPlaceholder(text)) continue;
      const at = z.core.toDotPath(field);
      if (isKey || !MAY_HOLD_TOKENS.includes(name)) {
        throw bad(
          migration,
          at,
          `a value that only a deployment knows can stand in permissions and variables alone, found ${cut(text, 200)}`,
        );
      }
      if (hasChangedPlaceholder(text, given)) {
        throw bad(
          migration,
          at,
          `a value that only a deployment knows was changed: it can be put into a longer text, and that is all; found ${cut(text, 200)}`,
        );
      }
    }
  }
}

/** What is worth a look in odin-migrate.json, of an environment. */
export function remarksOn({ variables, stack }: EnvironmentConfiguration): string[] {
  const access = Object.entries(stack.access);
  return [
    ...notAscii({ variables, access: stack.access }),
    ...access.flatMap(([name, statements]) => unknownNames(['stack', 'access', name], statements)),
  ];
}

/**
 * What lands in the template, and would make that something else than ASCII: a sentence about each field, which begins with its name
 * (docs/aws-facts.md).
 */
const notAscii = (fields: Record<string, unknown>): string[] =>
  Object.entries(fields)
    .flatMap(([name, value]) => textsOf(value, [name]))
    .filter(([, text]) => !isAscii(withoutPlaceholders(text, () => '')))
    .map(
      ([field]) =>
        `${z.core.toDotPath(field)}: expected ASCII. It is deployed as it is, but CloudFormation shows it as "?", "cdk import" fails over it, and CodePipeline refuses a large template with it. ${field[0] !== 'variables' ? 'Write "*" in place of such letters' : 'Escape it (encodeURIComponent), or import a file that has it'}.`,
    );

export const isAscii = (text: string): boolean => /^[\0-\x7f]*$/.test(text);

const bad = ({ file }: MigrationFile, field: string, why: string, next?: string): OdinError =>
  new OdinError({
    code: 'BadMigrationFile',
    source: 'user',
    what: `${file}, ${field}: ${why}.`,
    remark: `${field}: ${why}.`,
    next: next ?? 'docs/migrations.md shows every export with an example.',
  });

/** Enough to run node, what the function will know, and nothing that could reach AWS. */
function harmlessEnvironment({ variables, region }: Given): NodeJS.ProcessEnv {
  const { PATH, HOME, LANG, TMPDIR, SystemRoot } = process.env;
  return {
    ...variables,
    PATH,
    HOME: HOME === undefined ? undefined : path.join(HOME, '.none'),
    LANG,
    TMPDIR,
    SystemRoot,
    AWS_REGION: hasPlaceholder(region) ? undefined : region, // nothing is guessed
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}
