// Tells people and programs what happened. Best effort: what happened is in the ledger, and nothing waits for this.
import type { OdinEvent } from '../../core/contract/events.ts';
import type { ChatNotification } from '../../core/contract/chat.ts';
import type { Services } from '../../core/contract/ports.ts';

/** For the operators: by mail, and in a chat. */
export interface Message {
  subject: string;
  text: string;
  chat: ChatNotification;
}

/** Fewer than 100 characters, and no line break (docs/aws-facts.md). */
export const subjectOf = (environment: string, what: string): string =>
  `odin-migrate ${environment}: ${what}`.slice(0, 99);

export interface News {
  /** For programs; absent when there is no event for it. */
  event?: OdinEvent | undefined;
  /** For the operators; absent when they need not hear of it. */
  message?: Message | undefined;
}

/** Never throws. The log says what could not be sent. */
export async function announce({ notifications, events, log }: Services, news: () => News): Promise<void> {
  try {
    const { event, message } = news();
    const [sent, published] = await Promise.allSettled([
      event && events.send(event),
      message && notifications.publish(message.subject, message.text, message.chat),
    ]);
    if (sent.status === 'rejected') log.error(`The event "${event?.type}" could not be sent`, { cause: sent.reason });
    if (published.status === 'rejected') {
      log.error('The operators could not be notified', { subject: message?.subject, cause: published.reason });
    }
  } catch (cause) {
    log.error('The operators could not be notified', { cause });
  }
}
