// Everything that may lie in the ledger's bucket as it must not be found there, through everything that reads it. An entry that
// cannot be read stops the run; what a migration's role can write never stops the others; a cache is ignored; a foreign key is
// passed over. Nothing is taken as absent.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Allowed } from '../../core/ledger/entries.ts';
import type { Numbered } from '../../core/ledger/fold.ts';
import type { OdinError } from '../../core/errors.ts';
import { moveCheckpoint } from '../../core/ledger/checkpoints.ts';
import { checkpointKey, claimKey, completedKey, entryKey, outcomeKey, STATE_KEY } from '../../core/ledger/keys.ts';
import { LedgerLog } from '../../core/ledger/log.ts';
import { DEADLINE_MARGIN_MS } from '../../core/ledger/turns.ts';
import { readHistory } from '../../core/views/history.ts';
import { readView } from '../../core/views/view.ts';
import { createBaseline } from '../../lambdas/baseline/baseline.ts';
import { createDashboard } from '../../lambdas/dashboard/dashboard.ts';
import { WidgetEvent } from '../../lambdas/dashboard/event.ts';
import { createHalt } from '../../lambdas/halt/halt.ts';
import { createListPending } from '../../lambdas/list-pending/list-pending.ts';
import { createRecordCompletion } from '../../lambdas/record-completion/record-completion.ts';
import { createResume } from '../../lambdas/resume/resume.ts';
import { createRunMigration } from '../../lambdas/run-migration/run-migration.ts';
import { createWatchHalts } from '../../lambdas/watch-halts/watch-halts.ts';
import { executionArn } from '../support/fake-executions.ts';
import { HOSTILE_TEXT, nested, pathsOf, replaceAt } from '../support/hostile.ts';
import { runInThisProcess } from '../support/in-process.ts';
import { ledgerBefore } from '../support/ledger.ts';
import type { World } from '../support/services.ts';
import { CODE, createWorld, IDENTITY, invocation, manifestOf } from '../support/services.ts';
import { thrownBy } from '../support/thrown.ts';

const MANIFEST = manifestOf('0001', '0002', '0003');
MANIFEST.migrations[1]!.checkpointed = true;
const ME = executionArn('me');
const RUNS = executionArn('runs');
const ERROR = { name: 'Error', message: 'the disk is full', stack: 'Error: the disk is full\n    at x.ts:1:2' };

type Turn = Numbered<Allowed>;

interface Full {
  world: World;
  /** The turn of 0002 that is open. */
  turn: Turn;
  /** Number of the entry of its halt. */
  halt: number;
}

/** 0001 is completed; 0002 was retried, stopped at a checkpoint, went on, failed, was aborted once, and is halted again. */
async function createFullWorld(): Promise<Full> {
  const world = createWorld();
  const { clock, store } = world;
  const prepared = ledgerBefore(world);
  const referenceTo = ({ number, sha256 }: Numbered<Allowed> | { number: number; sha256: string }) => ({
    key: entryKey(number),
    sha256,
  });

  const first = await prepared.allow('0001', { execution: RUNS });
  await prepared.claim(first);
  const applied = await prepared.close(first, 'succeeded', { durationMs: 1, checkpoints: 0 });
  const outcome = applied.taken === 'mine' ? applied.reference : undefined;
  const completed = await prepared.complete('0001', 'applied', { startedAt: clock.iso(), restsOn: outcome });
  await store.inner.create(completedKey('0001'), (await store.inner.get(entryKey(completed.number)))?.body ?? '');

  const second = await prepared.allow('0002', { execution: RUNS, restsOn: { completion: referenceTo(completed) } });
  await prepared.claim(second);
  const checkpoint = { cursor: { key: 'a', list: [1, { n: null }] }, done: 1, total: 2, note: 'half' };
  const at = await moveCheckpoint(store.inner, second, undefined, checkpoint, clock.now());
  const stopped = await prepared.close(second, 'stopped', { stoppedAt: at, checkpoints: 1 });
  const turn = await prepared.allow('0002', {
    ...{ execution: RUNS, slice: 2, begin: 'checkpoint' },
    restsOn: { turn: stopped.taken === 'mine' ? stopped.reference : undefined },
  });
  await prepared.claim(turn);
  const failed = await prepared.close(turn, 'failed', { error: ERROR, durationMs: 7, checkpoints: 0 });
  const more = { error: ERROR, outcome: failed.taken === 'mine' ? failed.reference : undefined };
  await prepared.decide(await prepared.halt(turn, 'failed', more), 'abort', { reason: 'r' });
  const halted = await prepared.halt(turn, 'failed', more);
  const execution = world.executions.run('waits');
  await prepared.wait(halted, execution, world.executions.wait(execution));
  return { world, turn, halt: halted.number };
}

