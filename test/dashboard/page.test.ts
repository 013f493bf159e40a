// What the page shows: of nothing, of much, of a halt, of hostile texts, in light and in dark.
import { describe, expect, it } from 'vitest';
import { duration } from '../../core/text/format.ts';
import { batchesViewOf } from '../../core/views/batches.ts';
import type { HaltReason } from '../../core/ledger/entries.ts';
import type { ErrorSummary } from '../../core/ledger/error-records.ts';
import type { MigrationState } from '../../core/views/view.ts';
import { callAction } from '../../lambdas/dashboard/action.ts';
import { errorBlock } from '../../lambdas/dashboard/error-block.ts';
import { page } from '../../lambdas/dashboard/page.ts';
import { shownOf } from '../../lambdas/dashboard/rows.ts';
import { whoShort } from '../../core/views/words.ts';
import { Clock, headline } from '../../lambdas/dashboard/words.ts';
import type { Previewed } from '../../core/preview/preview.ts';
import type { Said } from '../core/ledger/entries.ts';
import { allowed, completed, decided, halted, logOf } from '../core/ledger/entries.ts';
import { actions, callsOf, EXECUTION, frame, FUNCTION_ARN, openHalt, reportOf, row, rows, viewOf } from './support.ts';

const HALTED = viewOf([row(1, 'applied'), row(2, 'halted'), row(3, 'pending')], openHalt('0002'));

