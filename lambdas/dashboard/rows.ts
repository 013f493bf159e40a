// The migrations, oldest first: a line of each, which opens to its history. Of many completed ones the last few are shown, and the
// older ones by the page.
import { duration } from '../../core/text/format.ts';
import { migrationLogLink, executionLink } from '../../core/text/links.ts';
import { MAX_CONCURRENCY } from '../../core/names/lambda-limits.ts';
import { logGroupName } from '../../core/names/names.ts';
import type { Progress } from '../../core/views/progress.ts';
import { progressText } from '../../core/views/progress.ts';
import { cut } from '../../core/ledger/summaries.ts';
import type { Trail } from '../../core/views/history.ts';
import type { BatchesView } from '../../core/views/batches.ts';
import { cellState } from '../../core/views/batches.ts';
import type { EnvironmentView, MigrationView } from '../../core/views/view.ts';
import { isCompleted } from '../../core/views/view.ts';
import { didText, leftOverText, stateWord, TONES, who, whoShort } from '../../core/views/words.ts';
import type { ButtonCall } from './action.ts';
import { callAction } from './action.ts';
import { errorBlock } from './error-block.ts';
import type { Html } from './html.ts';
import { html } from './html.ts';
import type { Frame } from './frame.ts';
import { trailOf } from './trail.ts';

/** Up to so many completed ones are all shown. Of more, only `RECENT` are, and the rest is in pages. */
const FEW = 12;
const RECENT = 5;
const PAGE = 50;
/** Open ones: the first of them are what matters. */
const OPEN = 25;
/** Texts of users and operators, in characters: 1,000 migrations must not make a large page. */
const MAX_TEXT = 300;
/** Of an error, in the line of a migration. */
const MAX_ERROR = 120;

export interface Shown {
  /** Of the older completed ones, the page that is open; empty when none is. */
  older: MigrationView[];
  /** The page's number from 1, how many there are, and of how many migrations. */
  page?: number | undefined;
  pages: number;
  olderCount: number;
  rows: MigrationView[];
  /** Open ones beyond those. */
  hidden: MigrationView[];
}

/** @param page of older ones, from 1; undefined: they are closed */
export function shownOf({ migrations }: EnvironmentView, page: number | undefined): Shown {
  const completed = migrations.filter(({ state }) => isCompleted(state));
  const open = migrations.filter(({ state }) => !isCompleted(state));
  const recent = completed.length <= FEW ? completed : completed.slice(-RECENT);
  const older = completed.slice(0, completed.length - recent.length);
  const pages = Math.ceil(older.length / PAGE);
  const current = page === undefined ? undefined : Math.min(page, pages);
  const end = older.length - ((current ?? 1) - 1) * PAGE;
  return {
    older: current === undefined ? [] : older.slice(Math.max(0, end - PAGE), end),
    page: current,
    pages,
    olderCount: older.length,
    // A late migration has an id below completed ones, so the two lists are sorted together.
    rows: [...recent, ...open.slice(0, OPEN)].sort((a, b) => (a.id < b.id ? -1 : 1)),
    hidden: open.slice(OPEN),
  };
}

export function migrationRows(shown: Shown, frame: Frame): Html {
  const { rows, hidden } = shown;
  const last = hidden.at(-1);
  return html`
    ${shown.olderCount > 0 && olderOnes(shown, frame)} ${list(rows, frame)}
    ${last && html`<p class="more">and ${hidden.length} more, up to ${last.id}</p>`}
  `;
}

function olderOnes({ older, page, pages, olderCount }: Shown, frame: Frame): Html {
  const turn = (label: string, to: number | undefined) => callAction(label, frame, { page: to });
  const buttons =
    page === undefined
      ? turn('Show', 1)
      : [page < pages && turn('Older', page + 1), page > 1 && turn('Newer', page - 1), turn('Hide', undefined)];
  return html`<div class="older" id="older">
    <p><span>${olderCount} older migrations are done</span><span class="turn">${buttons}</span></p>
    ${page !== undefined && list(older, frame)}
    ${page !== undefined && pages > 1 && html`<p class="more">Page ${page} of ${pages}, newest first</p>`}
  </div>`;
}

const list = (rows: readonly MigrationView[], frame: Frame): Html => html`
  <div class="rows">
    <div class="columns">
      <span>Id</span><span>State</span><span>Description</span><span>When, ${frame.clock.zone}</span><span>Took</span
      ><span>By</span>
    </div>
    ${rows.map((row) => rowOf(row, frame))}
  </div>
`;

function rowOf(row: MigrationView, frame: Frame): Html {
  const { id, attempts, state } = row;
  return html`<details class="row ${TONES[state]}" id="row-${id}" data-migration="${id}" data-state="${state}">
    <summary>
      <span class="id">${id}</span>
      <span class="word"
        ><span class="dot"></span
        >${stateWord(row)}${attempts > 1 && html` <span class="dim">attempt ${attempts}</span>`}</span
      >
      <span class="text">${about(row)}</span>
      <span class="facts">${facts(row, frame)}</span>
    </summary>
    <div class="body">${body(row, frame)}</div>
  </details>`;
}

