// What git knows of an environment's numbers. A completed migration's file may be deleted (docs/design.md §2), and its number must
// not be used again: the ledger would take the new file for the old one, and never run it.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { migrationIdOf } from '../core/names/identifiers.ts';
import type { MigrationFile } from './discover.ts';
import { git, nearest } from './git.ts';
import { significantText } from './source-text.ts';

export interface NumbersInGit {
  ids: string[];
  /** `cut`: a shallow clone, in which git knows of the last commits alone. `none`: there is no git, or no repository. */
  history: 'whole' | 'cut' | 'none';
  /** Why git did not answer, in its own words. */
  problem?: string | undefined;
}

/** Every number that was ever added to the folder, on any branch. @param folder absolute; it may be gone */
export function numbersInGit(folder: string): NumbersInGit {
  try {
    const added = changes(folder, ['--all', '--name-only', '--diff-filter=A', '--format=']);
    const isCut = git(folder, 'rev-parse', '--is-shallow-repository').trim() === 'true';
    const ids = added.flatMap((name) => idIn(folder, name) ?? []);
    return { ids: [...new Set(ids)].sort(), history: isCut ? 'cut' : 'whole' };
  } catch (thrown) {
    return { ids: [], history: 'none', problem: problemOf(thrown) };
  }
}

/**
 * The files whose numbers another text had before, in the history of what is checked out: one that was deleted since. One that
 * goes on under another number was renumbered, and used up none.
 */
export function usedBefore(folder: string, migrations: readonly MigrationFile[]): MigrationFile[] {
  const deleted = deletedIn(folder);
  const again = migrations.filter(({ id }) => deleted.has(id));
  if (again.length === 0) return [];
  const texts = new Set(migrations.map((other) => significantText(other.file, readFileSync(other.path, 'utf8'))));
  return again.filter(({ id }) =>
    (deleted.get(id) ?? []).some(
      (blob) => !texts.has(significantText('0000.ts', git(folder, 'cat-file', 'blob', blob))),
    ),
  );
}

export const usedBeforeText = (id: string): string =>
  `The number ${id} was used before, by a file that was deleted since. Where that one is completed, this one never runs: give it the next free number, or say --accept-changed ${id} if that one never ran.`;

/** Id → the objects that were deleted under it. */
function deletedIn(folder: string): Map<string, string[]> {
  const deleted = new Map<string, string[]>();
  try {
    const parts = changes(folder, ['HEAD', '--raw', '--no-abbrev', '--diff-filter=D', '--format=']);
    for (let at = 0; at + 1 < parts.length; at += 2) {
      const [, , blob = ''] = (parts[at] ?? '').split(' ');
      const id = idIn(folder, parts[at + 1] ?? '');
      if (id !== undefined) deleted.set(id, [...new Set([...(deleted.get(id) ?? []), blob])]);
    }
  } catch {
    // no git, or no commit: nothing is known of what was before
  }
  return deleted;
}

/** What each commit changed in the folder, also what is gone again where its branch was merged. */
const changes = (folder: string, options: readonly string[]): string[] =>
  git(
    folder,
    'log',
    ...options,
    '--full-history',
    '-m',
    '-z',
    '--no-renames',
    '--relative',
    '-O/dev/null',
    '--',
    pathFrom(folder),
  )
    .split('\0')
    .map((part) => part.trim())
    .filter((part) => part !== '');

/** From where git is asked. */
const pathFrom = (folder: string): string => path.relative(nearest(folder), folder).split(path.sep).join('/') || '.';

/** A file below the folder's own files is no migration. */
function idIn(folder: string, name: string): string | undefined {
  const from = pathFrom(folder);
  return path.posix.dirname(name) === from ? migrationIdOf(path.posix.basename(name)) : undefined;
}

/** Undefined when there is nothing to be asked: no git, or no repository. */
function problemOf(thrown: unknown): string | undefined {
  const { code, stderr = '' } = thrown as { code?: string; stderr?: string };
  if (code === 'ENOENT' || /not a git repository/i.test(stderr)) return undefined;
  return stderr.trim().split('\n')[0] ?? String(code);
}
