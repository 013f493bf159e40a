// What is created below a turn, once: each names the entry that allows it, and is read for that entry alone (docs/design.md §4).
import * as z from '../schema.ts';
import type { Allowed, Reference } from './entries.ts';
import { LOG_FORMAT, sha256 } from './entries.ts';
import type { Numbered } from './fold.ts';
import { jsonOf } from './json.ts';
import type { LogWriter } from './log.ts';
import type { Store } from './store.ts';

export type Turn = Numbered<Allowed>;

/** In every record of a turn. */
export const recordFields = {
  format: z.literal(LOG_FORMAT),
  /** The entry that allows the turn. One that names another was not made for this turn. */
  entry: z.object({ number: z.int().check(z.minimum(1)), sha256: z.string() }),
  /** Of the writer's clock, for people. What counts is when the store says that the object was written. */
  time: z.iso.datetime(),
  nonce: z.string().check(z.minLength(1)),
  writer: z.object({
    function: z.string().check(z.minLength(1)),
    requestId: z.string().check(z.minLength(1)),
    version: z.string().check(z.minLength(1)),
  }),
};

/** What is looked at of each, whatever else it says. */
export interface RecordOfTurn {
  entry: { number: number; sha256: string };
}

/** What `takeKey` adds to what its caller says. */
export type Added = keyof typeof recordFields;

/** `mine`: the key is created, by this call. Else what stands there is to be looked at. */
export type Taken = { taken: 'mine'; reference: Reference } | { taken: 'by another' };

export async function takeKey(
  store: Store,
  key: string,
  turn: Turn,
  writer: LogWriter,
  content: object,
): Promise<Taken> {
  const nonce = writer.nonce();
  const record = {
    format: LOG_FORMAT,
    entry: { number: turn.number, sha256: turn.sha256 },
    time: new Date(writer.now()).toISOString(),
    nonce,
    writer: { function: writer.function, requestId: writer.requestId, version: writer.version },
    ...content,
  };
  const body = `${JSON.stringify(record, undefined, 2)}\n`;
  const mine: Taken = { taken: 'mine', reference: { key, sha256: sha256(body) } };
  if ((await store.create(key, body)) !== 'exists') return mine;
  // The store repeats a request whose answer was lost: what stands there may be our own.
  return (await store.get(key))?.body === body ? mine : { taken: 'by another' };
}

/** Undefined when it is not JSON of this shape, or was made for another entry. */
export function readRecord<T extends RecordOfTurn>(
  schema: z.ZodMiniType<T>,
  body: string,
  turn: Pick<Turn, 'number' | 'sha256'>,
): T | undefined {
  const { data } = schema.safeParse(jsonOf(body));
  return data?.entry.number === turn.number && data.entry.sha256 === turn.sha256 ? data : undefined;
}
