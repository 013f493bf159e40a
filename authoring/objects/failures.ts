// What the helpers throw when some objects could not be dealt with, and how a failure is worded.
import { isOdinError, OdinError } from '../../core/errors.ts';
import { describeThrown, isError, nameOf, partOf } from '../../core/thrown.ts';

export interface KeyFailure {
  key: string;
  /** What happened to it, and where one knows it, what to do. */
  reason: string;
}

/** One of them, as the helpers gather them. */
export interface ObjectFailure extends KeyFailure {
  /** Nothing is wrong with it: S3 asks for fewer requests. */
  slowed: boolean;
}

const SHOWN = 20;

/**
 * Some of the objects could not be dealt with; the others were. Its code is SlowedDown, and not ObjectsFailed, when S3 has asked for fewer
 * requests and nothing else was wrong: a batch that ends with it is run again.
 */
export class ObjectsFailed extends OdinError {
  /** All of them; the message names the first ones. */
  readonly failures: readonly KeyFailure[];

  constructor(verb: string, failures: readonly ObjectFailure[], of: number) {
    const slowed = failures.every((failure) => failure.slowed);
    const shown = failures.slice(0, SHOWN).map(({ key, reason }) => `${key}: ${reason}`);
    if (failures.length > SHOWN) shown.push(`and ${failures.length - SHOWN} more`);
    const what = [`${failures.length} of ${of} objects could not be ${verb}:`, ...shown].join('\n  ');
    const mended = slowed ? 'S3 asks for fewer requests: when it takes them' : 'When what is named is mended';
    const next = `\nThe others were ${verb}. ${mended}, a retry goes on with what is left.`;
    super({ code: slowed ? 'SlowedDown' : 'ObjectsFailed', source: slowed ? 'system' : 'user', what, next });
    this.failures = failures.map(({ key, reason }) => ({ key, reason }));
  }
}

/** @throws ObjectsFailed unless there are none */
export function throwIfAny(verb: string, failures: ObjectFailure[], of: number): void {
  if (failures.length > 0) throw new ObjectsFailed(verb, failures.sort(byKey), of);
}

const byKey = (a: KeyFailure, b: KeyFailure): number => (a.key < b.key ? -1 : 1);

export const failureOf = (key: string, thrown: unknown): ObjectFailure => ({
  key,
  reason: reasonOf(thrown),
  slowed: isSlowDown(thrown),
});

/** Of what was left when S3 had asked for fewer requests: it would be asked for more. */
export const notBegun = (key: string): ObjectFailure => ({
  key,
  reason: 'not begun, because S3 asks for fewer',
  slowed: true,
});

/** What asks for fewer requests. By status as well, because the answer to a HEAD has no code; AWS KMS, under a copy, has codes of its own. */
export const SLOW_DOWN: ReadonlySet<string> = new Set([
  'SlowDown',
  'ServiceUnavailable',
  'Throttling',
  'ThrottlingException',
]);

/** S3 asks for fewer requests, or what an error was caused by says so. */
export function isSlowDown(thrown: unknown): boolean {
  const seen = new Set<unknown>();
  for (let each = thrown; isError(each) && !seen.has(each); each = partOf(each, 'cause')) {
    seen.add(each); // a cause may lead back to it
    const status = statusOf(each);
    if (status === 503 || status === 429 || SLOW_DOWN.has(nameOf(each))) return true;
  }
  return false;
}

/** One object that cannot be dealt with, and why. */
export const refused = (what: string, cause?: unknown): OdinError =>
  new OdinError({ code: 'ObjectsFailed', source: 'user', what, cause });

/** The key stands beside it. */
export const reasonOf = (thrown: unknown): string =>
  isOdinError(thrown) ? thrown.what : describeThrown(thrown, () => '') + elsewhere(thrown);

/** Of a bucket of another region S3 says no more than that it is elsewhere. */
function elsewhere(thrown: unknown): string {
  if (!isError(thrown) || (statusOf(thrown) !== 301 && nameOf(thrown) !== 'PermanentRedirect')) return '';
  const { $response: response } = thrown as { $response?: { headers?: Record<string, string> } };
  const region = response?.headers?.['x-amz-bucket-region'];
  return ` (its bucket is in ${region ?? 'another region than the client'}: give s3, or toS3 for toBucket, a client of that region: new S3Client({ region: '${region ?? '…'}' }))`;
}

/** By its form: a migration may have another copy of the SDK than this file. */
export function statusOf(thrown: unknown): number | undefined {
  const part = (of: unknown, name: string) => (typeof of === 'object' && of !== null ? partOf(of, name) : undefined);
  const status = part(part(thrown, '$metadata'), 'httpStatusCode');
  return typeof status === 'number' ? status : undefined;
}
