// What both ends of the pipe between a previewed process and its function know of it.

/** The credentials of a previewed process: what is signed with them goes to the broker. They are good for nothing else. */
export const PLACEHOLDER_CREDENTIALS = {
  AWS_ACCESS_KEY_ID: 'PREVIEW',
  AWS_SECRET_ACCESS_KEY: 'preview',
  AWS_SESSION_TOKEN: 'preview',
};

/** Headers of the broker's own answers, each with a text in percent encoding: it was not sent, or had no answer. */
export const OBJECTED = 'odin-preview-objected';
export const FAILED = 'odin-preview-failed';

/** Headers of one connection, which HTTP/2 has no place for, and the broker's own. */
const NOT_CARRIED = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'expect',
  'te',
  'trailer',
  'http2-settings',
  'host',
  OBJECTED,
  FAILED,
];

export const withoutConnection = <T>(headers: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !NOT_CARRIED.includes(name.toLowerCase())));

/** As AWS encodes, and the SDK's own handlers: all but letters, digits and `-_.~`. */
export const percentEncoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
