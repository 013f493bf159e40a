// What a value that is not there becomes when JavaScript puts it into a text: `arn:aws:s3:::undefined/*` is accepted everywhere.

/** By itself, whatever stands around it: `data-undefined`, `//user:undefined@host`. No format has such a value. */
const UNDEFINED = /(?<![A-Za-z0-9])undefined(?![A-Za-z0-9])/;
/** A whole part of a name or an address: `s3://null/`, `mode=null`. JSON with a null in it is none. */
const NULL = /(?:^|[:/._\s=@&;-])null(?=$|[:/._*\s@&;?-])/;
const OBJECT = /\[object \w+\]/;

/** `undefined`, `null` or `[object Object]`, if the text holds one; undefined if it does not. */
export function emptyIn(text: string): string | undefined {
  if (UNDEFINED.test(text)) return 'undefined';
  if (NULL.test(text) && !isJson(text)) return 'null';
  return OBJECT.exec(text)?.[0];
}

function isJson(text: string): boolean {
  if (!/^\s*[{[]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
