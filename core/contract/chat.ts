// The custom-notification schema of Amazon Q Developer in chat applications, which shows an SNS message in Slack and in
// Microsoft Teams (its administrator guide, "Custom notifications": version "1.0", source "custom").
import { cut } from '../ledger/summaries.ts';

export interface ChatNotification {
  version: '1.0';
  source: 'custom';
  content: {
    /** The only one there is: the text is in the markdown of the chat platform. */
    textType: 'client-markdown';
    title: string;
    description: string;
    nextSteps: string[];
    keywords: string[];
  };
  metadata: {
    /** Messages with one id are shown as one thread. */
    threadId: string;
    summary: string;
    eventType: string;
    relatedResources: string[];
    additionalContext: Record<string, string>;
  };
}

/** Cuts every text to less than any chat platform takes. */
export function chatNotification(
  content: Omit<ChatNotification['content'], 'textType'>,
  metadata: ChatNotification['metadata'],
): ChatNotification {
  return {
    version: '1.0',
    source: 'custom',
    content: {
      textType: 'client-markdown',
      title: cut(content.title, 250),
      description: cut(content.description, 4000),
      nextSteps: content.nextSteps.map((step) => cut(step, 500)),
      keywords: content.keywords.map((keyword) => cut(keyword, 100)),
    },
    metadata,
  };
}

/** All messages about one migration of one environment are one thread. */
export const threadId = (environment: string, migration: string): string => `odin-migrate/${environment}/${migration}`;

/**
 * Text of others as inline code, the one form that Slack and Teams both show as it is: no bold, no link, and with `<`
 * escaped no mention of a channel (`<!channel>`) either.
 */
export const asCode = (text: string): string =>
  `\`${text.replaceAll('`', "'").replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')}\``;
