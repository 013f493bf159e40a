// Other people's text where people read it: on a terminal, in a mail, on a page. What a terminal acts on, what begins another line and
// what turns the direction of text (U+202E) would let it say something else than it is.

/** What cannot be seen or turns the direction of text, but for joiners within words, and what chooses the form of the sign before it. */
export const UNSEEN = /(?![\u200c\u200d]|\p{Variation_Selector})[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * Titles, links and the like with their text, up to their end; what moves, colours and erases; all others. No control character is within one,
 * so that each is looked at once: one that never ends is read no further than to the next.
 */
const ESCAPES =
  // eslint-disable-next-line no-control-regex -- they are what is looked for
  /(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])\P{Cc}*(?:\u0007|\u001b\\|\u009c)|(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|\u001b[ -/]*[0-~]/gu;

/**
 * One line: without terminal escapes, control characters, line ends, and what cannot be seen but for joiners within words. Halves of pairs
 * are replaced first: with what stood between them gone, two would make a character that nobody has looked at.
 */
export const withoutControls = (text: string): string =>
  text
    .toWellFormed()
    .replace(ESCAPES, '')
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .replace(UNSEEN, '');
