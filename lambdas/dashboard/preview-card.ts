// What a preview found: the held-back writes, the reads folded together, how it ended, and what it cannot know.
import { commandLine } from '../../core/text/command.ts';
import { countText, numberOf } from '../../core/text/format.ts';
import type { Previewed } from '../../core/preview/preview.ts';
import type { CallRow } from '../../core/preview/words.ts';
import { CALL_HEADINGS, callRows, caveats, endText, notCertain, promise } from '../../core/preview/words.ts';
import { cut } from '../../core/ledger/summaries.ts';
import type { Tone } from '../../core/views/words.ts';
import { callAction } from './action.ts';
import { errorBlock } from './error-block.ts';
import type { Frame } from './frame.ts';
import { PREVIEW_SECONDS } from './frame.ts';
import type { Html } from './html.ts';
import { html } from './html.ts';

/** So many rows of each table, printed lines and caveats are shown; `odin-migrate preview` has more. */
const MAX_ROWS = 40;
const MAX_LINES = 40;
const MAX_TEXT = 300;

const LIMIT = {
  stopped: `stopped at a checkpoint within the ${PREVIEW_SECONDS} s that this page gives it`,
  cutOff: 'its time on this page was over',
};

export function previewCard(previewed: Previewed, frame: Frame): Html {
  const { migration, description, calls, omitted, outcome, error } = previewed;
  const rows = callRows(calls);
  const writes = rows.filter(({ sent }) => !sent);
  const ended = endText(previewed, LIMIT);
  const doubt = notCertain(previewed);
  const preview = commandLine({ verb: 'preview', environment: frame.environment, args: [migration] }, frame);
  return html`<div class="card ${TONES[outcome]}" role="status" data-previewed="${migration}">
    <div class="close">${callAction('Close', frame, { page: frame.page })}</div>
    <h3>Preview of ${migration}${description !== undefined && ` · ${cut(description, 200)}`}</h3>
    ${doubt !== undefined && html`<p><b>!</b> ${doubt.charAt(0).toUpperCase()}${cut(doubt.slice(1), MAX_TEXT)}.</p>`}
    ${writes.length > 0 ? callTable(writes, preview) : html`<p>It wrote nothing${rows.length === 0 && ', and read nothing'}.</p>`}
    ${omitted.calls > 0 && html`<p class="small">and ${countText(omitted.calls)} calls on more targets than are listed</p>`}
    <p class="outcome"><b>${MARKS[outcome]}</b> ${`${ended.charAt(0).toUpperCase()}${ended.slice(1)}.`}</p>
    ${error && errorBlock(error, 'preview-error')} ${uncertain(previewed)}
    ${reads(
      rows.filter(({ sent }) => sent),
      preview,
    )}
    ${printed(previewed)}
    <p class="small promise">${promise([previewed])}</p>
  </div>`;
}

const TONES: Record<Previewed['outcome'], Tone> = {
  finished: 'good',
  more: 'busy',
  threw: 'bad',
  'cut off': 'warn',
  ended: 'bad',
};

const MARKS: Record<Previewed['outcome'], string> = {
  finished: '✔',
  more: '…',
  threw: '✖',
  'cut off': '…',
  ended: '✖',
};

/** @param preview the command that shows all of them */
function callTable(rows: readonly CallRow[], preview: string): Html {
  const [call, ...numbers] = CALL_HEADINGS;
  const hidden = rows.length - MAX_ROWS;
  return html`<div class="previewed">
    <table>
      <thead>
        <tr>
          <th></th>
          <th>${call}</th>
          ${numbers.map((heading) => (heading === 'Target' ? html`<th>${heading}</th>` : html`<th class="number">${heading}</th>`))}
        </tr>
      </thead>
      <tbody>
        ${rows.slice(0, MAX_ROWS).map(callRow)}
      </tbody>
    </table>
    ${hidden > 0 && html`<p class="small">and ${numberOf(hidden, 'more row')}: ${preview}</p>`}
  </div>`;
}

const callRow = ({ sent, call, calls, items, size, target }: CallRow): Html =>
  html`<tr data-call="${sent ? 'read' : 'write'}">
    <td>${sent ? html`<span class="dim">read</span>` : html`<span class="write">WRITE</span>`}</td>
    <td>${cut(call, MAX_TEXT)}</td>
    <td class="number" data-unit="${numberUnit(calls, 'call')}">${calls}</td>
    <td class="number" data-unit="${numberUnit(items, 'item')}">${items}</td>
    <td class="number">${size}</td>
    <td class="text">${cut(target, MAX_TEXT)}</td>
  </tr>`;

/** Beside the number where there are no headings: on a phone. */
const numberUnit = (number: string, one: string): string => (number === '' ? '' : number === '1' ? one : `${one}s`);

function uncertain(previewed: Previewed): Html | false {
  const sentences = caveats(previewed);
  const hidden = Math.max(0, sentences.length - MAX_LINES) + previewed.omitted.occurrences;
  return (
    sentences.length > 0 &&
    html`<ul>
      ${sentences.slice(0, MAX_LINES).map((sentence) => html`<li>${cut(sentence, MAX_TEXT)}</li>`)}
      ${hidden > 0 && html`<li>and ${countText(hidden)} more of this kind</li>`}
    </ul>`
  );
}

const reads = (rows: readonly CallRow[], preview: string): Html | false =>
  rows.length > 0 &&
  html`<details id="preview-reads">
    <summary>What it read (${numberOf(rows.length, 'row')})</summary>
    ${callTable(rows, preview)}
  </details>`;

function printed({ output, omitted }: Previewed): Html | false {
  const hidden = Math.max(0, output.length - MAX_LINES) + omitted.lines;
  return (
    output.length > 0 &&
    html`<details id="preview-output">
      <summary>What it printed (${numberOf(output.length + omitted.lines, 'line')})</summary>
      <pre>
${[...output.slice(0, MAX_LINES).map((line) => cut(line, MAX_TEXT)), ...(hidden > 0 ? [`… and ${countText(hidden)} more`] : [])].join('\n')}</pre>
    </details>`
  );
}
