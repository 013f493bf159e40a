// Runs whose requests to the ledger's store are counted: the functions of a run together, each with a log of its own, as in
// processes of their own. A list counts once for each thousand keys that it gives, as S3 pages it.
import type { Manifest } from '../../core/contract/manifest.ts';
import type { Step } from '../../core/contract/payloads.ts';
import type { Entry } from '../../core/ledger/entries.ts';
import { APPENDED_BY, Entry as EntrySchema, sha256 } from '../../core/ledger/entries.ts';
import { OdinError } from '../../core/errors.ts';
import { PRUNED_AT_ONCE, recordBaseline } from '../../core/ledger/completions.ts';
import { entryKey } from '../../core/ledger/keys.ts';
import { LedgerLog } from '../../core/ledger/log.ts';
import { createListPending } from '../../lambdas/list-pending/list-pending.ts';
import { createRecordCompletion } from '../../lambdas/record-completion/record-completion.ts';
import { createRunMigration } from '../../lambdas/run-migration/run-migration.ts';
import type { MigrationModule } from '../../lambdas/run-migration/user-code/user-module.ts';
import { executionArn } from './fake-executions.ts';
import { runInThisProcess } from './in-process.ts';
import type { World } from './services.ts';
import { CODE, createWorld, HASH, IDENTITY, invocation, manifestOf } from './services.ts';

const ME = executionArn('me');
const PAGE = 1_000;

export interface CountedWorld {
  world: World;
  /** Since it was last set to 0. Of lists: those that they take beyond their first. */
  morePages: number;
}

export function countedWorld(): CountedWorld {
  const world = createWorld();
  const counted = { world, morePages: 0 };
  const { inner } = world.store;
  const list = inner.list.bind(inner);
  inner.list = async (...of) => {
    const listing = await list(...of);
    counted.morePages += Math.max(0, Math.ceil(listing.objects.length / PAGE) - 1);
    return listing;
  };
  return counted;
}

/** Each function that was invoked, and the requests that it made. */
export type Counted = [name: string, requests: number][];

export const total = (counted: Counted): number => counted.reduce((sum, [, requests]) => sum + requests, 0);

export interface Pass {
  counted: Counted;
  step: Step;
}

export interface CountedDeployment {
  /** One pass of the machine's loop. */
  pass: () => Promise<Pass>;
  /** Until nothing is pending. @throws Error when a pass neither runs a migration nor ends the run */
  toTheEnd: () => Promise<Counted>;
}

const plain: MigrationModule = { migration: () => Promise.resolve() };

/** The functions of one deployment. Invoked again, each is warm. */
export function deployCounted(
  counting: CountedWorld,
  manifest: Manifest = manifestOf('0001', '0002', '0003'),
  module = plain,
): CountedDeployment {
  const { world } = counting;
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

  async function counted<T>(into: Counted, name: string, work: () => Promise<T>): Promise<T> {
    const requests = () => world.store.calls.length + counting.morePages;
    const before = requests();
    const answer = await work();
    into.push([name, requests() - before]);
    return answer;
  }

  async function pass(): Promise<Pass> {
    const all: Counted = [];
    world.store.calls.length = 0;
    const step = await counted(all, 'list-pending', () =>
      listPending({ ask: 'next', execution: ME, input: {} }, invocation(world)),
    );
    if (step.step !== 'run') return { counted: all, step };
    const { migration, attempt, slice, turn } = step;
    const named = { execution: ME, migration, attempt, turn };
    const { outcome } = await counted(all, 'run-migration', () =>
      migrations.get(migration)!({ ask: 'run', ...named, slice }, invocation(world)),
    );
    if (outcome === 'finished') {
      await counted(all, 'record-completion', () => recordCompletion({ ask: 'record', ...named }, invocation(world)));
    }
    return { counted: all, step };
  }

  async function toTheEnd(): Promise<Counted> {
    const all: Counted = [];
    for (;;) {
      const { counted: ofPass, step } = await pass();
      all.push(...ofPass);
      if (step.step === 'finished') return all;
      if (step.step !== 'run') throw new Error(`Expected the step "run", found "${step.step}".`);
    }
  }

  return { pass, toTheEnd };
}

const idOf = (n: number): string => String(n).padStart(4, '0');
export const idsTo = (count: number): string[] => Array.from({ length: count }, (_, n) => idOf(n + 1));

/** Entries as their writers would append them, without looking at the log each time. */
export async function writeLog({ world }: CountedWorld, contents: { kind: Entry['kind'] }[]): Promise<void> {
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

export const allowedEntry = (migration: string, slice: number) => ({
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

export const completedEntry = (migration: string) => ({
  kind: 'completed' as const,
  ids: [migration],
  completion: 'applied',
});

/** What a run of one plain migration takes, all functions cold, after so many entries that are in the cache. */
export async function costAfter(entries: number): Promise<Counted> {
  const counting = countedWorld();
  const slices = Array.from({ length: entries - 1 }, (_, n) => allowedEntry('0001', n + 1));
  await writeLog(counting, [...slices, completedEntry('0001')]);
  const kept = new LedgerLog(counting.world.store.inner, IDENTITY);
  const { number } = await kept.look();
  if (number !== entries) throw new Error(`Expected ${entries} entries, found ${number}.`);
  await kept.keep();
  counting.morePages = 0;
  return deployCounted(counting, manifestOf('0001', '0002')).toTheEnd();
}

/** What a run of ten plain migrations takes, all functions cold, after so many that were pruned; the cache and the copies are there. */
export async function costAfterPruned(count: number): Promise<Counted> {
  const counting = countedWorld();
  const all = idsTo(count + 10);
  const pruned = all.slice(0, count);
  const written = new LedgerLog(counting.world.store.inner, IDENTITY);
  const writer = {
    function: 'baseline',
    requestId: 'r',
    version: '1.0.0',
    now: counting.world.clock.now,
    nonce: () => 'n',
  };
  const whileOpen = () => new OdinError({ code: 'Internal', source: 'system', what: 'No turn is open.' });
  const said = { by: 'anna', reason: 'pruned' };
  const ledger = { log: written, store: counting.world.store.inner };
  await recordBaseline(ledger, writer, pruned, said, { whileOpen, atOnce: PRUNED_AT_ONCE });
  await written.keep();
  counting.morePages = 0;
  return deployCounted(counting, { ...manifestOf(...all.slice(count)), pruned }).toTheEnd();
}
