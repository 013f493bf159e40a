// The migrations as a table, oldest first. Of many completed ones the last few are shown, and the older ones by the page.
import { duration } from '../../core/text/format.ts';
import { executionLink, migrationLogLink } from '../../core/text/links.ts';
import { logGroupName } from '../../core/names/names.ts';
import type { Progress } from '../../core/views/progress.ts';
import { progressText } from '../../core/views/progress.ts';
import { cut } from '../../core/ledger/summaries.ts';
import type { EnvironmentView, MigrationView } from '../../core/views/view.ts';
import { isCompleted } from '../../core/views/view.ts';
import { leftOverText, stateWord, TONES, who, whoShort } from '../../core/views/words.ts';
import type { ButtonCall } from './action.ts';
import { callAction } from './action.ts';
import type { Html } from './html.ts';
import { html } from './html.ts';
import type { Frame } from './frame.ts';

/** Up to so many completed ones are all shown. Of more, only `RECENT` are, and the rest is in pages. */
const FEW = 12;
const RECENT = 5;
const PAGE = 50;
/** Open ones: the first of them are what matters. */
const OPEN = 25;
/** Texts of users and operators, in characters: 1,000 migrations must not make a large page. */
const MAX_TEXT = 300;

export function migrationsTable(view: EnvironmentView, frame: Frame): Html {
  const completed = view.migrations.filter(({ state }) => isCompleted(state));
  const open = view.migrations.filter(({ state }) => !isCompleted(state));
  const recent = completed.length <= FEW ? completed : completed.slice(-RECENT);
  const older = completed.slice(0, completed.length - recent.length);
  // A late migration has an id below completed ones, so the two lists are sorted together.
  const shown = [...recent, ...open.slice(0, OPEN)].sort((a, b) => (a.id < b.id ? -1 : 1));
  const hidden = open.slice(OPEN);
  const last = hidden.at(-1);
  return html`
    ${older.length > 0 && olderOnes(older, frame)} ${table(shown, frame)}
    ${last && html`<p class="more">and ${hidden.length} more, up to ${last.id}</p>`}
  `;
}

function olderOnes(older: readonly MigrationView[], frame: Frame): Html {
  const pages = Math.ceil(older.length / PAGE);
  const page = Math.min(frame.page ?? 1, pages);
  const end = older.length - (page - 1) * PAGE;
  const turn = (label: string, to: number) =>
    to >= 1 && to <= pages && html`${callAction(label, frame, { page: to })}&nbsp; `;
  return html`<details id="older" class="older" ${frame.page !== undefined && html`open`}>
    <summary>${older.length} older migrations are done</summary>
    ${table(older.slice(Math.max(0, end - PAGE), end), frame)}
    ${
      pages > 1 &&
      html`<p class="more">
        ${turn('Older', page + 1)}${turn('Newer', page - 1)} page ${page} of ${pages}, newest first
      </p>`
    }
  </details>`;
}

const table = (rows: readonly MigrationView[], frame: Frame): Html => html`
  <table>
    <thead>
      <tr>
        <th>Id</th>
        <th>State</th>
        <th>Description</th>
        <th>Attempts</th>
        <th>Took</th>
        <th>When, ${frame.clock.zone}</th>
        <th>By</th>
        ${!frame.local && html`<th>Links</th>`}
        <th></th>
      </tr>
    </thead>
    <tbody>
      ${rows.map((row) => tableRow(row, frame))}
    </tbody>
  </table>
`;

function tableRow(row: MigrationView, frame: Frame): Html {
  const { id, attempts, durationMs, by, identity } = row;
  const when = row.finishedAt ?? row.startedAt;
  const nobody = isCompleted(row.state) ? 'the run' : '';
  return html`<tr class="${TONES[row.state]}" data-migration="${id}" data-state="${row.state}">
    <td class="number">${id}</td>
    <td class="word"><span class="dot"></span>${stateWord(row)}</td>
    <td class="text">${about(row)}</td>
    <td class="number">${attempts > 0 && attempts}</td>
    <td class="number">${durationMs !== undefined && duration(durationMs)}</td>
    <td class="number">${when !== undefined && html`<span title="${when}">${frame.clock.minute(when)}</span>`}</td>
    <td>
      ${by === undefined ? nobody : html`<span title="${who({ by, identity })}">${cut(whoShort({ by, identity }), 60)}</span>`}
    </td>
    ${!frame.local && html`<td class="number links">${links(row, frame)}</td>`}
    <td class="press">${frame.acts && canBePreviewed(row) && callAction('Preview', frame, previewOf(row, frame))}</td>
  </tr>`;
}

/** Whatever a run would begin, or begin again. */
const canBePreviewed = ({ state, file }: MigrationView): boolean =>
  file !== undefined && ['pending', 'late', 'halted', 'aborted', 'failed', 'unknown'].includes(state);

/** The page of older ones that is open stays open. */
const previewOf = ({ id }: MigrationView, { page }: Frame): ButtonCall => ({ preview: { migration: id }, page });

function about(row: MigrationView): Html {
  const { file, pruned, description, reason, changedSince, state, error, leftOver, progress } = row;
  return html`${description === undefined ? html`<span class="dim">${file}</span>` : cut(description, MAX_TEXT)}
  ${reason !== undefined && html`<small>“${cut(reason, MAX_TEXT)}”</small>`}
  ${error && state !== 'halted' && html`<small>${cut(`${error.name}: ${error.message}`, MAX_TEXT)}</small>`}
  ${leftOver && html`<small>${cut(leftOverText(leftOver), MAX_TEXT)}.</small>`}
  ${!isCompleted(state) && progress && meter(progress)}
  ${file === undefined && html`<small>Its file was ${pruned ? 'pruned' : 'deleted'}.</small>`}
  ${changedSince && html`<small>Its file was changed after it ran.</small>`}`;
}

function meter(progress: Progress): Html {
  const { share, note } = progress;
  return html`${
      share !== undefined && html`<span class="meter"><span style="width:${Math.round(share * 100)}%"></span></span>`
    }<small
      >${[progressText(progress), note === undefined ? undefined : cut(note, MAX_TEXT)].filter(Boolean).join(' · ')}</small
    >`;
}

function links({ id, execution, startedAt, attempts }: MigrationView, frame: Frame): Html {
  // A baseline has the word of an operator in place of an execution.
  const page = execution?.startsWith('arn:') && executionLink(execution);
  const logs =
    attempts > 0 &&
    startedAt !== undefined &&
    migrationLogLink(frame.functionArn, logGroupName(frame, 'migrations'), id, startedAt);
  return html`${page && html`<a href="${page}" target="_blank" rel="noopener">Execution</a> `}${
    logs && html`<a href="${logs}" target="_blank" rel="noopener">Logs</a>`
  }`;
}
