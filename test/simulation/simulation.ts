// One schedule from beginning to rest: a scenario, the faults of its seed, and what the recorder finds against it.
import type { Manifest } from '../../core/contract/manifest.ts';
import type { Store, StoredObject } from '../../core/ledger/store.ts';
import type { Execution } from './executions.ts';
import { Executions } from './executions.ts';
import type { Fault, Place } from './faults.ts';
import { Faults } from './faults.ts';
import { dispatch } from './lambda.ts';
import type { Deployment, PlannedMigration } from './planned.ts';
import { draw, spread } from './random.ts';
import type { Violation } from './recorder.ts';
import { Recorder } from './recorder.ts';
import type { Scenario } from './scenario.ts';
import { changedDeployment, deploymentOf } from './scenario.ts';
import type { Definition, Json } from './stepper.ts';
import type { Code, Whole } from './whole.ts';
import { World } from './world.ts';

export interface Schedule {
  seed: number;
  scenario: Scenario;
  /** Exactly these faults, instead of those that the seed draws. */
  faults?: readonly Fault[] | undefined;
}

export interface Options {
  code: Code;
  /** Keeps a timeline of everything that happens. */
  trace?: boolean;
  /** Keeps what kind of request each point was. */
  places?: boolean;
  /** A store with a deliberate fault, around the one of each invocation. */
  wrapStore?: ((store: Store) => Store) | undefined;
}

export interface Result {
  violations: Violation[];
  faults: Fault[];
  points: number;
  steps: number;
  userCodeStarts: number;
  executions: number;
  /** Hours of virtual time. */
  hours: number;
  timeline: string[] | undefined;
  places: Place[] | undefined;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const MAX_EXECUTIONS = 8;
/** A schedule takes hundreds of events; eight runs that poll each other through many handovers, some ten thousands. */
const MAX_STEPS = 300_000;
/** An answer may find another halt to be decided first, or only deliver what was decided before. */
const ANSWERS = 4;
const MAX_ROUNDS = 60;

export async function simulate(schedule: Schedule, options: Options): Promise<Result> {
  const simulation = new Simulation(schedule, options);
  await simulation.run();
  const { recorder, faults, world, executions } = simulation;
  return {
    violations: recorder.violations,
    faults: faults.happened,
    points: faults.points,
    steps: world.steps,
    userCodeStarts: recorder.starts,
    executions: executions.all.size,
    hours: (world.now - simulation.began) / HOUR,
    timeline: recorder.timeline,
    places: faults.places,
  };
}

class Simulation implements Whole {
  readonly seed: number;
  readonly scenario: Scenario;
  readonly world = new World();
  readonly began = this.world.now;
  readonly code: Code;
  readonly recorder: Recorder;
  readonly faults: Faults;
  readonly executions: Executions;
  readonly definition: Definition;
  /** The ledger bucket. */
  readonly objects = new Map<string, StoredObject>();
  readonly wrapStore: (store: Store) => Store;
  etags = 0;
  deployment: Deployment;
  #instances = 0;
  #nonces = 0;
  #started = 0;

  constructor({ seed, scenario, faults }: Schedule, { code, trace = false, places = false, wrapStore }: Options) {
    this.seed = seed;
    this.scenario = { ...scenario };
    this.code = code;
    this.recorder = new Recorder(() => this.world.now, trace);
    this.faults = new Faults({ ...scenario, seed, given: faults }, places);
    this.definition = code.stateMachineDefinition('simulated');
    this.executions = new Executions(this);
    this.deployment = deploymentOf(1, scenario.migrations, code.migrationFunctionName);
    this.wrapStore = wrapStore ?? ((store) => store);
  }

