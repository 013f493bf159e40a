// Copies and moves of many objects.
import type { S3Client } from '@aws-sdk/client-s3';
import { isAccessPoint } from '../../core/names/access-point.ts';
import type { Access, Head, ObjectAddress } from './beside.ts';
import { differencesBeside, head, sameBytes, sameContents, tagsOf, uriOf } from './beside.ts';
import { checkAsListed, checkReadable, copyBytes } from './copy-one.ts';
import { deleteOne } from './delete.ts';
import { eachObject } from './each.ts';
import { reasonOf, refused, statusOf } from './failures.ts';
import type { ListedObject } from './listing.ts';
import { BUCKET, CLIENT, FLAG, FUNCTION, OBJECTS, checkOptions, whole, wrong } from './options.ts';
import { Retries } from './retries.ts';

export interface Copies {
  s3: S3Client;
  bucket: string;
  objects: readonly ListedObject[];
  /** The key that each is copied to. No two may have one. */
  to: (key: string) => string;
  /** The bucket that they are copied to; the same one without it. */
  toBucket?: string | undefined;
  /** A client of the region of `toBucket`, when that is another one than that of `bucket`. */
  toS3?: S3Client | undefined;
  /** Replaces what is at a target and is not the same; without it, such an object is refused. */
  overwrite?: boolean | undefined;
  /** Objects at the same time, 1 to 256; 16 without it. */
  concurrency?: number | undefined;
}

/**
 * Copies every object that can be copied, as it was listed, with all that S3 keeps beside its bytes, and makes sure of it.
 * What was copied before is not copied again.
 * @throws ObjectsFailed which names every key that could not be: changed since it was listed, archived, its target holds
 * something else, denied, …; OdinError BadArgument
 */
export async function copyObjects(copies: Copies): Promise<void> {
  await transferAll('copyObjects', 'copied', copies, async (access, places, object) => {
    const looked = await lookAt(access, places, object);
    const copy = await copyOnce(access, places, object, looked, copies.overwrite ?? false);
    if (copy.made) await checkTarget(access, places, copy);
  });
}

/**
 * Moves every object that can be moved, each by itself: copies it as `copyObjects` does, makes sure that the copy is all that
 * its source is, and that the source is still what was copied, and then deletes the source on that condition. Whenever it
 * ends, each object is whole at its source, at its target, or at both; begun again, it goes on with those that are left, also where
 * it is given those that it has moved.
 * @throws ObjectsFailed which names every key that could not be; OdinError BadArgument
 */
export async function moveObjects(copies: Copies): Promise<void> {
  await transferAll('moveObjects', 'moved', copies, async (access, places, object) => {
    const looked = await lookAt(access, places, object);
    if (wasMoved(looked, object)) return;
    const copy = await copyOnce(access, places, object, looked, copies.overwrite ?? false);
    await Promise.all([checkTarget(access, places, copy), checkSource(access, places, copy)]);
    const [{ Bucket: bucket, Key: key }] = places;
    await deleteOne({ ...access, bucket }, key, object.etag);
  });
}

type Transfer = (
  access: Access,
  places: readonly [ObjectAddress, ObjectAddress],
  object: ListedObject,
) => Promise<void>;

async function transferAll(helper: string, verb: string, copies: Copies, transfer: Transfer): Promise<void> {
  checkOptions(helper, copies, {
    required: { s3: CLIENT, bucket: BUCKET, objects: OBJECTS, to: FUNCTION },
    optional: { toBucket: BUCKET, toS3: CLIENT, overwrite: FLAG, concurrency: whole(1, 256) },
  });
  const { bucket, objects, concurrency = 16 } = copies;
  const access = { s3: clientOf(helper, copies), retries: new Retries() };
  const targets = targetsOf(copies);
  await eachObject({ objects, concurrency, verb, retries: access.retries }, async (object, index) => {
    const target = targets[index];
    if (target === undefined || 'refusal' in target) throw refused(target?.refusal ?? 'it has no target');
    await transfer(access, [{ Bucket: bucket, Key: object.key }, target], object);
  });
}

/** One client for both buckets: S3 copies where the target is, and reads from any region. @throws OdinError BadArgument */
function clientOf(helper: string, { s3, bucket, toBucket, toS3 }: Copies): S3Client {
  if (!toS3) return s3;
  if (toBucket === undefined || toBucket === bucket) {
    throw wrong(helper, 'expected toS3 beside another bucket as toBucket, found none');
  }
  const send = (command: { input: { Bucket?: string } }) =>
    (command.input.Bucket === toBucket ? toS3 : s3).send(command as never);
  return { send } as unknown as S3Client;
}

/** Where each object goes, or why it cannot go there. Whatever can be said before anything is done is said here. */
function targetsOf({ bucket, toBucket = bucket, objects, to }: Copies): (ObjectAddress | { refusal: string })[] {
  const sources = new Set(objects.map(({ key }) => key));
  const keys = objects.map(({ key }): unknown => {
    try {
      return to(key);
    } catch (thrown) {
      return { thrown };
    }
  });
  const comers = new Map<unknown, string[]>();
  for (const [index, { key }] of objects.entries()) {
    const before = comers.get(keys[index]);
    if (before) before.push(key);
    else comers.set(keys[index], [key]);
  }
  return objects.map((object, index) => {
    const key = keys[index];
    if (typeof key !== 'string') {
      const found = typeof key === 'object' && key && 'thrown' in key ? reasonOf(key.thrown) : typeof key;
      return { refusal: `expected a key from to(), found ${found}` };
    }
    const bytes = Buffer.byteLength(key);
    if (bytes < 1 || bytes > 1_024) return { refusal: `a key has 1 to 1,024 bytes, and its target has ${bytes}` };
    const target = { Bucket: toBucket, Key: key };
    if (toBucket === bucket && key === object.key) return { refusal: 'its target is the object itself' };
    if (toBucket !== bucket && key === object.key && (isAccessPoint(bucket) || isAccessPoint(toBucket))) {
      return { refusal: `its target ${uriOf(target)} may be the object itself, by the name of an access point` };
    }
    const all = comers.get(key) ?? [];
    if (all.length > 1) return { refusal: `${uriOf(target)} is the target of ${firstOf(all)}` };
    if (toBucket === bucket && sources.has(key)) {
      return { refusal: `its target ${uriOf(target)} is one of the objects that are to go elsewhere themselves` };
    }
    return target;
  });
}

