// The arguments of the helpers, checked before anything is done: a migration is plain JavaScript when it runs.
import { OdinError } from '../../core/errors.ts';

/** What a value has to be, in words, and whether it is. */
type Check = readonly [expected: string, holds: (value: unknown) => boolean];

const isText = (value: unknown): value is string => typeof value === 'string';
const isWhole = (least: number, most: number) => (value: unknown) =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
const has = (value: unknown, name: string, holds: (field: unknown) => boolean): boolean =>
  typeof value === 'object' && value !== null && holds((value as Record<string, unknown>)[name]);
const isKey = (value: unknown) => isText(value) && value !== '';

export const whole = (least: number, most: number): Check => [
  `a whole number from ${least} to ${most}`,
  isWhole(least, most),
];
/** Items that a plan yields at once. */
export const PER_YIELD = whole(1, 10_000);
export const FLAG: Check = ['true or false', (value) => typeof value === 'boolean'];
export const TEXT: Check = ['a text', isText];
export const CLIENT: Check = ['an S3Client', (value) => has(value, 'send', (send) => typeof send === 'function')];
export const BUCKET: Check = ['the name of a bucket', isKey];
export const FUNCTION: Check = ['a function', (value) => typeof value === 'function'];
export const MARK: Check = [
  'a name of 1 to 100 letters, digits and -._/',
  (value) => isText(value) && /^[\w./-]{1,100}$/.test(value),
];
export const KEYS: Check = ['a list of keys', (value) => Array.isArray(value) && value.every(isKey)];
export const OBJECTS: Check = [
  'a list of objects as pages() gives them, each with key, size and etag',
  (value) =>
    Array.isArray(value) &&
    value.every(
      (object) => has(object, 'key', isKey) && has(object, 'size', isWhole(0, Infinity)) && has(object, 'etag', isKey),
    ),
];
export const CURSOR: Check = [
  'the cursor of a checkpoint of pages()',
  (value) =>
    has(value, 'after', isText) &&
    has(value, 'done', isWhole(0, Infinity)) &&
    has(value, 'total', (total) => total === undefined || isWhole(0, Infinity)(total)),
];
export const TEXTS: Check = [
  'a list of texts, at least one',
  (value) => Array.isArray(value) && value.length > 0 && value.every(isText),
];
const isKept = (value: unknown): boolean => isText(value) || has(value, 'base64', isText);
export const UNDER_CURSOR: Check = [
  'the cursor of a checkpoint of objectsUnder()',
  (value) =>
    has(value, 'of', isText) &&
    has(value, 'begun', isWhole(0, Infinity)) &&
    has(value, 'done', isWhole(0, Infinity)) &&
    has(
      value,
      'ranges',
      (ranges) =>
        Array.isArray(ranges) &&
        ranges.every(
          (range) =>
            has(range, 'prefix', isWhole(0, Infinity)) &&
            has(range, 'after', isKept) &&
            has(range, 'upTo', (upTo) => upTo === null || isKept(upTo)),
        ),
    ),
];
export const ROW_CURSOR: Check = [
  'the cursor of a checkpoint of inventory() or manifestKeys()',
  (value) =>
    has(value, 'of', isText) &&
    has(value, 'file', isWhole(0, Infinity)) &&
    has(value, 'row', isWhole(0, Infinity)) &&
    has(value, 'done', isWhole(0, Infinity)),
];
export const S3_URL: Check = ['s3://<bucket>/<key>', (value) => isText(value) && S3_URL_PARTS.test(value)];
const S3_URL_PARTS = /^s3:\/\/([^/]+)\/(.+)$/s;

/** Of what `S3_URL` has checked. */
export function addressIn(url: string): { Bucket: string; Key: string } {
  const [, Bucket = '', Key = ''] = S3_URL_PARTS.exec(url) ?? [];
  return { Bucket, Key };
}
export const oneOf = (...values: string[]): Check => [
  values.map((value) => `'${value}'`).join(' or '),
  (value) => isText(value) && values.includes(value),
];

/** @throws OdinError BadArgument which names the helper, the option, what was expected and what was found */
export function checkOptions(
  helper: string,
  given: unknown,
  { required, optional = {} }: { required: Record<string, Check>; optional?: Record<string, Check> },
): void {
  const known: Record<string, Check> = { ...required, ...optional };
  if (typeof given !== 'object' || given === null) throw wrong(helper, `expected options, found ${shown(given)}`);
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(known, name)) {
      throw wrong(helper, `expected options ${Object.keys(known).join(', ')}, found ${name}`);
    }
  }
  for (const [name, [expected, holds]] of Object.entries(known)) {
    const value = (given as Record<string, unknown>)[name];
    if (value === undefined ? name in required : !holds(value)) {
      throw wrong(helper, `expected ${name} to be ${expected}, found ${shown(value)}`);
    }
  }
}

export const wrong = (helper: string, what: string): OdinError =>
  new OdinError({
    code: 'BadArgument',
    source: 'user',
    what: `${helper}() ${what}.`,
    next: 'Nothing was done. Mend the call in the migration.',
  });

/** Numbers as they are: JSON has no NaN. */
function shown(value: unknown): string {
  if (value === undefined || typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (typeof value === 'function') return 'a function';
  const text = JSON.stringify(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
