// All objects under some prefixes, as the plan of a parallel migration: ranges of their keys, listed at the same time.
import type { S3Client } from '@aws-sdk/client-s3';
import { createHash } from 'node:crypto';
import type { Access } from './beside.ts';
import type { ListedObject, ListFrom } from './listing.ts';
import { listFrom } from './listing.ts';
import { BUCKET, CLIENT, PER_YIELD, TEXTS, UNDER_CURSOR, checkOptions, whole, wrong } from './options.ts';
import type { Planned, PlannedOptions } from './planned.ts';
import { Gathered } from './planned.ts';
import type { KeyRange } from './ranges.ts';
import { compareKeys, withoutInner } from './prefixes.ts';
import { between, within } from './ranges.ts';
import { Retries } from './retries.ts';

export interface ObjectsUnder extends PlannedOptions<UnderCursor> {
  s3: S3Client;
  bucket: string;
  /** Each object counts once, also where one of them lies within another. `['']` is the whole bucket. */
  prefixes: readonly string[];
  /** Requests at the same time, 1 to 20; 16 without it. */
  concurrency?: number | undefined;
  /** Objects that one of them lists, at most: 1 to 1,000, which is the default. */
  pageSize?: number | undefined;
}

/** Where such a listing goes on: the ranges that are not listed to their ends. */
export interface UnderCursor {
  /** Of which prefixes it is. */
  of: string;
  /** How many of the prefixes have been begun. */
  begun: number;
  ranges: { prefix: number; after: KeptKey; upTo: KeptKey | null }[];
  done: number;
}

/** As it is, or where JSON would make too much of it, in base64: 40 keys of 1,024 bytes are below the 64 KiB of a cursor. */
export type KeptKey = string | { base64: string };

/** Twenty, each with two keys, are what a cursor holds. */
const MOST_RANGES = 20;
/** A range that ends soon is not worth the requests that find where to split it; twice as many after each time that it was in vain. */
const PAGES_BEFORE_SPLIT = 2;

/** A range with what is being done to it. */
interface Listing extends KeyRange {
  /** Of its prefix. */
  index: number;
  /** The last key that was listed; `after` is the last one that was yielded. */
  seen: string;
  next: ListFrom | undefined;
  listing: boolean;
  page: ListedObject[] | undefined;
  /** Pages since it was begun, split, or could not be, and how many there have to be for it to be split. */
  pages: number;
  enough: number;
  splitting: boolean;
}

/**
 * The objects under one or more prefixes, each once, for `yield*` in `plan()`. It lists ranges of keys at the same time, and finds
 * these by looking at the keys: whoever is done with a range takes half of another one. What one `yield` gives is of several ranges; of
 * each range the keys come in S3's order. Objects that are created or deleted meanwhile may be among them, or not. Needs
 * `s3:ListBucket`.
 * @throws OdinError BadArgument
 */
export function objectsUnder(
  options: ObjectsUnder,
): AsyncGenerator<Planned<ListedObject, UnderCursor>, void, undefined> {
  checkOptions('objectsUnder', options, {
    required: { s3: CLIENT, bucket: BUCKET, prefixes: TEXTS },
    optional: {
      resume: UNDER_CURSOR,
      itemsPerYield: PER_YIELD,
      concurrency: whole(1, MOST_RANGES),
      pageSize: whole(1, 1_000),
    },
  });
  const prefixes = withoutInner(options.prefixes);
  const of = createHash('sha256').update(JSON.stringify(prefixes)).digest('hex').slice(0, 16);
  if (options.resume && options.resume.of !== of) {
    throw wrong('objectsUnder', 'expected resume to be the cursor of a listing of these prefixes, found one of others');
  }
  return planOf(options, prefixes, of);
}

