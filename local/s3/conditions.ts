// The conditions of S3's requests: what they ask, and whether it holds. Of a write, the store asks at the moment of the change.

import { AwsError, header } from '../http.ts';
import type { HttpRequest } from '../http.ts';
import { notImplemented } from './answers.ts';

export interface WriteCondition {
  readonly ifNoneMatch?: string | undefined;
  readonly ifMatch?: string | undefined;
}

/** What a condition looks at. */
interface Current {
  readonly etag: string;
  /** Milliseconds since the epoch. */
  readonly modified: number;
}

export function writeCondition(request: HttpRequest): WriteCondition {
  const ifNoneMatch = header(request.headers, 'if-none-match');
  const ifMatch = header(request.headers, 'if-match');
  // S3 takes only the star here, and answers anything else with this.
  if (ifNoneMatch !== undefined && ifNoneMatch.trim() !== '*') throw notImplemented('If-None-Match other than *');
  if (ifNoneMatch !== undefined && ifMatch !== undefined) throw notImplemented('If-Match together with If-None-Match');
  return { ifNoneMatch, ifMatch };
}

/** @param current undefined: the key does not exist */
export function checkWriteCondition(current: Current | undefined, { ifNoneMatch, ifMatch }: WriteCondition): void {
  if (ifNoneMatch !== undefined && current) throw preconditionFailed('If-None-Match');
  if (ifMatch === undefined) return;
  // S3 answers If-Match on a missing key with 404, not with 412.
  if (!current) throw new AwsError('NoSuchKey', 'The specified key does not exist.', 404);
  if (bare(ifMatch) !== bare(current.etag)) throw preconditionFailed('If-Match');
}

/**
 * Of a delete. A star on a missing key is a 412; an ETag on one is answered as a write's is.
 * @param current undefined: the key does not exist
 */
export function checkDeleteCondition(current: Current | undefined, ifMatch: string | undefined): void {
  if (ifMatch?.trim() !== '*') checkWriteCondition(current, { ifMatch });
  else if (!current) throw preconditionFailed('If-Match');
}

export function checkReadCondition(object: Current, request: HttpRequest): void {
  const ifMatch = header(request.headers, 'if-match');
  const ifNoneMatch = header(request.headers, 'if-none-match');
  const since = header(request.headers, 'if-modified-since');
  const unmodified = header(request.headers, 'if-unmodified-since');
  const seconds = Math.floor(object.modified / 1000) * 1000;
  if (ifMatch !== undefined && !matches(ifMatch, object)) throw preconditionFailed('If-Match');
  if (ifMatch === undefined && unmodified !== undefined && seconds > Date.parse(unmodified)) {
    throw preconditionFailed('If-Unmodified-Since');
  }
  if (ifNoneMatch !== undefined ? matches(ifNoneMatch, object) : since !== undefined && seconds <= Date.parse(since)) {
    throw new AwsError('NotModified', 'Not Modified', 304);
  }
}

/** Of a copy, what it asks of its source. */
export function checkCopyCondition(source: Current, request: HttpRequest): void {
  const ifMatch = header(request.headers, 'x-amz-copy-source-if-match');
  const others = Object.keys(request.headers).filter((name) => /^x-amz-copy-source-if-(?!match)/.test(name));
  if (others.length > 0) throw notImplemented(others.join(', '));
  if (ifMatch !== undefined && !matches(ifMatch, source)) throw preconditionFailed('x-amz-copy-source-if-match');
}

/** An ETag may come with or without its quotes. */
export function bare(etag: string): string {
  return etag.trim().replace(/^"|"$/g, '');
}

function matches(condition: string, { etag }: Current): boolean {
  return condition.trim() === '*' || bare(condition) === bare(etag);
}

function preconditionFailed(condition: string): AwsError {
  const message = `At least one of the pre-conditions you specified did not hold (${condition})`;
  return new AwsError('PreconditionFailed', message, 412);
}
