// What the operators are told when a run ends well that had needed a decision, or that leaves files aside.
import type { ChangedFile, RunCompleted } from '../../core/contract/events.ts';
import { executionLink } from '../../core/text/links.ts';
import { plainLine } from '../../core/ledger/summaries.ts';
import { didText, who } from '../../core/views/words.ts';
import type { ChatNotification } from '../../core/contract/chat.ts';
import { asCode, chatNotification, threadId } from '../../core/contract/chat.ts';
import { subjectOf } from '../shared/announce.ts';

export const finishedSubject = ({ environment, changed }: RunCompleted): string =>
  subjectOf(environment, changed ? 'finished, but a file changed after it had run' : 'finished after a halt');

/** Of files that are not those which were run under their numbers. */
export function changedText(changed: readonly ChangedFile[]): string {
  const ids = changed.map(({ migration }) => migration);
  return (
    `Another text stands under ${ids.length === 1 ? 'a number that is' : 'numbers that are'} completed, and does not run: ` +
    `${changed.map(({ file }) => plainLine(file, 200)).join(', ')}. If it is new work, give it a number of its own; if it is meant, run ` +
    `with ${ids.map((id) => `--accept-changed ${id}`).join(' ')}.`
  );
}

export function finishedText(run: RunCompleted): string {
  return [
    run.afterHalts.length > 0
      ? `The run in ${run.environment} that had needed your decision has finished. Nothing is pending.`
      : `The run in ${run.environment} has finished. Nothing is pending.`,
    '',
    ...(run.changed ? [changedText(run.changed), ''] : []),
    ...run.afterHalts.flatMap(({ migration, completion, by, identity, did }) => [
      `${migration}           ${completion}${by === undefined ? '' : ` by ${oneLine(who({ by, identity }))}`}`,
      ...(did ? [`               ${oneLine(didText(did))}`] : []),
    ]),
    `Completed:     ${run.completed} in the ledger`,
    `Execution:     ${run.execution}`,
    `               ${executionLink(run.execution)}`,
    '',
  ].join('\n');
}

export function finishedChat(run: RunCompleted): ChatNotification {
  const { environment, execution, afterHalts, changed } = run;
  return chatNotification(
    {
      title: changed
        ? `${environment}: finished, but a file changed after it had run`
        : `${environment}: finished after a halt, nothing is pending`,
      description: [
        ...(changed ? [changedText(changed)] : []),
        ...afterHalts.map(
          ({ migration, completion, by, identity, did }) =>
            `${migration}: ${completion}${by === undefined ? '' : ` by ${asCode(oneLine(who({ by, identity })))}`}${did ? `, ${asCode(oneLine(didText(did)))}` : ''}`,
        ),
        `${run.completed} migrations are completed.`,
        `Execution: ${executionLink(execution)}`,
      ].join('\n'),
      nextSteps: [],
      keywords: ['odin-migrate', environment, 'finished'],
    },
    {
      threadId: threadId(environment, afterHalts.at(-1)?.migration ?? changed?.[0]?.migration ?? ''),
      summary: finishedSubject(run),
      eventType: 'Run Completed',
      relatedResources: [execution],
      additionalContext: { environment, completed: String(run.completed) },
    },
  );
}

const oneLine = (text: string): string => plainLine(text, 200);
