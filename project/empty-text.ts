// What a value that is not there becomes when JavaScript puts it into a text: `arn:aws:s3:::undefined/*` is accepted everywhere.

/** A whole part of it: `s3://null/`, `data-undefined`. JSON with a null in it is none. */
const NOTHING = /(?:^|[:/._\s-])(undefined|null)(?=$|[:/._*\s-])|(\[object \w+\])/;

/** `undefined`, `null` or `[object Object]`, if the text holds one; undefined if it does not. */
export function emptyIn(text: string): string | undefined {
  const [, word, object] = NOTHING.exec(text) ?? [];
  return word ?? object;
}
