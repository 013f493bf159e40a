// The form of S3's answers.

import { AwsError } from '../http.ts';
import type { HttpAnswer } from '../http.ts';

export const OWNER = '<Owner><ID>000000000000</ID><DisplayName>embedded</DisplayName></Owner>';

export function xml(root: string, content: string, options: { status?: number; namespace?: boolean } = {}): HttpAnswer {
  const namespace = options.namespace === false ? '' : ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<${root}${namespace}>${content}</${root}>`;
  return { status: options.status ?? 200, headers: { 'content-type': 'application/xml' }, body };
}

/** What is not supported is refused by name. */
export function notImplemented(what: string): AwsError {
  return new AwsError('NotImplemented', `The embedded S3 does not support this: ${what}`, 501);
}

export function iso(time: number): string {
  return new Date(time).toISOString();
}