/** Each with a log that has seen nothing. The dashboard draws what went wrong; everything else throws it, or answers. */
const READERS: Record<string, (full: Full) => Promise<unknown>> = {
  'List pending': ({ world }) =>
    createListPending(world.services, MANIFEST)({ ask: 'next', execution: ME, input: {} }, invocation(world)),
  'Run migration': ({ world, turn }) =>
    createRunMigration(
      { migration: '0002', codeSha256: CODE, sliceMs: undefined },
      world.services,
      runInThisProcess(() => Promise.reject(new Error('user code was started')), world.timing),
    )(
      { ask: 'run', execution: RUNS, migration: '0002', attempt: 1, slice: turn.slice, turn: turn.number },
      invocation(world),
    ),
  'Halt for operator': ({ world, turn }) =>
    createHalt(world.services, MANIFEST)(
      { ask: 'halt', execution: ME, input: {}, token: 't', at: { migration: '0002', attempt: 1, turn: turn.number } },
      invocation(world),
    ),
  'Record completion': ({ world, turn }) =>
    createRecordCompletion(world.services)(
      { ask: 'record', execution: ME, migration: '0002', attempt: 1, turn: turn.number },
      invocation(world),
    ),
  resume: ({ world }) =>
    createResume(world.services, MANIFEST)({ ask: 'decide', decision: 'retry', by: 'her' }, invocation(world)),
  baseline: ({ world }) =>
    createBaseline(world.services, MANIFEST)(
      { ask: 'baseline', through: '0003', reason: 'r', by: 'her' },
      invocation(world),
    ),
  'watch-halts': ({ world }) => createWatchHalts(world.services)(),
  'the view of status': ({ world }) => readView(world.ledger, MANIFEST),
  'the history': ({ world }) => readHistory(world.ledger),
  'the dashboard': ({ world }) =>
    createDashboard(world.services, MANIFEST, undefined, () => Promise.reject(new Error('nobody was counted')))(
      WidgetEvent.parse({}),
      invocation(world),
    ),
};
const NAMES = Object.keys(READERS);

/** What it came to, with the code of what was thrown. */
const endOf = (work: Promise<unknown>): Promise<unknown> =>
  work.catch((thrown: unknown) => ({ code: (thrown as { code?: unknown }).code ?? String(thrown) }));

async function plant({ store }: World, key: string, body: string): Promise<void> {
  await store.inner.replace(key, body, (await store.inner.get(key))?.etag);
}
const bodyOf = async ({ store }: World, key: string): Promise<string> => (await store.inner.get(key))?.body ?? '';

