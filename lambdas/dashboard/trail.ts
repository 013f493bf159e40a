// What happened to one migration: who decided what, when and why, and the error of each attempt.
import { cut } from '../../core/ledger/summaries.ts';
import type { Entry } from '../../core/ledger/entries.ts';
import { commandLine } from '../../core/text/command.ts';
import { numberOf } from '../../core/text/format.ts';
import type { Trail } from '../../core/views/history.ts';
import { told } from '../../core/views/history.ts';
import { errorBlock } from './error-block.ts';
import type { Frame } from './frame.ts';
import type { Html } from './html.ts';
import { html } from './html.ts';

/** A reason has up to 4,000 characters. */
const MAX_TEXT = 4_400;

export function trailOf(id: string, { entries, earlier }: Trail, frame: Frame): Html {
  const { environment, local } = frame;
  const all = commandLine({ verb: 'history', environment, args: [id] }, { local });
  return html`<ol class="trail">
    ${earlier > 0 && html`<li class="quiet"><p>${numberOf(earlier, 'earlier entry', 'earlier entries')}: ${all}</p></li>`}
    ${entries.map((entry) => entryOf(entry, frame))}
  </ol>`;
}

function entryOf(entry: Entry, { clock }: Frame): Html {
  const { tone, word, text, details, error } = told(entry);
  const attempt = entry.kind === 'completed' ? undefined : entry.attempt;
  return html`<li class="${tone}">
    <p class="small">
      <span title="${entry.time}">${clock.minute(entry.time)}</span>${attempt !== undefined && ` · attempt ${attempt}`}
    </p>
    <p class="said"><b>${word}</b>${cut(text, MAX_TEXT)}</p>
    ${details.map((detail) => html`<p class="small">${cut(detail, MAX_TEXT)}</p>`)}
    ${error && errorBlock(error, `entry-${entry.number}`)}
  </li>`;
}
