// How what one preview held back gets to the next one: of the next slice, or of a migration that runs after it. It travels
// through the answer of one function and the payload of another, which have 6 MB each, whatever a preview wrote.
import { deserialize, serialize } from 'node:v8';
import { gunzipSync, gzipSync } from 'node:zlib';
import { MAX_HANDED_ON } from '../../../core/preview/preview.ts';
import type { HeldWrites } from './recorder.ts';

/** More are not worth the memory of a small function to try: they would not fit. */
const MAX_OBJECTS = 80_000;

/**
 * Without the contents of objects when it is too much with them: then reading one is told as stale.
 * @returns undefined when it is too much
 */
export function packed(writes: HeldWrites, migration: string): string | undefined {
  const objects = [...writes.s3.held.values()].reduce((sum, { size }) => sum + size, 0);
  if (objects + writes.s3.tagged.size > MAX_OBJECTS) return undefined;
  renamed(writes, undefined, migration);
  const whole = text(writes);
  if (fits(whole)) return whole;
  const contents = heldObjects(writes).filter((held) => held.there && held.body !== undefined);
  if (contents.length === 0) return undefined;
  for (const held of contents) if (held.there) held.body = undefined;
  const without = text(writes);
  return fits(without) ? without : undefined;
}

/** @param migration whose preview goes on from it: what it wrote in an earlier slice is its own */
export function unpacked(handedOn: string, migration: string): HeldWrites {
  const writes = deserialize(gunzipSync(Buffer.from(handedOn, 'base64'))) as HeldWrites;
  renamed(writes, migration, undefined);
  return writes;
}

const text = (writes: HeldWrites): string => gzipSync(serialize(writes)).toString('base64');
const fits = ({ length }: string): boolean => length <= MAX_HANDED_ON;
const heldObjects = ({ s3 }: HeldWrites) => [...s3.held.values()].flatMap((objects) => [...objects.values()]);

function renamed(writes: HeldWrites, from: string | undefined, to: string | undefined): void {
  for (const owned of [...heldObjects(writes), ...writes.s3.tagged.values()]) if (owned.by === from) owned.by = to;
  for (const [target, by] of writes.written) if (by === from) writes.written.set(target, to);
}