function expectNothingDone({ store, executions, published, sentEvents }: World): void {
  expect(store.writes()).toEqual([]);
  expect([executions.sent, executions.started, published, sentEvents].flat()).toEqual([]);
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
  ['50,000 levels in its format', () => `{"format":${nested(50_000)}}`],
  ['50,000 levels in a field', (body) => body.replace(/"(nonce|token|sequence)": /, `"$1": ${nested(50_000)}, "x": `)],
  ['50,000 levels in its cursor', (body) => body.replace('"cursor": ', `"cursor": ${nested(50_000)}, "x": `)],
  ['a format of 5 MB', () => JSON.stringify({ format: 'x'.repeat(5_000_000) })],
  ['a newer format', (body) => body.replace('"format": 1', '"format": 3')],
  ['no format', (body) => body.replace('"format": 1,', '')],
  ['a migration that is none', (body) => body.replaceAll(/"migration": "\d{4}"/g, '"migration": "../../"')],
  ['5 MB in the place of its time', (body) => body.replace(/"time": "[^"]*"/, `"time": "${'x'.repeat(5_000_000)}"`)],
];

/** It stops there, says at which key, and does nothing. */
async function expectStops(reader: string, full: Full, key: string, codes: readonly string[]): Promise<void> {
  const { world } = full;
  if (reader === 'the dashboard') {
    const page = await READERS[reader]?.(full);
    expect(page).toContain('The ledger could not be read');
    expect(page).toContain(key);
    expect((page as string).length).toBeLessThan(20_000);
  } else {
    const error = await thrownBy(READERS[reader]!(full));
    expect(codes).toContain(error.code);
    expect(error.source).toBe('system');
    expect(error.message).toContain(key);
    expect(error.message.length).toBeLessThan(2_000);
  }
  expectNothingDone(world);
}

describe('an entry that cannot be read', () => {
  const LAST = 7;
  /** One reads the log, the other only what its payload names. */
  const keysReadBy = (reader: string): string[] =>
    reader === 'Run migration' ? [entryKey(4)] : Array.from({ length: LAST }, (_, n) => entryKey(n + 1));

  it('is one of this log', async () => {
    const { world, turn, halt } = await createFullWorld();
    expect([turn.number, halt]).toEqual([4, 7]);
    expect((await world.ledger.log.look()).number).toBe(LAST);
  });

  describe.each(NAMES)('%s', (reader) => {
    it.each(WHOLE)('stops at %s, whichever entry it is', async (_, spoil) => {
      for (const key of keysReadBy(reader)) {
        const full = await createFullWorld();
        const body = await bodyOf(full.world, key);
        if (spoil(body) === body) continue; // an entry has no cursor, and a completion names no one migration
        await plant(full.world, key, spoil(body));
        await expectStops(reader, full, key, ['RecordUnreadable', 'NewerLedger']);
      }
    });

    it('stops at any field of another type', async () => {
      const { world } = await createFullWorld();
      const fields = await Promise.all(
        keysReadBy(reader).map(async (key) => {
          const entry: unknown = JSON.parse(await bodyOf(world, key));
          return pathsOf(entry)
            .filter((path) => path.length > 0)
            .map((path) => ({ key, entry, path }));
        }),
      );
      const wrong = fc.constantFrom<unknown>(null, [], {}, true, -1, 0.5, '', 'x', HOSTILE_TEXT, 1e308);
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...fields.flat()), wrong, async ({ key, entry, path }, value) => {
          const there = path.reduce<unknown>((of, name) => (of as Record<string, unknown>)[name], entry);
          fc.pre(kindOf(value) !== kindOf(there));
          const full = await createFullWorld();
          await plant(full.world, key, JSON.stringify(replaceAt(entry, path, value)));
          // What is still an entry does not go with those around it.
          await expectStops(reader, full, 'log/', ['RecordUnreadable', 'LogBroken', 'NewerLedger', 'NotAllowed']);
        }),
        { numRuns: 60 },
      );
    });
  });
});

const LOG_READERS = NAMES.filter((name) => name !== 'Run migration');

