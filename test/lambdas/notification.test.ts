// What operators and programs are told of a halt and of the end of a run: every form, hostile texts, and failures.
import { setImmediate as turnOfLoop } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import type * as z from '../../core/schema.ts';
import type { OdinEvent } from '../../core/contract/events.ts';
import { EVENTS } from '../../core/contract/events.ts';
import { executionLink, logLink } from '../../core/text/links.ts';
import type { Allowed, CallerIdentity } from '../../core/ledger/entries.ts';
import type { Numbered } from '../../core/ledger/fold.ts';
import { readWaiters } from '../../core/ledger/waiters.ts';
import type { ErrorSummary } from '../../core/ledger/error-records.ts';
import { createHalt } from '../../lambdas/halt/halt.ts';
import { createListPending } from '../../lambdas/list-pending/list-pending.ts';
import { announce, subjectOf } from '../../lambdas/shared/announce.ts';
import { assertDocumented, documentedSchema } from '../support/event-schemas.ts';
import { executionArn } from '../support/fake-executions.ts';
import type { LedgerBefore } from '../support/ledger.ts';
import { ledgerBefore } from '../support/ledger.ts';
import type { World } from '../support/services.ts';
import { createWorld, invocation, manifestOf } from '../support/services.ts';

/** Of a turn that is claimed at the beginning of a test: 15 minutes, and a margin. */
const DEADLINE = '2026-03-01T12:15:10.000Z';
const FAILURE: ErrorSummary = {
  name: 'RangeError',
  message: 'too much',
  stack: 'RangeError: too much\n    at migration (/var/task/migrations/odin-dev/0004.ts:12:9)',
};

let world: World;
let ledger: LedgerBefore;
let turn: Numbered<Allowed>;
let me: string;

beforeEach(async () => {
  world = createWorld();
  ledger = ledgerBefore(world);
  me = world.executions.run('me');
  turn = await ledger.allow('0004', { execution: me });
});

const claim = () => ledger.claim(turn);
const finish = (outcome: 'succeeded' | 'failed', error?: ErrorSummary) => ledger.close(turn, outcome, { error });

async function halt(execution = me, unrecorded = false, manifest = manifestOf('0004')): Promise<void> {
  const at = { migration: '0004', attempt: 1, turn: turn.number };
  await createHalt(world.services, manifest)(
    {
      ask: 'halt',
      execution,
      input: {},
      token: world.executions.wait(execution),
      at: unrecorded ? { ...at, unrecorded: { Error: 'LedgerForbidden' } } : at,
    },
    invocation(world),
  );
}
const list = (execution = me, run?: string) =>
  createListPending(world.services, manifestOf('0004'))({ ask: 'next', execution, input: { run } }, invocation(world));

function told() {
  const message = world.published.at(-1);
  if (!message) throw new Error('Nobody was told anything');
  return message;
}
function sent(): OdinEvent {
  const event = world.sentEvents.at(-1);
  if (!event) throw new Error('No event was sent');
  return event;
}

