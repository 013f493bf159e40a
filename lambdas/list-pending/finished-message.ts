// What the operators are told when a run that had needed a decision ends well.
import type { RunCompleted } from '../../core/contract/events.ts';
import { executionLink } from '../../core/text/links.ts';
import { plainLine } from '../../core/ledger/summaries.ts';
import type { ChatNotification } from '../../core/contract/chat.ts';
import { asCode, chatNotification, threadId } from '../../core/contract/chat.ts';

export const finishedSubject = ({ environment }: RunCompleted): string =>
  `odin-migrate ${environment}: finished after a halt`.slice(0, 99);

export function finishedText(run: RunCompleted): string {
  return [
    `The run in ${run.environment} that had needed your decision has finished. Nothing is pending.`,
    '',
    ...run.afterHalts.map(
      ({ migration, completion, by }) =>
        `${migration}           ${completion}${by === undefined ? '' : ` by ${oneLine(by)}`}`,
    ),
    `Completed:     ${run.completed} in the ledger`,
    `Execution:     ${run.execution}`,
    `               ${executionLink(run.execution)}`,
    '',
  ].join('\n');
}

export function finishedChat(run: RunCompleted): ChatNotification {
  const { environment, execution, afterHalts } = run;
  return chatNotification(
    {
      title: `${environment}: finished after a halt, nothing is pending`,
      description: [
        ...afterHalts.map(
          ({ migration, completion, by }) =>
            `${migration}: ${completion}${by === undefined ? '' : ` by ${asCode(oneLine(by))}`}`,
        ),
        `${run.completed} migrations are completed.`,
        `Execution: ${executionLink(execution)}`,
      ].join('\n'),
      nextSteps: [],
      keywords: ['odin-migrate', environment, 'finished'],
    },
    {
      threadId: threadId(environment, afterHalts.at(-1)?.migration ?? ''),
      summary: finishedSubject(run),
      eventType: 'Run Completed',
      relatedResources: [execution],
      additionalContext: { environment, completed: String(run.completed) },
    },
  );
}

const oneLine = (text: string): string => plainLine(text, 200);
