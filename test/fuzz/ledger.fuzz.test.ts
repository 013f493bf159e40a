// Ledgers as no test would write them. First all that can come of the functions, of people, and of what a migration's role may write,
// in any order: whatever it was, the run is brought to its end by decisions alone, and nobody has to put a hand in the bucket. Then what
// only an administrator could have written: every reader answers, or says what to do.
import fc from 'fast-check';
import { expect } from 'vitest';
import type { Manifest } from '../../core/contract/manifest.ts';
import type { HaltPayload, RunInput, Step, TurnName } from '../../core/contract/payloads.ts';
import { OdinError } from '../../core/errors.ts';
import { examineLedger } from '../../core/ledger/examine.ts';
import {
  checkpointKey,
  claimKey,
  completedKey,
  entryKey,
  outcomeKey,
  STATE_KEY,
  waiterKey,
} from '../../core/ledger/keys.ts';
import { LedgerLog } from '../../core/ledger/log.ts';
import { DECISIONS } from '../../core/names/names.ts';
import { readHistory, told } from '../../core/views/history.ts';
import { readView } from '../../core/views/view.ts';
import { createBaseline } from '../../lambdas/baseline/baseline.ts';
import { createDashboard } from '../../lambdas/dashboard/dashboard.ts';
import { WidgetEvent } from '../../lambdas/dashboard/event.ts';
import { createHalt } from '../../lambdas/halt/halt.ts';
import { createListPending } from '../../lambdas/list-pending/list-pending.ts';
import { createRecordCompletion } from '../../lambdas/record-completion/record-completion.ts';
import { createCancel } from '../../lambdas/resume/cancel.ts';
import { createResume } from '../../lambdas/resume/resume.ts';
import { createRunMigration } from '../../lambdas/run-migration/run-migration.ts';
import { createWatchHalts } from '../../lambdas/watch-halts/watch-halts.ts';
import { changed, HOSTILE_TEXT, hostileJson, hostileText, nested } from '../support/hostile.ts';
import { inThisProcess } from '../support/in-process.ts';
import type { World } from '../support/services.ts';
import { CODE, createWorld, IDENTITY, invocation, manifestOf } from '../support/services.ts';
import { superviseUserCode } from '../../lambdas/run-migration/user-code/supervise.ts';
import { fuzz } from './fuzz.ts';

const IDS = ['0001', '0002', '0003'];
const HOUR = 3_600_000;

/** What user code does. */
const ENDS = ['returns', 'throws', 'yields', 'yields and throws', 'throws oddly'] as const;
type End = (typeof ENDS)[number];

const someText = fc.oneof(
  { weight: 3, arbitrary: fc.string({ maxLength: 30 }) },
  { weight: 1, arbitrary: hostileText },
);
/** The body of an object that a migration's role may write. `like`: nearly what stands there already. */
const body = fc.oneof(
  fc.record({
    like: fc.constant(false as const),
    text: fc.oneof(
      someText,
      hostileJson.map((json) => JSON.stringify(json)),
    ),
  }),
  fc.record({
    like: fc.constant(true as const),
    at: fc.nat(40),
    by: fc.oneof(fc.constant(undefined), fc.jsonValue(), hostileText),
  }),
);
type Body = { like: false; text: string } | { like: true; at: number; by: unknown };

const id = fc.constantFrom(...IDS);
const operation = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('step' as const), end: fc.constantFrom(...ENDS), lost: fc.boolean() }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('decide' as const),
      decision: fc.constantFrom(...DECISIONS),
      begin: fc.constantFrom(undefined, 'start' as const, 'checkpoint' as const),
      by: someText,
      reason: someText,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('watch' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('baseline' as const), through: id }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('later' as const), ms: fc.integer({ min: 1, max: HOUR }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stop' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('deploy' as const),
      ids: fc.subarray(IDS, { minLength: 1 }),
      code: fc.constantFrom(CODE, 'd'.repeat(64)),
      checkpointed: fc.boolean(),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('spoil' as const),
      key: fc.constantFrom('claim', 'outcome', 'checkpoint'),
      migration: id,
      /** Entries before or after the newest. */
      back: fc.integer({ min: -1, max: 3 }),
      body,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('foreign' as const), key: someText, text: someText }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

