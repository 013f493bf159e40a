// Work on many objects at the same time, each of which may fail by itself.
import pMap from 'p-map';
import { bytesText } from '../../core/text/format.ts';
import type { ObjectFailure } from './failures.ts';
import { failureOf, notBegun, throwIfAny } from './failures.ts';
import type { ListedObject } from './listing.ts';
import type { Retries } from './retries.ts';
import { AtWork } from './retries.ts';

export interface EachObject {
  objects: readonly ListedObject[];
  concurrency: number;
  /** What becomes of one that does not fail: `copied`. */
  verb: string;
  /** Of all of them. What was tried again is told at the end. */
  retries: Retries;
}

/**
 * @throws ObjectsFailed which names every key of which the work failed, after all others were done; when S3 goes on asking for fewer
 *   requests, no further one is begun
 */
export async function eachObject(
  { objects, concurrency, verb, retries }: EachObject,
  work: (object: ListedObject, index: number) => Promise<void>,
): Promise<void> {
  const atWork = new AtWork();
  const failures: ObjectFailure[] = [];
  await pMap(
    objects,
    async (object, index) => {
      const { key, size } = object;
      if (retries.gaveUp) {
        failures.push(notBegun(key));
        return;
      }
      try {
        await atWork.on(`${key} (${bytesText(size)})`, () => work(object, index));
      } catch (thrown) {
        failures.push(failureOf(key, thrown));
      }
    },
    { concurrency },
  );
  atWork.end();
  retries.tell();
  throwIfAny(verb, failures, objects.length);
}
