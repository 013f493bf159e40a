// The form of S3's answers.

import type { HttpAnswer } from '../http.ts';

export const OWNER = '<Owner><ID>000000000000</ID><DisplayName>embedded</DisplayName></Owner>';

export function xml(root: string, content: string, options: { status?: number; namespace?: boolean } = {}): HttpAnswer {
  const namespace = options.namespace === false ? '' : ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<${root}${namespace}>${content}</${root}>`;
  return { status: options.status ?? 200, headers: { 'content-type': 'application/xml' }, body };
}

export function iso(time: number): string {
  return new Date(time).toISOString();
}
