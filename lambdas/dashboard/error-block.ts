// An error with its lines as they were written: the first of them, and the rest to be opened.
import { cut, firstSourceLine, MAX_SUMMARY } from '../../core/ledger/summaries.ts';
import type { ErrorSummary } from '../../core/ledger/error-records.ts';
import { numberOf } from '../../core/text/format.ts';
import type { Html } from './html.ts';
import { html } from './html.ts';

const MAX_NAME = 200;
const MAX_STACK = 6_000;
/** What is seen before it is opened. */
const FIRST_LINES = 6;
const FIRST_CHARACTERS = 480;

/**
 * @param id of the page, which no other has: what is open stays open when the page is drawn anew
 * @param stack whether it is to be opened as well
 */
export function errorBlock({ name, message, stack }: ErrorSummary, id: string, withStack = false): Html {
  const { first, rest } = split(cut(message, MAX_SUMMARY.message));
  const place = stack === undefined ? '' : firstSourceLine(stack);
  return html`<div class="error">
    <pre><b>${cut(name, MAX_NAME)}</b>: ${first}</pre>
    ${
      rest !== '' &&
      html`<details id="${id}-rest">
        <summary>${moreOf(rest)}</summary>
        <pre>${rest}</pre>
      </details>`
    }
    ${place !== '' && html`<p class="small">at ${cut(place, MAX_NAME)}</p>`}
    ${
      withStack &&
      stack !== undefined &&
      html`<details id="${id}-stack">
        <summary>Stack</summary>
        <pre>${cut(asLines(stack), MAX_STACK)}</pre>
      </details>`
    }
  </div>`;
}

function split(message: string): { first: string; rest: string } {
  const text = asLines(message).trimEnd();
  const line = text.split('\n').slice(0, FIRST_LINES).join('\n').length;
  // A little more than fits is no reason to hide the end.
  if (line === text.length && line <= FIRST_CHARACTERS * 1.5) return { first: text, rest: '' };
  const space = text.slice(0, Math.min(line, FIRST_CHARACTERS)).search(/\s\S*$/);
  const at = line <= FIRST_CHARACTERS ? line : space > FIRST_CHARACTERS / 2 ? space : FIRST_CHARACTERS;
  return { first: `${text.slice(0, at).toWellFormed()} …`, rest: text.slice(at).replace(/^\n/, '').toWellFormed() };
}

function moreOf(rest: string): string {
  const lines = rest.split('\n').length;
  return lines > 1 ? `${lines} more lines` : numberOf(rest.length, 'more character');
}

const asLines = (text: string): string => text.replace(/\r\n|[\r\u2028\u2029]/g, '\n');
