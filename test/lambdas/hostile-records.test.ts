// Every record of the ledger as it must not be found, through everything that reads it: the error names the key, nothing
// is taken as absent, and nothing is written.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Claim } from '../../core/ledger/records.ts';
import { readHistory } from '../../core/views/history.ts';
import { readView } from '../../core/views/view.ts';
import { createBaseline } from '../../lambdas/baseline/baseline.ts';
import { createDashboard } from '../../lambdas/dashboard/dashboard.ts';
import { WidgetEvent } from '../../lambdas/dashboard/event.ts';
import { createHalt } from '../../lambdas/halt/halt.ts';
import { createListPending } from '../../lambdas/list-pending/list-pending.ts';
import { createRecordCompletion } from '../../lambdas/record-completion/record-completion.ts';
import { createResume } from '../../lambdas/resume/resume.ts';
import { createWatchHalts } from '../../lambdas/watch-halts/watch-halts.ts';
import { executionArn } from '../support/fake-executions.ts';
import { HOSTILE_TEXT, nested, pathsOf, replaceAt } from '../support/hostile.ts';
import type { World } from '../support/services.ts';
import { createWorld, HASH, invocation, manifestOf } from '../support/services.ts';
import { thrownBy } from '../support/thrown.ts';

const MANIFEST = manifestOf('0001', '0002', '0003');
const ME = executionArn('me');

/** 0001 is completed; 0002 was retried, has a checkpoint, was aborted once, and is halted again. */
async function createFullWorld(): Promise<World> {
  const world = createWorld();
  const { ledger, writer, executions } = world;
  const execution = executions.run('waits');
  const subject = (migration: string, attempt = 1) => ({
    migration,
    attempt,
    execution,
    sourceSha256: HASH,
    codeSha256: HASH,
    gitCommit: 'abc123',
  });
  const deadline = new Date(world.clock.now() - 1).toISOString();
  const error = { name: 'Error', message: 'the disk is full', stack: 'Error: the disk is full\n    at x.ts:1:2' };
  const claim = (migration: string, attempt: number, slice = 1): Promise<{ record: Claim }> =>
    ledger.createClaim(subject(migration, attempt), writer, { slice, nonce: `n${slice}`, deadline });
  const failed = { outcome: 'failed' as const, durationMs: 1, slices: 2, error };

  await claim('0001', 1);
  await ledger.createFinished(subject('0001'), writer, { outcome: 'succeeded', durationMs: 1, slices: 1 });
  await ledger.createCompletion(subject('0001'), writer, { completion: 'applied', startedAt: deadline });
  await claim('0002', 1);
  await ledger.createFinished(subject('0002'), writer, failed);
  await ledger.createDecision(subject('0002'), writer, { halt: 1, decision: 'retry', by: 'her', reason: 'r' });
  await claim('0002', 2);
  await claim('0002', 2, 2);
  await ledger.moveCheckpoint(subject('0002', 2), writer, undefined, {
    slice: 2,
    cursor: { key: 'a', list: [1, { n: null }] },
    done: 1,
    total: 2,
    note: 'half',
  });
  await ledger.createFinished(subject('0002', 2), writer, failed);
  await ledger.createDecision(subject('0002', 2), writer, { halt: 1, decision: 'abort', by: 'her' });
  await ledger.updateHalt(subject('0002', 2), writer, () => ({
    halt: 2,
    outcome: 'failed',
    error,
    waiting: [{ execution, token: executions.wait(execution), since: deadline, allowOutOfOrder: false }],
  }));
  world.store.calls.length = 0;
  return world;
}

/** The dashboard draws what went wrong; everything else throws it. */
const READERS: Record<string, (world: World) => Promise<unknown>> = {
  'List pending': ({ services }) => createListPending(services, MANIFEST)({ execution: ME, input: {} }),
  'Halt for operator': (world) =>
    createHalt(world.services, MANIFEST)(
      { execution: ME, input: {}, token: 't', at: { migration: '0002', attempt: 2 } },
      invocation(world),
    ),
  'Record completion': (world) =>
    createRecordCompletion(world.services)({ execution: ME, migration: '0002', attempt: 2 }, invocation(world)),
  resume: (world) => createResume(world.services)({ decision: 'retry', by: 'her' }, invocation(world)),
  baseline: (world) =>
    createBaseline(world.services, MANIFEST)({ through: '0003', reason: 'r', by: 'her' }, invocation(world)),
  'watch-halts': ({ services }) => createWatchHalts(services)(),
  'the view of status': ({ ledger, clock }) => readView(ledger, MANIFEST, clock.now()),
  'the history': ({ ledger }) => readHistory(ledger),
  'the dashboard': (world) =>
    createDashboard(
      world.services,
      MANIFEST,
      () => Promise.reject(new Error('nothing was decided')),
      () => Promise.reject(new Error('nothing was previewed')),
    )(WidgetEvent.parse({}), invocation(world)),
};

/** The keys of the objects that a reader reads when all is well. */
async function keysReadBy(reader: string): Promise<string[]> {
  const world = await createFullWorld();
  const there = (await world.store.inner.list('')).objects;
  await READERS[reader]?.(world).catch(() => undefined);
  const read = new Set(world.store.calls.filter(({ operation }) => operation === 'get').map(({ key }) => key));
  return there.map(({ key }) => key).filter((key) => read.has(key));
}

async function plant(world: World, key: string, body: string): Promise<void> {
  const there = await world.store.inner.get(key);
  await world.store.inner.replace(key, body, there?.etag);
}