describe('a halt', () => {
  it('is shown in a chat: the schema of Amazon Q Developer, with the four commands as next steps', async () => {
    await claim();
    await finish('failed', FAILURE);
    await halt();
    const at = '--halt 2';
    const links = [
      executionLink(me),
      logLink(me, '/odin-migrate/odin-dev/migrations', 'prepared', '2026-03-01T12:00:00Z'),
    ];
    expect(told().chat).toEqual({
      version: '1.0',
      source: 'custom',
      content: {
        textType: 'client-markdown',
        title: 'odin-dev: migration 0004 needs your decision',
        description: [
          '`What 0004 does`',
          'migrations/odin-dev/0004.ts, attempt 1, halt 2',
          'FAILED. Some of its effects may be there.',
          'It began with an unknown commit, and abc123 is deployed.',
          '`RangeError: too much`',
          '`migrations/odin-dev/0004.ts:12:9`',
          `Execution: ${links[0]}`,
          `Log lines: ${links[1]}`,
          'Nothing later runs until you decide. In a project that has odin-migrate installed, type one of these.',
        ].join('\n'),
        nextSteps: [
          `\`npx --no-install odin-migrate resume odin-dev retry ${at} --region eu-west-1\` runs it again with the code that is deployed now, from its last checkpoint if it has one`,
          `\`npx --no-install odin-migrate resume odin-dev mark-applied ${at} --reason "..." --region eu-west-1\` records it as applied, because you made sure that its effect is there`,
          `\`npx --no-install odin-migrate resume odin-dev skip ${at} --reason "..." --region eu-west-1\` records it as skipped: it is not needed, and never runs`,
          `\`npx --no-install odin-migrate resume odin-dev abort ${at} --region eu-west-1\` ends this run as failed; the next run halts here again`,
        ],
        keywords: ['odin-migrate', 'odin-dev', '0004', 'failed'],
      },
      metadata: {
        threadId: 'odin-migrate/odin-dev/0004',
        summary: 'odin-migrate odin-dev: 0004 halted (attempt 1)',
        eventType: 'Migration Halted',
        relatedResources: [me],
        additionalContext: { environment: 'odin-dev', migration: '0004', attempt: '1', halt: '2', reason: 'failed' },
      },
    });
  });

  it('on the embedded AWS names the commands as they are typed there', async () => {
    await claim();
    world.services.local = true;
    await halt();
    const retry = 'npx --no-install odin-migrate resume odin-dev retry --halt 2 --local';
    expect(told().message).toContain(`  ${retry}\n`);
    expect(told().chat.content.nextSteps[0]).toContain(`\`${retry}\``);
  });

  it('is an event, as docs/events.md has it', async () => {
    await claim();
    await finish('failed', FAILURE);
    await halt();
    expect(sent()).toEqual({
      type: 'Migration Halted',
      detail: {
        version: 1,
        environment: 'odin-dev',
        migration: '0004',
        description: 'What 0004 does',
        file: 'migrations/odin-dev/0004.ts',
        attempt: 1,
        halt: 2,
        reason: 'failed',
        commits: { deployed: 'abc123' },
        error: { name: 'RangeError', message: 'too much' },
        execution: me,
        time: '2026-03-01T12:00:00.000Z',
      },
    });
    assertDocumented(sent());
  });

  it('of an unknown outcome says in each form until when it may run', async () => {
    await claim();
    await halt();
    const until = `A decision is held back until 2026-03-01 12:15:10 UTC, because its code may be running until then.`;
    expect(told().message).toContain(until);
    expect(told().chat.content.description).toContain(until);
    expect(sent().detail).toMatchObject({ reason: 'unknown', mayRunUntil: DEADLINE });
    assertDocumented(sent());
  });

  it('of an unknown outcome whose time is over says that it is not running any more', async () => {
    await claim();
    world.clock.advance(20 * 60_000);
    await halt();
    expect(told().message).toContain(`It is not running any more: its time ended at 2026-03-01 12:15:10 UTC.`);
    expect(JSON.parse(JSON.stringify(sent().detail))).not.toHaveProperty('mayRunUntil'); // as it is sent
  });

  it('of a success that was not recorded says that nothing is run twice, and offers nothing else than to record it', async () => {
    await claim();
    await finish('succeeded');
    await halt(me, true);
    expect(told().message).toContain('It SUCCEEDED, but its completion could not be recorded.');
    expect(told().message).toContain('records now what is known of it; nothing is run twice');
    expect(told().message).not.toMatch(/resume odin-dev (skip|mark-applied)/);
    expect(sent().detail).toMatchObject({ reason: 'unrecorded' });
    assertDocumented(sent());
  });

  it('of a success that was not recorded is retried without its file too: there is nothing to run', async () => {
    await claim();
    await finish('succeeded');
    await halt(me, true, manifestOf('0005'));
    expect(told().message).toContain('not in the deployed manifest any more');
    expect(told().message).toContain('resume odin-dev retry --halt');
  });

  it('of which little is known says that, and nothing besides', async () => {
    await ledger.close(turn, 'stopped');
    await halt(me, false, { ...manifestOf('0005'), gitCommit: null });
    expect(told().message).toBe(`Migration 0004 in odin-dev needs your decision.

Where:         account 000000000000, region eu-west-1
File:          not in the deployed manifest any more
Attempt:       1
Halt:          2
Reason:        FILE GONE. It was to go on, and its file is not deployed any more.
Execution:     ${me}
               ${executionLink(me)}
Log lines:     none: its function has not taken the turn
Runbook:       node_modules/odin-migrate/docs/runbook.md

Nothing later runs until you decide. In a project that has odin-migrate installed, type one of:

  npx --no-install odin-migrate resume odin-dev mark-applied --halt 2 --reason "..." --region eu-west-1
    records it as applied, because you made sure that its effect is there
  npx --no-install odin-migrate resume odin-dev skip --halt 2 --reason "..." --region eu-west-1
    records it as skipped: it is not needed, and never runs
  npx --no-install odin-migrate resume odin-dev abort --halt 2 --region eu-west-1
    ends this run as failed; the next run halts here again
`);
    expect(told().chat.content.description).toBe(
      [
        'not in the deployed manifest any more, attempt 1, halt 2',
        'FILE GONE. It was to go on, and its file is not deployed any more.',
        `Execution: ${executionLink(me)}`,
        'Nothing later runs until you decide. In a project that has odin-migrate installed, type one of these.',
      ].join('\n'),
    );
  });

  it('on the embedded AWS says nothing of an account, a dashboard or a page', async () => {
    await claim();
    world.services.local = true;
    await createHalt(
      world.services,
      manifestOf('0004'),
      'https://console.example/dashboard',
    )(
      {
        ...{ ask: 'halt', execution: me, input: {}, token: world.executions.wait(me) },
        at: { migration: '0004', attempt: 1, turn: turn.number },
      },
      invocation(world),
    );
    const heads = told().message.match(/^[A-Z][a-z ]+(?=: {2,})/gm);
    expect(heads).toEqual(['What it does', 'File', 'Attempt', 'Halt', 'Reason', 'Commit', 'Execution', 'Log lines']);
    expect(told().message).not.toContain('undefined');
  });

  it('of a turn that was cancelled before it began says who asked for it, without a reason', async () => {
    await ledger.claim(turn, { claim: 'void' });
    await ledger.cancel(turn);
    await halt();
    const asked = 'anna (claimed) asked for it to stop at 2026-03-01 12:00:00 UTC.';
    expect(told().message).toContain('\nReason:        CANCELLED, before its code was started.\n');
    expect(told().message).toContain(`\nAsked for:     ${asked}\n`);
    expect(told().chat.content.description).toContain(`\n\`${asked}\`\nExecution: `);
  });

  it('of a decision that is not written down yet says whose it is, and offers to record it', async () => {
    await claim();
    await finish('failed', FAILURE);
    await ledger.decide(await ledger.halt(turn), 'skip', { reason: 'not needed' });
    await halt(me, true);
    const decided = 'anna (claimed) decided skip, and its completion could not be recorded.';
    expect(told().message).toContain('\nReason:        UNRECORDED. What was decided is not written down yet.\n');
    expect(told().message).toContain(`\nDecided:       ${decided}\n`);
    expect(told().chat.content.description).toContain(`\n\`${decided}\`\n`);
  });

  it('of a decision is not told of as unrecorded when it halts for another reason', async () => {
    await claim();
    await finish('failed', FAILURE);
    await ledger.decide(await ledger.halt(turn), 'abort');
    await halt();
    expect(told().message).not.toContain('Decided:');
  });

  it('at the very moment at which its time is over says that it is not running any more', async () => {
    await claim();
    world.clock.advance(15 * 60_000 + 10_000);
    await halt();
    expect(told().message).toContain(`It is not running any more: its time ended at 2026-03-01 12:15:10 UTC.`);
    expect(sent().detail).toMatchObject({ mayRunUntil: undefined });
  });

  it('joined by a second execution names that one, whose links are wanted', async () => {
    await claim();
    await finish('failed', FAILURE);
    await halt();
    const other = world.executions.run('other');
    await halt(other);
    expect(told().message).toContain(`Execution:     ${other}`);
    expect(sent().detail.execution).toBe(other);
  });

  it('has no task token in any form, and none in the log', async () => {
    await claim();
    await finish('failed', FAILURE);
    await halt();
    await halt(world.executions.run('other'));
    expect(world.published).toHaveLength(2);
    expect(JSON.stringify([world.published, world.sentEvents, world.logs])).not.toContain('SECRET-TOKEN');
  });

  it('says what an error was caused by, on a line of its own', async () => {
    await claim();
    await finish('failed', { name: 'Error', message: 'could not delete\ncaused by AccessDenied: no (HTTP 403)' });
    await halt();
    expect(told().message).toContain(
      'Error:         Error: could not delete\n               caused by AccessDenied: no (HTTP 403)\n',
    );
  });

  it('with a hostile error text mentions nobody, forges no line, and fits SNS and EventBridge in all forms together', async () => {
    const hostile = `\`code\` <!channel> <@U1> *bold* \u001b[2J\r\nExecution: forged\u2028\u202e${'\u{1F4A5}\ud800'.repeat(2_000)}`;
    await claim();
    await finish('failed', {
      name: hostile.slice(0, 190),
      message: hostile.slice(0, 4_000),
      stack: `    at ${hostile}`,
    });
    await halt();
    const { message, chat } = told();
    for (const line of chat.content.description.split('\n')) expect(line).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
    expect(chat.content.description).not.toContain('<');
    expect(chat.content.description).toContain("'code' &lt;!channel&gt;");
    // Between its two backticks the text of others has none.
    for (const line of chat.content.description.split('\n')) expect(line.split('`').length).toBeOneOf([1, 3]);
    const envelope = JSON.stringify({ default: message, https: JSON.stringify(chat) });
    expect(Buffer.byteLength(envelope)).toBeLessThan(64 * 1024);
    expect(Buffer.byteLength(JSON.stringify(sent().detail))).toBeLessThan(16 * 1024);
    assertDocumented(sent());
  });

  it.each(['topicFailure', 'busFailure'] as const)(
    'stands when there is a %s, and the other one is told',
    async (which) => {
      await claim();
      await finish('failed', FAILURE);
      world[which].error = new Error('does not answer');
      await halt();
      expect(await readWaiters(world.store.inner, 2)).toHaveLength(1);
      expect(world.published).toHaveLength(which === 'topicFailure' ? 0 : 1);
      expect(world.sentEvents).toHaveLength(which === 'topicFailure' ? 1 : 0);
      expect(world.logs.at(-1)).toMatchObject({ level: 'error', fields: { cause: new Error('does not answer') } });
    },
  );
});

