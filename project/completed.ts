// `completed.json`: the migrations of an environment whose files were pruned. Written by `prune`, kept in git, read by whatever reads
// the environment's files.
//
//   {
//     "0001": "applied 2026-11-02T10:11:12.123Z 9f86d081…0f00a08 2:60303ae2…11c752",
//     "format": 1
//   }
//
// A line for each, which no other one changes (`format` takes the last comma), and which no formatter breaks: so a conflict of two
// branches shows whole lines, and a review reads what was added.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { OdinError } from '../core/errors.ts';
import { describeThrown } from '../core/thrown.ts';
import { COMPLETIONS } from '../core/ledger/entries.ts';
import { MigrationId } from '../core/names/identifiers.ts';
import { withoutMark } from '../core/text/mark.ts';

export const COMPLETED_FILE = 'completed.json';

export interface CompletedMigration {
  id: string;
  completion: (typeof COMPLETIONS)[number];
  /** When that was recorded: ISO 8601. */
  time: string;
  /** Of the text that was run, or, when nobody knows that (a baseline), of the file that was pruned. Absent when there was none. */
  sourceSha256: string | undefined;
  /** Of what the pruned file said (source-text.ts), when that was the same: by it a file that comes back is known. */
  meaning?: string | undefined;
}

const FORMAT = 1;
const VALUE = new RegExp(`^(${COMPLETIONS.join('|')}) (\\S+)(?: ([0-9a-f]{64})(?: (\\d+:[0-9a-f]{64}))?)?$`);

const File = z
  .object({ format: z.literal(FORMAT) })
  .catchall(z.string().regex(VALUE, 'expected how it was completed, the time, and the SHA-256 of its text'));

/**
 * Ascending by id; nothing when there is no such file.
 * @param file as messages name it: `migrations/odin-dev/completed.json`
 * @throws OdinError BadMigrationFile
 */
export function readCompleted(directory: string, file: string): CompletedMigration[] {
  const filePath = path.join(directory, COMPLETED_FILE);
  if (!existsSync(filePath)) return [];
  const text = textOf(filePath, file);
  const parsed = File.safeParse(jsonOf(text, file));
  const [issue] = parsed.error?.issues ?? [];
  if (!parsed.success) throw unreadable(file, `${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'not valid'}`);
  const twice = twiceIn(text);
  if (twice !== undefined) throw unreadable(file, `it names ${twice} twice`);
  return Object.entries(parsed.data)
    .filter(([id]) => id !== 'format')
    .map(([id, value]) => completedOf(id, String(value), file))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

function textOf(filePath: string, file: string): string {
  try {
    return withoutMark(readFileSync(filePath, 'utf8'));
  } catch (thrown) {
    throw unreadable(file, describeThrown(thrown)); // a folder, or not this user's to read
  }
}

/** All or nothing: whoever is cut off in the middle leaves the file as it was. @param completed ascending by id */
export function writeCompleted(directory: string, completed: readonly CompletedMigration[]): void {
  const filePath = path.join(directory, COMPLETED_FILE);
  const half = `${filePath}.${process.pid}.tmp`;
  writeFileSync(half, formatCompleted(completed));
  renameSync(half, filePath);
}

export const formatCompleted = (completed: readonly CompletedMigration[]): string =>
  ['{', ...completed.map(lineOf), `  "format": ${FORMAT}`, '}', ''].join('\n');

const lineOf = ({ id, completion, time, sourceSha256, meaning }: CompletedMigration): string =>
  `  "${id}": "${[completion, time, sourceSha256, meaning].filter((part) => part !== undefined).join(' ')}",`;

function completedOf(id: string, value: string, file: string): CompletedMigration {
  const [, completion, time = '', sourceSha256, meaning] = VALUE.exec(value) ?? [];
  if (!MigrationId.safeParse(id).success) throw unreadable(file, `"${id}" is no migration's four digits`);
  if (!z.iso.datetime().safeParse(time).success) throw unreadable(file, `${id}: "${time}" is no time`);
  return { id, completion: completion as CompletedMigration['completion'], time, sourceSha256, meaning };
}

/** JSON takes the last of two lines for one id: a conflict that was resolved badly would go unseen. */
function twiceIn(text: string): string | undefined {
  const ids = [...text.matchAll(/"(\d{4})"\s*:/g)].map(([, id = '']) => id);
  return ids.find((id, at) => ids.indexOf(id) !== at);
}

function jsonOf(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw unreadable(file, /^[<=>|]{7}/m.test(text) ? 'a conflict of git stands in it' : 'it is not JSON', cause);
  }
}

const unreadable = (file: string, why: string, cause?: unknown): OdinError =>
  new OdinError({
    code: 'BadMigrationFile',
    source: 'user',
    what: `${file} cannot be read: ${why}.`,
    why: 'It says which migrations are completed and have no file any more, so nothing is deployed without it.',
    next: 'Take it from git as it was, and type prune again: docs/prune.md shows its lines.',
    cause,
  });
