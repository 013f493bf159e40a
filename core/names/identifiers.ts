// What a migration and an environment may be called (docs/design.md §2).
import * as z from '../schema.ts';
import { OdinError } from '../errors.ts';
import type { EnvironmentId } from './names.ts';

/** The four digits of a migration's file name. */
export const MigrationId = z.string().check(z.regex(/^\d{4}$/, 'expected four digits, e.g. "0004"'));

/** @throws OdinError BadUsage */
export function assertMigrationId(id: string): void {
  if (MigrationId.safeParse(id).success) return;
  throw new OdinError({
    code: 'BadUsage',
    source: 'user',
    what: `Expected a migration's four digits, e.g. 0004, found "${id}".`,
  });
}

const FILE = /^(\d{4})\.ts$/;
/** Names that look as if they were meant to be migrations: `001.ts`, `0001.TS`, `0001_x.ts`, `0001.js`, `00001.ts`. */
const NEAR_MISS = /^\d+[^/]*\.[cm]?[jt]sx?$/i;
/** The same in a folder below, where other code lies: `1.ts`, `0001.js`, `0001_x.ts`, and not `3d.ts`. */
const NEAR_MISS_BELOW = /^(\d+|\d{4}[^0-9a-z.][^/]*)\.[cm]?[jt]sx?$/i;
/** A migration's four digits, and an ending of code that is not taken: `0001.mts`, `0001.cts`, `0001.js`, `0001.mjs`. */
const OTHER_ENDING = /^(\d{4})\.[cm]?[jt]sx?$/i;

/** The id of a migration's file, or undefined when the file is not a migration. */
export const migrationIdOf = (fileName: string): string | undefined => FILE.exec(fileName)?.[1];

export const isNearMiss = (fileName: string): boolean =>
  migrationIdOf(fileName) === undefined && NEAR_MISS.test(fileName);

export const isMeantBelow = (fileName: string): boolean => NEAR_MISS_BELOW.test(fileName);

/** The id of a file that is a migration but for its ending, or undefined. */
export const idWithOtherEnding = (fileName: string): string | undefined =>
  migrationIdOf(fileName) === undefined ? OTHER_ENDING.exec(fileName)?.[1] : undefined;

/** Longest environment name: `odin-migrate-<name>-record-completion` must fit Lambda's 64 characters. */
export const MAX_ENVIRONMENT_LENGTH = 32;
/** Longest app and environment together: `<app>--<environment>--0004--ap-southeast-1` must fit IAM's 64. */
export const MAX_QUALIFIED_LENGTH = 40;
/** No `--`, and no hyphen at an end: those separate an app from an environment, and both from a part. */
const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

export const isEnvironmentName = (name: string): boolean => name.length <= MAX_ENVIRONMENT_LENGTH && NAME.test(name);

/**
 * @param next what to do about one that is no name
 * @throws OdinError BadEnvironmentName, which states the rule
 */
export function assertEnvironmentName(
  name: string,
  next = `Rename the folder migrations/${name}/ and its entry in odin-migrate.json, if it has one.`,
): void {
  if (isEnvironmentName(name)) return;
  throw new OdinError({
    code: 'BadEnvironmentName',
    source: 'user',
    what: `"${name}" cannot be an environment: it becomes part of AWS resource names.`,
    why: ruleOfNames(name, MAX_ENVIRONMENT_LENGTH),
    next,
  });
}

/** Leaves room for an environment of one character. */
const MAX_APP_LENGTH = MAX_QUALIFIED_LENGTH - 1;

/** What is wrong with the name of an app, as a sentence; undefined when nothing is. */
export const problemOfApp = (app: string): string | undefined =>
  app.length <= MAX_APP_LENGTH && NAME.test(app) ? undefined : ruleOfNames(app, MAX_APP_LENGTH);

/** So that other environments of the app can have names of this length. */
const ROOM_FOR_ENVIRONMENTS = 16;

/**
 * A package's name made to fit the rule of an app's: without its scope, with hyphens for what is not taken, and cut between words.
 * Undefined when nothing of it fits.
 */
export function appFrom(packageName: string): string | undefined {
  const max = MAX_QUALIFIED_LENGTH - ROOM_FOR_ENVIRONMENTS;
  const words = packageName
    .replace(/^@[^/]*\//, '')
    .toLowerCase()
    .split(/[^a-z0-9]/)
    .filter(Boolean);
  const first = words.findIndex((word) => /^[a-z]/.test(word));
  if (first < 0) return undefined;
  const [begin = '', ...rest] = words.slice(first);
  let app = begin.slice(0, max);
  for (const word of rest) {
    if (app.length + 1 + word.length > max) break;
    app += `-${word}`;
  }
  return app;
}

/** @throws OdinError BadEnvironmentName; BadConfiguration for what cannot be an app, and when they are too long together */
export function assertEnvironmentId({ app, environment }: EnvironmentId): void {
  assertEnvironmentName(environment);
  if (app === undefined) return;
  const why = problemOfApp(app);
  if (why !== undefined) {
    throw new OdinError({ code: 'BadConfiguration', source: 'user', what: `"${app}" cannot be an app.`, why });
  }
  const length = app.length + environment.length;
  if (length <= MAX_QUALIFIED_LENGTH) return;
  throw new OdinError({
    code: 'BadConfiguration',
    source: 'user',
    what: `The app "${app}" and the environment "${environment}" are too long together.`,
    why: `Names of AWS resources are made of both, and hold at most ${MAX_QUALIFIED_LENGTH} characters of them; found ${length}.`,
    next: 'Give one of the two a shorter name, before anything of it is deployed: "app" is in odin-migrate.json.',
  });
}

function ruleOfNames(name: string, max: number): string {
  const unfit = `"${/[^a-z0-9-]/u.exec(name)?.[0] ?? name}"`;
  const found = name.length > max ? `${name.length} characters` : unfit;
  return (
    'Expected lower-case letters, digits and single hyphens, beginning with a letter, ' +
    `at most ${max} characters; found ${found}.`
  );
}
