// What migrations printed, read out of CloudWatch Logs: of every form that Lambda and our own functions write, in pages, late, refused.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rangeOf } from '../../cli/commands/logs.ts';
import type { LogLine } from '../../client/log-line.ts';
import { isEnd, logLineOf } from '../../client/log-line.ts';
import type { LogEvent } from '../../client/migration-log.ts';
import { LogBeside, MigrationLog } from '../../client/migration-log.ts';
import type { CloudWatchLogs } from '../support/cloudwatch-logs.ts';
import { startCloudWatchLogs } from '../support/cloudwatch-logs.ts';
import { ledgerBefore } from '../support/ledger.ts';
import { createWorld } from '../support/services.ts';
import { thrownBy } from '../support/thrown.ts';

const RUN = { migration: '0004', attempt: 2 };
const OWN = { service: 'odin-migrate', function_request_id: 'f4ece18e', ...RUN };

describe('a line', () => {
  const info = { level: 'info' } as const;
  it.each<[string, string | object, LogLine | undefined]>([
    [
      'that a migration printed',
      { ...OWN, level: 'INFO', message: 'moved 7', from: 'migration' },
      { by: 'migration', ...info, ...RUN, text: 'moved 7' },
    ],
    [
      'of a batch',
      { ...OWN, batch: 17, level: 'WARN', message: 'slow', from: 'migration' },
      { by: 'migration', level: 'warn', ...RUN, batch: 17, text: 'slow' },
    ],
    [
      "of a migration's own structured logger, whose fields mean something else",
      { ...OWN, level: 50, migration: 'orders', attempt: 9, message: 'half', from: 'migration', 'odin-migrate': RUN },
      { by: 'migration', level: 'error', ...RUN, text: 'half' },
    ],
    [
      'with a message that is no text',
      { ...OWN, message: { moved: 7 }, from: 'migration' },
      { by: 'migration', ...info, ...RUN, text: '{"moved":7}' },
    ],
    ['of a preview', { ...OWN, message: 'moved 7', from: 'preview' }, undefined],
    ["of the function's own notes", { ...OWN, level: 'INFO', message: 'claimed' }, undefined],
    [
      'of what the function complains of',
      { ...OWN, level: 'ERROR', message: 'failed' },
      { by: 'function', level: 'error', ...RUN, text: 'failed' },
    ],
    [
      "of Lambda's JSON format, of the console",
      { timestamp: 't', level: 'WARN', requestId: 'r', message: 'loading' },
      { by: 'lambda', level: 'warn', text: 'loading' },
    ],
    [
      "of Lambda's JSON format, of an invocation that began",
      { time: 't', type: 'platform.start', record: {} },
      undefined,
    ],
    [
      "of Lambda's JSON format, of one that ended well",
      { type: 'platform.report', record: { status: 'success', metrics: {} } },
      undefined,
    ],
    [
      "of Lambda's JSON format, of one that did not",
      { type: 'platform.report', record: { status: 'timeout', metrics: { durationMs: 900_000.4 } } },
      { by: 'lambda', level: 'error', text: 'The invocation ended after 900000 ms: timeout' },
    ],
    ['that begins an invocation', 'START RequestId: f4ece18e Version: $LATEST\n', undefined],
    ['that ends it', 'END RequestId: f4ece18e\n', undefined],
    ['that reports it', 'REPORT RequestId: f4ece18e\tDuration: 3 ms\tMax Memory Used: 80 MB\t\n', undefined],
    [
      'that reports a bad end',
      'REPORT RequestId: f4ece18e\tDuration: 3 ms\tStatus: error\tError Type: Runtime.ExitError\n',
      {
        by: 'lambda',
        level: 'error',
        text: 'REPORT RequestId: f4ece18e  Duration: 3 ms  Status: error  Error Type: Runtime.ExitError',
      },
    ],
    ['of the start of an environment', 'INIT_START Runtime Version: nodejs:24.v1\tRuntime Version ARN: arn', undefined],
    [
      "of Lambda's own console",
      '2026-11-30T12:00:06.001Z\tf4ece18e-0c05\tERROR\tUncaught Exception\t{}',
      { by: 'lambda', level: 'error', text: 'Uncaught Exception\t{}' },
    ],
    ['that only looks like JSON', '{ half', { by: 'lambda', ...info, text: '{ half' }],
    ['that is JSON of nobody', '{"a":1}', { by: 'lambda', ...info, text: '{"a":1}' }],
    ['of nothing', '\n', undefined],
  ])('%s', (_, written, expected) => {
    const line = logLineOf(typeof written === 'string' ? written : JSON.stringify(written));
    expect(line && JSON.parse(JSON.stringify(line))).toEqual(expected);
  });

  it.each([
    ['END RequestId: f4ece18e\n', true],
    ['REPORT RequestId: f4ece18e\tDuration: 3 ms', true],
    ['{"time":"t","type":"platform.report","record":{}}', true],
    ['START RequestId: f4ece18e', false],
    [JSON.stringify({ ...OWN, message: 'END RequestId: of mine', from: 'migration' }), false],
  ])('%s is an end: %s', (written, expected) => {
    expect(isEnd(written)).toBe(expected);
  });
});

