// What `prune` would do to the files of an environment, and does: what the ledger has as completed gets a line in completed.json, and
// its file is deleted, which git keeps.
import { rmSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { lackingError, lackingOf } from '../core/decision/lacking.ts';
import { OdinError } from '../core/errors.ts';
import type { CompletionState, LogState } from '../core/ledger/fold.ts';
import type { Sources } from '../core/ledger/sources.ts';
import { differenceOf } from '../core/ledger/sources.ts';
import { idsText } from '../core/text/format.ts';
import { readSources } from '../project/bundle.ts';
import type { CompletedMigration } from '../project/completed.ts';
import { COMPLETED_FILE, writeCompleted } from '../project/completed.ts';
import type { MigrationFile } from '../project/discover.ts';
import { discoverEnvironment, folderOf } from '../project/discover.ts';
import { git } from '../project/git.ts';
import type { Project } from '../project/project.ts';
import { significantHash } from '../project/source-text.ts';

export interface PruningOptions {
  /** Up to and with this one; undefined: all that is completed. */
  through?: string | undefined;
  /** Those too whose text is not what was run. */
  changed?: boolean | undefined;
}

/** Why a file stays: it is not completed; its text is not what was run; git does not have it as it is. */
export type WhyLeft = 'not completed' | 'changed' | 'not committed';

export interface Pruning {
  /** As messages name it: `migrations/odin-dev/completed.json`. */
  completedFile: string;
  /** Lines that are new in it, ascending by id. */
  added: CompletedMigration[];
  /** All of its lines then. */
  completed: CompletedMigration[];
  /** Files that are deleted: paths relative to the project. */
  deleted: string[];
  left: { id: string; file: string; why: WhyLeft }[];
}

/**
 * Changes nothing.
 * @param state of the environment's log
 * @throws OdinError NotCompleted: `through` is not completed, or something below it; or completed.json names what this ledger lacks.
 *   BadUsage: git does not keep the files; BadMigrationFile as discoverEnvironment
 */
export function planPruning(
  { directory, configuration }: Project,
  environment: string,
  state: LogState,
  { through, changed = false }: PruningOptions = {},
): Pruning {
  const { migrations, completed, returned } = discoverEnvironment(environment, directory, configuration);
  const folder = folderOf(directory, configuration, environment);
  const lacking = lackingOf(
    state,
    completed.map(({ id }) => id),
  );
  if (lacking.length > 0) throw lackingError(lacking, environment);
  const files = [...migrations, ...returned].filter(({ id }) => through === undefined || id <= through).sort(byId);
  if (through !== undefined) assertCompletedThrough(through, files, state, environment);

  const committed = committedFiles(path.resolve(directory, folder));
  const other = new Set([
    ...returned.filter((file) => file.changed).map(({ id }) => id),
    ...migrations.filter((file) => isOther(file, state.migrations[file.id]?.completion, directory)).map(({ id }) => id),
  ]);
  const whyLeft = ({ id, path: filePath }: MigrationFile): WhyLeft | undefined => {
    if (!state.migrations[id]?.completion) return 'not completed';
    if (!changed && other.has(id)) return 'changed';
    return committed.has(path.basename(filePath)) ? undefined : 'not committed';
  };
  const seen = files.map((file) => ({ ...file, why: whyLeft(file) }));
  const left = seen.flatMap(({ id, file, why }) => (why === undefined ? [] : [{ id, file, why }]));
  const stays = new Set([...left.map(({ id }) => id), ...completed.map(({ id }) => id)]);
  const added = Object.entries(state.migrations)
    .filter(([id]) => !stays.has(id) && (through === undefined || id <= through))
    .flatMap(([id, { completion }]): CompletedMigration[] => {
      if (!completion) return [];
      const file = files.find((each) => each.id === id);
      const sourceSha256 = completion.sourceSha256 ?? file?.sourceSha256;
      const meaning = file && !other.has(id) ? significantHash(file.path) : undefined;
      const time = completion.finishedAt ?? completion.time;
      return [{ id, completion: completion.completion, time, sourceSha256, meaning }];
    })
    .sort(byId);
  return {
    completedFile: `${folder}/${COMPLETED_FILE}`,
    added,
    completed: [...completed, ...added].sort(byId),
    deleted: seen.filter(({ why }) => why === undefined).map(({ file }) => file),
    left,
  };
}

/**
 * Whether a file may be new work. The text that was run is none, whatever became of the files that it imports; of another text counts
 * what it says.
 */
function isOther(file: MigrationFile, ran: CompletionState | undefined, directory: string): boolean {
  if (!ran || ran.sourceSha256 === file.sourceSha256) return false;
  return differenceOf(ran, { ...file, sources: sourcesNow(file, directory) }) === 'files';
}

/** Undefined of one that does not compile any more. */
function sourcesNow(file: MigrationFile, directory: string): Sources | undefined {
  try {
    return readSources(directory, [file]).get(file.id);
  } catch {
    return undefined;
  }
}

/**
 * What is deleted is what was agreed to: an editor may have saved a file while the question stood.
 * @param now as planned again, after the answer
 * @throws OdinError BadUsage
 */
export function assertAsShown(shown: Pruning, now: Pruning): void {
  if (isDeepStrictEqual(shown, now)) return;
  throw new OdinError({
    code: 'BadUsage',
    source: 'user',
    what: 'The files are not what they were when this was shown, so nothing was changed.',
    next: 'Type the same again.',
  });
}

/** The lines come first: cut off between them and the files, it leaves files that a second `prune` deletes. */
export function applyPruning({ directory }: Project, { completedFile, added, completed, deleted }: Pruning): void {
  if (added.length > 0) writeCompleted(path.resolve(directory, path.dirname(completedFile)), completed);
  for (const file of deleted) rmSync(path.resolve(directory, file), { force: true });
}

const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1);

function assertCompletedThrough(
  through: string,
  files: readonly MigrationFile[],
  { migrations }: LogState,
  environment: string,
): void {
  const known = new Set([...files.map(({ id }) => id), ...Object.keys(migrations), through]);
  const open = [...known].filter((id) => id <= through && !migrations[id]?.completion).sort();
  if (open.length === 0) return;
  throw new OdinError({
    code: 'NotCompleted',
    source: 'user',
    what: `Expected everything up to ${through} to be completed in ${environment}, found ${idsText(open)} that is not.`,
    why: 'What is pending, running or halted needs its function.',
    next: { words: 'See what each of them is', verb: 'status', environment },
  });
}

/** Names of the folder's files that git has, as they are here, in its last commit. @throws OdinError BadUsage */
function committedFiles(folder: string): Set<string> {
  const lines = (...args: string[]): string[] =>
    git(folder, ...args)
      .split('\0')
      .filter((name) => name !== '');
  try {
    const known = lines('ls-files', '-z', '--', '.');
    // What is staged, changed, or unknown to git.
    const differ = new Set(
      lines('status', '--porcelain', '--no-renames', '-z', '--', '.').map((line) => path.basename(line.slice(3))),
    );
    return new Set(known.filter((name) => !differ.has(name)));
  } catch (cause) {
    throw new OdinError({
      code: 'BadUsage',
      source: 'user',
      what: `Expected ${folder} to be in a work tree of git.`,
      why: 'prune deletes files, and git is where they are kept.',
      cause,
    });
  }
}
