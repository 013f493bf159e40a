// What a migration yields, as a checkpoint. Its cursor is what the next attempt goes on from: it is JSON, or the migration fails.
// Everything else is made to be looked at: what of it cannot be shown is cut or left out, and stops no work. It needs no schemas, which
// the process of user code does not load.
import { isOdinError, OdinError } from '../../../core/errors.ts';
import { describeThrown } from '../../../core/thrown.ts';
import { cut, keptText } from '../../../core/ledger/summaries.ts';
import { MAX_CURSOR_BYTES, MAX_NOTE } from './limits.ts';
import type { YieldedCheckpoint } from './yielded.ts';

/** What reads it again goes through it as this does, and must not run out of stack. */
const MAX_DEPTH = 500;

/** A field of it, and a sentence that says why it was cut or left out. */
type Dropped = [field: string, sentence: string];

/** @throws OdinError BadCheckpoint, naming what of the cursor cannot be kept */
export function checkpointOf(value: unknown): { checkpoint: YieldedCheckpoint; dropped: Dropped[] } {
  if (typeof value !== 'object' || value === null) throw badCheckpoint(`expected an object, found ${shown(value)}`);
  const cursor = cursorOf(read(value, 'cursor'));
  const dropped: Dropped[] = [];
  const drop = (field: string, why: string) => {
    dropped.push([field, `The ${field} of a checkpoint ${why}. Its work goes on.`]);
  };
  const count = (field: string): number | undefined => {
    const found = orDropped(value, field);
    if (found === undefined || (typeof found === 'number' && Number.isFinite(found) && found >= 0)) return found;
    drop(field, `was left out: expected a number of 0 or more, found ${shown(found)}`);
    return undefined;
  };
  const note = (): string | undefined => {
    const found = orDropped(value, 'note');
    if (typeof found === 'string') {
      if (found.length > MAX_NOTE) drop('note', `was cut: it has ${found.length} characters, over ${MAX_NOTE}`);
      return keptText(found, MAX_NOTE);
    }
    if (found !== undefined) drop('note', `was left out: expected text, found ${shown(found)}`);
    return undefined;
  };
  const save = (): boolean | undefined => {
    const found = orDropped(value, 'save');
    if (found === undefined || typeof found === 'boolean') return found;
    drop('save', `counts as true: expected true or false, found ${shown(found)}`);
    return true;
  };
  const notBefore = timeOf(read(value, 'notBefore'));
  const checkpoint = { cursor, done: count('done'), total: count('total'), note: note(), save: save(), notBefore };
  return { checkpoint, dropped };
}

/** It says when work is done, so that it is no matter of looks. @returns epoch milliseconds */
function timeOf(found: unknown): number | undefined {
  if (found === undefined) return undefined;
  if (found instanceof Date && !Number.isNaN(found.getTime())) return found.getTime();
  const what = found instanceof Date ? 'a Date of no time' : shown(found);
  throw badCheckpoint(`its notBefore is ${what}, and expected is a Date, e.g. new Date(Date.now() + 30 * 60_000)`);
}

/** Longer than anything is waited for: milliseconds were counted as seconds, or the date is a slip. */
const LONGEST_WAIT_MS = 366 * 24 * 60 * 60_000;

/** @throws OdinError BadCheckpoint */
export function assertWithinAYear({ notBefore = -Infinity }: YieldedCheckpoint, now: number): void {
  if (notBefore <= now + LONGEST_WAIT_MS) return;
  throw badCheckpoint(`its notBefore is ${new Date(notBefore).toISOString()}, and expected is a time within a year`);
}

function read(value: object, field: string): unknown {
  try {
    return (value as Record<string, unknown>)[field];
  } catch (thrown) {
    throw badCheckpoint(`its ${field} cannot be read (${firstLine(thrown)})`);
  }
}

/** A getter that throws is as wrong as any other value. */
function orDropped(value: object, field: string): unknown {
  try {
    return (value as Record<string, unknown>)[field];
  } catch {
    return UNREADABLE;
  }
}

const UNREADABLE = Symbol('what cannot be read');

/** A copy, as it will be read back: -0 is 0 then. */
function cursorOf(found: unknown): YieldedCheckpoint['cursor'] {
  let json: string;
  try {
    assertJson(found, ['cursor'], []);
    json = JSON.stringify(found);
  } catch (thrown) {
    if (isOdinError(thrown)) throw thrown;
    throw badCheckpoint(`its cursor cannot be read (${firstLine(thrown)})`);
  }
  const bytes = Buffer.byteLength(json);
  if (bytes > MAX_CURSOR_BYTES) throw badCheckpoint(`its cursor is ${bytes} bytes of JSON, over ${MAX_CURSOR_BYTES}`);
  return JSON.parse(json) as YieldedCheckpoint['cursor'];
}

/**
 * That it is what JSON gives back, and nothing that JSON leaves out or changes.
 * @param within the objects that it is in, from the outside
 */
export function assertJson(
  value: unknown,
  path: readonly (string | number)[],
  within: readonly object[],
  error: (why: string) => OdinError = badCheckpoint,
): void {
  const bad = (is: string) => error(`${cut(dotted(path), 200)} is ${is}`);
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return;
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw bad(`${value}, which JSON cannot hold`);
    return;
  }
  if (typeof value !== 'object') throw bad(value === undefined ? 'undefined' : `a ${typeof value}`);
  if (within.includes(value)) throw bad('an object that it is in itself');
  if (within.length >= MAX_DEPTH) throw bad(`nested deeper than ${MAX_DEPTH}`);
  const inside = [...within, value];
  if (Array.isArray(value)) {
    if (Object.keys(value).length !== value.length) throw bad('a list with holes, or with fields of its own');
    for (const [index, each] of value.entries()) assertJson(each, [...path, index], inside, error);
    return;
  }
  if (!isPlain(value)) throw bad(`a ${nameOf(value)}, which JSON does not give back`);
  if (Object.getOwnPropertySymbols(value).length > 0) throw bad('an object with a symbol among its keys');
  for (const [key, each] of Object.entries(value)) assertJson(each, [...path, key], inside, error);
}

/** `cursor.pages[3]["next token"]` */
const dotted = (path: readonly (string | number)[]): string =>
  path
    .map((key, index) => {
      if (typeof key === 'string' && /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key))
        return index === 0 ? key : `.${key}`;
      return `[${JSON.stringify(key)}]`;
    })
    .join('');

/** Of this realm or another, and of no class. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

const nameOf = (value: object): string => (value as { constructor?: { name?: string } }).constructor?.name ?? 'object';

function shown(value: unknown): string {
  if (typeof value === 'string') return `"${cut(value, 40)}"`;
  if (typeof value === 'object' && value !== null) return `a ${Array.isArray(value) ? 'list' : nameOf(value)}`;
  return typeof value === 'function' ? 'a function' : String(value);
}

const firstLine = (thrown: unknown): string => describeThrown(thrown).split('\n')[0] ?? '';

export const badCheckpoint = (why: string): OdinError =>
  new OdinError({
    code: 'BadCheckpoint',
    source: 'user',
    what: `The migration yielded a checkpoint that cannot be kept: ${why}.`,
    next: 'Yield { cursor, done?, total?, note?, save?, notBefore? }, the cursor being JSON that differs from the one before.',
  });
