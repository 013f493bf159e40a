// A key as S3 encodes it in a list that was asked for with `EncodingType: 'url'`: like a form (docs/aws-facts.md). XML cannot hold
// every key that an object may have, and the SDK reads one of line breaks alone as empty.

export const listedKey = (encoded: string): string => decodeURIComponent(encoded.replaceAll('+', ' '));

export const asListedKey = (key: string): string =>
  encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/');

/** What the SDK reads as empty where a list is not encoded: white space, with a line break in it. */
export const isReadAsEmpty = (key: string): boolean => key.trim() === '' && /[\n\r]/.test(key);
