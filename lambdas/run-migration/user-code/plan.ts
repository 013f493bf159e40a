// What the plan of a parallel migration yields, as batches: `{ items, cursor, done?, total?, note? }`. Without schemas, as checkpoint.ts.
import { OdinError } from '../../../core/errors.ts';
import { assertJson } from './checkpoint.ts';
import { MAX_ITEMS_BYTES } from './limits.ts';
import type { YieldedCheckpoint } from './yielded.ts';

/** Each a list of items. */
export type Batches = NonNullable<YieldedCheckpoint['batches']>;

/** When the file does not say it. */
export const ITEMS_PER_BATCH = 500;

/** A batch is cut from what one `yield` gives, and never spans two: what is planned is known at each checkpoint. */
export function batchesOf(value: unknown, size: number): Batches {
  const items = (value as { items?: unknown }).items ?? [];
  if (!Array.isArray(items)) throw badPlan('yielded items that are no list', 'Yield { items: [...], cursor }.');
  assertJson(items, ['items'], [], badItems);
  const json = JSON.stringify(items);
  const bytes = Buffer.byteLength(json);
  if (bytes > MAX_ITEMS_BYTES) {
    throw badPlan(
      `yielded items of ${bytes} bytes of JSON at once, over ${MAX_ITEMS_BYTES}`,
      'Yield more often, or name what is to be done more shortly.',
    );
  }
  const copy = JSON.parse(json) as Batches[number]; // as it will be read back
  return Array.from({ length: Math.ceil(copy.length / size) }, (_, index) =>
    copy.slice(index * size, (index + 1) * size),
  );
}

const badItems = (why: string): OdinError =>
  badPlan(`yielded what JSON does not give back: ${why}`, 'An item is JSON.');

export const badPlan = (what: string, next: string): OdinError =>
  new OdinError({ code: 'BadPlan', source: 'user', what: `plan() ${what}.`, next });
