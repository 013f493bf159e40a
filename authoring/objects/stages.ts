// Several pieces of work, one after the other, under one cursor.
import type { Checkpoint, PlannedItems } from '../../core/contract/migration-file.ts';
import { OdinError } from '../../core/errors.ts';
import { wrong } from './options.ts';

/**
 * A generator of checkpoints, which is given the last cursor of its own; or an async function. `Yielded` is what the generator yields:
 * in `plan()` it has items.
 */
export type Stage<Yielded extends Checkpoint = Checkpoint> = (
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- each stage has a cursor of a type of its own
  resume?: any,
) => AsyncIterable<Yielded> | Promise<AsyncIterable<Yielded>> | Promise<void>;

/** In a stage, at a cursor of its own; or after one, which is finished and not entered again. */
export type StageCursor = { in: string; cursor: unknown } | { after: string };

/**
 * Runs stages in their order, for `yield*` in `migration()` or `plan()`: `stages({ list, copy, remove }, resume)`. What a stage yields is
 * yielded with its name. At its end a checkpoint is saved before the next stage begins, so that it is never entered again.
 * @param of by their names, which the cursor has: no two stages are told from each other by their place
 * @param resume the cursor of the last checkpoint: what `migration(resume)` is given
 * @throws OdinError BadArgument, also for the cursor of a stage that there is not
 */
export function stages<Item = never>(
  of: Readonly<Record<string, Stage<PlannedItems<Item>>>>,
  resume?: StageCursor,
): AsyncGenerator<PlannedItems<Item, StageCursor>, void, undefined>;
export function stages(
  of: Readonly<Record<string, Stage>>,
  resume?: StageCursor,
): AsyncGenerator<Checkpoint<StageCursor>, void, undefined>;
export function stages(
  of: Readonly<Record<string, Stage>>,
  resume?: StageCursor,
): AsyncGenerator<Checkpoint<StageCursor>, void, undefined> {
  const names = Object.keys(of);
  if (names.length === 0 || Object.values(of).some((stage) => typeof stage !== 'function')) {
    throw wrong('stages', 'expected an object of functions, by the names of the stages');
  }
  const number = names.find((name) => /^\d+$/.test(name));
  if (number !== undefined)
    throw wrong('stages', `expected names that are no numbers, which have an order of their own, found "${number}"`);
  const last = resume && ('after' in resume ? resume.after : resume.in);
  if (last !== undefined && !names.includes(last)) {
    throw wrong(
      'stages',
      `expected resume to be in one of the stages ${names.join(', ')}, found ${JSON.stringify(last)}`,
    );
  }
  return stagesOf(of, resume);
}

async function* stagesOf(
  of: Readonly<Record<string, Stage>>,
  resume: StageCursor | undefined,
): AsyncGenerator<PlannedItems<never, StageCursor> | Checkpoint<StageCursor>, void, undefined> {
  const names = Object.keys(of);
  const from =
    resume === undefined ? 0 : 'after' in resume ? names.indexOf(resume.after) + 1 : names.indexOf(resume.in);
  for (const [index, name] of names.entries()) {
    if (index < from) continue;
    const place = `${name}, ${index + 1} of ${names.length}`;
    let counted: Omit<Checkpoint, 'cursor'> = {};
    const at = resume !== undefined && index === from && 'in' in resume ? resume.cursor : undefined;
    const running = await of[name]?.(at); // awaited in any case: an awaited generator is that generator
    if (isGenerator(running)) {
      for await (const checkpoint of running) {
        const { cursor, note } = checkpoint;
        counted = checkpoint;
        yield { ...checkpoint, cursor: { in: name, cursor }, note: noteOf(place, note) };
      }
    } else if (running !== undefined) throw notDone(name);
    const { done, total, note } = counted;
    // Of a plan, it is of no items; of a migration, nobody reads them.
    yield { cursor: { after: name }, items: [], done, total, note: noteOf(place, note), save: true };
  }
}

const isGenerator = (running: unknown): running is AsyncIterable<Checkpoint> =>
  typeof running === 'object' && running !== null && Symbol.asyncIterator in running;

const noteOf = (place: string, note: string | undefined): string => (note === undefined ? place : `${place}: ${note}`);

const notDone = (name: string): OdinError =>
  new OdinError({
    code: 'BadArgument',
    source: 'user',
    what: `stages() expected the stage ${name} to be an async generator or an async function that returns nothing, found another result.`,
    next: 'Mend the stage in the migration.',
  });
