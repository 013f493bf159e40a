/** Whether a bucket is called by the ARN or the alias of an access point: which bucket that is, nobody can tell by the name. */
export const isAccessPoint = (bucket: string): boolean =>
  bucket.startsWith('arn:') || /-(s3alias|-ol-s3)$/.test(bucket);