const firstOf = (keys: readonly string[]): string =>
  keys.length <= 3 ? keys.join(', ') : `${keys.slice(0, 3).join(', ')} and ${keys.length - 3} more`;

interface Copy {
  /** The source as it was copied. */
  source: Head;
  /** Of the copy. */
  etag: string | undefined;
  /** Not when it was there already. */
  made: boolean;
}

/** The source as it was listed, and what is at the target; undefined where nothing is. */
type Looked = readonly [listed: Head | undefined, there: Head | undefined];

const lookAt = (
  access: Access,
  [from, target]: readonly [ObjectAddress, ObjectAddress],
  { etag }: ListedObject,
): Promise<Looked> => Promise.all([head(access, from, { IfMatch: etag }), head(access, target)]);

/** What is planned once, and listed no more, is given again to who goes on: it is gone, and its target has the bytes that were listed. */
const wasMoved = ([listed, there]: Looked, { size, etag }: ListedObject): boolean =>
  listed === undefined && there?.ETag === etag && there.ContentLength === size;

async function copyOnce(
  access: Access,
  places: readonly [ObjectAddress, ObjectAddress],
  object: ListedObject,
  [listed, there]: Looked,
  overwrite: boolean,
): Promise<Copy> {
  const [from, target] = places;
  const source = checkAsListed(listed, object);
  if (there) {
    const differences = await differencesOf(access, places, [source, there]);
    if (differences.length === 0) return { source, etag: there.ETag, made: false };
    if (!overwrite) throw isTaken(target, differences);
  }
  checkReadable(source);
  try {
    const expected = there ? { IfMatch: there.ETag ?? '' } : ({ IfNoneMatch: '*' } as const);
    return { source, etag: await copyBytes(access, places, source, expected), made: true };
  } catch (thrown) {
    if (!MAY_BE_THERE.includes(statusOf(thrown) ?? 0)) throw thrown;
    // The source changed; or somebody else was faster; or an answer was lost, and the copy is this one.
    checkAsListed(await head(access, from, { IfMatch: object.etag }), object);
    const now = await head(access, target);
    if (!now) throw thrown;
    const differences = await differencesOf(access, places, [source, now]);
    if (differences.length > 0) throw isTaken(target, differences);
    return { source, etag: now.ETag, made: true };
  }
}

/** A condition that did not hold, of the target or of the source; an upload that is there no more. */
const MAY_BE_THERE = [412, 404];

const isTaken = (target: ObjectAddress, differences: readonly string[]) =>
  refused(
    `its target ${uriOf(target)} is there already, with other ${differences.join(', ')}: give it another target, or pass overwrite: true`,
  );

/** In words, what of the source the target does not have, whoever made it. */
async function differencesOf(
  access: Access,
  [source, target]: readonly [ObjectAddress, ObjectAddress],
  [found, there]: readonly [Head, Head],
): Promise<string[]> {
  const beside = differencesBeside(found, there);
  const told = sameBytes(found, there);
  if (told === false) return ['bytes', ...beside];
  if (beside.length > 0) return beside;
  const [tags, theirs] = await Promise.all([tagsOf(access, source), tagsOf(access, target)]);
  if (tags !== theirs) return ['tags'];
  return told === true || (await sameContents(access, [source, target])) ? [] : ['bytes'];
}

/** S3 copied the bytes on the condition that they were those; the rest is looked at. */
async function checkTarget(
  access: Access,
  [, target]: readonly [ObjectAddress, ObjectAddress],
  { source, etag }: Copy,
): Promise<void> {
  const now = await head(access, target);
  const differences = now === undefined ? ['it is gone'] : differencesBeside(source, now);
  if (now && (now.ETag !== etag || sameBytes(source, now) === false)) differences.push('bytes');
  if (differences.length > 0) {
    throw refused(`${uriOf(target)} differs from it, or is gone, after it was copied (${differences.join(', ')})`);
  }
}

/** An ETag says nothing of headers and tags: these are looked at again, right before the delete. */
async function checkSource(
  access: Access,
  [from, target]: readonly [ObjectAddress, ObjectAddress],
  { source }: Copy,
): Promise<void> {
  const now = await head(access, from, { IfMatch: source.ETag });
  if (!now) return;
  const sameTime = now.LastModified?.getTime() === source.LastModified?.getTime();
  const tagged = (now.TagCount ?? 0) > 0;
  if (
    !sameTime ||
    differencesBeside(now, source).length > 0 ||
    (tagged && (await tagsOf(access, from)) !== (await tagsOf(access, target)))
  ) {
    throw refused('it was put or tagged anew while it was copied, and was not deleted');
  }
}
