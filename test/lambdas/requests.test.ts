// How many requests the ledger's store gets: the functions of a run together, each with a log of its own, as in processes of
// their own. A list counts once for each thousand keys that it gives, as S3 pages it.
import { beforeEach, describe, expect, it } from 'vitest';
import type { Step } from '../../core/contract/payloads.ts';
import type { Entry } from '../../core/ledger/entries.ts';
import { APPENDED_BY, Entry as EntrySchema, sha256 } from '../../core/ledger/entries.ts';
import { completedKey, entryKey, STATE_KEY } from '../../core/ledger/keys.ts';
import { LedgerLog } from '../../core/ledger/log.ts';
import { createListPending } from '../../lambdas/list-pending/list-pending.ts';
import { createRecordCompletion } from '../../lambdas/record-completion/record-completion.ts';
import { createRunMigration } from '../../lambdas/run-migration/run-migration.ts';
import type { MigrationModule } from '../../lambdas/run-migration/user-code/user-module.ts';
import { executionArn } from '../support/fake-executions.ts';
import { runInThisProcess } from '../support/in-process.ts';
import { ledgerBefore } from '../support/ledger.ts';
import type { World } from '../support/services.ts';
import { CODE, createWorld, HASH, IDENTITY, invocation, manifestOf } from '../support/services.ts';

const ME = executionArn('me');
const PAGE = 1_000;

let world: World;
/** Those that a list takes beyond its first. */
let morePages: number;

function reset(): void {
  world = createWorld();
  morePages = 0;
  const { inner } = world.store;
  const list = inner.list.bind(inner);
  inner.list = async (...of) => {
    const listing = await list(...of);
    morePages += Math.max(0, Math.ceil(listing.objects.length / PAGE) - 1);
    return listing;
  };
}
beforeEach(reset);

/** Each function that was invoked, and the requests that it made. */
type Counted = [name: string, requests: number][];

const total = (counted: Counted): number => counted.reduce((sum, [, requests]) => sum + requests, 0);

const plain: MigrationModule = { migration: () => Promise.resolve() };

/** The functions of one deployment. Invoked again, each is warm. */
function deploy(manifest = manifestOf('0001', '0002', '0003'), module = plain) {
  /** What a process of its own has: a log that has seen nothing. */
  const services = () => ({
    ...world.services,
    ledger: { log: new LedgerLog(world.store, IDENTITY), store: world.store },
  });
  const listPending = createListPending(services(), manifest);
  const migrations = new Map(
    manifest.migrations.map(({ id }) => [
      id,
      createRunMigration(
        { migration: id, codeSha256: CODE, sliceMs: undefined },
        services(),
        runInThisProcess(() => Promise.resolve(module), world.timing),
      ),
    ]),
  );
  const recordCompletion = createRecordCompletion(services());

  async function counting<T>(counted: Counted, name: string, work: () => Promise<T>): Promise<T> {
    const requests = () => world.store.calls.length + morePages;
    const before = requests();
    const answer = await work();
    counted.push([name, requests() - before]);
    return answer;
  }

  /** One pass of the machine's loop. */
  async function pass(): Promise<{ counted: Counted; step: Step }> {
    const counted: Counted = [];
    world.store.calls.length = 0;
    const step = await counting(counted, 'list-pending', () =>
      listPending({ ask: 'next', execution: ME, input: {} }, invocation(world)),
    );
    if (step.step !== 'run') return { counted, step };
    const { migration, attempt, slice, turn } = step;
    const named = { execution: ME, migration, attempt, turn };
    const { outcome } = await counting(counted, 'run-migration', () =>
      migrations.get(migration)!({ ask: 'run', ...named, slice }, invocation(world)),
    );
    if (outcome === 'finished') {
      await counting(counted, 'record-completion', () =>
        recordCompletion({ ask: 'record', ...named }, invocation(world)),
      );
    }
    return { counted, step };
  }

  async function toTheEnd(): Promise<Counted> {
    const all: Counted = [];
    for (;;) {
      const { counted, step } = await pass();
      all.push(...counted);
      if (step.step === 'finished') return all;
      expect(step.step).toBe('run');
    }
  }

  return { pass, toTheEnd };
}

const idOf = (n: number): string => String(n).padStart(4, '0');
const idsTo = (count: number): string[] => Array.from({ length: count }, (_, n) => idOf(n + 1));

/** Entries as their writers would append them, without looking at the log each time. */
async function write(contents: { kind: Entry['kind'] }[]): Promise<void> {
  let previous: string | null = null;
  for (const [index, content] of contents.entries()) {
    const number = index + 1;
    const entry = EntrySchema.parse({
      format: 1,
      number,
      previous,
      ledger: number === 1 ? IDENTITY : undefined,
      time: world.clock.iso(),
      nonce: `n${number}`,
      writer: { function: APPENDED_BY[content.kind][0], requestId: 'r', version: '1.0.0' },
      ...content,
    });
    const body = `${JSON.stringify(entry, undefined, 2)}\n`;
    await world.store.inner.create(entryKey(number), body);
    previous = sha256(body);
  }
}