  nextInstance(): number {
    return (this.#instances += 1);
  }

  nextNonce(): number {
    return (this.#nonces += 1);
  }

  /** Milliseconds that a request takes to take effect. */
  latency(point: number): number {
    const { latencyMs } = this.scenario;
    return latencyMs === undefined ? 10 : spread(1, latencyMs, draw(this.seed, 'latency', point));
  }

  ledgerError(code: 'LedgerUnavailable' | 'LedgerForbidden', what: string): Error {
    return new this.code.OdinError({ code, source: 'system', what: `Could not ${what}: injected.` });
  }

  /** What a fault does to the world around the request at which it happens. */
  around({ kind, point, size }: Fault, execution: string | undefined): void {
    const { world, executions, recorder } = this;
    if (kind.startsWith('deploy ')) {
      recorder.trace('deployment', kind);
      this.deployment = changedDeployment(this.deployment, kind, size, this.code.migrationFunctionName);
    }
    if (kind === 'start another') this.#startAnother(point);
    if (execution === undefined || (kind !== 'stop' && kind !== 'stop and redrive')) return;
    executions.stop(execution);
    if (kind === 'stop and redrive') world.after(spread(SECOND, 3 * HOUR, size), () => executions.redrive(execution));
    if (draw(this.seed, 'instead', point) < 0.5) {
      world.after(spread(SECOND, HOUR, draw(this.seed, 'instead after', point)), () => this.#startAnother(point));
    }
  }

  #startAnother(point: number): void {
    if (this.executions.all.size >= MAX_EXECUTIONS) return;
    const allowOutOfOrder = draw(this.seed, 'allow', point) < this.scenario.outOfOrder;
    this.#started += 1;
    this.executions.start(`run-${this.#started}`, allowOutOfOrder ? { allowOutOfOrder } : {});
  }

  async run(): Promise<void> {
    const { scenario, world, recorder } = this;
    scenario.startsMs.forEach((ms, at) => world.after(ms, () => this.#startAnother(-1 - at)));
    for (let who = 1; who <= scenario.operators; who += 1) void this.#operator(who);
    if (!(await this.#rest())) return;

    this.faults.enabled = false;
    scenario.snsDown = false;
    if (await this.#answerEveryHalt()) await this.#runToTheEnd();
    recorder.compare(this.objects);
    const badly = [...this.executions.all.values()].some(({ status }) => status !== 'SUCCEEDED');
    recorder.failuresTold(badly);
  }

  /** Until nothing happens any more; then every execution must have ended, or wait for an operator who knows. */
  async #rest(): Promise<boolean> {
    const { world, recorder, executions } = this;
    if (!(await world.run(MAX_STEPS))) {
      recorder.violated(7, `it does not come to rest within ${MAX_STEPS} events`);
      return false;
    }
    for (const { name, status, waiting, at } of executions.all.values()) {
      if (status !== 'RUNNING') continue;
      if (!waiting) recorder.violated(6, `${name} is stuck in ${at.state}: neither ended nor halted`);
      else recorder.waitsForOperator(name, haltedAt(at.input).migration, haltedAt(at.input).attempt, waiting.token);
    }
    return true;
  }

  /** In the middle of the trouble: decides now this, now that, now twice, now on a halt that is not the open one. */
  async #operator(who: number): Promise<void> {
    const { scenario, seed } = this;
    for (let turn = 0; turn < scenario.decisions; turn += 1) {
      const chance = (purpose: string) => draw(seed, purpose, who, turn);
      await this.#sleep(spread(20 * SECOND, 2 * HOUR, chance('when')));
      if (chance('cancel') < (scenario.cancels ?? 0)) {
        await this.#tell(`operator-${who}`, { cancel: { by: `operator-${who}` } });
        continue;
      }
      const halts = [...this.objects].filter(([key]) => key.startsWith('halts/'));
      if (halts.length === 0) continue;
      const [, { body }] = halts[Math.floor(chance('which') * halts.length)]!;
      const { migration, attempt } = JSON.parse(body) as { migration: string; attempt: number };
      const drawn = chance('decision');
      const decision =
        (scenario.say ?? drawn < 0.5) ? 'retry' : drawn < 0.65 ? 'mark-applied' : drawn < 0.8 ? 'skip' : 'abort';
      const halt = chance('named') < 0.6 ? { migration, attempt } : undefined;
      await this.#resume(decision, `operator-${who}`, halt);
      if (chance('again') < 0.3)
        await this.#resume(chance('other') < 0.5 ? 'retry' : decision, `operator-${who}`, halt);
    }
  }

  /** Faults are over: an operator answers each halt that an execution waits in, until none does. */
  async #answerEveryHalt(): Promise<boolean> {
    const answered = new Map<string, number>();
    for (let round = 0; ; round += 1) {
      const halted = [...this.executions.all.values()].filter(({ status }) => status === 'RUNNING');
      if (halted.length === 0) return true;
      for (const { name, waiting } of halted) {
        const times = (answered.get(waiting?.token ?? name) ?? 0) + 1;
        answered.set(waiting?.token ?? name, times);
        if (times <= ANSWERS && round <= MAX_ROUNDS) continue;
        this.recorder.violated(7, `${name} cannot be resumed: its halt was answered ${times - 1} times`);
        return false;
      }
      for (const execution of halted) {
        if (execution.status === 'RUNNING' && execution.waiting) void this.#answer(execution, round);
        if (!(await this.#rest())) return false;
      }
    }
  }

  /** As an operator does: looks at the migration's halt record, and decides on what is written there. */
  #answer({ at }: Execution, round: number): Promise<void> {
    const found = this.objects.get(`halts/${haltedAt(at.input).migration}.json`)?.body ?? JSON.stringify(at.input);
    const { migration, attempt } = JSON.parse(found) as { migration: string; attempt: number };
    const decision = draw(this.seed, 'answer', round) < 0.7 ? 'retry' : 'mark-applied';
    return this.#resume(decision, 'operator-last', { migration, attempt });
  }

  /** A new run must now finish, and leave every migration of the manifest completed. */
  async #runToTheEnd(): Promise<void> {
    const { executions, recorder } = this;
    for (let turn = 1; turn <= 3; turn += 1) {
      const name = `last-${turn}`;
      executions.start(name, turn === 1 ? {} : { allowOutOfOrder: true });
      if (!(await this.#rest()) || !(await this.#answerEveryHalt())) return;
      // The last part of it, when it was handed over.
      const parts = [...executions.all.values()].filter(
        (one) => one.name === name || one.name.startsWith(`${name}-part-`),
      );
      const { status, error } = parts.at(-1)!;
      if (status === 'SUCCEEDED') return;
      // Late lower files are refused until the run's input allows them. An attempt that died while a halt was open
      // elsewhere is refused until that halt is answered: it has been, by now.
      if (error !== 'OutOfOrder' && error !== 'HaltedElsewhere') {
        return recorder.violated(7, `${name} ended ${status} ${error}, with no faults and each halt answered`);
      }
    }
    recorder.violated(7, 'three runs did not finish, with no faults and each halt answered');
  }

  async #resume(decision: string, by: string, halt?: { migration: string; attempt: number }): Promise<void> {
    const { recorder } = this;
    recorder.said(decision, by);
    recorder.trace(by, `says ${decision} ${halt ? `on ${halt.migration}, attempt ${halt.attempt}` : ''}`);
    if (!(await this.#tell(by, { decision, by, reason: 'because', ...(halt && { halt }) }))) {
      recorder.operatorWasFailed = true;
    }
  }

  /** False when his command failed. */
  async #tell(by: string, payload: Json): Promise<boolean> {
    const { recorder } = this;
    const name = 'odin-migrate-simulated-resume';
    try {
      const answer = await dispatch(this, name, payload, { manifest: [], allowOutOfOrder: false });
      recorder.trace(by, `is told ${JSON.stringify(answer)}`);
      return true;
    } catch (thrown) {
      recorder.trace(by, `is told ${String(thrown)}`);
      return false;
    }
  }

  #sleep(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.world.after(ms, resolve);
    return promise;
  }
}

const haltedAt = (input: Json): { migration: string; attempt: number } =>
  input as unknown as { migration: string; attempt: number };

export type { Manifest, PlannedMigration };
