// The ranges of keys that are listed at the same time, and where one of them is split: S3 lists in one direction only, a page after
// the other, and tells nobody how many keys there are.
import type { Access } from './beside.ts';
import { listFrom } from './listing.ts';
import type { ListedObject } from './listing.ts';
import { compareKeys } from './prefixes.ts';

/** Keys of one prefix, in the order of their UTF-8 bytes, which is S3's. */
export interface KeyRange {
  prefix: string;
  /** Not this key, nor one before it: the last one that was listed. Empty: from the first one. */
  after: string;
  /** This key, and none behind it; undefined: to the last one. */
  upTo: string | undefined;
}

/** Those of a page that are in the range. */
export function within(objects: ListedObject[], upTo: string | undefined): ListedObject[] {
  if (upTo === undefined || compareKeys(objects.at(-1)?.key ?? '', upTo) <= 0) return objects;
  return objects.filter(({ key }) => compareKeys(key, upTo) <= 0);
}

/** Behind every key that goes on after a text, but for those of noncharacters: nothing breaks if such a key is there. */
const LAST = 0x10fffd;
/** Most keys are ASCII: whether there are others is asked once. */
const LAST_ASCII = 0x7e;
/** A key has 1,024 bytes at most, and a key to begin after should not have more. */
const MAX_BYTES = 1_000;

/**
 * A key, which need not exist, between those that are left of a range, so that there are some behind it, and hopefully before it. It
 * asks S3 for the key behind a guess, some ten times, and so sees what the keys look like: of a million keys that share a long
 * beginning, or under a few of many possible letters, each guess is of where they differ.
 * @returns undefined when it found none
 */
export async function between(access: Access, bucket: string, range: KeyRange): Promise<string | undefined> {
  const { prefix, after, upTo } = range;
  const seen = Array.from(after, (letter) => letter.codePointAt(0) ?? 0);
  const least = Array.from(prefix).length;
  while (Buffer.byteLength(textOf(seen)) > MAX_BYTES) seen.pop();

  /** The first key behind all that begin with a text. */
  const behind = async (text: string): Promise<string | undefined> => {
    const where = { bucket, prefix, pageSize: 1 };
    const { objects } = await listFrom(access, where, { StartAfter: text + String.fromCodePoint(LAST) });
    return within(objects, upTo)[0]?.key;
  };

  // How much of the last key all that are left have in common: they differ at the first letter behind which there are others.
  let common = least;
  let different = seen.length;
  let key: string | undefined;
  while (common < different) {
    const middle = Math.floor((common + different) / 2);
    const found = await behind(textOf(seen.slice(0, middle + 1)));
    if (found === undefined) common = middle + 1;
    else {
      different = middle;
      key = found;
    }
  }
  if (key === undefined) return undefined;
  const stem = textOf(seen.slice(0, different));
  const own = seen[different] ?? 0;

  // The letters there: the middle one of those that may be, unless nothing is behind it.
  const first = Array.from(key)[different]?.codePointAt(0) ?? LAST;
  for (let most = first > LAST_ASCII ? LAST : LAST_ASCII; most > own + 1;) {
    const middle = Math.floor((own + most) / 2);
    const text = stem + textOf([middle]);
    if (first > middle || (await behind(text)) !== undefined) return text + String.fromCodePoint(LAST);
    most = middle;
  }
  return stem + textOf([own, LAST]);
}

/** Half a surrogate pair is no letter of a key. */
const textOf = (letters: readonly number[]): string =>
  String.fromCodePoint(...letters.map((letter) => (letter >= 0xd800 && letter <= 0xdfff ? 0xd7ff : letter)));
