// How many requests the ledger's store gets.
import { beforeEach, describe, expect, it } from 'vitest';
import { completedKey, STATE_KEY } from '../../core/ledger/keys.ts';
import type { MigrationModule } from '../../lambdas/run-migration/user-code/user-module.ts';
import type { CountedWorld } from '../support/counted-runs.ts';
import {
  allowedEntry,
  completedEntry,
  costAfter,
  costAfterPruned,
  countedWorld,
  deployCounted,
  idsTo,
  total,
  writeLog,
} from '../support/counted-runs.ts';
import { ledgerBefore } from '../support/ledger.ts';
import type { World } from '../support/services.ts';
import { manifestOf } from '../support/services.ts';

let counting: CountedWorld;
let world: World;
beforeEach(() => {
  counting = countedWorld();
  world = counting.world;
});

const deploy = (...of: Parameters<typeof deployCounted> extends [CountedWorld, ...infer Rest] ? Rest : never) =>
  deployCounted(counting, ...of);

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
    await writeLog(
      counting,
      idsTo(count).flatMap((id) => [allowedEntry(id, 1), completedEntry(id)]),
    );
    const manifest = manifestOf(...idsTo(count));
    const { step: first } = await deploy(manifest).pass(); // it writes the cache
    expect(first).toMatchObject({ step: 'finished', completed: count });
    expect(world.store.writes()).toContain(`replace ${STATE_KEY}`);
    expect(await world.store.inner.get(completedKey(idsTo(count).at(-1)!))).toBeDefined();
    counting.morePages = 0;

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

describe('ten are pending after 4,990 that were pruned', () => {
  it('takes what it takes after 20, but for the pages of the list of copies', async () => {
    const [long, short] = [await costAfterPruned(4_990), await costAfterPruned(20)];
    expect(long.map(([name]) => name)).toEqual(short.map(([name]) => name));
    expect(total(long) - total(short)).toBeLessThanOrEqual(8);
    expect(total(short)).toBeLessThanOrEqual(10 * 12 + 20);
  });
});

describe('a log of any length', () => {
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
