// `s3://bucket/prefix`, as options of the command line take it.
import { OdinError } from '../core/errors.ts';

/** @throws OdinError BadUsage */
export function parseS3Url(url: string): { bucket: string; prefix: string } {
  const [, bucket, prefix] = /^s3:\/\/([^/]+)\/?(.*)$/.exec(url) ?? [];
  if (bucket !== undefined && prefix !== undefined) return { bucket, prefix };
  throw new OdinError({ code: 'BadUsage', source: 'user', what: `Expected s3://bucket/prefix/, found "${url}".` });
}
