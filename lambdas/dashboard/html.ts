// HTML that escapes by itself: whatever is put into an `html` template is text, unless an `html` template made it.
import { UNSEEN } from '../../core/text/plain.ts';

export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type Content = Html | string | number | false | undefined | readonly Content[];

export const html = (strings: TemplateStringsArray, ...values: Content[]): Html =>
  new Html(strings.map((part, index) => part + render(values[index])).join(''));

function render(value: Content): string {
  if (value === undefined || value === false) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'string' || typeof value === 'number') return escape(String(value));
  return value.map(render).join('');
}

/** For element content and for attribute values in double quotes. */
export const escape = (text: string): string =>
  text
    .toWellFormed()
    .replace(UNPRINTABLE, '\ufffd')
    .replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);

/** Control characters but tab and newline, and what cannot be seen. */
const UNPRINTABLE = new RegExp(`(?![\\t\\n])\\p{Cc}|${UNSEEN.source}`, 'gu');
