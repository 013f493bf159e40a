// The widget's protocol: help, looks that change nothing, and decisions that reach `resume` as the page named them.
import { beforeEach, describe, expect, it } from 'vitest';
import { OdinError } from '../../core/errors.ts';
import type { DecideAnswer, DecidePayload, TunePayload } from '../../core/contract/payloads.ts';
import { claimBatch } from '../../core/ledger/batches.ts';
import { moveCheckpoint } from '../../core/ledger/checkpoints.ts';
import type { Allowed, Halted } from '../../core/ledger/entries.ts';
import type { Numbered } from '../../core/ledger/fold.ts';
import { entryKey } from '../../core/ledger/keys.ts';
import { PreviewPayload } from '../../core/preview/preview.ts';
import { createDashboard } from '../../lambdas/dashboard/dashboard.ts';
import { WidgetEvent } from '../../lambdas/dashboard/event.ts';
import { createResume } from '../../lambdas/resume/resume.ts';
import { createTune } from '../../lambdas/resume/tune.ts';
import type { LedgerBefore } from '../support/ledger.ts';
import { ledgerBefore } from '../support/ledger.ts';
import type { Subscribers } from '../../core/views/subscribers.ts';
import type { World } from '../support/services.ts';
import { createWorld, invocation, manifestOf } from '../support/services.ts';
import { actions, FUNCTION_ARN, reportOf } from './support.ts';

let world: World;
let ledger: LedgerBefore;
let turn: Numbered<Allowed>;
let halted: Numbered<Halted>;
let sent: DecidePayload[];
let failure: Error | undefined;
/** What comes up between a decision and the page that is drawn after it. */
let afterDecision: () => Promise<unknown>;
let subscribers: () => Promise<Subscribers | undefined>;
/** What the migrations' functions were sent, and what they answer. */
let asked: { functionName: string; payload: PreviewPayload }[];
let report: unknown;

beforeEach(() => {
  world = createWorld();
  ledger = ledgerBefore(world);
  sent = [];
  failure = undefined;
  afterDecision = () => Promise.resolve();
  subscribers = () => Promise.resolve(undefined);
  asked = [];
  report = reportOf('0001');
});

/** The dashboard with the real `resume` behind it. */
function call(event: object, { acts = true } = {}): Promise<string> {
  const resume = createResume(world.services, manifestOf('0001', '0002'));
  const send = async (payload: DecidePayload): Promise<DecideAnswer> => {
    sent.push(payload);
    if (failure !== undefined) throw failure;
    const answer = await resume(payload, invocation(world));
    await afterDecision();
    return answer;
  };
  const ask = (functionName: string, payload: PreviewPayload): Promise<unknown> => {
    asked.push({ functionName, payload: PreviewPayload.parse(payload) });
    return failure === undefined ? Promise.resolve(report) : Promise.reject(failure);
  };
  const tune = createTune(world.services);
  const sendTune = (payload: TunePayload) =>
    failure === undefined ? tune(payload, invocation(world)) : Promise.reject(failure);
  const reached = acts ? { sendDecision: send, askMigration: ask, sendTune } : undefined;
  const dashboard = createDashboard(world.services, manifestOf('0001', '0002'), reached, subscribers);
  return dashboard(WidgetEvent.parse(event), { functionArn: FUNCTION_ARN });
}

/** What the console sends with everything. */
const context = (all: Record<string, string> = {}, more: object = {}) => ({
  widgetContext: {
    dashboardName: 'odin-migrate-odin-dev',
    widgetId: 'widget-1',
    accountId: '111122223333',
    locale: 'en',
    timezone: { label: 'UTC', offsetISO: '+00:00', offsetInMinutes: 0 },
    theme: 'dark',
    forms: { all },
    params: {},
    width: 588,
    height: 369,
    ...more,
  },
});

const PREVIEW = { preview: { migration: '0001' } };
/** The halt of `halt()` is entry 2. */
const decide = (decision: string, number = 2) => ({ decide: { decision, halt: number } });

async function halt(): Promise<void> {
  const execution = world.executions.run('run-1');
  turn = await ledger.allow('0001', { execution });
  await ledger.claim(turn);
  world.clock.advance(20 * 60_000); // its time is over
  halted = await ledger.halt(turn, 'unknown');
  await ledger.wait(halted, execution, world.executions.wait(execution));
}

