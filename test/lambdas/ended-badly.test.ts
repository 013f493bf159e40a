// A run that ended badly: what the operators are told of it.
import { beforeEach, describe, expect, it } from 'vitest';
import { threadId } from '../../core/contract/chat.ts';
import { executionLink } from '../../core/text/links.ts';
import { createTellEndedBadly } from '../../lambdas/watch-halts/ended-badly.ts';
import { WatchEvent } from '../../lambdas/watch-halts/event.ts';
import { executionArn } from '../support/fake-executions.ts';
import type { World } from '../support/services.ts';
import { createWorld } from '../support/services.ts';

let world: World;
beforeEach(() => {
  world = createWorld();
});

const tell = (status: string, why: { error?: string; cause?: string } = {}) =>
  createTellEndedBadly(world.services, () => Promise.resolve(why))({
    'detail-type': 'Step Functions Execution Status Change',
    detail: { executionArn: executionArn('run-7'), status },
  });

describe('what EventBridge sends to the watch', () => {
  const ENDED = {
    'detail-type': 'Step Functions Execution Status Change',
    detail: { executionArn: executionArn('run-7'), status: 'FAILED' },
  };

  it.each([ENDED, { 'detail-type': 'Scheduled Event' }])('is read, with whatever else is in it: %j', (event) => {
    expect(WatchEvent.parse({ ...event, region: 'eu-west-1' })).toEqual(event);
  });

  it.each([
    {},
    { 'detail-type': 'Another' },
    { ...ENDED, detail: { status: 'FAILED' } },
    { ...ENDED, detail: { ...ENDED.detail, status: 'x'.repeat(101) } },
  ])('is nothing else: %j', (event) => {
    expect(WatchEvent.safeParse(event).success).toBe(false);
  });
});

describe('a run that ended badly', () => {
  it('is told with its error, its cause and its page', async () => {
    await tell('FAILED', { error: 'OutOfOrder', cause: '0002.ts is pending, but 0003 was run before' });
    const execution = executionArn('run-7');
    const subject = 'odin-migrate odin-dev: a run ended badly (OutOfOrder)';
    expect(world.published).toEqual([
      {
        subject,
        message: `A run in odin-dev ended badly. What is done stays done, and what is pending stays pending.

Error:         OutOfOrder
Cause:         0002.ts is pending, but 0003 was run before
Execution:     ${execution}
               ${executionLink(execution)}

docs/runbook.md says what each error means, and what to do: "A run that failed".
`,
        chat: {
          version: '1.0',
          source: 'custom',
          content: {
            textType: 'client-markdown',
            title: 'odin-dev: a run ended badly',
            description: [
              'Error: `OutOfOrder`',
              '`0002.ts is pending, but 0003 was run before`',
              `Execution: ${executionLink(execution)}`,
            ].join('\n'),
            nextSteps: ['docs/runbook.md, "A run that failed", says what to do.'],
            keywords: ['odin-migrate', 'odin-dev', 'failed'],
          },
          metadata: {
            threadId: threadId('odin-dev', ''),
            summary: subject,
            eventType: 'Run Ended Badly',
            relatedResources: [execution],
            additionalContext: { environment: 'odin-dev', error: 'OutOfOrder' },
          },
        },
      },
    ]);
  });

  it('is what the function answers', async () => {
    expect(await tell('FAILED')).toEqual({ told: executionArn('run-7') });
  });

  it('is told each time: two runs are two messages', async () => {
    await tell('FAILED', { error: 'Aborted' });
    await tell('FAILED', { error: 'Aborted' });
    expect(world.published).toHaveLength(2);
  });

  it.each(['ABORTED', 'TIMED_OUT'])('is named by its status, %s, when it has no error', async (status) => {
    await tell(status);
    expect(world.published[0]?.message).toContain(`Error:         ${status}\nExecution:`);
  });

  it('has the lines of its cause, and no more than fit, whatever that is', async () => {
    await tell('FAILED', { error: 'Error', cause: `first\r\nsecond\u0000${'x'.repeat(40_000)}` });
    const lines = world.published[0]?.message.split('\n') ?? [];
    const at = lines.findIndex((line) => line.startsWith('Cause:'));
    expect(lines[at]).toBe('Cause:         first');
    expect(lines[at + 1]).toMatch(/^ {15}second x{900,1000}…$/);
    expect(lines[at + 2]).toMatch(/^Execution:/);
  });

  it('is told without the secrets of its cause', async () => {
    await tell('FAILED', { error: 'Error', cause: 'postgres://app:hunter2@db refused' });
    expect(JSON.stringify(world.published)).toContain('postgres://app:***@db refused');
    expect(JSON.stringify(world.published)).not.toContain('hunter2');
  });

  it('fails the function when Step Functions cannot be asked: it is called again', async () => {
    const failing = createTellEndedBadly(world.services, () => Promise.reject(new Error('throttled')));
    const event = {
      'detail-type': 'Step Functions Execution Status Change',
      detail: { executionArn: executionArn('run-7'), status: 'FAILED' },
    } as const;
    await expect(failing(event)).rejects.toThrow('throttled');
    expect(world.published).toEqual([]);
  });
});