async function* planOf(
  { s3, bucket, resume, itemsPerYield, concurrency = 16, pageSize = 1_000 }: ObjectsUnder,
  prefixes: readonly string[],
  of: string,
): AsyncGenerator<Planned<ListedObject, UnderCursor>, void, undefined> {
  const access: Access = { s3, retries: new Retries() };
  const gathered = new Gathered<ListedObject>(itemsPerYield);
  const ranges = new Set(resume?.ranges.map((kept) => rangeOf(kept, prefixes)));
  let begun = resume?.begun ?? 0;
  let done = resume?.done ?? 0;
  const requests = new Set<Promise<void>>();
  const failures: unknown[] = [];

  const planned = (): Planned<ListedObject, UnderCursor> => {
    const items = gathered.take();
    done += items.length;
    return { items, cursor: { of, begun, ranges: [...ranges].map(keptOf), done }, done };
  };
  const ask = (work: Promise<void>): void => {
    const asked = work.catch((thrown: unknown) => void failures.push(thrown)).finally(() => requests.delete(asked));
    requests.add(asked);
  };

  try {
    for (;;) {
      while (ranges.size < concurrency && begun < prefixes.length) {
        ranges.add(rangeOf({ prefix: begun, after: '', upTo: null }, prefixes));
        begun += 1;
      }
      if (ranges.size === 0) break;
      for (const range of ranges) if (!range.listing && !range.page) ask(list(access, { bucket, pageSize }, range));
      for (let free = concurrency - requests.size - waiting(ranges); free > 0; free -= 1) {
        const longest = worthSplitting(ranges);
        if (!longest) break;
        ask(split(access, bucket, longest, ranges));
      }
      if (![...ranges].some(({ page }) => page)) await Promise.race(requests);
      if (failures.length > 0) throw failures[0];
      for (const range of ranges) {
        for (const object of range.page ?? []) {
          while (!gathered.add(object)) yield planned();
          range.after = object.key;
        }
        if (range.page && !range.next) ranges.delete(range);
        range.page = undefined;
      }
    }
  } finally {
    await Promise.all(requests); // reads, which nobody needs any more
  }
  if (!gathered.isEmpty) yield planned();
  access.retries.tell();
}

/** Each range that is not being listed will be. */
const waiting = (ranges: ReadonlySet<Listing>): number =>
  [...ranges].reduce((count, { listing }) => (listing ? count : count + 1), 0);

async function list(access: Access, where: { bucket: string; pageSize: number }, range: Listing): Promise<void> {
  range.listing = true;
  try {
    const { prefix, next } = range;
    const found = await listFrom(
      access,
      { ...where, prefix },
      next ?? { StartAfter: range.seen === '' ? undefined : range.seen },
    );
    const page = within(found.objects, range.upTo); // which may have come nearer meanwhile
    range.page = page;
    range.next = page.length < found.objects.length ? undefined : found.next;
    range.seen = page.at(-1)?.key ?? range.seen;
    range.pages += 1;
  } finally {
    range.listing = false;
  }
}

/** The one that has gone on for longest: of a few that have nearly all keys these are what is left. */
function worthSplitting(ranges: ReadonlySet<Listing>): Listing | undefined {
  const long = [...ranges].filter(({ pages, enough, splitting, next }) => pages >= enough && !splitting && next);
  return long.sort((one, other) => other.pages - one.pages)[0];
}

async function split(access: Access, bucket: string, range: Listing, ranges: Set<Listing>): Promise<void> {
  range.splitting = true;
  range.pages = 0;
  try {
    const { prefix, seen, upTo, index } = range;
    const boundary = await between(access, bucket, { prefix, after: seen, upTo });
    // It was listed on meanwhile, perhaps to its end.
    if (!ranges.has(range) || !range.next) return;
    if (boundary === undefined || !isInside(boundary, range)) {
      range.enough *= 2;
      return;
    }
    ranges.add({ ...begin(prefix, index, boundary), upTo });
    range.upTo = boundary;
    range.enough = PAGES_BEFORE_SPLIT;
  } finally {
    range.splitting = false;
  }
}

const isInside = (key: string, { seen, upTo }: Listing): boolean =>
  compareKeys(key, seen) > 0 && (upTo === undefined || compareKeys(key, upTo) < 0);

const begin = (prefix: string, index: number, after: string): Listing => ({
  prefix,
  index,
  after,
  upTo: undefined,
  seen: after,
  next: undefined,
  listing: false,
  page: undefined,
  pages: 0,
  enough: PAGES_BEFORE_SPLIT,
  splitting: false,
});

const rangeOf = ({ prefix, after, upTo }: UnderCursor['ranges'][number], prefixes: readonly string[]): Listing => ({
  ...begin(prefixes[prefix] ?? '', prefix, keyOf(after)),
  upTo: upTo === null ? undefined : keyOf(upTo),
});

const keptOf = ({ index, after, upTo }: Listing): UnderCursor['ranges'][number] => ({
  prefix: index,
  after: kept(after),
  upTo: upTo === undefined ? null : kept(upTo),
});

/** Of a control character JSON makes six. */
const kept = (key: string): KeptKey =>
  Buffer.byteLength(JSON.stringify(key)) > 1_400 ? { base64: Buffer.from(key).toString('base64') } : key;

const keyOf = (key: KeptKey): string => (typeof key === 'string' ? key : Buffer.from(key.base64, 'base64').toString());
