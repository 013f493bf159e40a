// Other people's text where people read it: on a terminal, in a mail, on a page. What a terminal acts on, what begins another line and
// what turns the direction of text (U+202E) would let it say something else than it is.
import { stripVTControlCharacters } from 'node:util';

/** What cannot be seen or turns the direction of text, but for joiners within words. */
export const UNSEEN = /(?![\u200c\u200d])\p{Cf}/gu;

/** One line: without terminal escapes, control characters, line ends, and what cannot be seen but for joiners within words. */
export const withoutControls = (text: string): string =>
  stripVTControlCharacters(text)
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .replace(UNSEEN, '');