class Environment {
  readonly world: World = createWorld();
  manifest: Manifest = { ...manifestOf(...IDS), migrations: manifestOf(...IDS).migrations };
  code = CODE;
  #runs = 0;
  #input: RunInput = {};
  #execution = this.world.executions.run('run-0');

  /** A function sees nothing that another one has kept. */
  #services() {
    const { services, store } = this.world;
    return { ...services, ledger: { log: new LedgerLog(store, IDENTITY), store } };
  }

  #fresh(): string {
    this.#runs += 1;
    this.#execution = this.world.executions.run(`run-${this.#runs}`);
    return this.#execution;
  }

  /** The machine goes one state further, as far as there is something to do. `lost`: the function's answer never comes. */
  async step(end: End, lost: boolean, input: RunInput = {}): Promise<Step> {
    this.#input = input;
    const { world, manifest } = this;
    const { executions } = world;
    const execution = (await executions.isAlive(this.#execution)) ? this.#execution : this.#fresh();
    const step = await createListPending(this.#services(), manifest)(
      { ask: 'next', execution, input },
      invocation(world),
    );
    if (step.step === 'run' && !lost) {
      await this.#orHalt(step, execution, 'error', () => this.#run(step, execution, end));
    }
    if (step.step === 'record' && !lost) {
      const { migration, attempt, turn } = step;
      const record = { ask: 'record', execution, migration, attempt, turn } as const;
      await this.#orHalt(step, execution, 'unrecorded', () =>
        createRecordCompletion(this.#services())(record, invocation(world)),
      );
    }
    if (step.step === 'halt' && !lost) await this.#halt(step, execution, { reason: step.reason });
    if (step.step === 'refuse') executions.stop(execution);
    return step;
  }

  /** As the machine catches any error of its two states. */
  async #orHalt(at: TurnName, execution: string, caught: 'error' | 'unrecorded', work: () => Promise<unknown>) {
    try {
      await work();
    } catch (thrown) {
      const { name, message } = thrown as Error;
      const Cause = JSON.stringify({ errorType: name, errorMessage: message });
      await this.#halt(at, execution, { [caught]: { Error: name, Cause } });
    }
  }

  async #halt({ migration, attempt, turn }: TurnName, execution: string, why: Partial<HaltPayload['at']>) {
    const at: HaltPayload['at'] = { migration, attempt, turn, ...why };
    const token = this.world.executions.wait(execution);
    await createHalt(this.#services(), this.manifest)(
      { ask: 'halt', execution, input: this.#input, token, at },
      invocation(this.world),
    );
  }

  async #run(step: TurnName, execution: string, end: End): Promise<void> {
    const { migration, attempt, slice, turn } = step;
    const { timing } = this.world;
    const inProcess = superviseUserCode(
      inThisProcess(() => Promise.resolve({ migration: userCode(end) })),
      timing,
      () => undefined,
    );
    const run = createRunMigration(
      { migration, codeSha256: this.code, sliceMs: undefined },
      this.#services(),
      inProcess,
    );
    await run({ ask: 'run', execution, migration, attempt, slice, turn }, invocation(this.world));
  }

  decide(payload: {
    decision: (typeof DECISIONS)[number];
    begin?: 'start' | 'checkpoint' | undefined;
    by?: string;
    reason?: string;
  }) {
    const { decision, begin } = payload;
    const by = payload.by === undefined || payload.by === '' ? 'her' : payload.by.slice(0, 500);
    const reason = payload.reason?.slice(0, 4000) ?? 'because';
    return createResume(this.#services(), this.manifest)(
      { ask: 'decide', decision, begin, by, reason },
      invocation(this.world),
    );
  }

  cancel = () => createCancel(this.#services(), this.manifest)({ ask: 'cancel', by: 'her' }, invocation(this.world));
  watch = () => createWatchHalts(this.#services())();
  baseline = (through: string) =>
    createBaseline(this.#services(), this.manifest)(
      { ask: 'baseline', through, by: 'her', reason: 'r' },
      invocation(this.world),
    );
  stop = () => this.world.executions.stop(this.#execution);

  deploy(ids: readonly string[], code: string, checkpointed: boolean): void {
    this.code = code;
    const manifest = manifestOf(...ids);
    this.manifest = {
      ...manifest,
      migrations: manifest.migrations.map((each) => ({ ...each, codeSha256: code, checkpointed })),
    };
  }

  /** As the role of a migration could: the key is created once, but for a checkpoint. */
  async plant(key: string, planted: Body, replace: boolean): Promise<void> {
    const { inner } = this.world.store;
    const there = await inner.get(key);
    const text = planted.like ? alike(there?.body, planted) : planted.text;
    if (there && replace) await inner.replace(key, text, there.etag);
    else await inner.create(key, text);
  }

  /** Whoever only looks. */
  readers(): (() => Promise<unknown>)[] {
    const services = this.#services();
    const { ledger } = services;
    return [
      () => readView({ ...ledger, log: new LedgerLog(this.world.store, IDENTITY) }, this.manifest),
      async () => (await readHistory({ log: new LedgerLog(this.world.store, IDENTITY) })).map(told),
      () => examineLedger({ ...ledger, log: new LedgerLog(this.world.store, IDENTITY) }, IDENTITY),
      () =>
        createDashboard(this.#services(), this.manifest, undefined, () => Promise.resolve(undefined))(
          WidgetEvent.parse({}),
          invocation(this.world),
        ),
    ];
  }
}

function userCode(end: End): () => Promise<unknown> | AsyncGenerator<unknown, void, undefined> {
  if (end === 'returns') return () => Promise.resolve();
  if (end === 'throws') return () => Promise.reject(new Error(HOSTILE_TEXT));
  // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- as user code may
  if (end === 'throws oddly') return () => Promise.reject({ toString: null, cause: Symbol('x') });
  return async function* () {
    yield await Promise.resolve({ cursor: { at: 1 }, done: 1, total: 2, note: HOSTILE_TEXT });
    if (end !== 'yields') throw new Error('after a checkpoint');
  };
}

/** One thing of it changed. What is no JSON, or too deep to be gone through, is as it was. */
function alike(there: string | undefined, { at, by }: Body & { like: true }): string {
  try {
    const json: unknown = JSON.parse(there ?? '{}');
    return JSON.stringify(fc.sample(changed(json), { numRuns: 1, seed: at })[0] ?? by ?? null);
  } catch {
    return there ?? '';
  }
}

/** An error that a person can do something with. */
function expectSaid(thrown: unknown): void {
  if (!(thrown instanceof OdinError)) throw thrown;
  expect(thrown.code).not.toBe('Internal');
  expect(thrown.message.length).toBeLessThan(20_000);
}

const attempt = async (work: () => unknown): Promise<unknown> => {
  try {
    return await work();
  } catch (thrown) {
    expectSaid(thrown);
    return thrown;
  }
};

async function happen(environment: Environment, what: Operation): Promise<unknown> {
  switch (what.do) {
    case 'step':
      return environment.step(what.end, what.lost);
    case 'decide':
      return environment.decide(what);
    case 'cancel':
      return environment.cancel();
    case 'watch':
      return environment.watch();
    case 'baseline':
      return environment.baseline(what.through);
    case 'later':
      environment.world.clock.advance(what.ms);
      return undefined;
    case 'stop':
      environment.stop();
      return undefined;
    case 'deploy':
      environment.deploy(what.ids, what.code, what.checkpointed);
      return undefined;
    case 'spoil': {
      const { length } = (await environment.world.store.inner.list('log/')).objects;
      const of = { migration: what.migration, number: Math.max(1, length - what.back) };
      const key = { claim: claimKey(of), outcome: outcomeKey(of), checkpoint: checkpointKey(of.migration) }[what.key];
      return environment.plant(key ?? '', what.body, what.key === 'checkpoint');
    }
    case 'foreign':
      // Whatever one of our own kinds has for a key is somebody's who may write that.
      if (/^(log|turns|checkpoints|waiters|completed)\/|^state\.json$|^$/.test(what.key)) return undefined;
      return environment.plant(what.key, { like: false, text: what.text }, false);
  }
}

fuzz(
  'whatever was written, and decided, brings no run to where decisions do not help',
  0.35,
  fc.tuple(
    fc.array(operation, { maxLength: 25 }),
    fc.constantFrom('returns' as const, 'yields' as const),
    fc.boolean(),
  ),
  async ([operations, end, retries]) => {
    const environment = new Environment();
    for (const what of operations) await attempt(() => happen(environment, what));
    for (const read of environment.readers()) await read();

    environment.deploy(IDS, CODE, false);
    const steps: string[] = [];
    for (let round = 0; round < 80; round += 1) {
      environment.world.clock.advance(HOUR);
      const step = await environment.step(end, false, { allowOutOfOrder: true, allowRenumbered: IDS });
      steps.push(step.step);
      if (step.step === 'finished') break;
      // Each of the two alone is enough. What is done with, and only not recorded, can be retried only.
      const wanted = retries ? ({ decision: 'retry', begin: 'start' } as const) : ({ decision: 'skip' } as const);
      const { result } = await environment.decide(wanted);
      if (result === 'refused' && !retries) await environment.decide({ decision: 'retry', begin: 'start' });
      if (step.step === 'refuse') throw new Error(`refused: ${step.error} ${step.cause}`);
    }
    expect(steps.at(-1), steps.join(' ')).toBe('finished');
    const [view] = (await Promise.all(environment.readers().map((read) => read()))) as [
      { completed: number; total: number },
    ];
    expect(view.completed).toBe(view.total);
  },
);

const anyKey = fc.oneof(
  fc.integer({ min: 1, max: 14 }).map(entryKey),
  fc.tuple(id, fc.integer({ min: 1, max: 14 })).map(([migration, number]) => claimKey({ migration, number })),
  fc.tuple(id, fc.integer({ min: 1, max: 14 })).map(([migration, number]) => outcomeKey({ migration, number })),
  id.map(checkpointKey),
  id.map(completedKey),
  fc.constant(STATE_KEY),
  fc.integer({ min: 1, max: 14 }).map((number) => waiterKey(number, 'planted')),
);
const anyBody = fc.oneof(
  { weight: 4, arbitrary: body },
  { weight: 1, arbitrary: fc.constant({ like: false as const, text: nested(20_000) }) },
);

fuzz(
  'whatever an administrator has written over, each reader answers or says what it is',
  0.25,
  fc.tuple(fc.array(operation, { maxLength: 15 }), fc.array(fc.tuple(anyKey, anyBody), { minLength: 1, maxLength: 3 })),
  async ([operations, planted]) => {
    const environment = new Environment();
    for (const what of operations) await attempt(() => happen(environment, what));
    for (const [key, what] of planted) await environment.plant(key, what, true);
    const examined = await attempt(() => environment.readers()[2]?.());
    expect(examined).not.toBeInstanceOf(OdinError); // doctor goes on after whatever it finds
    const stopped = await Promise.all([
      ...environment.readers().map((read) => attempt(read)),
      attempt(() => environment.decide({ decision: 'skip' })),
      attempt(() => environment.step('returns', false)),
      attempt(() => environment.watch()),
      attempt(() => environment.cancel()),
    ]);
    for (const error of stopped)
      if (error instanceof OdinError && error.code !== 'HaltNotNeeded')
        expect(`${error.why ?? ''}${nextOf(error)}`, error.message).not.toBe('');
  },
);

const nextOf = ({ next }: OdinError): string => (next === undefined ? '' : JSON.stringify(next));