/** What is wrong with the bytes or with the whole, whichever record it is. */
const WHOLE: [string, (body: string) => string][] = [
  ['an empty object', () => ''],
  ['a record that was cut in the middle', (body) => body.slice(0, body.length / 2)],
  ['a record without its last brace', (body) => body.trimEnd().slice(0, -1)],
  ['a record and something behind it', (body) => `${body}x`],
  ['a byte order mark', (body) => `\ufeff${body}`],
  ['text', () => HOSTILE_TEXT],
  ['HTML of a proxy', () => '<html>503 Service Unavailable</html>'],
  ['halves of pairs', () => '\ud800\udc00\ud800'],
  ['null', () => 'null'],
  ['a list of the record', (body) => `[${body}]`],
  ['a text of the record', (body) => JSON.stringify(body)],
  ['50,000 levels', () => nested(50_000)],
  ['50,000 levels in its version', () => `{"formatVersion":${nested(50_000)}}`],
  ['50,000 levels in a field', (body) => body.replace('"attempt": ', `"attempt": ${nested(50_000)}, "x": `)],
  ['50,000 levels in its cursor', (body) => body.replace('"cursor": ', `"cursor": ${nested(50_000)}, "x": `)],
  ['a version of 5 MB', () => JSON.stringify({ formatVersion: 'x'.repeat(5_000_000) })],
  ['the version 2', (body) => body.replace('"formatVersion": 1', '"formatVersion": 2')],
  ['no version', (body) => body.replace('"formatVersion": 1,', '')],
  ['another migration', (body) => body.replaceAll(/"migration": "\d{4}"/g, '"migration": "0077"')],
  ['a migration that is none', (body) => body.replaceAll(/"migration": "\d{4}"/g, '"migration": "../../"')],
  ['5 MB in the place of its time', (body) => body.replace(/"time": "[^"]*"/, `"time": "${'x'.repeat(5_000_000)}"`)],
];

describe.each(Object.keys(READERS))('%s', (reader) => {
  async function refuses(key: string, body: string): Promise<void> {
    const world = await createFullWorld();
    await plant(world, key, body);
    if (reader === 'the dashboard') {
      const page = await READERS[reader]?.(world);
      expect(page).toContain('The ledger could not be read');
      expect(page).toContain(`The ledger&#39;s record ${key} cannot be read: `);
      expect((page as string).length).toBeLessThan(20_000);
    } else {
      const error = await thrownBy(READERS[reader]!(world));
      expect(error).toMatchObject({ code: 'RecordUnreadable', source: 'system' });
      expect(error.what).toContain(`The ledger's record ${key} cannot be read: `);
      expect(error.next).toContain(key);
      expect(error.message.length).toBeLessThan(2_000);
    }
    expect(world.store.writes()).toEqual([]);
    expect([world.executions.sent, world.executions.started, world.published].flat()).toEqual([]);
  }

  it('reads some record', async () => {
    expect((await keysReadBy(reader)).length).toBeGreaterThan(0);
  });

  it.each(WHOLE)('stops at %s, whichever record it is', async (_, spoil) => {
    for (const key of await keysReadBy(reader)) {
      const body = (await (await createFullWorld()).store.inner.get(key))?.body ?? '';
      if (spoil(body) !== body) await refuses(key, spoil(body)); // only a checkpoint has a cursor
    }
  });

  it('stops at any field of another type', async () => {
    const world = await createFullWorld();
    const fields = await Promise.all(
      (await keysReadBy(reader)).map(async (key) => {
        const record: unknown = JSON.parse((await world.store.inner.get(key))?.body ?? '');
        // A cursor may be any JSON.
        const paths = pathsOf(record).filter(
          ([first, second]) => first !== undefined && !(first === 'cursor' && second),
        );
        return paths.map((path) => ({ key, record, path }));
      }),
    );
    const wrong = fc.constantFrom<unknown>(null, [], {}, true, -1, 0.5, '', 'x', HOSTILE_TEXT, 1e308);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...fields.flat()), wrong, async ({ key, record, path }, value) => {
        const there = path.reduce<unknown>((of, name) => (of as Record<string, unknown>)[name], record);
        fc.pre(path[0] !== 'cursor' && kindOf(value) !== kindOf(there));
        await refuses(key, JSON.stringify(replaceAt(record, path, value)));
      }),
      { numRuns: 60 },
    );
  });
});

describe('a key that counts where nothing was counted', () => {
  it.each(['attempts/0002/0002/slices/0099.json', 'attempts/0002/0002/slices/999999.json'])(
    '%s: the history misses the slices before it, and does not look for each of them',
    async (key) => {
      const world = await createFullWorld();
      await plant(world, key, '{}');
      const error = await thrownBy(readHistory(world.ledger));
      expect(error.code).toBe('RecordUnreadable');
      expect(error.what).toContain('attempts/0002/0002/slices/0003.json cannot be read: it is missing');
    },
  );

  it.each([
    'attempts/0002/0002/slices/99999999.json',
    'attempts/0002/99999999/started.json',
    'attempts/0002/0002/decisions/99999999.json',
    `attempts/0002/0002/${HOSTILE_TEXT}.json`,
    'completed/99999999.json',
    'halts/99999999.json',
  ])('%j is named by whatever lists it', async (key) => {
    const world = await createFullWorld();
    await plant(world, key, '{}');
    const error = await thrownBy(readView(world.ledger, MANIFEST, world.clock.now()));
    expect(error.code).toBe('RecordUnreadable');
    expect(error.what).toContain(`${key} cannot be read: no record of this ledger has such a key`);
  });
});

const kindOf = (value: unknown): string => (value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value);
