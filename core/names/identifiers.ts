// What a migration and an environment may be called (docs/design.md §2).
import * as z from 'zod';
import { OdinError } from '../errors.ts';

/** The four digits of a migration's file name. */
export const MigrationId = z.string().regex(/^\d{4}$/, 'expected four digits, e.g. "0004"');

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

/** The id of a migration's file, or undefined when the file is not a migration. */
export const migrationIdOf = (fileName: string): string | undefined => FILE.exec(fileName)?.[1];

export const isNearMiss = (fileName: string): boolean =>
  migrationIdOf(fileName) === undefined && NEAR_MISS.test(fileName);

/** Longest environment name: `odin-migrate-<name>-record-completion` must fit Lambda's 64 characters. */
export const MAX_ENVIRONMENT_LENGTH = 32;
const ENVIRONMENT = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

export const isEnvironmentName = (name: string): boolean =>
  name.length <= MAX_ENVIRONMENT_LENGTH && ENVIRONMENT.test(name);

/** @throws OdinError BadEnvironmentName, which states the rule */
export function assertEnvironmentName(name: string): void {
  if (isEnvironmentName(name)) return;
  const unfit = `"${/[^a-z0-9-]/u.exec(name)?.[0] ?? name}"`;
  const found = name.length > MAX_ENVIRONMENT_LENGTH ? `${name.length} characters` : unfit;
  throw new OdinError({
    code: 'BadEnvironmentName',
    source: 'user',
    what: `"${name}" cannot be an environment: it becomes part of AWS resource names.`,
    why:
      `Expected lower-case letters, digits and single hyphens, beginning with a letter, ` +
      `at most ${MAX_ENVIRONMENT_LENGTH} characters; found ${found}.`,
    next: `Rename the folder migrations/${name}/ and its entry in cdk.json, if it has one.`,
  });
}
