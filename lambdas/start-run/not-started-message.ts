// What the operators are told when a deployment was to start a run, and could not.
import { asCode, chatNotification, threadId } from '../../core/contract/chat.ts';
import { plainLine } from '../../core/ledger/summaries.ts';
import type { Where } from '../../core/text/command.ts';
import { commandLine, TYPED_WHERE } from '../../core/text/command.ts';
import type { Message } from '../shared/announce.ts';
import { subjectOf } from '../shared/announce.ts';

/** @param why the error, in one line */
export function notStarted(where: Where & { environment: string }, why: string): Message {
  const { environment } = where;
  const subject = subjectOf(environment, 'deployed, and no run was started');
  const error = plainLine(why, 500);
  const command = commandLine({ verb: 'run', environment }, where);
  return {
    subject,
    text: [
      `${environment} is deployed. The run that the deployment was to start could not be started; what is pending stays pending.`,
      '',
      `Error:         ${error}`,
      `${TYPED_WHERE}, start it with:`,
      `  ${command}`,
      '',
    ].join('\n'),
    chat: chatNotification(
      {
        title: `${environment}: deployed, and no run was started`,
        description: [`Error: ${asCode(error)}`, 'What is pending stays pending.'].join('\n'),
        nextSteps: [`${TYPED_WHERE}, start it with: ${asCode(command)}`],
        keywords: ['odin-migrate', environment, 'not started'],
      },
      {
        threadId: threadId(environment, ''),
        summary: subject,
        eventType: 'Run Not Started',
        relatedResources: [],
        additionalContext: { environment },
      },
    ),
  };
}