function facts(row: MigrationView, frame: Frame): Html {
  const { durationMs, by, identity, state } = row;
  const when = row.finishedAt ?? row.startedAt;
  const person = by === undefined ? undefined : cut(whoShort({ by, identity }), 60);
  return html`<span>${when !== undefined && html`<span title="${when}">${frame.clock.minute(when)}</span>`}</span>
    <span>${durationMs !== undefined && duration(durationMs)}</span>
    <span class="by"
      >${person === undefined ? isCompleted(state) && 'the run' : html`<span title="${who({ by: by ?? '', identity })}">${person}</span>`}</span
    >`;
}

function about(row: MigrationView): Html {
  const { file, description, reason, changedSince, state, error, leftOver, did, progress } = row;
  return html`${description === undefined ? html`<span class="dim">${file ?? 'No file'}</span>` : cut(description, MAX_TEXT)}
  ${reason !== undefined && html`<small>“${cut(reason, MAX_TEXT)}”</small>`}
  ${error && state !== 'halted' && html`<small>${firstOf(`${error.name}: ${error.message}`)}</small>`}
  ${did && html`<small>${cut(didText(did), MAX_TEXT)}</small>`}
  ${leftOver && html`<small>${cut(leftOverText(leftOver), MAX_TEXT)}.</small>`}
  ${!isCompleted(state) && progress && meter(progress, row.batches)}
  ${file === undefined && html`<small>Its file was ${row.pruned ? 'pruned' : 'deleted'}.</small>`}
  ${changedSince && html`<small>Its file was changed after it ran.</small>`}`;
}

/** The whole of it is in the open row. */
function firstOf(text: string): string {
  const [line = ''] = text.split(/[\r\n\u2028\u2029]/, 1);
  return line === text ? cut(line, MAX_ERROR) : `${line.slice(0, MAX_ERROR - 1)}…`;
}

function meter(progress: Progress, batches: BatchesView | undefined): Html {
  const { share, note } = progress;
  return html`${
      batches
        ? strip(batches)
        : share !== undefined &&
          html`<span class="meter"><span style="width:${Math.round(share * 100)}%"></span></span>`
    }<small
      >${[progressText(progress), note === undefined ? undefined : cut(note, MAX_TEXT)].filter(Boolean).join(' · ')}</small
    >`;
}

/** The plan from its first batch to its last, in cells of as many batches each. */
function strip({ strip: cells, of, succeeded, failed, unknown, running, waiting }: BatchesView): Html {
  const said = `${of} batches: ${succeeded} done, ${running} running, ${failed + unknown} failed or unknown, ${waiting} waiting`;
  return html`<span class="strip" role="img" aria-label="${said}" title="${said}"
    >${cells.map((cell) => {
      const done = Math.round((100 * cell.succeeded) / (cell.to - cell.from + 1));
      return html`<span class="${cellState(cell)}" style="background-size:100% ${done}%"></span>`;
    })}</span
  >`;
}

function body(row: MigrationView, frame: Frame): Html {
  const { id, file, description, error } = row;
  const trail = frame.trails?.get(id);
  return html`
    ${file !== undefined && description !== undefined && html`<p class="small">${file}</p>`}
    ${trail ? trailOf(id, trail, frame) : attemptless(row)}
    ${error && !isTold(trail, row) && errorBlock(error, `row-${id}`)}
    ${frame.acts && canBeTuned(row) && tuning(row, frame)}
    <div class="press">
      ${frame.acts && canBePreviewed(row) && callAction('Preview', frame, previewOf(row, frame))}${!frame.local && links(row, frame)}
    </div>
  `;
}

/** Its halt has it. */
const isTold = (trail: Trail | undefined, { attempts }: MigrationView): boolean =>
  trail?.entries.some((entry) => entry.kind === 'halted' && entry.attempt === attempts && entry.error) ?? false;

const attemptless = ({ attempts }: MigrationView): Html | false =>
  attempts === 0 && html`<p class="small">Nothing has happened to it yet.</p>`;

/** Whatever a run would begin, or begin again. */
const canBePreviewed = ({ state, file }: MigrationView): boolean =>
  file !== undefined && ['pending', 'late', 'halted', 'aborted', 'failed', 'unknown'].includes(state);

const canBeTuned = ({ state, batches }: MigrationView): boolean =>
  state === 'running' && batches !== undefined && batches.waiting + batches.running > 0;

/** A field's name is none of a form's own properties, as in the halt's card. */
const tuning = ({ id }: MigrationView, frame: Frame): Html =>
  html`<form>
      <label>Batches at a time <input name="concurrency" type="number" min="1" max="${MAX_CONCURRENCY}" /></label>
    </form>
    ${callAction('Set', frame, { tune: { migration: id }, page: frame.page }, { needs: 'concurrency' })}`;

/** The page of older ones that is open stays open. */
const previewOf = ({ id }: MigrationView, { page }: Frame): ButtonCall => ({ preview: { migration: id }, page });

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