describe('a function has not answered before everybody is told, or it may be frozen in the middle of that', () => {
  it.each(['publish', 'send'] as const)('%s, of a halt and of the end of a run', async (what) => {
    await claim();
    await finish('failed', FAILURE);
    await answersAfter(what, halt);
    await ledger.complete('0004');
    await answersAfter(what, list);
  });

  async function answersAfter(what: 'publish' | 'send', work: () => Promise<unknown>): Promise<void> {
    const asked = Promise.withResolvers<undefined>();
    const taken = Promise.withResolvers<undefined>();
    const later = () => {
      asked.resolve(undefined);
      return taken.promise;
    };
    const { notifications, events } = world.services;
    world.services.notifications = what === 'publish' ? { publish: later } : notifications;
    world.services.events = what === 'send' ? { send: later } : events;
    let answered = false;
    const answer = work().then(() => (answered = true));
    await asked.promise;
    await turnOfLoop();
    expect(answered).toBe(false);
    taken.resolve(undefined);
    await answer;
    Object.assign(world.services, { notifications, events });
  }
});

describe('the end of a run', () => {
  const complete = (by?: string, identity?: CallerIdentity) =>
    ledger.complete('0004', by === undefined ? 'applied' : 'marked-applied', { by, identity });

  it('without a halt is an event, and no message', async () => {
    await complete();
    expect(await list()).toMatchObject({ step: 'finished' });
    expect(world.published).toEqual([]);
    expect(world.sentEvents).toEqual([
      {
        type: 'Run Completed',
        detail: {
          version: 1,
          environment: 'odin-dev',
          execution: me,
          completed: 1,
          migrations: 1,
          afterHalts: [],
          time: '2026-03-01T12:00:00.000Z',
        },
      },
    ]);
    assertDocumented(sent());
  });

  it('after a halt is told to the operators: what became of it, and by whom', async () => {
    await claim();
    await finish('failed', FAILURE);
    await halt();
    await complete('arn:aws:iam::1:user/`alice`', { is: 'verified' });
    await list();
    expect(told()).toMatchObject({
      subject: 'odin-migrate odin-dev: finished after a halt',
      message: `The run in odin-dev that had needed your decision has finished. Nothing is pending.

0004           marked-applied by arn:aws:iam::1:user/\`alice\` (verified)
Completed:     1 in the ledger
Execution:     ${me}
               ${executionLink(me)}
`,
      chat: {
        content: { title: 'odin-dev: finished after a halt, nothing is pending', nextSteps: [] },
        metadata: { threadId: 'odin-migrate/odin-dev/0004' },
      },
    });
    expect(told().chat.content.description).toContain(
      "0004: marked-applied by `arn:aws:iam::1:user/'alice' (verified)`",
    );
    expect(sent().detail).toMatchObject({
      afterHalts: [{ migration: '0004', completion: 'marked-applied', identity: { is: 'verified' } }],
    });
    assertDocumented(sent());
  });

  it('after a halt says what was done', async () => {
    await claim();
    await finish('failed', FAILURE);
    await halt();
    const did = { done: 7, total: 7, note: 'files\nmoved' };
    await ledger.complete('0004', 'marked-applied', { by: 'alice', did });
    await list();
    expect(told().message).toContain(`
0004           marked-applied by alice (claimed)
               7 of 7 (100 %)  files moved
Completed:`);
    expect(told().chat.content.description).toContain(
      '0004: marked-applied by `alice (claimed)`, `7 of 7 (100 %)  files moved`',
    );
    expect(sent().detail).toMatchObject({ afterHalts: [{ migration: '0004', did }] });
    assertDocumented(sent());
  });

  it('of the execution that took over from a halted one that was gone, is told too', async () => {
    await claim();
    await finish('failed', FAILURE);
    await halt();
    await complete();
    await list(world.executions.run('continue-00000003'), 'me');
    expect(world.published).toHaveLength(2);
  });

  it('of a later run that had no halt itself, is not', async () => {
    await claim();
    await finish('failed', FAILURE);
    await halt();
    await complete();
    await list(world.executions.run('tomorrow'));
    expect(world.published).toHaveLength(1);
    expect(sent()).toMatchObject({ type: 'Run Completed', detail: { afterHalts: [] } });
  });

  it('is success whatever cannot be told: the topic, the bus', async () => {
    await claim();
    await finish('failed', FAILURE);
    await halt();
    await complete();
    world.topicFailure.error = new Error('no topic');
    world.busFailure.error = new Error('no bus');
    expect(await list()).toMatchObject({ step: 'finished' });
    expect(world.logs.filter(({ level }) => level === 'error')).toEqual([
      {
        level: 'error',
        message: 'The event "Run Completed" could not be sent',
        fields: { cause: new Error('no bus') },
      },
      {
        level: 'error',
        message: 'The operators could not be notified',
        fields: { subject: 'odin-migrate odin-dev: finished after a halt', cause: new Error('no topic') },
      },
    ]);
  });

  it('is success too when there are no words for it: that is logged', async () => {
    const cause = new Error('no words');
    await announce(world.services, () => {
      throw cause;
    });
    expect(world.logs).toEqual([{ level: 'error', message: 'The operators could not be notified', fields: { cause } }]);
  });

  it('has a subject that SNS takes, however long the name of its environment is', () => {
    expect(subjectOf('dev', 'halted')).toBe('odin-migrate dev: halted');
    expect(subjectOf('e'.repeat(200), 'halted')).toBe(`odin-migrate ${'e'.repeat(86)}`);
  });
});