/** What the log says of errors. */
const errors = () =>
  world.logs.filter(({ level }) => level === 'error').map(({ message, fields }) => [message, fields]);

const notice = (html: string): string | undefined => /data-notice="(\w+)"/.exec(html)?.[1];

describe('what the console sends', () => {
  const LEAST = { theme: 'light', forms: { all: {} }, params: {} };

  it.each([{}, { widgetContext: 'none' }, { widgetContext: {}, page: 0 }, { page: 1.5 }, { page: '2' }])(
    'may lack everything, and be wrong: %j',
    (event) => {
      expect(WidgetEvent.parse(event)).toEqual({ widgetContext: LEAST });
    },
  );

  it('is read as far as it is right', () => {
    const right = context({ reason: 'because' }, { params: { some: 1 } });
    const { dashboardName, accountId, theme, timezone, forms, params } = right.widgetContext;
    expect(WidgetEvent.parse({ ...right, page: 3 })).toEqual({
      page: 3,
      widgetContext: { dashboardName, accountId, theme, forms, params, timezone: { offsetISO: timezone.offsetISO } },
    });
    const wrong = {
      dashboardName: 7,
      accountId: {},
      theme: 1,
      timezone: { offsetISO: 2 },
      forms: { all: [] },
      params: 3,
    };
    expect(WidgetEvent.parse({ widgetContext: wrong })).toEqual({ widgetContext: { ...LEAST, timezone: {} } });
    expect(WidgetEvent.parse({ widgetContext: { ...wrong, timezone: 'CET', forms: 1 } })).toEqual({
      widgetContext: LEAST,
    });
  });

  it.each(['preview', 'tune'])('as a press on a row names a migration, and nothing else: %s', (press) => {
    expect(WidgetEvent.parse({ [press]: { migration: '0001' } })).toMatchObject({ [press]: { migration: '0001' } });
    for (const bad of [{}, { migration: '1' }, { migration: '0001', concurrency: 3 }, '0001']) {
      expect(WidgetEvent.safeParse({ [press]: bad }).success).toBe(false);
    }
  });
});

describe('a look', () => {
  it('draws the page, in the theme that the console names', async () => {
    const html = await call(context());
    expect(html).toContain('2 pending');
    expect(html).toContain('--text:#e4e8ec');
  });

  it('shows what happened to each, and all else when that cannot be read', async () => {
    await halt();
    await ledger.decide(halted, 'skip', { reason: 'because' });
    await ledger.complete('0001', 'skipped');
    expect(await call(context())).toContain('decided by anna');
    world.store.before = ({ operation, key }) => {
      if (operation === 'get' && key === entryKey(2)) throw new Error('denied');
      return Promise.resolve();
    };
    const html = await call(context());
    expect(html).toContain('1 pending');
    expect(html).toContain('data-migration="0001"');
    expect(html).not.toContain('decided by anna');
    const warnings = world.logs.filter(({ level }) => level === 'warn');
    expect(warnings.map(({ message }) => message)).toEqual(['The histories could not be read: Error: denied']);
  });

  it('changes nothing, however often', async () => {
    await halt();
    const before = world.store.writes();
    for (let times = 0; times < 3; times += 1) await call(context({ reason: 'because', operator: 'alice' }));
    expect(world.store.writes()).toEqual(before);
    expect([...sent, ...asked]).toEqual([]);
  });

  it.each([{}, { widgetContext: null }, { widgetContext: { theme: 'mauve', forms: 7, timezone: [] } }, { page: 'x' }])(
    'makes a page of %j as well',
    async (event) => {
      expect(await call(event)).toContain('2 pending');
    },
  );

  const inside = (acts: object) => JSON.stringify(acts);
  const shapes = (body: string): [string, object][] => [
    [
      'a function URL, whoever its headers say it is',
      {
        version: '2.0',
        routeKey: '$default',
        rawPath: '/decide',
        headers: {
          authorization: 'AWS4-HMAC-SHA256 x',
          'x-amzn-oidc-identity': 'admin',
          'x-http-method-override': 'POST',
        },
        requestContext: {
          authorizer: { iam: { userArn: 'arn:aws:iam::111122223333:root' } },
          http: { method: 'POST' },
        },
        body,
        isBase64Encoded: false,
      },
    ],
    ['the same in base64', { version: '2.0', body: Buffer.from(body).toString('base64'), isBase64Encoded: true }],
    [
      'an API of the first kind',
      {
        httpMethod: 'POST',
        path: '/decide',
        multiValueHeaders: { 'X-Amzn-Trace-Id': ['x'] },
        queryStringParameters: { decide: body },
        multiValueQueryStringParameters: { decide: [body] },
        body,
      },
    ],
    ['a load balancer', { requestContext: { elb: {} }, httpMethod: 'POST', headers: {}, body }],
    ['a rule', { source: 'aws.s3', 'detail-type': 'x', detail: JSON.parse(body) as object }],
    ['a topic or a queue', { Records: [{ Sns: { Message: body }, body }] }],
    ['an asynchronous destination', { version: '1.0', requestPayload: JSON.parse(body) as object }],
  ];
  it.each(shapes(inside({ ...decide('skip'), ...PREVIEW, tune: { migration: '0001' } })))(
    'is all that comes of what %s sends',
    async (_, event) => {
      await halt();
      for (const all of [event, { ...event, ...context() }]) expect(await call(all)).toContain('2 pending');
      expect([...sent, ...asked]).toEqual([]);
    },
  );

  it('of a ledger that cannot be read says so, and takes nothing as absent', async () => {
    await halt();
    await world.store.create(entryKey(3), '{');
    const html = await call(context());
    expect(html).toContain('The ledger could not be read');
    expect(notice(html)).toBe('bad');
    expect(html).toContain(entryKey(3));
    expect(errors()).toEqual([
      [expect.stringMatching(/^The dashboard could not be drawn: .*000003/s), { code: 'RecordUnreadable' }],
    ]);
    expect(html).not.toContain('data-migration');
  });
});

