// The actions and condition keys that IAM has, to find those that are misspelt: IAM itself takes each, and it allows nothing.
import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { nearName } from './near-names.ts';
import { iamNamesFile } from './package.ts';
import type { Permission } from './permission.ts';

/**
 * A sentence about each that IAM did not have when the list was made (scripts/iam-names.ts); it begins with the field.
 * @param field of the statements
 */
export const unknownNames = (field: PropertyKey[], statements: readonly Permission[]): string[] =>
  statements.flatMap((statement, index) => [
    ...(['Action', 'NotAction'] as const).flatMap((name) =>
      [statement[name] ?? []].flat().flatMap((action) => remark([...field, index, name], 'action', action)),
    ),
    ...Object.entries(statement.Condition ?? {}).flatMap(([operator, keys]) =>
      Object.keys(keys).flatMap((key) => remark([...field, index, 'Condition', operator], 'condition key', key)),
    ),
  ]);

type Kind = 'action' | 'condition key';

function remark(at: PropertyKey[], kind: Kind, found: string): string[] {
  const [, prefix = '', name = ''] = /^([^:*?$⟦]+):([^⟦$]+)$/.exec(found) ?? [];
  if (name === '' || prefix.includes('.')) return []; // "*", a key of another's tokens, or what only a deployment knows
  const known = namesOf(prefix, kind);
  if (known.some((each) => isLike(name, each))) return [];
  const meant =
    known.length > 0 ? joined(prefix, nearName(name, known)) : joined(nearName(prefix, prefixesWith(name, kind)), name);
  const next =
    meant === undefined
      ? 'The Service Authorization Reference lists all; what is newer than this version of odin-migrate is not known to it.'
      : `Is "${meant}" meant?`;
  return [`${z.core.toDotPath(at)}: IAM knows no ${kind} "${found}". ${next}`];
}

const joined = (prefix: string | undefined, name: string | undefined): string | undefined =>
  prefix === undefined || name === undefined ? undefined : `${prefix}:${name}`;

/** Case does not count. An action may be a pattern; a key of IAM's may have a part that is anybody's (`ResourceTag/${TagKey}`). */
function isLike(found: string, known: string): boolean {
  const open = known.replaceAll(/\$\{[^}]*\}|<[^>]*>|(?<=\/)tag-key$/g, '*');
  return open === known ? matches(found, known) : matches(open, found);
}

function matches(pattern: string, whole: string): boolean {
  const literal = pattern.replaceAll(/[.+()[\]{}^$|\\]/g, String.raw`\$&`);
  return new RegExp(`^${literal.replaceAll('*', '.*').replaceAll('?', '.')}$`, 'i').test(whole);
}

let text: string | undefined;

/** One line for each prefix: it, its actions, its condition keys. Half a megabyte, of which a few lines are looked at. */
function lines(): string {
  text ??= `\n${readFileSync(iamNamesFile, 'utf8')}`;
  return text;
}

function namesOf(prefix: string, kind: Kind): string[] {
  const begin = lines().indexOf(`\n${prefix.toLowerCase()}\t`);
  if (begin < 0) return [];
  const [, actions = '', keys = ''] = lines()
    .slice(begin + 1, lines().indexOf('\n', begin + 1))
    .split('\t');
  return (kind === 'action' ? actions : keys).split(' ').filter(Boolean);
}

const prefixesWith = (name: string, kind: Kind): string[] =>
  [...lines().matchAll(/^([^\t\n]+)\t/gm)]
    .map(([, prefix = '']) => prefix)
    .filter((prefix) => namesOf(prefix, kind).some((each) => isLike(name, each)));