const GROUP = '/odin-migrate/shop--odin-dev/migrations';
const STREAM = (id: string, instance = 'a1') => `2026/11/30/shop--odin-dev--${id}[$LATEST]${instance}`;

let double: CloudWatchLogs;
beforeEach(async () => {
  double = await startCloudWatchLogs();
});
afterEach(() => double[Symbol.asyncDispose]());

const deployment = (maxAttempts = 1) => ({
  app: 'shop',
  environment: 'odin-dev',
  options: {
    endpoint: double.endpoint,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'AKIA', secretAccessKey: 'secret' },
    maxAttempts,
  },
});

async function seen(log: MigrationLog): Promise<(string | undefined)[][]> {
  const events: LogEvent[] = [];
  for await (const event of log.look()) events.push(event);
  return events.map(({ migration, message }) => [migration, message]);
}

describe('the log of an environment', () => {
  it('is empty while there is no group, and is asked for what it may be asked', async () => {
    const log = new MigrationLog(deployment(), { from: 1_000, until: 2_000 });
    expect(await seen(log)).toEqual([]);
    expect(double.asked).toEqual([{ logGroupName: GROUP, startTime: 1_000, endTime: 2_000 }]);
  });

  it('is read to its last page over empty ones, in the order of time, whichever stream a line is of', async () => {
    double.pageSize = 2;
    for (const [time, id, instance, message] of [
      [1_005, '0004', 'b2', 'five'],
      [1_001, '0004', 'a1', 'one'],
      [1_003, '0004', 'b2', 'three'],
      [1_002, '0003', 'a1', 'two'],
      [1_004, '0004', 'a1', 'four'],
    ] as const)
      double.put(GROUP, STREAM(id, instance), message, time);
    double.put(GROUP, '2026/11/30/[$LATEST]c3', 'of whom nobody knows', 1_006);
    expect(await seen(new MigrationLog(deployment(), { from: 0 }))).toEqual([
      ['0004', 'one'],
      ['0003', 'two'],
      ['0004', 'three'],
      ['0004', 'four'],
      ['0004', 'five'],
      [undefined, 'of whom nobody knows'],
    ]);
    expect(double.asked.map(({ nextToken }) => nextToken)).toEqual([undefined, '1', '2', '3', '4']);
  });

  it('ends at a page that leads to itself', async () => {
    double.pageSize = 1;
    double.put(GROUP, STREAM('0004'), 'one', 1_001);
    double.put(GROUP, STREAM('0004'), 'two', 1_002);
    double.next = ['itself', 'itself', 'itself'];
    expect(await seen(new MigrationLog(deployment(), { from: 0 }))).toEqual([
      ['0004', 'one'],
      ['0004', 'two'],
    ]);
  });

  it('is told once, also a line that comes later than one that was written after it', async () => {
    const log = new MigrationLog(deployment(), { from: 0 });
    double.put(GROUP, STREAM('0004', 'b2'), 'five', 100_005);
    expect(await seen(log)).toEqual([['0004', 'five']]);
    double.put(GROUP, STREAM('0004'), 'one, late', 100_001);
    double.put(GROUP, STREAM('0004'), 'one', 100_001);
    expect(await seen(log)).toEqual([
      ['0004', 'one, late'],
      ['0004', 'one'],
    ]);
    expect(await seen(log)).toEqual([]);
    expect(double.asked.at(-1)).toEqual({ logGroupName: GROUP, startTime: 70_005 });
  });

  it('is waited for when it is asked too often', async () => {
    double.put(GROUP, STREAM('0004'), 'one', 1_001);
    double.next = ['ThrottlingException'];
    expect(await seen(new MigrationLog(deployment(3), { from: 0 }))).toEqual([['0004', 'one']]);
    expect(double.asked).toHaveLength(2);
  });

  it.each([
    ['AccessDeniedException', 'AwsForbidden'],
    ['ExpiredTokenException', 'NoCredentials'],
    ['ThrottlingException', 'AwsUnreachable'],
  ] as const)('%s is %s', async (name, code) => {
    double.next = [name];
    expect(await thrownBy(() => seen(new MigrationLog(deployment(), { from: 0 })))).toMatchObject({ code });
  });
});