/** What a person reads: the page without its style sheet, tags and layout. */
const textOf = (html: string): string =>
  html
    .replace(/<style>.*?<\/style>/s, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ');

describe('the page of an environment', () => {
  it('says what to do when there is no migration', () => {
    const text = textOf(page(viewOf([]), frame()));
    expect(text).toContain('No migrations yet');
    expect(text).toContain('npx --no-install odin-migrate new odin-dev');
    expect(text).not.toContain('Description');
  });

  it('shows each migration with its state, description, attempts, duration, time and who recorded it', () => {
    const by = 'arn:aws:sts::111122223333:assumed-role/Admin/alice';
    const view = viewOf([row(1, 'applied'), row(2, 'skipped', { by, reason: 'not needed here', attempts: 3 })]);
    const text = textOf(page(view, frame({ clock: new Clock('+02:00') })));
    expect(text).toContain('Everything is done');
    expect(text).toContain('0001 applied What 0001 does 2026-03-01 14:00 4.0 s the run');
    expect(text).toContain('0002 skipped attempt 3 What 0002 does “not needed here” 2026-03-01 14:00 4.0 s alice');
    expect(text).toContain('When, UTC+02:00');
    expect(text).toContain('2 of 2 done');
  });

  it('links to the execution and to the log lines, as the console writes such addresses', () => {
    const html = page(viewOf([row(1, 'applied')]), frame());
    expect(html).toContain(
      `href="https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/${EXECUTION}"`,
    );
    expect(html).toContain('#logsV2:log-groups/log-group/$252Fodin-migrate$252Fodin-dev$252Fmigrations/log-events');
    expect(html).toContain('$257B$2520$2524.migration$2520$253D$2520$25220001$2522$2520$257D');
  });

  it('has no links where there is no console', () => {
    expect(page(HALTED, frame({ local: true }))).not.toContain('href');
  });

  it('names commands as they are typed where the environment is', () => {
    const pending = viewOf([row(1, 'pending')]);
    expect(textOf(page(pending, frame()))).toContain(
      'A run begins with 0001: npx --no-install odin-migrate run odin-dev',
    );
    expect(textOf(page(pending, frame({ local: true })))).toContain('npx --no-install odin-migrate local odin-dev');
    expect(textOf(page(viewOf([]), frame({ local: true })))).toContain('npx --no-install odin-migrate new odin-dev');
  });

  it('shows how far a checkpointed migration has come', () => {
    const progress = {
      done: 30,
      total: 120,
      note: 'sales/2026',
      time: '2026-03-01T12:00:03.000Z',
      share: 0.25,
      perSecond: 2,
      remainingMs: 45_000,
    };
    const html = page(viewOf([row(1, 'running', { progress })]), frame());
    expect(html).toContain('width:25%');
    expect(textOf(html)).toContain('30 of 120 (25 %), 2/s, about 45 s left · sales/2026');
  });

  it('says what had been begun and not awaited', () => {
    const text = textOf(page(viewOf([row(1, 'applied', { leftOver: ['2 timers', '1 server'] })]), frame()));
    expect(text).toContain('what it had begun was not: 2 timers, 1 server.');
  });

  it('names what changed after it ran, and what is known by the ledger alone', () => {
    const { file, ...deleted } = row(1, 'applied');
    const gone: typeof deleted = { ...deleted, id: '0000', pruned: true };
    const text = textOf(page(viewOf([gone, deleted, row(2, 'applied', { changedSince: true })]), frame()));
    expect(text).toContain('Its file was pruned.');
    expect(file).toBeDefined();
    expect(text).toContain('Its file was deleted.');
    expect(text).toContain('Its file was changed after it ran.');
  });
});

describe('above the migrations', () => {
  const VIEW = viewOf([row(1, 'applied'), row(2, 'applied'), row(3, 'running'), row(4, 'pending')]);
  const cells = (html: string) =>
    [
      ...(/<div class="bar">(.*?)<\/div>/s.exec(html)?.[1] ?? '').matchAll(/<span class="([^"]*)" title="([^"]*)">/g),
    ].map(([, tone, title]) => [tone, title]);

  it('is a bar with a cell for each, and how many there are of each state', () => {
    const html = page(VIEW, frame());
    expect(cells(html)).toEqual([
      ['good', '0001 applied'],
      ['good', '0002 applied'],
      ['busy now', '0003 running'],
      ['quiet pending', '0004 pending'],
    ]);
    const legend = /<div class="legend">(.*?)<\/div>/s.exec(html)?.[1] ?? '';
    expect(
      [...legend.matchAll(/<span class="(\w+)"><span class="dot"><\/span>([^<]*)</g)].map(([, ...of]) => of),
    ).toEqual([
      ['good', '2 applied'],
      ['busy', '1 running'],
      ['quiet', '1 pending'],
    ]);
    expect(html).toContain('class="head busy" data-headline="busy"');
    expect(html).toContain('<b>2</b> of 4 done');
    expect(textOf(html)).toContain('Deployed from 0123456789');
    expect(html.match(/class="foot"/g)).toHaveLength(1);
    expect(page({ ...VIEW, gitCommit: undefined }, frame())).not.toContain('class="foot"');
  });

  it('is nothing of that where nothing is', () => {
    expect(page(viewOf([]), frame())).not.toMatch(/class="(bar|legend|count|rows)"/);
  });

  it('a cell of many shows the one that needs a look first', () => {
    const pairs: [MigrationState, MigrationState][] = [
      ['running', 'halted'],
      ['late', 'running'],
      ['pending', 'late'],
      ['applied', 'pending'],
    ];
    const rest = rows(160 - 2 * pairs.length, 'applied', 2 * pairs.length + 1);
    const first = pairs.flatMap(([one, other], index) => [row(2 * index + 1, one), row(2 * index + 2, other)]);
    const seen = cells(page(viewOf([...first, ...rest]), frame()));
    expect(seen).toHaveLength(80);
    const three = cells(page(viewOf(rows(200, 'applied')), frame()));
    expect([three.length, three[0], three.at(-1)]).toEqual([
      67,
      ['good', '0001 to 0003: 0001 applied'],
      ['good', '0199 to 0200: 0199 applied'],
    ]);
    expect(seen.slice(0, 5)).toEqual([
      ['bad', '0001 to 0002: 0002 halted'],
      ['busy now', '0003 to 0004: 0004 running'],
      ['warn', '0005 to 0006: 0006 late'],
      ['quiet pending', '0007 to 0008: 0008 pending'],
      ['good', '0009 to 0010: 0009 applied'],
    ]);
  });

  it('is what came of a press, without buttons where there is nothing to choose', () => {
    const html = page(VIEW, frame({ notice: { tone: 'warn', title: 'Not now', lines: ['One.', 'Two.'] } }));
    expect(html).toMatch(
      /<div class="card warn" role="status" data-notice="warn">\s*<h3>Not now<\/h3>\s*<p>One.<\/p><p>Two.<\/p>\s*<\/div>/,
    );
    const none = page(VIEW, frame());
    expect(none).not.toContain('data-notice');
  });

  it('is that nobody is told, when there is nobody', () => {
    const topicArn = 'arn:aws:sns:eu-west-1:111122223333:topic';
    const told = (confirmed: number) => page(VIEW, frame({ subscribers: { topicArn, confirmed, pending: 0 } }));
    expect(told(0)).toMatch(/<div class="card warn">\s*<h3>Nobody is told<\/h3>/); // and no answer to a press, which `data-notice` marks
    expect(textOf(told(0))).toContain('Subscribe, and confirm as docs/runbook.md says');
    expect(told(1)).not.toContain('Nobody is told');
    expect(textOf(told(1))).toContain('1 subscriber is told of halts');
  });
});

describe('the headline', () => {
  const run = 'npx --no-install odin-migrate run odin-dev';
  it.each<[MigrationState, string, string, string]>([
    ['running', 'Running 0002', 'busy', 'What 0002 does'],
    ['starting', 'Starting 0002', 'busy', 'What 0002 does'],
    [
      'stopped',
      '0002 is between two slices',
      'busy',
      `It stopped at a checkpoint; the run, or the next one, goes on from there: ${run}`,
    ],
    ['succeeded', 'Going on with 0002', 'busy', 'Its code returned; its completion is being recorded.'],
    ['decided', 'Going on with 0002', 'busy', 'retry decided; the run acts on it next.'],
    ['aborted', 'Aborted at 0002', 'bad', `The next run halts there and asks for a decision: ${run}`],
    ['failed', '0002 did not finish', 'bad', `The next run halts there and asks for a decision: ${run}`],
    ['unknown', '0002 did not finish', 'bad', `The next run halts there and asks for a decision: ${run}`],
    ['late', '0002 is late', 'warn', 'It is pending below one that was run: a run refuses to go out of order.'],
    ['pending', '1 pending', 'quiet', `A run begins with 0002: ${run}`],
    ['skipped', 'Everything is done', 'good', 'Nothing is pending, and nothing runs twice.'],
  ])('of a migration that is %s is "%s"', (state, title, tone, detail) => {
    const decision = state === 'decided' ? 'retry' : undefined;
    expect(headline(viewOf([row(1, 'applied'), row(2, state, { decision })]))).toEqual({ title, tone, detail });
  });

  it('of nothing says how the first is made, and of a halt that everything waits', () => {
    expect(headline(viewOf([]))).toEqual({
      tone: 'quiet',
      title: 'No migrations yet',
      detail: 'Add the first one with: npx --no-install odin-migrate new odin-dev',
    });
    expect(headline(HALTED)).toEqual({
      tone: 'bad',
      title: 'Halted at 0002',
      detail: 'Nothing later runs until somebody decides.',
    });
  });

  it('of one that runs and has no description says no more than that', () => {
    expect(headline(viewOf([row(2, 'running', { description: undefined })])).detail).toBe('');
  });

  it('of batches that S3 has slowed down says so, and that they go on by themselves', () => {
    const batches = batchesViewOf(
      { of: 4, plan: [], rest: '1-4', slowed: 1 },
      { begun: [], ended: [], failed: [], later: [] },
      undefined,
    );
    expect(headline(viewOf([row(2, 'stopped', { batches })]))).toEqual({
      tone: 'busy',
      title: '0002 was slowed down',
      detail: 'S3 asked for fewer requests: its batches go on in a while, fewer at a time.',
    });
    expect(headline(viewOf([row(2, 'stopped')]))).toMatchObject({ title: '0002 is between two slices' });
  });

  it('of one that waits at a checkpoint says until when, and its row that it waits', () => {
    const waits = row(2, 'stopped', { waitsUntil: '2026-03-01T12:15:00.000Z' });
    expect(headline(viewOf([waits]), { clock: new Clock('+02:00') })).toMatchObject({
      tone: 'busy',
      title: '0002 waits until 2026-03-01 14:15 UTC+02:00',
      detail: expect.stringContaining('Its checkpoint says so. No function runs until then') as string,
    });
    expect(textOf(page(viewOf([waits]), frame()))).toContain('waiting');
  });

  it('says until when a decision is held back, and why', () => {
    const decided = row(2, 'decided', { decision: 'retry', mayRunUntil: '2026-03-01T12:15:10.000Z' });
    expect(headline(viewOf([decided]), { clock: new Clock('+02:00') }).detail).toBe(
      'The decision retry is held back until 2026-03-01 14:15 UTC+02:00, because its code may be running until then.',
    );
    const halt = openHalt('0002', { reason: 'unknown', mayRunUntil: '2026-03-01T12:15:10.000Z' });
    expect(textOf(page(viewOf([row(2, 'halted')], halt), frame()))).toContain(
      'A decision is held back until 2026-03-01 12:15 UTC, because its code may be running until then.',
    );
  });

  it('says that a run refuses, and what to do, when the ledger lacks what completed.json names', () => {
    const { title, tone, detail } = headline({ ...viewOf([row(1, 'applied'), row(3, 'pending')]), lacking: ['0002'] });
    expect({ title, tone }).toEqual({ title: 'A run refuses', tone: 'bad' });
    expect(detail).toContain('names 0002 as completed, and this ledger does not');
    expect(detail).toContain('npx --no-install odin-migrate baseline odin-dev --pruned --reason "..."');
    const here = headline({ ...viewOf([row(3, 'pending')]), lacking: ['0002'] }, { local: true }).detail;
    expect(here).toContain('counted as done here when you type it again: npx --no-install odin-migrate local odin-dev');
    expect(here).not.toMatch(/\.[A-Z]/); // a space is between two sentences
  });
});

describe('a halt', () => {
  it('shows what failed, where, since when, and what each answer means', () => {
    const text = textOf(page(HALTED, frame()));
    expect(text).toContain('Halted at 0002');
    expect(text).toContain('Attempt 1 failed: its code threw.');
    expect(text).toContain('Error : the disk is full at migrations/odin-dev/0002.ts:12:9');
    expect(text).toContain('Waiting since 2026-03-01 12:00 UTC');
    expect(text).toContain('Ends this run as failed; the next run halts here again.');
  });

  it('has four buttons that name this very halt, call this function, and ask first', () => {
    const found = actions(page(HALTED, frame()));
    found.delete('Preview');
    expect([...found.keys()]).toEqual(['Retry', 'Mark applied', 'Skip', 'Abort']);
    for (const [label, { payload, endpoint, confirmation }] of found) {
      expect(payload).toEqual({
        decide: { decision: label.toLowerCase().replace(' ', '-'), halt: 1 },
      });
      expect(endpoint).toBe(FUNCTION_ARN);
      expect(confirmation).toMatch(new RegExp(`^${label} 0002 in odin-dev\\?`));
    }
  });

  it('of what is only to be recorded offers nothing else', () => {
    const view = viewOf([row(1, 'halted')], openHalt('0001', { reason: 'unrecorded' }));
    const html = page(view, frame());
    expect([...actions(html).keys()]).toEqual(['Retry', 'Abort', 'Preview']);
    expect(textOf(html)).not.toContain('needed for'); // no answer here takes a reason
  });

  const card = (...changed: Parameters<typeof openHalt>) => {
    const html = page(viewOf([row(1, 'applied'), row(2, 'halted')], openHalt(...changed)), frame());
    return html.slice(html.indexOf('data-halted'), html.indexOf('id="preview"'));
  };

  it('is named with its description and its file, as far as there are such', () => {
    expect(card('0002')).toContain('<h3>0002 · What 0002 does</h3>');
    expect(card('0002', { description: undefined })).toContain('<h3>0002</h3>');
    expect(textOf(card('0002'))).toContain('Waiting since 2026-03-01 12:00 UTC · migrations/odin-dev/0002.ts Error');
    expect(textOf(card('0007'))).toContain('Waiting since 2026-03-01 12:00 UTC Error'); // it has no row
    const gone = viewOf([row(2, 'halted', { file: undefined })], openHalt('0002'));
    expect(textOf(page(gone, frame()))).toContain('Waiting since 2026-03-01 12:00 UTC Error');
  });

  it.each<[HaltReason, string]>([
    ['failed', 'failed: its code threw. Some of its effects may be there.'],
    ['unknown', 'has an unknown outcome: it may have run in part, in whole, or not at all.'],
    ['cancelled', 'was cancelled: it stopped at a checkpoint, and a retry goes on from there.'],
    [
      'code-changed',
      'began with other code than is deployed now. An attempt is one code, from its beginning to its end.',
    ],
    ['file-gone', 'cannot go on: its file is not deployed any more.'],
    ['not-started', 'did not start: its function refused, or could not be invoked. Nothing of it has run.'],
    ['unrecorded', 'is done with, but that could not be recorded. Retry records it; nothing runs twice.'],
  ])('says why it is one: %s', (reason, words) => {
    expect(textOf(card('0002', { reason, attempt: 3 }))).toContain(`Attempt 3 ${words}`);
  });

  it('says who asked it to stop, and why', () => {
    const cancelled = { by: 'anna', time: '2026-03-01T12:00:00.000Z', reason: 'too slow' };
    expect(textOf(card('0002', { reason: 'cancelled', cancelled }))).toContain(
      'anna (claimed) asked it to stop: too slow',
    );
  });

  it('links to the execution that waits, and to the log lines of what failed', () => {
    const links = [...card('0002').matchAll(/href="([^"]*)"[^>]*>([^<]*)</g)].map(([, to = '', name]) => [name, to]);
    expect(links).toEqual([
      ['Execution', expect.stringContaining(`#/v2/executions/details/${EXECUTION}`)],
      ['Logs of this attempt', expect.stringMatching(/odin-dev\$252Fmigrations\/log-events.*request-1/)],
    ]);
  });

  it('keeps open what is open: the rest of its error and its stack have ids of their own', () => {
    const error = { name: 'Error', message: 'x\n'.repeat(40), stack: 'Error: x\n    at one\n    at two' };
    expect([...card('0002', { error }).matchAll(/<details id="([^"]*)">/g)].map(([, id]) => id)).toEqual([
      'halt-rest',
      'halt-stack',
    ]);
    expect(card('0002', { error })).toContain('<pre>Error: x\n    at one\n    at two</pre');
  });

  it('has one button that stands out, and asks for a reason where one is needed', () => {
    const html = card('0002');
    expect([...html.matchAll(/class="btn btn-primary">([^<]*)</g)].map(([, label]) => label)).toEqual(['Retry']);
    expect(textOf(html)).toContain('Reason (needed for Mark applied and Skip)');
    const needing = [...html.matchAll(/class="btn[^"]*">([^<]*)<(?:(?!<\/cwdb-action).)*data-needs="reason"/gs)];
    expect(needing.map(([, label]) => label)).toEqual(['Mark applied', 'Skip']);
    expect(Object.fromEntries([...actions(html)].map(([label, { confirmation }]) => [label, confirmation]))).toEqual({
      Retry: 'Retry 0002 in odin-dev? Run it again. The decision is recorded for good.',
      'Mark applied':
        'Mark applied 0002 in odin-dev? Record it as applied, without running it. The decision is recorded for good.',
      Skip: 'Skip 0002 in odin-dev? Record it as skipped, so that it never runs. The decision is recorded for good.',
      Abort: 'Abort 0002 in odin-dev? End this run as failed. The decision is recorded for good.',
    });
  });

  it('on a page that only shows has what is typed in place of buttons, as it is typed there', () => {
    const typed = (more: Parameters<typeof frame>[0]) => textOf(page(HALTED, frame({ acts: false, ...more })));
    expect(typed({ app: 'shop' })).toContain(
      'Who may decide types one of these: npx --no-install odin-migrate resume odin-dev retry --halt 1 --app shop',
    );
    expect(typed({ local: true })).toContain(
      'Who may decide ends this dashboard with Ctrl-C, and types one of these: npx --no-install odin-migrate resume odin-dev retry --halt 1 --local',
    );
  });

  it('says which commit its attempt began with, and which is deployed', () => {
    const halt = openHalt('0001', { commits: { began: 'abc123', deployed: 'def456' } });
    const text = textOf(page(viewOf([row(1, 'halted')], halt), frame()));
    expect(text).toContain('began with commit abc123, and def456 is deployed');
  });

  it('without an error says that the outcome is unknown', () => {
    const { error, ...halt } = openHalt('0001', { reason: 'unknown' });
    expect(error).toBeDefined();
    expect(textOf(page(viewOf([row(1, 'halted')], halt), frame()))).toContain('has an unknown outcome');
  });
});

describe('a row', () => {
  const trail = (...said: Said[]) => ({ entries: logOf(...said), earlier: 3 });

  it('opens to who decided what, when and why, and to the error of each attempt', () => {
    const entries = trail(
      allowed('0001'),
      {
        ...halted(1, '0001'),
        error: { name: 'TypeError', message: 'no such key', stack: 'at migrations/odin-dev/0001.ts:3:9' },
      },
      { ...decided(2, 'retry', '0001'), by: 'anna', reason: 'the key is there now' },
      { ...allowed('0001', 2), gitCommit: '0123456789abcdef0123456789abcdef01234567' },
      completed(['0001']),
    );
    const html = page(viewOf([row(1, 'applied', { attempts: 2 })]), frame({ trails: new Map([['0001', entries]]) }));
    const opened = /<div class="body">(.*?)<\/details>\s*<\/div>/s.exec(html)?.[1] ?? '';
    const at = '2026-03-01 12:00';
    const expected = [
      'migrations/odin-dev/0001.ts 3 earlier entries: npx --no-install odin-migrate history odin-dev 0001',
      `${at} · attempt 1 allowed to run in run`,
      `${at} · attempt 1 halted : it failed TypeError : no such key at migrations/odin-dev/0001.ts:3:9`,
      `${at} · attempt 1 retry , decided by anna (claimed) on the halt of entry 2: the key is there now`,
      `${at} · attempt 2 allowed to run in run, of commit 0123456789`,
      `${at} applied`,
    ];
    expect(textOf(opened)).toContain(expected.slice(0, 3).join(' '));
    for (const line of expected) expect(textOf(opened)).toContain(line);
  });

  it('says how many entries there are before, and the command that shows them, where it is typed', () => {
    const shown = (earlier: number, local = false) => {
      const entries = { entries: logOf(allowed('0001'), halted(1, '0001')), earlier };
      return textOf(page(viewOf([row(1, 'halted')]), frame({ local, trails: new Map([['0001', entries]]) })));
    };
    const command = 'npx --no-install odin-migrate history odin-dev 0001';
    expect(shown(0)).not.toContain('earlier');
    expect(shown(1)).toContain(`1 earlier entry: ${command} 2026`);
    expect(shown(1, true)).toContain(`1 earlier entry: ${command} --local`);
  });

  it('has what else is known of an entry, and what is open stays open', () => {
    const entries = trail(
      allowed('0001'),
      { ...halted(1, '0001'), error: { name: 'Error', message: 'x\n'.repeat(40) } },
      { ...decided(2, 'retry', '0001'), retry: { codeSha256: 'c'.repeat(64), begin: 'checkpoint' } },
    );
    const html = page(viewOf([row(1, 'applied')]), frame({ trails: new Map([['0001', entries]]) }));
    expect(html).toContain('<p class="small">from its last checkpoint</p>');
    expect(html).toContain('<details id="entry-2-rest">');
  });

  it('has the buttons and the links, so that a closed one has none', () => {
    const html = page(viewOf([row(1, 'failed')]), frame());
    const closed = /<summary>(.*?)<\/summary>/s.exec(html)?.[1] ?? '';
    expect(closed).not.toMatch(/btn|href/);
    expect(html).toMatch(/<div class="body">.*Preview.*Execution.*Logs.*<\/details>/s);
  });

  it('shows the first of a long error, that there is more, and all of it when it is opened', () => {
    const lines = Array.from({ length: 40 }, (_, index) => `line ${index}`);
    const error = { name: 'Error', message: lines.join('\r\n') };
    const html = page(viewOf([row(1, 'failed', { error })]), frame());
    expect(textOf(/<summary>(.*?)<\/summary>/s.exec(html)?.[1] ?? '')).toContain('Error: line 0…');
    expect(html).toContain(`: ${lines.slice(0, 6).join('\n')} …</pre`);
    expect(html).toMatch(/<summary>34 more lines<\/summary>/);
    expect(html).toContain(`<pre>${lines.slice(6).join('\n')}</pre`);
  });

  it('of an error of a few lines hides none, and of one long line the end', () => {
    const shown = (message: string) => page(viewOf([row(1, 'failed', { error: { name: 'Error', message } })]), frame());
    expect(shown('one\n  two\nthree')).toContain(': one\n  two\nthree</pre');
    expect(shown('one\n  two\nthree')).not.toContain('more lines');
    expect(shown(`${'x'.repeat(480)}${'y'.repeat(1_500)}`)).toMatch(
      /x …<\/pre>.*<summary>1,500 more characters<\/summary>.*<pre>y{1500}<\/pre/s,
    );
  });
});

describe('a line', () => {
  const html = (...of: Parameters<typeof row>) => page(viewOf([row(...of)]), frame());
  /** What a closed row shows, and what it opens to. */
  const parts = (...of: Parameters<typeof row>) => {
    const [, closed = '', opened = ''] =
      /<summary>\s*<span class="id">(.*?)<\/summary>\s*<div class="body">(.*)/s.exec(html(...of)) ?? [];
    return { closed: textOf(closed), opened: textOf(opened) };
  };

  it('of one that runs has its beginning, and of one that is over its end', () => {
    expect(parts(1, 'running', { finishedAt: undefined, durationMs: undefined }).closed).toMatch(
      /What 0001 does 2026-03-01 12:00 +$/,
    );
    expect(parts(1, 'applied', { finishedAt: '2026-03-01T12:30:00.000Z' }).closed).toContain('2026-03-01 12:30 4.0 s');
  });

  it('names who recorded it in full where there is room', () => {
    const by = 'arn:aws:sts::111122223333:assumed-role/Admin/alice';
    expect(html(1, 'skipped', { by })).toContain(`<span title="${by} (claimed)">alice (claimed)</span>`);
  });

  it('has its file where there is no description, and else the file is in what it opens to: once in both', () => {
    const file = 'migrations/odin-dev/0001.ts';
    expect(parts(1, 'pending').closed).not.toContain(file);
    expect(parts(1, 'pending').opened).toContain(file);
    expect(parts(1, 'pending', { description: undefined }).closed).toContain(file);
    expect(parts(1, 'pending', { description: undefined }).opened).not.toContain(file);
    expect(html(1, 'failed', { file: undefined })).not.toContain('<p class="small"></p>');
    expect(parts(1, 'failed', { file: undefined, description: undefined }).closed).toContain('No file');
  });

  it('has the error, but of a halt, which has a card', () => {
    const error = { name: 'Error', message: 'no such key' };
    expect(parts(1, 'failed', { error }).closed).toContain('Error: no such key');
    expect(parts(1, 'halted', { error }).closed).not.toContain('no such key');
  });

  it('has as much of an error as fits', () => {
    const shown = (message: string) =>
      / E: (\S+)/.exec(parts(1, 'failed', { error: { name: 'E', message } }).closed)?.[1];
    expect(shown('x'.repeat(117))).toBe('x'.repeat(117));
    expect(shown('x'.repeat(118))).toBe(`${'x'.repeat(116)}…`);
    expect(shown(`${'x'.repeat(200)}\nmore`)).toBe(`${'x'.repeat(116)}…`);
  });

  it('says what was done, and how far one has come in as much as is known', () => {
    expect(parts(1, 'applied', { did: { done: 3, total: 3, note: 'files' } }).closed).toContain('3 of 3 (100 %) files');
    const progress = { done: 30, time: '2026-03-01T12:00:03.000Z' };
    expect(parts(1, 'running', { progress }).closed).toMatch(/ 30 done 2026/);
    expect(html(1, 'running', { progress })).not.toContain('class="meter"');
    const batches = { of: 7, succeeded: 3, failed: 1, unknown: 2, running: 1, waiting: 0, strip: [] };
    expect(html(1, 'running', { progress, batches })).toContain('3 failed or unknown, 0 waiting');
  });

  it('opens to the error once: where its halt is told, there', () => {
    const error = { name: 'Error', message: 'no such key' };
    const times = (...said: Said[]) => {
      const trails = new Map([['0001', { entries: logOf(...said), earlier: 0 }]]);
      const shown = page(viewOf([row(1, 'aborted', { error, attempts: 2 })]), frame({ trails }));
      return shown.split('<div class="body">')[1]?.split(': no such key').length ?? 0;
    };
    const first = [allowed('0001'), { ...halted(1, '0001'), error }, decided(2, 'retry', '0001'), allowed('0001', 2)];
    expect(times(...first, { ...halted(4, '0001', 2), error })).toBe(1 + 2); // of both attempts
    expect(times(...first.slice(2))).toBe(1 + 1);
    expect(times(...first)).toBe(1 + 2); // that of this one is in no entry
    expect(times(...first, halted(4, '0001', 2))).toBe(1 + 2);
  });

  it('opens to a long error under an id of its own, so that what is open stays open', () => {
    const error = { name: 'Error', message: 'x\n'.repeat(40) };
    expect(html(7, 'failed', { error })).toContain('<details id="row-0007-rest">');
  });

  it('of what has not begun says that nothing has happened, and has no log', () => {
    const nothing = 'Nothing has happened to it yet.';
    expect(parts(1, 'pending').opened).toContain(nothing);
    expect(parts(1, 'applied').opened).not.toContain(nothing);
    expect(parts(1, 'pending', { startedAt: '2026-03-01T12:00:00.000Z' }).opened).not.toContain('Logs');
    expect(parts(1, 'starting', { startedAt: undefined }).opened).not.toContain('Logs');
    expect(parts(1, 'baseline', { execution: 'anna' }).opened).not.toContain('Execution');
  });

  it('lets those batches be tuned that run, or will', () => {
    const counts = { of: 7, succeeded: 3, failed: 1, unknown: 0, running: 1, waiting: 1, strip: [] };
    const canBe = (state: MigrationState, more: Partial<typeof counts> = {}) =>
      html(1, state, { batches: { ...counts, ...more } }).includes('name="concurrency"');
    expect([canBe('running'), canBe('running', { waiting: 0 }), canBe('running', { running: 0 })]).toEqual([
      true,
      true,
      true,
    ]);
    expect([canBe('stopped'), canBe('running', { waiting: 0, running: 0 })]).toEqual([false, false]);
    const button = html(1, 'running', { batches: counts });
    expect(actions(button).get('Set')?.payload).toEqual({ tune: { migration: '0001' } });
    expect(button).toContain('data-needs="concurrency"');
  });
});

describe('older ones', () => {
  const done = (count: number, of?: number) => page(viewOf(rows(count, 'applied')), frame({ page: of }));

  it('are those before the last five, when there are more than twelve', () => {
    expect(textOf(done(12))).not.toContain('older');
    expect(textOf(done(13))).toContain('8 older migrations are done');
  });

  it('are closed, and then have no table and are not asked for', () => {
    expect(done(70).match(/class="columns"/g)).toHaveLength(1);
    expect(textOf(done(70))).not.toContain('Page');
    expect(shownOf(viewOf(rows(70, 'applied')), undefined)).toMatchObject({
      older: [],
      page: undefined,
      olderCount: 65,
    });
  });

  it('have the buttons that lead to a page', () => {
    const buttons = (count: number, of?: number) =>
      [...actions(done(count, of))].map(([label, { payload }]) => [label, (payload as { page?: number }).page]);
    expect(buttons(70)).toEqual([['Show', 1]]);
    expect(buttons(170, 1)).toEqual([
      ['Older', 2],
      ['Hide', undefined],
    ]);
    expect(buttons(170, 2)).toEqual([
      ['Older', 3],
      ['Newer', 1],
      ['Hide', undefined],
    ]);
    expect(buttons(170, 9)).toEqual([
      ['Newer', 3],
      ['Hide', undefined],
    ]);
    expect(textOf(done(170, 2))).toContain('Page 2 of 4, newest first');
    expect(textOf(done(40, 1))).not.toContain('Page');
  });

  it('leave a late one where its number is', () => {
    const html = page(viewOf([row(2, 'applied'), row(1, 'late'), row(3, 'applied')]), frame());
    expect([...html.matchAll(/data-migration="(\d+)"/g)].map(([, id]) => id)).toEqual(['0001', '0002', '0003']);
  });
});

describe('an error', () => {
  const shown = (error: ErrorSummary, withStack?: boolean) => errorBlock(error, 'one', withStack).text;
  const of = (message: string) => shown({ name: 'Error', message });
  const first = (text: string) => /<\/b>: (.*?)<\/pre/s.exec(text)?.[1];
  const rest = (text: string) => /<pre>((?!<b>).*?)<\/pre/s.exec(text)?.[1];

  it('of six lines is seen whole, and of seven the last is to be opened', () => {
    const lines = (count: number) => Array.from({ length: count }, (_, n) => `line ${n}`).join('\n');
    expect([first(of(lines(6))), rest(of(lines(6)))]).toEqual([lines(6), undefined]);
    expect([first(of(lines(7))), rest(of(lines(7)))]).toEqual([`${lines(6)} …`, 'line 6']);
    expect(of(lines(7))).toContain('<details id="one-rest">');
    expect(of(lines(7))).toContain('<summary>6 more characters</summary>');
    expect(first(of(`${lines(6)}\n\n  \n`))).toBe(lines(6)); // nothing is hidden in them
  });

  it('of one line is cut at a space near 480 characters, when it has half as many more', () => {
    expect(rest(of('x'.repeat(720)))).toBeUndefined();
    expect(rest(of('x'.repeat(721)))).toBe('x'.repeat(241));
    const words = `${'w'.repeat(400)} ${'v'.repeat(400)}`;
    expect([first(of(words)), rest(of(words))]).toEqual([`${'w'.repeat(400)} …`, ` ${'v'.repeat(400)}`]);
    const early = `${'w'.repeat(100)} ${'v'.repeat(700)}`;
    expect(first(of(early))).toBe(`${early.slice(0, 480)} …`);
    const tall = `${'y'.repeat(700)}\n${'z\n'.repeat(9)}`; // six lines of it are more than that
    expect(first(of(tall))).toBe(`${'y'.repeat(480)} …`);
  });

  it('has its place, and its stack where that is wanted, with the lines of any system', () => {
    const stack = 'Error: x\r\n    at run (migrations/odin-dev/0002.ts:12:9)\u2028    at more';
    const error = { name: 'Error', message: 'a\rb\u2029c', stack };
    expect(shown(error)).toContain('<p class="small">at migrations/odin-dev/0002.ts:12:9</p>');
    expect(first(shown(error))).toBe('a\nb\nc');
    expect(shown(error)).not.toContain('Stack');
    expect(shown(error, true)).toMatch(
      /<details id="one-stack">\s*<summary>Stack<\/summary>\s*<pre>Error: x\n {4}at run \(migrations\/odin-dev\/0002.ts:12:9\)\n {4}at more<\/pre/,
    );
    expect(shown({ name: 'Error', message: 'x' }, true)).not.toMatch(/Stack|class="small"/);
    expect(shown({ name: 'Error', message: 'x', stack: 'nothing of a place' })).not.toContain('class="small"');
  });

  it('is cut where its name, its place or its stack are longer than a page', () => {
    const error = { name: 'N'.repeat(300), message: 'x', stack: `E\n    at ${'p'.repeat(9_000)}` };
    expect(shown(error, true)).toContain(`<b>${'N'.repeat(199)}…</b>`);
    expect(shown(error, true)).toContain(`at ${'p'.repeat(199)}…</p>`);
    expect(/<summary>Stack.*<pre>(.*?)<\/pre/s.exec(shown(error, true))?.[1]).toHaveLength(6_000);
  });
});

describe('a preview', () => {
  const shown = (previewed: Partial<Previewed> = {}) => {
    const html = page(
      viewOf([row(1, 'applied'), row(2, 'pending')]),
      frame({ preview: { ...reportOf('0002'), before: [], ...previewed } }),
    );
    return { html, text: textOf(html) };
  };

  it.each<MigrationState>(['pending', 'late', 'halted', 'aborted', 'failed', 'unknown'])(
    'can be asked for of a migration that is %s',
    (state) => {
      const { payload, endpoint, confirmation } = actions(page(viewOf([row(2, state)]), frame())).get('Preview')!;
      expect(payload).toEqual({ preview: { migration: '0002' } });
      expect([endpoint, confirmation]).toEqual([FUNCTION_ARN, '']);
    },
  );

  it.each<MigrationState>(['applied', 'marked-applied', 'baseline', 'skipped', 'running', 'succeeded', 'decided'])(
    'is not offered of one that is %s',
    (state) => {
      expect([...actions(page(viewOf([row(2, state)]), frame())).keys()]).toEqual([]);
    },
  );

  it('is not offered of one whose file was deleted: there is no function', () => {
    const { file, ...deleted } = row(2, 'failed');
    expect(file).toBeDefined();
    expect(actions(page(viewOf([deleted]), frame())).has('Preview')).toBe(false);
  });

  it('keeps the open page of older ones open', () => {
    const html = page(viewOf([...rows(100, 'applied'), row(101, 'pending')]), frame({ page: 2 }));
    expect(actions(html).get('Preview')?.payload).toEqual({ preview: { migration: '0101' }, page: 2 });
  });

  it('shows the held-back writes as the command line does, the reads folded together, and that nothing was changed', () => {
    const { html, text } = shown();
    expect(text).toContain('Preview of 0002');
    expect(text).toContain('WRITE DeleteObjects 12 11,204 48.1 GB s3://springboard/odin/data/ ');
    expect(text).toContain('It would run to its end; the preview took 1.2 s.');
    expect(text).toContain('Nothing was changed: what is marked WRITE was held back.');
    expect(html.indexOf('<details id="preview-reads">')).toBeGreaterThan(html.indexOf('data-call="write"'));
    expect(html.indexOf('data-call="read"')).toBeGreaterThan(html.indexOf('<details id="preview-reads">'));
    expect(html.indexOf('data-previewed="0002"')).toBeLessThan(html.indexOf('data-migration="0001"'));
    expect(actions(html).get('Close')?.payload).toEqual({});
  });

  it('is named with its description, and its button leads back to the page of older ones that is open', () => {
    const preview = { ...reportOf('0002'), before: [] };
    const html = (description: string | undefined) =>
      page(viewOf([row(2, 'pending')]), frame({ preview: { ...preview, description }, page: 2 }));
    expect(html('Move a to b')).toContain('<h3>Preview of 0002 · Move a to b</h3>');
    expect(html(undefined)).toContain('<h3>Preview of 0002</h3>');
    expect(actions(html(undefined)).get('Close')?.payload).toEqual({ page: 2 });
  });

  it.each<[Previewed['outcome'], string, string]>([
    ['finished', 'good', '✔ It would run'],
    ['more', 'busy', '… Stopped'],
    ['threw', 'bad', '✖ It threw'],
    ['cut off', 'warn', '… Its time'],
    ['ended', 'bad', '✖ Its process'],
  ])('that is %s has the colour and the mark of that', (outcome, tone, words) => {
    const { html, text } = shown({ outcome });
    expect(html).toContain(`class="card ${tone}" role="status"`);
    expect(text).toContain(words);
  });

  it('says first what it cannot promise', () => {
    const { text } = shown({ allows: ['network:db.example.com'] });
    expect(text).toContain('! It is not certain that nothing was changed: its file allows network:db.example.com');
    expect(text).not.toContain('Nothing was changed:');
    expect(shown().text).not.toContain('not certain');
  });

  it('has the number of each beside its unit, and numbers to the right, but for what they are of', () => {
    const { html } = shown({
      calls: [callsOf('PutObject', { calls: 1, items: 12 }), callsOf('HeadObject', { sent: true })],
    });
    const units = [...html.matchAll(/data-unit="(\w*)">([^<]*)</g)].map(([, unit, number]) => [number, unit]);
    expect(units).toEqual([
      ['1', 'call'],
      ['12', 'items'],
      ['12', 'calls'],
      ['', ''],
    ]);
    expect(
      [...html.matchAll(/<th( class="number")?>([^<]+)</g)].map(([, right, name]) => [name, Boolean(right)]),
    ).toEqual(
      ['Call', 'Calls', 'Items', 'Size', 'Target', 'Call', 'Calls', 'Items', 'Size', 'Target'].map((name) => [
        name,
        ['Calls', 'Items', 'Size'].includes(name),
      ]),
    );
    expect(html).toContain('<summary>What it read (1 row)</summary>');
    expect([...html.matchAll(/data-call="(\w+)">\s*<td><span class="(\w+)">(\w+)</g)].map(([, ...of]) => of)).toEqual([
      ['write', 'write', 'WRITE'],
      ['read', 'dim', 'read'],
    ]);
  });

  it('says what it did not do, and hides nothing of what just fits', () => {
    expect(shown({ calls: [callsOf('HeadObject', { sent: true })] }).text).toContain('It wrote nothing. ');
    expect(shown({ calls: [] }).text).not.toContain('What it read');
    const calls = (count: number) => shown({ calls: Array.from({ length: count }, (_, n) => callsOf(`Put${n}`)) }).text;
    expect(calls(40)).not.toContain('more row');
    expect(calls(41)).toContain('and 1 more row: npx --no-install odin-migrate preview odin-dev 0002');
    const stale = (count: number) =>
      shown({ stale: Array.from({ length: count }, (_, n) => ({ what: 'S3:GetObject', target: `t${n}`, count: 1 })) });
    expect(stale(0).html).not.toContain('<ul>');
    expect(stale(40).text).not.toContain('more of this kind');
    expect(stale(41).text).toContain('and 1 more of this kind');
    expect([stale(40).text, stale(41).text].map((each) => each.includes('of t40'))).toEqual([false, false]);
    const output = (lines: number, omitted = 0) =>
      shown({ output: Array.from({ length: lines }, () => 'x'), omitted: { calls: 0, occurrences: 0, lines: omitted } })
        .text;
    expect(output(0)).not.toContain('What it printed');
    expect(output(40)).not.toMatch(/… and \d+ more/);
    expect(output(41, 7)).toContain('What it printed (48 lines)');
    expect(output(41, 7)).toContain('… and 8 more');
    const printed = (lines: string[]) => /<pre>([^<]*)<\/pre/.exec(shown({ output: lines }).html)?.[1]?.trim();
    expect(printed(['one', 'two'])).toBe('one\ntwo');
    const many = Array.from({ length: 41 }, (_, n) => `line ${n}`);
    expect(printed(many)).toBe([...many.slice(0, 40), '… and 1 more'].join('\n'));
    expect(shown().text).not.toContain('calls on more targets');
  });

  it('in part says how much of the whole it is', () => {
    const { text } = shown({
      outcome: 'more',
      durationMs: 15_000,
      checkpoints: 4,
      checkpoint: { cursor: 'x', done: 2_000, total: 10_000 },
      share: 5,
    });
    expect(text).toContain(
      'Stopped at a checkpoint within the 20 s that this page gives it at 2,000 of 10,000, after 15.0 s, 4 checkpoints in ' +
        '1 slice; the whole would be 5.0 times this, 1 min 15 s and its writes.',
    );
  });

  it('that was cut off says that this page did it', () => {
    expect(shown({ outcome: 'cut off', durationMs: 20_000 }).text).toContain(
      'Its time on this page was over after 20.0 s, before a checkpoint.',
    );
  });

  it('shows what was thrown and where', () => {
    const error = { name: 'TypeError', message: 'no such key', stack: 'at x (migrations/odin-dev/0002.ts:12:9)' };
    const { html, text } = shown({ outcome: 'threw', error, calls: [] });
    expect(html).toContain('class="card bad" role="status" data-previewed="0002"');
    expect(text).toContain('It wrote nothing, and read nothing.');
    expect(text).toContain('TypeError : no such key at migrations/odin-dev/0002.ts:12:9');
    const long = { name: 'Error', message: 'x\n'.repeat(40) };
    expect(shown({ outcome: 'threw', error: long }).html).toContain('<details id="preview-error-rest">');
  });

  it('says what it cannot know, and what was printed', () => {
    const { text } = shown({
      stale: [{ what: 'DynamoDB:Query', target: 'trips', count: 2 }],
      output: ['12 files found'],
      omitted: { calls: 7, occurrences: 3, lines: 0 },
      before: [{ migration: '0001', seen: 'not previewed' }],
    });
    expect(text).toContain('DynamoDB:Query of trips (2×) did not see an earlier write');
    expect(text).toContain('it saw the data without what 0001 would change: pending before it, and not previewed');
    expect(text).toContain('and 3 more of this kind');
    expect(text).toContain('and 7 calls on more targets than are listed');
    expect(text).toContain('What it printed (1 line) 12 files found');
  });
});

describe('a button', () => {
  it('that needs nothing and asks nothing says so, and is one of several', () => {
    expect(callAction('Look', frame(), {}).text).not.toMatch(/btn-primary|data-needs|confirmation/);
  });

  it('has no tag in what it calls with, whatever that is: the console may read it as text', () => {
    const closing = '</cwdb-action><script>alert(1)</script>';
    const { text } = callAction('Look', frame(), { page: closing as unknown as number });
    expect(text).toContain('{"page":"\\u003c/cwdb-action>\\u003cscript>alert(1)\\u003c/script>"}</cwdb-action');
    expect(text.match(/<\/cwdb-action/g)).toHaveLength(1);
  });
});

describe('texts of others', () => {
  const HOSTILE = `</pre><script>alert(1)</script><img src=x onerror="alert(2)">' onmouseover='x' \u202egnp\u0000 & <cwdb-action action="call" endpoint="e">{}`;

  it('are text and nothing else, wherever they stand', () => {
    const error = { name: HOSTILE, message: HOSTILE, stack: `${HOSTILE}\n    at ${HOSTILE}` };
    const view = viewOf(
      [
        row(1, 'skipped', { description: HOSTILE, by: HOSTILE, reason: HOSTILE, execution: `arn:${HOSTILE}` }),
        row(2, 'halted', { description: HOSTILE, file: HOSTILE, error }),
        row(3, 'aborted', { error, progress: { note: HOSTILE, time: HOSTILE } }),
      ],
      openHalt('0002', { description: HOSTILE, error, requestId: HOSTILE, execution: `arn:${HOSTILE}` }),
    );
    const notice = { tone: 'warn' as const, title: HOSTILE, lines: [HOSTILE] };
    const typed = { reason: HOSTILE, name: HOSTILE };
    const html = page({ ...view, gitCommit: HOSTILE }, frame({ notice, typed }));
    expect(html).not.toMatch(/<script|<img|onerror="|onmouseover='/);
    expect(html).not.toContain('\u202e');
    expect(html).not.toContain('\u0000');
    expect(html.match(/<cwdb-action/g)).toHaveLength(4 + 2);
    // The message and the stack of the halt, and the message in each of the two rows.
    expect(html.match(/<\/pre>/g)).toHaveLength(4);
    expect(html).toContain('&#60;script&#62;alert(1)&#60;/script&#62;');
  });

  it('of a preview are text and nothing else as well, and cut', () => {
    const hostile = HOSTILE.repeat(2_000);
    const occurrences = Array.from({ length: 50 }, () => ({ what: hostile, target: hostile, count: 2 }));
    const calls = Array.from({ length: 200 }, (_, index) =>
      callsOf(hostile, { sent: index % 2 === 0, service: hostile, target: hostile, examples: [hostile] }),
    );
    const report = reportOf('0001', {
      outcome: 'threw',
      error: { name: hostile, message: hostile, stack: hostile },
      checkpoint: { cursor: hostile, note: hostile },
      calls,
      stale: occurrences,
      refused: occurrences,
      output: Array.from({ length: 200 }, () => hostile),
    });
    const preview = { ...report, description: hostile, before: [] };
    const html = page(viewOf([row(1, 'pending')]), frame({ preview }));
    expect(html).not.toMatch(/<script|<img|onerror="|onmouseover='/);
    expect(html).not.toContain('\u202e');
    expect(html.match(/<cwdb-action/g)).toHaveLength(2);
    // The first of the message, its rest, and what was printed.
    expect(html.match(/<\/pre>/g)).toHaveLength(3);
    expect(html.length).toBeLessThan(250_000);
    expect(textOf(html)).toContain('and 60 more rows: npx --no-install odin-migrate preview odin-dev 0001');
    expect(textOf(html)).toContain('… and 160 more');
  });

  it('that are very long are cut', () => {
    const long = 'x'.repeat(100_000);
    const view = viewOf(
      [row(1, 'halted', { description: long })],
      openHalt('0001', { description: long, error: { name: 'Error', message: long, stack: long } }),
    );
    expect(page(view, frame()).length).toBeLessThan(40_000);
  });
});

describe('of 1,000 migrations', () => {
  const view = viewOf([...rows(950, 'applied'), row(951, 'halted'), ...rows(49, 'pending', 952)], openHalt('0951'));

  it('the page stays small, and shows what matters', () => {
    const html = page(view, frame());
    expect(html.length).toBeLessThan(100_000);
    const shown = [...html.matchAll(/data-migration="(\d+)"/g)].map(([, id]) => id);
    expect(shown).toHaveLength(5 + 25);
    expect(shown).toContain('0951');
    expect(html.match(/<div class="bar">(.*?)<\/div>/s)?.[1]?.match(/<span/g)?.length).toBeLessThanOrEqual(80);
    expect(textOf(html)).toContain('945 older migrations are done');
    expect(textOf(html)).toContain('and 25 more, up to 1000');
    expect(textOf(html)).toContain('950 of 1000 done');
  });

  it('shows the plan of a parallel migration as one strip, and says it in words', () => {
    const strip = [
      { from: 1, to: 2, succeeded: 2, failed: 0, running: 0 },
      { from: 3, to: 4, succeeded: 1, failed: 1, running: 0 },
      { from: 5, to: 6, succeeded: 0, failed: 0, running: 1 },
      { from: 7, to: 7, succeeded: 0, failed: 0, running: 0 },
    ];
    const batches = { of: 7, succeeded: 3, failed: 1, unknown: 0, running: 1, waiting: 2, strip };
    const progress = {
      done: 3,
      total: 7,
      share: 3 / 7,
      note: 'batches, 1 running, 1 failed',
      time: '2026-03-01T12:00:03Z',
    };
    const html = page(viewOf([row(1, 'running', { batches, progress })]), frame());
    expect(html).toContain('role="img" aria-label="7 batches: 3 done, 1 running, 1 failed or unknown, 2 waiting"');
    const cells = [...html.matchAll(/<span class="(\w+)" style="background-size:100% (\d+)%">/g)];
    expect(cells.map(([, state, done]) => [state, done])).toEqual([
      ['done', '100'],
      ['failed', '50'],
      ['running', '0'],
      ['waiting', '0'],
    ]);
  });

  it('the halt is seen in the picture of progress', () => {
    expect(page(view, frame()).match(/<span class="bad" title="[^"]*0951 halted/g)).toHaveLength(1);
  });

  it('each older one is on one page', () => {
    const seen: string[] = [];
    let number: number | undefined = (actions(page(view, frame())).get('Show')?.payload as { page: number }).page;
    while (number !== undefined) {
      const html: string = page(view, frame({ page: number }));
      expect(html.length).toBeLessThan(200_000);
      expect(actions(html).get('Hide')?.payload).toEqual({});
      const older = html.slice(html.indexOf('id="older"')).split('newest first')[0] ?? '';
      seen.push(...[...older.matchAll(/data-migration="(\d+)"/g)].map(([, id]) => id ?? ''));
      number = (actions(html).get('Older')?.payload as { page: number } | undefined)?.page;
    }
    expect(seen.sort()).toEqual(rows(945, 'applied').map(({ id }) => id));
  });
});

describe('themes', () => {
  const colours = (theme: 'light' | 'dark') => /--text:(#\w+)/.exec(page(HALTED, frame({ theme })))?.[1];

  it('differ in their colours and in nothing else', () => {
    expect(colours('light')).not.toBe(colours('dark'));
    const withoutColours = (theme: 'light' | 'dark') => page(HALTED, frame({ theme })).replace(/--\w+:#\w+/g, '');
    expect(withoutColours('light')).toBe(withoutColours('dark'));
  });

  it.each(['light', 'dark'] as const)('%s: every text is readable on its ground (WCAG AA, 4.5:1)', (theme) => {
    const sheet = page(HALTED, frame({ theme }));
    const colour = (name: string) => new RegExp(`--${name}:(#\\w{6})`).exec(sheet)?.[1] ?? '';
    const console = theme === 'light' ? '#ffffff' : '#161d26';
    for (const ground of [console, colour('card')]) {
      for (const name of ['text', 'dim', 'good', 'bad', 'busy', 'warn', 'quiet']) {
        expect(contrast(colour(name), ground), `${name} on ${ground}`).toBeGreaterThanOrEqual(4.5);
      }
    }
  });
});

describe('words', () => {
  it.each([
    [400, '0.4 s'],
    [245_000, '4 min 05 s'],
    [7_620_000, '2 h 07 min'],
    [273_600_000, '3 d 04 h'],
  ])('%d ms are %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  it.each([
    ['+00:00', 'UTC', '2026-03-01 23:30'],
    ['-05:30', 'UTC-05:30', '2026-03-01 18:00'],
    ['+0100', 'UTC+01:00', '2026-03-02 00:30'],
    ['nonsense', 'UTC', '2026-03-01 23:30'],
    ['GMT+01:00', 'UTC', '2026-03-01 23:30'],
    ['+01:00:30', 'UTC', '2026-03-01 23:30'],
    [undefined, 'UTC', '2026-03-01 23:30'],
  ])('the offset %s is %s', (offset, zone, minute) => {
    const clock = new Clock(offset);
    expect([clock.zone, clock.minute('2026-03-01T23:30:59.000Z')]).toEqual([zone, minute]);
  });

  it.each([
    ['arn:aws:sts::1:assumed-role/Admin/alice', 'alice'],
    ['arn:aws:iam::1:user/alice (dashboard on localhost of account 1)', 'alice'],
    ['alice (dashboard odin-migrate-odin-dev of account 1)', 'alice'],
    ['dashboard odin-migrate-odin-dev of account 1', 'dashboard'],
    ['local:alice', 'local:alice'],
  ])('who decided, %s, is shown as %s', (by, shown) => {
    expect(whoShort({ by, identity: { is: 'verified' } })).toBe(`${shown} (verified)`);
    expect(whoShort({ by })).toBe(`${shown} (claimed)`);
  });
});

/** WCAG 2's contrast ratio. */
function contrast(one: string, other: string): number {
  const luminance = (hex: string) => {
    const channel = (at: number) => {
      const value = parseInt(hex.slice(at, at + 2), 16) / 255;
      return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    };
    return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
  };
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}