describe('an entry that is not the one that was written', () => {
  const CHANGES: [string, (body: string) => string][] = [
    ['another migration', (body) => body.replace(/"(0001|0002)"/, '"0077"')],
    ['another attempt', (body) => body.replace('"attempt": 1', '"attempt": 3')],
    ['another decision', (body) => body.replace('"abort"', '"retry"')],
    ['another time', (body) => body.replace('2026-03-01', '2025-03-01')],
    ['an unknown field', (body) => body.replace('"kind"', '"more": 1, "kind"')],
    ['another writer', (body) => body.replace(/"function": "[^"]*"/, '"function": "0002"')],
  ];

  it.each(LOG_READERS)('stops %s: the log does not hold together', async (reader) => {
    for (const [, change] of CHANGES) {
      // The last one is followed by none that has its hash.
      for (const number of [1, 2, 3, 4, 5, 6]) {
        const full = await createFullWorld();
        const key = entryKey(number);
        const body = await bodyOf(full.world, key);
        if (change(body) === body) continue;
        await plant(full.world, key, change(body));
        await expectStops(reader, full, 'log/0000000', ['LogBroken']);
      }
    }
  });

  it.each(LOG_READERS)(
    'stops %s when one is missing in the middle, and when it is of another environment',
    async (reader) => {
      const gapped = await createFullWorld();
      await plant(gapped.world, entryKey(9), await bodyOf(gapped.world, entryKey(7)));
      await expectStops(reader, gapped, entryKey(9), ['RecordUnreadable', 'LogBroken']);

      const foreign = await createFullWorld();
      foreign.world.services.ledger = {
        log: new LedgerLog(foreign.world.store, { ...IDENTITY, environment: 'odin-prod' }),
        store: foreign.world.store,
      };
      foreign.world.ledger = foreign.world.services.ledger;
      await expectStops(reader, foreign, 'of odin-dev in 111122223333, eu-west-1', ['AnotherAppsLedger']);
    },
  );

  it.each(LOG_READERS)(
    'stops %s at the format from before the log: with an empty log everything would run again',
    async (reader) => {
      for (const key of ['attempts/0001/0001/started.json', 'completed/0001.json']) {
        const full = await createFullWorld();
        const empty = createWorld();
        await empty.store.inner.create(key, '{}');
        const old = { ...full, world: empty };
        if (reader === 'the dashboard') expect(await READERS[reader]!(old)).toContain(key);
        else if (reader === 'baseline' || reader === 'resume') {
          // They answer an operator, who has to act.
          expect(await READERS[reader]!(old)).toMatchObject({ result: 'refused', code: 'OldLedger' });
        } else {
          const error = await thrownBy(READERS[reader]!(old));
          expect(error).toMatchObject({ code: 'OldLedger' });
          expect(error.message).toContain(key);
        }
        expectNothingDone(empty);
      }
    },
  );
});

describe('what a migration has written of its own turn, spoiled', () => {
  /** 0002 has an open turn, with a claim, and perhaps an outcome, of these bodies. */
  async function createClaimedWorld(claim: string, outcome?: string): Promise<Full> {
    const world = createWorld();
    const prepared = ledgerBefore(world);
    await prepared.complete('0001', 'baseline');
    const turn = await prepared.allow('0002', { execution: RUNS });
    await world.store.inner.create(claimKey(turn), claim);
    if (outcome !== undefined) await world.store.inner.create(outcomeKey(turn), outcome);
    return { world, turn, halt: 0 };
  }

  /** As the migration itself would have written them. */
  async function goodOnes(): Promise<{ claim: string; outcome: string }> {
    const world = createWorld();
    const prepared = ledgerBefore(world);
    await prepared.complete('0001', 'baseline');
    const turn = await prepared.allow('0002', { execution: RUNS });
    await prepared.claim(turn);
    const at = await moveCheckpoint(world.store.inner, turn, undefined, { cursor: [1] }, world.clock.now());
    await prepared.close(turn, 'stopped', { stoppedAt: at });
    return { claim: await bodyOf(world, claimKey(turn)), outcome: await bodyOf(world, outcomeKey(turn)) };
  }

  const SPOILS: typeof WHOLE = [
    ...WHOLE,
    ['another entry', (body) => body.replace(/"number": \d+/, '"number": 99')],
    ["another entry's hash", (body) => body.replace(/("entry": \{[^}]*"sha256": ")[^"]*/, '$1other')],
    ['a claim or an outcome that is none', (body) => body.replace(/"(claimed|stopped)"/, '"done"')],
  ];

  it.each(SPOILS)('counts as claimed, and after its deadline as unknown: %s', async (_, spoil) => {
    const good = await goodOnes();
    const claims = [spoil(good.claim), good.claim];
    for (const claim of claims) {
      const isSpoiled = claim !== good.claim;
      const outcomes = isSpoiled ? [undefined, spoil(good.outcome)] : [spoil(good.outcome)];
      for (const outcome of outcomes.filter((body) => body !== good.outcome)) {
        const full = await createClaimedWorld(claim, outcome);
        const { world, turn } = full;
        expect(await READERS['List pending']!(full)).toMatchObject({ step: 'wait' });
        expect(await READERS['Run migration']!(full)).toMatchObject({ outcome: 'claimed elsewhere' });
        expect((await thrownBy(READERS['Record completion']!(full))).code).toBe('NothingToRecord');
        expect(await READERS['the view of status']!(full)).toMatchObject({
          migrations: [{ state: 'baseline' }, { state: 'running' }, { state: 'pending' }],
        });
        world.clock.advance(turn.timeoutMs + DEADLINE_MARGIN_MS + 1_000);
        expect(await READERS['List pending']!(full)).toMatchObject({ step: 'halt', reason: 'unknown' });
        expect(await READERS['Halt for operator']!(full)).toMatchObject({ halt: 3 });
        expect(await READERS['resume']!(full)).toMatchObject({ result: 'decided', decision: 'retry' });
      }
    }
  });

  it('does not stop a halt of it, nor a decision on it, nor whoever looks', async () => {
    for (const reader of LOG_READERS.filter((name) => name !== 'Record completion')) {
      for (const keyOf of [claimKey, outcomeKey]) {
        const full = await createFullWorld();
        await plant(full.world, keyOf(full.turn), 'garbage');
        const end = await endOf(READERS[reader]!(full));
        expect(end, reader).not.toHaveProperty('code', 'RecordUnreadable');
        expect(end, reader).not.toHaveProperty('code', 'Internal');
        if (reader === 'the dashboard') expect(end).not.toContain('could not be read');
      }
    }
  });

  describe('its checkpoint', () => {
    it.each(WHOLE)('is no start: %s stops who has to go on from it, and nobody else', async (_, spoil) => {
      const { world } = await createFullWorld();
      const key = checkpointKey('0002');
      const body = await bodyOf(world, key);
      const bad = spoil(body);
      if (bad === body) return; // it names no migration
      for (const reader of NAMES) {
        const full = await createFullWorld();
        await plant(full.world, key, bad);
        if (reader === 'resume') {
          await expectStops(reader, full, key, ['RecordUnreadable']);
          const again = { ask: 'decide', decision: 'retry', by: 'her', begin: 'start' } as const;
          const resume = createResume(full.world.services, MANIFEST);
          expect(await resume(again, invocation(full.world))).toMatchObject({ result: 'decided' });
          continue;
        }
        const end = await endOf(READERS[reader]!(full));
        const well = await endOf(READERS[reader]!(await createFullWorld()));
        if (reader === 'the view of status') {
          expect(end).toMatchObject({
            migrations: [{}, { state: 'halted', unreadable: expect.stringContaining(key) as unknown }, {}],
          });
        } else if (reader !== 'the dashboard') expect(end, reader).toEqual(well);
      }
    });
  });
});

describe('a waiter that cannot be read', () => {
  it.each(WHOLE)('is not passed over by those who tell it, and stops nobody else: %s', async (_, spoil) => {
    for (const reader of NAMES) {
      const full = await createFullWorld();
      const [{ key } = { key: '' }] = (await full.world.store.inner.list('waiters/')).objects;
      const body = await bodyOf(full.world, key);
      if (spoil(body) === body) return; // it names no migration
      await plant(full.world, key, spoil(body));
      if (reader !== 'resume') {
        const well = await endOf(READERS[reader]!(await createFullWorld()));
        expect(await endOf(READERS[reader]!(full)), reader).toEqual(well);
        continue;
      }
      const expectSaid = (error: OdinError, code: string) => {
        expect(error.code).toBe(code);
        expect(error.message).toContain(key);
        expect(error.message.length).toBeLessThan(2_000);
      };
      expectSaid(await thrownBy(READERS['resume']!(full)), 'DecisionNotDelivered');
      expectSaid(await thrownBy(READERS['watch-halts']!(full)), 'RecordUnreadable');
    }
  });
});

describe('the cache', () => {
  async function createKeptWorld(): Promise<Full> {
    const full = await createFullWorld();
    const log = new LedgerLog(full.world.store.inner, IDENTITY);
    await log.look();
    await log.keep();
    return full;
  }

  describe.each(LOG_READERS)('for %s', (reader) => {
    it('makes no difference', async () => {
      expect(await endOf(READERS[reader]!(await createKeptWorld()))).toEqual(
        await endOf(READERS[reader]!(await createFullWorld())),
      );
    });

    it.each([
      ...WHOLE,
      ['another migration', (body: string) => body.replaceAll('0002', '0077')],
      ['a turn that is none', (body: string) => body.replace('"turn": {', '"turn": 7, "x": {')],
      ['other entries', (body: string) => body.replace(/"number": \d+,/, '"number": 3,')],
    ] as typeof WHOLE)('is ignored as if it were not there: %s', async (_, spoil) => {
      const full = await createKeptWorld();
      const body = await bodyOf(full.world, STATE_KEY);
      expect(body).toContain('"seal"');
      if (spoil(body) === body) return; // it has no cursor
      await plant(full.world, STATE_KEY, spoil(body));
      expect(await endOf(READERS[reader]!(full))).toEqual(await endOf(READERS[reader]!(await createFullWorld())));
    });
  });
});

describe('a foreign key', () => {
  const FOREIGN = [
    'log/42.json',
    'log/000000099.json',
    'log/0000000a.json',
    'log/00000099.json.bak',
    'log/00000099.txt',
    `log/${HOSTILE_TEXT}.json`,
    'turns/0002/00000004/claim.json.bak',
    'turns/0002/00000099/claim.json',
    'completed/99999999.json',
    'checkpoints/9999.json',
    'waiters/00000099/x.json',
    'attempts/0002/0001/started.json',
    'README.md',
  ];

  it.each(NAMES)('makes no difference to %s, whatever it holds', async (reader) => {
    const full = await createFullWorld();
    for (const key of FOREIGN) await full.world.store.inner.create(key, 'garbage');
    expect(await endOf(READERS[reader]!(full))).toEqual(await endOf(READERS[reader]!(await createFullWorld())));
  });
});

const kindOf = (value: unknown): string => (value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value);
