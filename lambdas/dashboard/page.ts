// The page: what matters first, then how far it has come, then the halt to decide on, then a preview that was asked for, then
// every migration.
import type { EnvironmentView, MigrationState, MigrationView } from '../../core/views/view.ts';
import { shortCommit } from '../../core/ledger/summaries.ts';
import type { Tone } from '../../core/views/words.ts';
import { nobodyIsTold, subscribersText } from '../../core/views/subscribers.ts';
import { stateName, TONES } from '../../core/views/words.ts';
import { callAction } from './action.ts';
import { haltCard } from './halt-card.ts';
import type { Frame, Notice } from './frame.ts';
import type { Html } from './html.ts';
import { html } from './html.ts';
import { previewCard } from './preview-card.ts';
import { migrationRows, shownOf } from './rows.ts';
import { styleSheet } from './style.ts';
import { headline } from './words.ts';

export const page = (view: EnvironmentView, frame: Frame): string =>
  shell(
    frame,
    html`${frame.notice && noticeCard(frame.notice, frame)} ${head(view, frame)} ${told(frame)}
      ${view.total > 0 && html`${bar(view)} ${legend(view)}`} ${view.halt && haltCard(view, view.halt, frame)}
      <div id="preview">${frame.preview && previewCard(frame.preview, frame)}</div>
      ${view.total > 0 && migrationRows(shownOf(view, frame.page), frame)}
      ${frame.subscribers && html`<p class="foot">${subscribersText(frame.subscribers)}</p>`}
      ${view.gitCommit !== undefined && html`<p class="foot">Deployed from ${shortCommit(view.gitCommit)}</p>`}`,
  );

/** When there is no view to show: the ledger could not be read. */
export const failurePage = (frame: Frame, notice: Notice): string => shell(frame, noticeCard(notice, frame));

const shell = ({ theme }: Frame, content: Html): string =>
  html`<style>
      ${styleSheet(theme)}
    </style>
    <div class="odin"><div class="sheet">${content}</div></div>`.text;

const noticeCard = ({ tone, title, lines, answers = [] }: Notice, frame: Frame): Html =>
  html`<div class="card ${tone}" role="status" data-notice="${tone}">
    <h3>${title}</h3>
    ${lines.map((line) => html`<p>${line}</p>`)}
    ${
      answers.length > 0 &&
      html`<div class="answers">
        ${answers.map(
          ({ label, meaning, decide }) =>
            html`<div>
              ${callAction(label, frame, { decide }, { confirmation: `${meaning}. The decision is recorded for good.` })}
              <p>${meaning}.</p>
            </div>`,
        )}
      </div>`
    }
  </div>`;

/** That nobody would hear of a halt is seen when there is none. */
function told(frame: Frame): Html | false | undefined {
  const warning = frame.subscribers && nobodyIsTold(frame.subscribers);
  return (
    warning !== undefined &&
    html`<div class="card warn">
      <h3>Nobody is told</h3>
      <p>${warning}</p>
    </div>`
  );
}

function head(view: EnvironmentView, frame: Frame): Html {
  const { tone, title, detail } = headline(view, frame);
  return html`<div class="head ${tone}" data-headline="${tone}">
    <span class="title">${title}</span>
    ${view.total > 0 && html`<span class="count"><b>${view.completed}</b> of ${view.total} done</span>`}
    <span class="detail dim">${detail}</span>
  </div>`;
}

const MAX_CELLS = 80;
/** A cell that stands for several migrations shows the first of these that one of them has. */
const SEEN_FIRST: Tone[] = ['bad', 'busy', 'warn', 'quiet', 'good'];

/** One cell per migration. If there are too many, a cell stands for several, in the colour of the one that needs a look first. */
function bar({ migrations }: EnvironmentView): Html {
  const perCell = Math.ceil(migrations.length / MAX_CELLS);
  const cells = Array.from({ length: Math.ceil(migrations.length / perCell) }, (_, index) =>
    migrations.slice(index * perCell, (index + 1) * perCell),
  );
  return html`<div class="bar">${cells.map(cell)}</div>`;
}

function cell(migrations: readonly MigrationView[]): Html {
  const rank = ({ state }: MigrationView) => SEEN_FIRST.indexOf(TONES[state]);
  const [shown] = [...migrations].sort((a, b) => rank(a) - rank(b));
  if (!shown) return html``;
  const tone = TONES[shown.state];
  const ids = migrations.length > 1 ? `${migrations[0]?.id ?? ''} to ${migrations.at(-1)?.id ?? ''}: ` : '';
  const state = shown.state === 'pending' ? ' pending' : tone === 'busy' ? ' now' : '';
  return html`<span class="${tone}${state}" title="${ids}${shown.id} ${shown.state}"></span>`;
}

function legend({ migrations }: EnvironmentView): Html {
  const counts = new Map<MigrationState, number>();
  for (const { state } of migrations) counts.set(state, (counts.get(state) ?? 0) + 1);
  const words = [...counts].map(
    ([state, count]) =>
      html`<span class="${TONES[state]}"><span class="dot"></span>${count} ${stateName(state)}</span>`,
  );
  return html`<div class="legend">${words}</div>`;
}