describe('describe', () => {
  it.each([{ describe: {} }, { describe: true }, { describe: '' }])(
    '%j answers help, in Markdown, and does nothing else',
    async (event) => {
      await halt();
      const help = await call({ ...event, ...decide('retry'), ...PREVIEW });
      expect(help).toMatch(/^## odin-migrate\n/);
      expect(help).not.toContain('<');
      expect([...sent, ...asked]).toEqual([]);
    },
  );
});

describe('who is told of halts', () => {
  const topicArn = 'arn:aws:sns:eu-west-1:111122223333:topic';

  it('is a number at the foot', async () => {
    subscribers = () => Promise.resolve({ topicArn, confirmed: 3, pending: 1 });
    const html = await call(context());
    expect(html).toContain('3 subscribers are told of halts, 1 is not confirmed yet');
    expect(notice(html)).toBeUndefined();
  });

  it('is nobody: a warning, with what to type', async () => {
    subscribers = () => Promise.resolve({ topicArn, confirmed: 0, pending: 1 });
    const html = await call(context());
    expect(notice(html)).toBeUndefined(); // nobody has pressed anything
    expect(html).toContain('<div class="card warn">');
    expect(html).toContain(`aws sns subscribe --topic-arn ${topicArn}`);
  });

  it('is not said where SNS does not say it, and everything else is shown', async () => {
    subscribers = () => Promise.reject(new Error('AuthorizationError'));
    const html = await call(context());
    expect(html).not.toContain('told of halts');
    expect(html).toContain('data-migration="0001"');
    expect(world.logs).toContainEqual({
      level: 'warn',
      message: 'Who is told of halts is not known: Error: AuthorizationError',
      fields: undefined,
    });
  });
});

describe('a press', () => {
  it('sends what the page names, with the reason and the name from its form', async () => {
    await halt();
    const { payload } = actions(await call(context())).get('Skip')!;
    const html = await call({ ...(payload as object), ...context({ reason: '  not needed ', operator: 'alice' }) });
    expect(sent).toEqual([
      {
        ask: 'decide',
        decision: 'skip',
        reason: 'not needed',
        by: 'alice (dashboard odin-migrate-odin-dev of account 111122223333)',
        halt: 2,
      },
    ]);
    expect(notice(html)).toBe('good');
    expect(html).toContain('Recorded: skip on 0001, attempt 1.');
    expect(html).not.toContain('data-halted');
  });

  it('with a reason that is longer than a record keeps sends as much as that', async () => {
    await halt();
    await call({ ...decide('skip'), ...context({ reason: 'why '.repeat(2_000), operator: 'alice' }) });
    expect(sent[0]?.reason).toHaveLength(4_000);
  });

  it('without a name says no more than the console does: the dashboard and the account', async () => {
    await halt();
    await call({ ...decide('retry'), ...context() });
    const by = 'dashboard odin-migrate-odin-dev of account 111122223333';
    expect(sent).toEqual([{ ask: 'decide', decision: 'retry', halt: 2, by }]);
    for (const operator of ['', 'alice'])
      await call({ ...decide('retry'), ...context({ operator }, { dashboardName: undefined, accountId: undefined }) });
    expect(sent.slice(1).map((payload) => payload.by)).toEqual([
      'dashboard of account unknown',
      'alice (dashboard of account unknown)',
    ]);
  });

  it('that was taken leaves nothing of what was typed in the form of a halt that is opened meanwhile', async () => {
    await halt();
    afterDecision = async () => {
      await ledger.halt(await ledger.allow('0001', { attempt: 2 }));
    };
    const html = await call({ ...decide('retry'), ...context({ reason: 'because', operator: 'alice' }) });
    expect(notice(html)).toBe('good');
    expect(html).toContain('data-halted="0001"');
    expect(html).not.toMatch(/value="(because|alice)"/);
  });

  it.each(['', '\u200b', ' \u2060\u0000'])(
    'with an ARN for a name, after %j, quotes it, and is recorded as claimed',
    async (unseen) => {
      await halt();
      const operator = `${unseen}arn:aws:iam::111122223333:user/boss`;
      const html = await call({ ...decide('retry'), ...context({ operator }) });
      const by = '"arn:aws:iam::111122223333:user/boss" (dashboard odin-migrate-odin-dev of account 111122223333)';
      expect(sent[0]?.by).toBe(by);
      expect((await ledger.look()).turn?.halt?.decided?.identity).toEqual({
        is: 'claimed',
        why: 'no proof came with it',
      });
      expect(html).toContain('&#34;arn:aws:iam::111122223333:user/boss&#34; (claimed)</span>');
    },
  );

  it.each([
    '\u200carn:aws:iam::1:user/boss',
    'a\u200drn:aws:iam::1:user/boss',
    'аrn:aws:iam::1:user/boss',
    'ａｒｎ：aws',
    'as arn:aws',
  ])('with what looks like an ARN for a name, quotes it: %s', async (operator) => {
    await halt();
    await call({ ...decide('retry'), ...context({ operator }) });
    expect(sent[0]?.by).toBe(`"${operator}" (dashboard odin-migrate-odin-dev of account 111122223333)`);
  });

  it.each(["Seán O'Brien-Łuczak", '李小龍', 'anna.b@example.com', 'عمر\u200cی', 'bot_7', 'local:root'])(
    'with the name of a person leaves it as it is: %s',
    async (operator) => {
      await halt();
      await call({ ...decide('retry'), ...context({ operator }) });
      expect(sent[0]?.by).toBe(`${operator} (dashboard odin-migrate-odin-dev of account 111122223333)`);
    },
  );

  it('that lacks its reason is refused, and what was typed stays', async () => {
    await halt();
    const html = await call({ ...decide('mark-applied'), ...context({ reason: ' ', operator: 'alice' }) });
    expect(notice(html)).toBe('warn');
    expect(html).toContain('Please fill in the reason');
    expect(html).toContain('mark-applied needs a reason: it stays in the ledger');
    expect(html).toContain('value="alice"');
    expect(html).toContain('data-halted="0001"');
  });

  it.each(['checkpoint', 'start'] as const)(
    'that retries from a checkpoint of other code asks where to begin, with a button for each: %s',
    async (begin) => {
      const execution = world.executions.run('run-1');
      turn = await ledger.allow('0001', { execution, codeSha256: 'b'.repeat(64) });
      await ledger.claim(turn);
      await moveCheckpoint(world.store.inner, turn, undefined, { cursor: 'zebra' }, world.clock.now());
      world.clock.advance(20 * 60_000);
      halted = await ledger.halt(turn, 'unknown');
      const html = await call({ ...decide('retry', halted.number), ...context({ operator: 'alice' }) });
      expect(notice(html)).toBe('warn');
      expect(html).toContain('value="alice"');
      const press = { decide: { decision: 'retry', halt: halted.number, begin } };
      expect(html).toContain(JSON.stringify(press));
      const asked = actions(html).get({ checkpoint: 'Keep the checkpoint', start: 'From the start' }[begin]);
      const meaning = {
        checkpoint:
          'The deployed code goes on from that checkpoint; of a parallel migration it does the batches that are left.',
        start: 'The deployed code begins anew, and does again what was done.',
      }[begin];
      expect(asked).toMatchObject({ payload: press, confirmation: `${meaning} The decision is recorded for good.` });
      expect(html).toContain(`<p>${meaning}</p>`);
      const taken = await call({ ...press, ...context({ operator: 'alice' }) });
      expect(notice(taken)).toBe('good');
      expect((await ledger.look()).turn?.halt?.decided).toMatchObject({ decision: 'retry', retry: { begin } });
    },
  );

  it('again, by a refresh or a second person, changes nothing', async () => {
    await halt();
    await call({ ...decide('retry'), ...context({ operator: 'alice' }) });
    const again = await call({ ...decide('retry'), ...context({ operator: 'bob' }) });
    expect(again).toContain(
      'alice (dashboard odin-migrate-odin-dev of account 111122223333) (claimed) had decided retry',
    );
    const other = await call({ ...decide('abort'), ...context({ operator: 'bob' }) });
    expect(notice(other)).toBe('warn');
    expect(other).not.toContain('Keep the checkpoint');
    expect((await ledger.look()).turn?.halt?.decided).toMatchObject({ decision: 'retry', by: sent[0]?.by });
    expect(world.executions.sent).toHaveLength(1);
  });

  it('on a page of an earlier halt decides nothing', async () => {
    await halt();
    await ledger.decide(halted, 'abort');
    await ledger.halt(turn, 'unknown');
    for (const earlier of [1, 3]) {
      const html = await call({ ...decide('skip', earlier), ...context({ reason: 'because' }) });
      expect(html).toContain('That was about an earlier halt');
      expect(html).toContain('Nothing was decided. What you see now is the newest.');
      expect(notice(html)).toBe('warn');
    }
    expect(await call({ ...decide('skip'), ...context({ reason: 'because' }) })).toContain(
      'anna (claimed) decided abort on 0001',
    );
    expect((await ledger.look()).turn?.halt?.decided).toBeUndefined();
  });

  it('on a page of a ledger in which nothing is halted any more decides nothing', async () => {
    const html = await call({ ...decide('retry'), ...context() });
    expect(html).toContain('That was about an earlier halt');
    expect(sent).toHaveLength(1);
  });

  it('that was configured into the widget, so that a look would decide, is not taken', async () => {
    await halt();
    const html = await call({ ...decide('retry'), ...context({}, { params: decide('retry') }) });
    expect(notice(html)).toBeUndefined();
    expect(sent).toEqual([]);
  });

  it.each([
    { decide: { decision: 'delete', halt: 2 } },
    { decide: { decision: 'retry', halt: 0 } },
    { decide: { decision: 'retry' } },
    { decide: { decision: 'retry', halt: 2, by: 'root' } },
    { decide: { decision: 'retry', halt: 2, begin: 'middle' } },
    { decide: 'retry' },
  ])('with the payload %j is no press', (event) => {
    expect(WidgetEvent.safeParse({ ...event, ...context() }).success).toBe(false);
  });

  it('that `resume` fails on says that it may not have been taken', async () => {
    await halt();
    failure = new TypeError('socket <hung> up');
    const html = await call({ ...decide('retry'), ...context() });
    expect(notice(html)).toBe('bad');
    expect(html).toContain('The decision may not have been taken');
    expect(html).toContain('Look at the table: if the decision is not there, press again.');
    expect(html).toContain('socket &#60;hung&#62; up');
    expect(errors()).toEqual([
      [expect.stringMatching(/^The decision was not taken: .*hung/s), { code: 'Internal', decision: 'retry', halt: 2 }],
    ]);
    failure = new OdinError({ code: 'Internal', source: 'system', what: 'Not now.', next: 'Wait a minute.' });
    const again = await call({ ...decide('retry'), ...context() });
    expect(again).toContain('Wait a minute.');
    expect(again).not.toContain('Look at the table');
    expect(html).toContain('data-halted="0001"');
  });

  it('with far too much text is cut to what `resume` takes', async () => {
    await halt();
    const long = 'x'.repeat(10_000);
    const html = await call({
      ...decide('skip'),
      ...context({ reason: long, operator: long }, { dashboardName: long }),
    });
    expect(notice(html)).toBe('good');
    expect(sent[0]?.by.length).toBeLessThanOrEqual(512);
  });
});

describe('a press on Preview', () => {
  it('asks that migration for a preview of 20 s, shows what came of it, and changes nothing', async () => {
    const { payload } = actions(await call(context())).get('Preview')!;
    report = reportOf('0002');
    const before = world.store.writes();
    const html = await call({ ...(payload as object), ...context() });
    const functionName = manifestOf('0001', '0002').migrations[1]?.functionName;
    expect(asked).toEqual([{ functionName, payload: { ask: 'preview', migration: '0002', endAfterSeconds: 20 } }]);
    expect(html).toContain('data-previewed="0002"');
    expect(html).toContain('it saw the data without what 0001 would change');
    expect(world.store.writes()).toEqual(before);
    expect(sent).toEqual([]);
  });

  it('of a halted one begins at the checkpoint that the attempt has left, and keeps the halt in view', async () => {
    await halt();
    const left = { cursor: { after: 'k' }, done: 50, total: 100 };
    await moveCheckpoint(world.store.inner, turn, undefined, left, world.clock.now());
    report = reportOf('0001', { outcome: 'more', checkpoints: 1, checkpoint: { cursor: 'l', done: 60, total: 100 } });
    const html = await call({ ...PREVIEW, ...context() });
    expect(asked[0]?.payload.cursor).toEqual({ after: 'k' });
    expect(html).toContain('the whole would be 5.0 times this');
    expect(html).toContain('data-halted="0001"');
  });

  it('on a page of before its completion previews nothing, and so for an id that was never there', async () => {
    await ledger.complete('0001', 'baseline');
    for (const migration of ['0001', '0003']) {
      const html = await call({ preview: { migration }, ...context() });
      expect(html).toContain(`${migration} is not pending`);
    }
    expect(asked).toEqual([]);
  });

  it('that was configured into the widget, so that a look would preview, is not taken', async () => {
    const html = await call({ ...PREVIEW, ...context({}, { params: PREVIEW }) });
    expect(html).not.toContain('data-previewed');
    expect(asked).toEqual([]);
  });

  it.each([
    { preview: { migration: '1' } },
    { preview: { migration: '0001', cursor: 'x' } },
    { preview: { migration: '0001', endAfterSeconds: 900 } },
    { preview: true },
  ])('with the payload %j is no press', (event) => {
    expect(WidgetEvent.safeParse({ ...event, ...context() }).success).toBe(false);
  });

  it('that the function fails on says why, and that nothing was changed', async () => {
    failure = new OdinError({
      code: 'NoReadOnlySession',
      source: 'system',
      what: 'Nothing was previewed: <denied>.',
    });
    const html = await call({ ...PREVIEW, ...context() });
    expect(notice(html)).toBe('bad');
    expect(html).toContain('0001 could not be previewed; nothing was changed');
    expect(errors()).toEqual([
      [expect.stringMatching(/^The preview failed: .*denied/s), { code: 'NoReadOnlySession', migration: '0001' }],
    ]);
    expect(html).toContain('&#60;denied&#62;');
    expect(html).toContain('Try it in a terminal: npx --no-install odin-migrate preview odin-dev 0001<');
    world.services.local = true;
    expect(await call({ ...PREVIEW, ...context() })).toContain(
      'npx --no-install odin-migrate preview odin-dev 0001 --local<',
    );
  });

  it('that a function of another version answers is taken for no report', async () => {
    report = { outcome: 'finished' };
    const html = await call({ ...PREVIEW, ...context() });
    expect(notice(html)).toBe('bad');
    expect(html).toContain('Deploy odin-dev again.');
  });
});

describe('how many batches run at a time', () => {
  const SET = { tune: { migration: '0001' } };
  const running = async () => {
    const turn = await ledger.allow('0001', { batches: { of: 9, plan: [], rest: '1-9' } });
    await claimBatch(world.ledger.store, turn, ledger.writer('0001'), 1);
    world.executions.maps.set(turn.execution, 20);
    return turn.execution;
  };

  it('is a field of the row that runs, and is set by a press', async () => {
    const execution = await running();
    const html = await call(context());
    expect(html).toContain('name="concurrency"');
    expect(html).toContain(JSON.stringify(SET));
    const set = await call({ ...SET, ...context({ concurrency: ' 50 ' }) });
    expect(set).toContain('from now on 50 batches run at a time');
    expect(set).toMatch(/data-notice="good"\s*>\s*<h3>[^<]*<\/h3>\s*<\/div/);
    expect(world.executions.maps.get(execution)).toBe(50);
    for (const concurrency of ['1', '1000']) {
      await call({ ...SET, ...context({ concurrency }) });
      expect(world.executions.maps.get(execution)).toBe(Number(concurrency));
    }
  });

  it('is not set by what was configured into the widget', async () => {
    const execution = await running();
    await call({ ...SET, ...context({ concurrency: '5' }, { params: SET }) });
    expect(world.executions.maps.get(execution)).toBe(20);
  });

  it('is refused in words when it is no number of batches, or none run any more, and when it only shows', async () => {
    const execution = await running();
    for (const concurrency of ['', '0', '1001', '1e3', '-5']) {
      const html = await call({ ...SET, ...context({ concurrency }) });
      expect(html).toContain('Please fill in how many batches');
      expect(html).toContain('Expected a whole number of batches, 1 to 1000. Nothing was changed.');
      expect(notice(html)).toBe('warn');
    }
    expect(await call(context(), { acts: false })).not.toContain('name="concurrency"');
    expect(await call({ ...SET, ...context({ concurrency: '5' }) }, { acts: false })).toContain(
      'This dashboard only shows',
    );
    const old = { tune: { migration: '0002' } };
    const refused = await call({ ...old, ...context({ concurrency: '5' }) });
    expect(refused).toContain('No batches of 0002 are running');
    expect(notice(refused)).toBe('warn');
    expect(world.executions.maps.get(execution)).toBe(20);
    world.executions.maps.clear();
    expect(await call({ ...SET, ...context({ concurrency: '5' }) })).toContain('there is nothing to tune');
    failure = new Error('no network');
    const failed = await call({ ...SET, ...context({ concurrency: '5' }) });
    expect(failed).toContain('It may not have been changed');
    expect(failed).toContain('Press again: it does no harm.');
    expect(notice(failed)).toBe('bad');
    expect(errors()).toEqual([
      [
        expect.stringMatching(/^Nothing was tuned: .*no network/s),
        { code: 'Internal', migration: '0001', concurrency: 5 },
      ],
    ]);
    failure = new OdinError({ code: 'Internal', source: 'system', what: 'Not now.', next: 'Wait a minute.' });
    const again = await call({ ...SET, ...context({ concurrency: '5' }) });
    expect(again).toContain('Wait a minute.');
    expect(again).not.toContain('Press again');
  });
});

describe('a dashboard that only shows', () => {
  const look = (event: object) => call({ ...event, ...context() }, { acts: false });

  it('has no button but those that turn pages, and no form', async () => {
    const html = await look({});
    expect(html).toContain('data-migration="0001"');
    expect(html).not.toMatch(/cwdb-action|<form|<input/);
  });

  it('shows what is typed to answer a halt', async () => {
    await halt();
    const html = await look({});
    expect(html).toContain(`npx --no-install odin-migrate resume odin-dev retry --halt ${halted.number}\n`);
    expect(html).not.toMatch(/cwdb-action|<form|<input/);
  });

  it('decides and previews nothing, whatever it is sent', async () => {
    await halt();
    const written = world.store.writes();
    for (const pressed of [decide('retry', halted.number), PREVIEW]) {
      const html = await look(pressed);
      expect(html).toContain('This dashboard only shows');
      expect(html).toContain('Nothing was done. Who may decide or preview does it with the command line.');
      expect(notice(html)).toBe('warn');
    }
    expect([sent, asked]).toEqual([[], []]);
    expect(world.store.writes()).toEqual(written);
  });

  it('describes no buttons', async () => {
    const help = await call({ describe: true }, { acts: false });
    expect(help).toMatch(/^## odin-migrate\n\nShows the one-time operations of one environment/);
    expect(help).not.toMatch(/Retry|Preview|button/);
    expect(await look({ describe: false })).toContain('data-migration="0001"');
  });
});
