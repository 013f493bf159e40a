// Many objects, page by page.
import type { S3Client } from '@aws-sdk/client-s3';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { OdinError } from '../../core/errors.ts';
import { listedKey } from '../../core/text/listed-key.ts';
import type { Access } from './beside.ts';
import { BUCKET, CLIENT, CURSOR, FLAG, TEXT, TEXTS, checkOptions, whole, wrong } from './options.ts';
import { withoutInner } from './prefixes.ts';
import { Retries } from './retries.ts';

export interface ListedObject {
  key: string;
  /** Bytes. */
  size: number;
  /** In its quotation marks, as S3 has it. */
  etag: string;
}

/** Where a listing goes on; `done` and `total` count objects. */
export interface PageCursor {
  after: string;
  done: number;
  total?: number | undefined;
}

export interface Page {
  /** At least one, in the order of their keys. */
  objects: ListedObject[];
  /** To be yielded when the page is done with. */
  checkpoint: { cursor: PageCursor; done: number; total?: number };
}

export interface Listing {
  s3: S3Client;
  bucket: string;
  prefix?: string | undefined;
  /** In its place: several, whose objects come in the order of their keys, each once. */
  prefixes?: readonly string[] | undefined;
  /** The cursor of the last page that is done with: what `migration(resume)` is given. */
  resume?: PageCursor | undefined;
  /** Objects per page, at most: 1 to 1,000, which is the default. */
  pageSize?: number | undefined;
  /** Lists everything once before the first page, so that the checkpoints have a total: one request per 1,000 objects. */
  counted?: boolean | undefined;
}

/** What `pages` takes besides its client and its bucket. */
export const LISTING = { prefix: TEXT, prefixes: TEXTS, resume: CURSOR, pageSize: whole(1, 1_000), counted: FLAG };

/** The work of a page, with its checkpoint, should be done after so long: a slice stops at a checkpoint only. */
const PAGE_MS = 30_000;
/** Bytes that take about as long as an object of a few bytes. */
const BYTES_OF_ONE = 8 * 1024 ** 2;
/** Of a page whose pace is not known yet: 1,000 small objects, 500 of 24 MB, or three of 5 GB. */
const FIRST_WEIGHT = 2_000;

const weightOf = ({ size }: ListedObject): number => 1 + size / BYTES_OF_ONE;

/**
 * The objects under a prefix in the order of their keys, page by page. A page is as many objects as the work on the pages
 * before it lets expect within half a minute, so that each attempt gets further. An object that is created meanwhile, with a
 * key after the cursor, is listed too: write your output under another prefix.
 * @throws OdinError BadArgument
 */
export function pages(listing: Listing): AsyncGenerator<Page, void, undefined> {
  checkOptions('pages', listing, {
    required: { s3: CLIENT, bucket: BUCKET },
    optional: LISTING,
  });
  const { prefix, resume } = listing;
  if (prefix !== undefined && listing.prefixes !== undefined)
    throw wrong('pages', 'expected prefix or prefixes, found both');
  const prefixes = prefixesOf(listing);
  // It would begin behind or before all of them; behind, nothing is listed, and what was not done counts as done.
  if (resume && !prefixes.some((each) => resume.after.startsWith(each))) {
    throw wrong(
      'pages',
      `expected resume to be the cursor of a listing of ${prefixes.map((each) => `"${each}"`).join(', ')}, found one of "${resume.after}"`,
    );
  }
  return pagesOf(listing);
}

/** None lies within another: so a key is of one of them. */
const prefixesOf = ({ prefix = '', prefixes = [prefix] }: Listing): string[] => withoutInner(prefixes);

async function* pagesOf(listing: Listing): AsyncGenerator<Page, void, undefined> {
  const { resume, pageSize = 1_000, counted = false } = listing;
  const total = resume ? resume.total : counted ? await count(listing) : undefined;
  let done = resume?.done ?? 0;
  let budget = FIRST_WEIGHT;
  for await (const listed of listAll(listing, pageSize, resume?.after)) {
    for (let left = listed; left.length > 0;) {
      const objects = within(left, budget);
      left = left.slice(objects.length);
      done += objects.length;
      const counts = total === undefined ? { done } : { done, total };
      const begun = performance.now();
      yield { objects, checkpoint: { cursor: { after: objects.at(-1)?.key ?? '', ...counts }, ...counts } };
      const tookMs = Math.max(1, performance.now() - begun);
      budget = (objects.reduce((sum, object) => sum + weightOf(object), 0) / tookMs) * PAGE_MS;
    }
  }
}

/** The first ones that weigh no more than that, at least one. */
function within(objects: ListedObject[], budget: number): ListedObject[] {
  let weight = 0;
  const end = objects.findIndex((object, index) => (weight += weightOf(object)) > budget && index > 0);
  return end < 0 ? objects : objects.slice(0, end);
}

async function count(listing: Listing): Promise<number> {
  let objects = 0;
  for await (const page of listAll(listing, 1_000, undefined)) objects += page.length;
  return objects;
}

/** One prefix after the other, from that of the key on. */
async function* listAll(
  listing: Listing,
  pageSize: number,
  after: string | undefined,
): AsyncGenerator<ListedObject[], void, undefined> {
  const prefixes = prefixesOf(listing);
  const at = after === undefined ? 0 : prefixes.findIndex((prefix) => after.startsWith(prefix));
  for (const [index, prefix] of prefixes.entries()) {
    if (index >= at) yield* list({ ...listing, prefix }, pageSize, index === at ? after : undefined);
  }
}

async function* list(
  { s3, bucket, prefix }: Listing,
  pageSize: number,
  after: string | undefined,
): AsyncGenerator<ListedObject[], void, undefined> {
  const retries = new Retries();
  for (let from: ListFrom | undefined = { StartAfter: after }; from;) {
    const { objects, next }: Listed = await listFrom({ s3, retries }, { bucket, prefix, pageSize }, from);
    if (objects.length > 0) yield objects;
    from = next;
  }
  retries.tell();
}

export type ListFrom = { StartAfter: string | undefined } | { ContinuationToken: string };

interface Listed {
  objects: ListedObject[];
  /** Undefined at the end. */
  next: ListFrom | undefined;
}

/** One request. It may tell of no object, and not be the last one. */
export async function listFrom(
  { s3, retries }: Access,
  { bucket, prefix, pageSize }: { bucket: string; prefix: string | undefined; pageSize: number },
  from: ListFrom,
): Promise<Listed> {
  // XML cannot hold every key that an object may have.
  const where = { Bucket: bucket, Prefix: prefix, MaxKeys: pageSize, EncodingType: 'url' } as const;
  const page = await retries.again(`ListObjectsV2 of s3://${bucket}/${prefix ?? ''}`, () =>
    s3.send(new ListObjectsV2Command({ ...where, ...from })),
  );
  const { Contents = [], IsTruncated = false, NextContinuationToken: token } = page;
  const decoded = page.EncodingType === 'url' ? listedKey : (key: string) => key;
  const objects = Contents.map(({ Key = '', Size = 0, ETag = '' }) => ({ key: decoded(Key), size: Size, etag: ETag }));
  if (!IsTruncated) return { objects, next: undefined };
  if (token === undefined) {
    throw new OdinError({
      code: 'Internal',
      source: 'system',
      what: `S3 did not say how the list of ${bucket} goes on.`,
    });
  }
  return { objects, next: { ContinuationToken: token } };
}
