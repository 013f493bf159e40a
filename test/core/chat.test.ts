// What is shown in Slack and Teams: as the service that shows it takes it, and with nothing in it that acts there.
import { expect, it } from 'vitest';
import { asCode, chatNotification, threadId } from '../../core/contract/chat.ts';

const METADATA = {
  threadId: 'thread',
  summary: 'summary',
  eventType: 'type',
  relatedResources: ['arn'],
  additionalContext: { a: 'b' },
};

it('a notification has the form that is shown, and what was said in it', () => {
  const content = { title: 'title', description: 'description', nextSteps: ['step'], keywords: ['word'] };
  expect(chatNotification(content, METADATA)).toEqual({
    version: '1.0',
    source: 'custom',
    content: { textType: 'client-markdown', ...content },
    metadata: METADATA,
  });
});

it('a notification is cut to what every platform takes', () => {
  const long = 'x'.repeat(10_000);
  const { content } = chatNotification(
    { title: long, description: long, nextSteps: [long], keywords: [long] },
    METADATA,
  );
  expect(content.title).toHaveLength(250);
  expect(content.description).toHaveLength(4000);
  expect(content.nextSteps.map(({ length }) => length)).toEqual([500]);
  expect(content.keywords.map(({ length }) => length)).toEqual([100]);
});

it('all about one migration is one thread', () => {
  expect(threadId('odin-dev', '0004')).toBe('odin-migrate/odin-dev/0004');
});

it('text of others is code, and calls nobody', () => {
  expect(asCode('`*a*` & `<!channel>` > <https://evil.example|b> &amp;')).toBe(
    "`'*a*' &amp; '&lt;!channel&gt;' &gt; &lt;https://evil.example|b&gt; &amp;amp;`",
  );
});
