// `logs` of a deployed environment: of which migration and attempt it is, and how it is followed.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { logs } from '../../cli/commands/logs.ts';
import type { Allowed } from '../../core/ledger/entries.ts';
import type { CloudWatchLogs } from '../support/cloudwatch-logs.ts';
import { startCloudWatchLogs } from '../support/cloudwatch-logs.ts';
import type { LedgerBefore } from '../support/ledger.ts';
import { ledgerBefore } from '../support/ledger.ts';
import type { World } from '../support/services.ts';
import { createWorld } from '../support/services.ts';

let world: World;
let before: LedgerBefore;
let double: CloudWatchLogs;
/** What happens while it waits between two looks; it is ended when nothing more does. */
let meanwhile: (() => unknown)[];

vi.mock('../../client/deployment.ts', async (original) => ({
  ...(await original<object>()),
  findDeployment: () =>
    Promise.resolve({
      environment: 'odin-dev',
      ledger: world.ledger,
      options: {
        endpoint: double.endpoint,
        region: 'eu-west-1',
        credentials: { accessKeyId: 'AKIA', secretAccessKey: 'secret' },
        maxAttempts: 1,
      },
      pause: async () => {
        const next = meanwhile.shift();
        if (!next) throw new Error('that was all');
        await next();
      },
    }),
}));

beforeEach(async () => {
  world = createWorld();
  before = ledgerBefore(world);
  double = await startCloudWatchLogs();
  meanwhile = [];
});
afterEach(() => double[Symbol.asyncDispose]());

async function typed(id: string | undefined, options: Parameters<typeof logs>[2] = {}) {
  const printed: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
  try {
    const failed = await logs('odin-dev', id, options, {}).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    return {
      failed,
      lines: printed
        .join('')
        .trimEnd()
        .split('\n')
        .map((line) => line.replace(/^[\d-]+ [\d:]+ {2}/, '')),
    };
  } finally {
    write.mockRestore();
  }
}

/** What an attempt prints, some seconds after its turn. */
function prints({ migration, attempt, time }: Pick<Allowed, 'migration' | 'attempt' | 'time'>, text: string): void {
  const line = { service: 'odin-migrate', from: 'migration', level: 'INFO', migration, attempt, message: text };
  const stream = `2026/03/01/odin-dev--${migration}[$LATEST]a1`;
  double.put('/odin-migrate/odin-dev/migrations', stream, JSON.stringify(line), Date.parse(time) + 5_000);
}

const attempt = async (migration: string, more: Partial<Allowed> = {}) => {
  world.clock.advance(60_000);
  return await before.allow(migration, more);
};

/** 0001 is applied, and 0002 has failed once. */
async function twoRan() {
  const first = await attempt('0001');
  await before.claim(first);
  await before.close(first, 'succeeded');
  await before.complete('0001');
  const second = await attempt('0002');
  await before.claim(second);
  await before.close(second, 'failed');
  const halt = await before.halt(second);
  prints(first, 'of the first');
  prints(second, 'of the second');
  return { halt };
}

it('is of the attempt that was run last where nothing is named, and of an older one where its number is', async () => {
  const { halt } = await twoRan();
  await before.decide(halt, 'retry');
  prints(await attempt('0002', { attempt: 2 }), 'once more');
  expect((await typed(undefined)).lines).toEqual(['▶ 0002  attempt 2', 'once more']);
  expect((await typed(undefined, { attempt: 1 })).lines).toEqual(['▶ 0002  attempt 1', 'of the second']);
  expect((await typed('0001')).lines).toEqual(['▶ 0001  attempt 1', 'of the first']);
  expect((await typed(undefined, { attempt: 3 })).failed).toMatchObject({
    code: 'BadUsage',
    message: expect.stringContaining('0002 had 2 attempts, and no attempt 3') as string,
  });
});

it('goes on with what is printed, of the one migration that is named, when AWS is asked too often too', async () => {
  const { halt } = await twoRan();
  meanwhile = [
    () => (double.next = ['ThrottlingException']),
    async () => {
      await before.decide(halt, 'retry');
      const again = await attempt('0002', { attempt: 2 });
      prints(again, 'once more');
      prints({ ...again, migration: '0001', attempt: 2 }, 'of another');
    },
    () => undefined,
  ];
  const { lines, failed } = await typed('0002', { follow: true });
  expect(lines).toEqual(['▶ 0002  attempt 1', 'of the second', '▶ 0002  attempt 2', 'once more']);
  expect(failed).toMatchObject({ message: 'that was all' });
});

it('without an id goes on with the migrations after it', async () => {
  const { halt } = await twoRan();
  meanwhile = [
    async () => {
      await before.decide(halt, 'skip');
      await before.complete('0002', 'skipped');
      prints(await attempt('0003'), 'of the third');
    },
  ];
  const { lines } = await typed(undefined, { follow: true });
  expect(lines).toEqual(['▶ 0002  attempt 1', 'of the second', '▶ 0003  attempt 1', 'of the third']);
});

it('waits for the first one where nothing was run yet, and stops at what does not pass by itself', async () => {
  meanwhile = [
    async () => prints(await attempt('0001'), 'of the first'),
    () => (double.next = ['AccessDeniedException']),
    () => undefined,
  ];
  const { lines, failed } = await typed(undefined, { follow: true });
  expect(lines).toEqual(['▶ 0001  attempt 1', 'of the first']);
  expect(failed).toMatchObject({ code: 'AwsForbidden' });
  expect((await typed('0004', { follow: true })).failed).toMatchObject({ code: 'BadUsage' });
});