const allowed = (migration: string, slice: number) => ({
  kind: 'allowed' as const,
  migration,
  attempt: 1,
  slice,
  run: 'before',
  execution: executionArn('before'),
  sourceSha256: HASH,
  codeSha256: CODE,
  timeoutMs: 900_000,
  begin: 'start',
  restsOn: slice === 1 ? {} : { turn: { key: 'turns/0001/00000001/outcome.json', sha256: HASH } },
});
const completed = (migration: string) => ({ kind: 'completed' as const, ids: [migration], completion: 'applied' });

describe('one plain migration', () => {
  it('takes at most twelve in all, at most five of them in its own function, when the functions are warm', async () => {
    const { pass } = deploy();
    await pass();
    const { counted, step } = await pass();
    expect(step).toMatchObject({ step: 'run', migration: '0002' });
    expect(counted.map(([name]) => name)).toEqual(['list-pending', 'run-migration', 'record-completion']);
    expect(total(counted)).toBeLessThanOrEqual(12);
    expect(counted[1]?.[1]).toBeLessThanOrEqual(5);
    expect(counted[2]?.[1]).toBeLessThanOrEqual(5);
  });

  it('leaves the log, its turn and a copy, and nothing else', async () => {
    await deploy().pass();
    expect(world.store.writes()).toEqual([
      'create log/00000001.json',
      'create turns/0001/00000001/claim.json',
      'create turns/0001/00000001/outcome.json',
      'create log/00000002.json',
      'create completed/0001.json',
    ]);
  });
});

describe('a further slice of a checkpointed one', () => {
  it('takes at most nine, its one checkpoint among them', async () => {
    const inSlices: MigrationModule = {
      migration: async function* (resume?: unknown) {
        for (let n = Number(resume ?? 0) + 1; n <= 3; n += 1) {
          world.clock.advance(14 * 60_000);
          yield await Promise.resolve({ cursor: n });
        }
      },
    };
    const { pass } = deploy(manifestOf('0001'), inSlices);
    expect((await pass()).step).toMatchObject({ step: 'run', slice: 1 });
    for (const slice of [2, 3]) {
      const { counted, step } = await pass();
      expect(step).toMatchObject({ step: 'run', slice });
      expect(counted.map(([name]) => name)).toEqual(['list-pending', 'run-migration']);
      expect(total(counted)).toBeLessThanOrEqual(9);
      expect(counted[1]?.[1]).toBe(4 + 2);
    }
  });
});

describe.each([15, 3_000])('nothing is pending, with %i completed migrations', (count) => {
  it('takes two when it is cold: the cache, and what came after it', async () => {
    await write(idsTo(count).flatMap((id) => [allowed(id, 1), completed(id)]));
    const manifest = manifestOf(...idsTo(count));
    const { step: first } = await deploy(manifest).pass(); // it writes the cache
    expect(first).toMatchObject({ step: 'finished', completed: count });
    expect(world.store.writes()).toContain(`replace ${STATE_KEY}`);
    expect(await world.store.inner.get(completedKey(idOf(count)))).toBeDefined();
    morePages = 0;

    const { counted, step } = await deploy(manifest).pass();
    expect(step).toMatchObject({ step: 'finished', completed: count });
    expect(counted).toEqual([['list-pending', 2]]);
    expect(world.store.calls).toEqual([
      { operation: 'get', key: STATE_KEY },
      { operation: 'list', key: 'log/' },
    ]);
    expect(world.store.writes()).toEqual([]);
  });
});

describe('a log of any length', () => {
  /** What a run of one plain migration takes, all functions cold, after so many entries that are in the cache. */
  async function costAfter(entries: number): Promise<Counted> {
    reset();
    const slices = Array.from({ length: entries - 1 }, (_, n) => allowed('0001', n + 1));
    await write([...slices, completed('0001')]);
    const kept = new LedgerLog(world.store.inner, IDENTITY);
    expect((await kept.look()).number).toBe(entries);
    await kept.keep();
    morePages = 0;
    return deploy(manifestOf('0001', '0002')).toTheEnd();
  }

  it('costs a run the same, with its cache: 15 entries or 15,000', async () => {
    const short = await costAfter(15);
    expect(short.map(([name]) => name)).toEqual(['list-pending', 'run-migration', 'record-completion', 'list-pending']);
    expect(await costAfter(15_000)).toEqual(short);
  });

  it('is read entry by entry when there is no cache, which is written then', async () => {
    const listed = ledgerBefore(world);
    await listed.complete('0001', 'baseline');
    await listed.complete('0002', 'baseline');
    const { counted } = await deploy(manifestOf('0001', '0002')).pass();
    // The cache that is not there, the list, two entries; then the cache is written, and the copies that are missing.
    expect(counted).toEqual([['list-pending', 2 + 2 + 1 + 1 + 2 * 2]]);
  });
});