describe('docs/events.md', () => {
  it.each(Object.entries(EVENTS))('%s: has every field, and requires those that are always there', (type, schema) => {
    const documented = documentedSchema(type as OdinEvent['type']);
    expect(Object.keys(documented.properties)).toEqual(Object.keys(schema.shape));
    const required = Object.entries(schema.shape as Record<string, z.ZodMiniType>).filter(
      ([, field]) => !field.safeParse(undefined).success,
    );
    expect(documented.required).toEqual(required.map(([name]) => name));
  });
});

describe('links', () => {
  it('lead to the console of the partition', () => {
    expect(executionLink('arn:aws-us-gov:states:us-gov-west-1:1:execution:m:e')).toBe(
      'https://us-gov-west-1.console.amazonaws-us-gov.com/states/home?region=us-gov-west-1#/v2/executions/details/arn:aws-us-gov:states:us-gov-west-1:1:execution:m:e',
    );
    expect(executionLink('arn:aws-cn:states:cn-north-1:1:execution:m:e')).toMatch(
      /^https:\/\/cn-north-1\.console\.amazonaws\.cn\//,
    );
  });

  it('encode what the console decodes twice', () => {
    const link = logLink(executionArn('x'), '/a/b', 'f4ece18e-0c05', '1970-01-01T00:00:01Z');
    expect(link).toMatch(
      /log-group\/\$252Fa\$252Fb\/log-events\$3FfilterPattern\$3D\$2522f4ece18e-0c05\$2522\$26start\$3D1000$/,
    );
  });
});
