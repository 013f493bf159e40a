// The halt that waits: what happened, and the answers to it, as buttons or as what is typed.
import type { Meaning } from '../../core/decision/meanings.ts';
import { meanings, needsReason, resumeCommand } from '../../core/decision/meanings.ts';
import { commandLine } from '../../core/text/command.ts';
import type { Decision } from '../../core/names/names.ts';
import { executionLink } from '../../core/text/links.ts';
import { logGroupName } from '../../core/names/names.ts';
import type { HaltReason } from '../../core/ledger/entries.ts';
import { commitsText, cut } from '../../core/ledger/summaries.ts';
import { askedToStop, heldBackText } from '../../core/views/words.ts';
import { haltLogLink } from '../../core/views/view.ts';
import type { EnvironmentView, OpenHalt } from '../../core/views/view.ts';
import { callAction } from './action.ts';
import { errorBlock } from './error-block.ts';
import type { Html } from './html.ts';
import { html } from './html.ts';
import type { Frame } from './frame.ts';
import { minuteOf } from './words.ts';

/** A field is not called `name`, nor by any other property of a form: sanitisers take such names away (docs/aws-facts.md). */
export function haltCard(view: EnvironmentView, halt: OpenHalt, frame: Frame): Html {
  const { migration, attempt, reason, since, error, mayRunUntil } = halt;
  const commit = commitsText(halt.commits);
  const row = view.migrations.find(({ id }) => id === migration);
  return html`<div class="card bad" data-halted="${migration}">
    <h3>${migration}${halt.description !== undefined && ` · ${cut(halt.description, 200)}`}</h3>
    <p>Attempt ${attempt} ${REASONS[reason]}</p>
    <p class="small">
      Waiting since <span title="${since}">${frame.clock.minute(since)}</span> ${frame.clock.zone}${
        row?.file !== undefined && ` · ${row.file}`
      }${commit !== undefined && ` · ${commit}`}
    </p>
    ${halt.cancelled && html`<p>${cut(askedToStop(halt.cancelled), 500)}</p>`}
    ${mayRunUntil !== undefined && html`<p>${heldBackText(minuteOf(mayRunUntil, frame.clock))}</p>`}
    ${error && errorBlock(error, 'halt', true)} ${!frame.local && links(halt, frame)}
    ${frame.acts ? buttons(halt, frame) : commands(halt, frame)}
  </div>`;
}

function buttons(halt: OpenHalt, frame: Frame): Html {
  const answers = meanings(halt.reason);
  const needing = answers
    .filter(({ decision }) => needsReason(decision))
    .map(({ decision }) => ANSWERS[decision].label);
  return html`<form>
      <label class="wide"
        >Reason ${needing.length > 0 && html`<span>(needed for ${needing.join(' and ')})</span>`}
        <input name="reason" maxlength="2000" autocomplete="off" value="${frame.typed?.reason}"
      /></label>
      <label>Your name <input name="operator" maxlength="100" value="${frame.typed?.name}" /></label>
    </form>
    <div class="answers">${answers.map((answer) => answerButton(answer, halt, frame))}</div>`;
}

/** Of a page that only shows. */
const commands = ({ halt, reason }: OpenHalt, { environment, app, local }: Frame): Html =>
  html`<p class="small">Who may decide${local && ' ends this dashboard with Ctrl-C, and'} types one of these:</p>
    <pre>
${meanings(reason)
        .map(({ decision }) => commandLine(resumeCommand(environment, decision, halt), { local, app }))
        .join('\n')}</pre>`;

const REASONS: Record<HaltReason, string> = {
  failed: 'failed: its code threw. Some of its effects may be there.',
  unknown: 'has an unknown outcome: it may have run in part, in whole, or not at all.',
  cancelled: 'was cancelled: it stopped at a checkpoint, and a retry goes on from there.',
  'code-changed': 'began with other code than is deployed now. An attempt is one code, from its beginning to its end.',
  'file-gone': 'cannot go on: its file is not deployed any more.',
  'not-started': 'did not start: its function refused, or could not be invoked. Nothing of it has run.',
  unrecorded: 'is done with, but that could not be recorded. Retry records it; nothing runs twice.',
};

/** A button, and the question before it is sent. */
const ANSWERS: Record<Decision, { label: string; question: string }> = {
  retry: { label: 'Retry', question: 'Run it again' },
  'mark-applied': { label: 'Mark applied', question: 'Record it as applied, without running it' },
  skip: { label: 'Skip', question: 'Record it as skipped, so that it never runs' },
  abort: { label: 'Abort', question: 'End this run as failed' },
};

function answerButton({ decision, meaning }: Meaning, halt: OpenHalt, frame: Frame): Html {
  const { migration } = halt;
  const { label, question } = ANSWERS[decision];
  const options = {
    primary: decision === 'retry',
    needs: needsReason(decision) ? 'reason' : undefined,
    confirmation: `${label} ${migration} in ${frame.environment}? ${question}. The decision is recorded for good.`,
  };
  const decide = { decision, halt: halt.halt };
  return html`<div>
    ${callAction(label, frame, { decide }, options)}
    <p>${sentence(meaning)}</p>
  </div>`;
}

const sentence = (words: string): string => `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;

/** The execution that waits, and the log lines of what failed. */
function links(halt: OpenHalt, frame: Frame): Html {
  const logs = haltLogLink(halt, frame.functionArn, logGroupName(frame, 'migrations'));
  return html`<p class="links">
    <a href="${executionLink(halt.execution)}" target="_blank" rel="noopener">Execution</a>
    <a href="${logs}" target="_blank" rel="noopener">Logs of this attempt</a>
  </p>`;
}