describe('the log beside a run', () => {
  let time = 0;
  const pause = (ms: number) => {
    time += ms;
    return Promise.resolve();
  };
  const beside = () => {
    time = 0;
    const told: string[] = [];
    const failures: unknown[] = [];
    const on = {
      event: ({ message }: LogEvent) => told.push(message),
      failure: (error: unknown) => failures.push(error),
    };
    return { told, failures, log: new LogBeside(new MigrationLog(deployment(), { from: 0 }), on, () => time) };
  };

  it('is looked at every two seconds, however often one asks', async () => {
    const { log } = beside();
    for (let looks = 0; looks < 5; looks += 1) {
      await log.look();
      await pause(1_000);
    }
    expect(double.asked).toHaveLength(3);
  });

  it('is waited for until the invocation has ended there', async () => {
    const { log, told } = beside();
    double.put(GROUP, STREAM('0003'), 'END RequestId: of the one before', 500);
    double.put(GROUP, STREAM('0004'), 'one', 1_001);
    const late = (ms: number) => {
      if (time === 4_000) double.put(GROUP, STREAM('0004'), 'END RequestId: f4ece18e', 1_002);
      return pause(ms);
    };
    await log.upToEndOf(1_000, late);
    expect(told).toEqual(['END RequestId: of the one before', 'one', 'END RequestId: f4ece18e']);
    expect(time).toBe(6_000);
  });

  it('is not waited for longer than ten seconds', async () => {
    const { log } = beside();
    await log.upToEndOf(1_000, pause);
    expect(time).toBe(10_000);
  });

  it('fails without failing the run', async () => {
    const { log, failures } = beside();
    double.next = ['AccessDeniedException'];
    await log.look();
    expect(failures).toMatchObject([{ code: 'AwsForbidden' }]);
  });
});

it('what is asked for since a time is asked for by the clock of AWS: that of this machine may be wrong', async () => {
  const world = createWorld();
  await ledgerBefore(world).allow('0004');
  const { ledger } = world.services;
  const since = (asked: { at: number } | { msAgo: number }) => rangeOf('odin-dev', ledger, '0004', { since: asked });
  expect(await since({ msAgo: 60_000 })).toMatchObject({ from: ledger.log.lookedAt - 60_000 });
  expect(Math.abs(ledger.log.lookedAt - Date.now())).toBeGreaterThan(60_000); // they are not the same here
  expect(await since({ at: ledger.log.lookedAt })).toMatchObject({ from: ledger.log.lookedAt });
  const error = await thrownBy(since({ at: ledger.log.lookedAt + 60_000 }));
  expect(error).toMatchObject({
    code: 'BadUsage',
    what: expect.stringMatching(/^--since names .*, and it is .* UTC\.$/) as string,
  });
});
