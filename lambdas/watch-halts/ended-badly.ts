// A run that ended badly, told to the operators at once and each by itself: an alarm that is up already says nothing of a second one.
import { asCode, chatNotification, threadId } from '../../core/contract/chat.ts';
import type { Services } from '../../core/contract/ports.ts';
import { linesOf, plainLine } from '../../core/ledger/summaries.ts';
import { executionLink } from '../../core/text/links.ts';
import type { Message } from '../shared/announce.ts';
import { announce, subjectOf } from '../shared/announce.ts';
import type { EndedEvent } from './event.ts';

/** What Step Functions says of it; the event has neither. */
export type WhyItEnded = (execution: string) => Promise<{ error?: string | undefined; cause?: string | undefined }>;

export function createTellEndedBadly(services: Services, whyItEnded: WhyItEnded) {
  return async ({ detail: { executionArn, status } }: EndedEvent): Promise<{ told: string }> => {
    const { error, cause } = await whyItEnded(executionArn);
    await announce(services, () => ({
      message: endedBadly(services.environment, executionArn, error ?? status, cause),
    }));
    return { told: executionArn };
  };
}

function endedBadly(environment: string, execution: string, error: string, cause: string | undefined): Message {
  const subject = subjectOf(environment, `a run ended badly (${plainLine(error, 40)})`);
  const why = cause === undefined ? [] : linesOf(cause, 12, 1000);
  return {
    subject,
    text: [
      `A run in ${environment} ended badly. What is done stays done, and what is pending stays pending.`,
      '',
      `Error:         ${plainLine(error, 200)}`,
      ...why.map((line, index) => (index === 0 ? 'Cause:' : '').padEnd(15) + line),
      `Execution:     ${execution}`,
      `               ${executionLink(execution)}`,
      '',
      'docs/runbook.md says what each error means, and what to do: "A run that failed".',
      '',
    ].join('\n'),
    chat: chatNotification(
      {
        title: `${environment}: a run ended badly`,
        description: [
          `Error: ${asCode(plainLine(error, 200))}`,
          ...why.map(asCode),
          `Execution: ${executionLink(execution)}`,
        ].join('\n'),
        nextSteps: ['docs/runbook.md, "A run that failed", says what to do.'],
        keywords: ['odin-migrate', environment, 'failed'],
      },
      {
        threadId: threadId(environment, ''),
        summary: subject,
        eventType: 'Run Ended Badly',
        relatedResources: [execution],
        additionalContext: { environment, error: plainLine(error, 200) },
      },
    ),
  };
}
