// One schedule from beginning to rest: a scenario, the faults of its seed, and what the recorder finds against it.
import { Bucket } from './bucket.ts';
import { Deployments } from './deployments.ts';
import type { Execution } from './executions.ts';
import { Executions } from './executions.ts';
import type { DirectedFault, Fault, Point } from './faults.ts';
import { Faults } from './faults.ts';
import { SYSTEM_FUNCTIONS, systemFunction } from './lambda.ts';
import type { Answered } from './people.ts';
import { People } from './people.ts';
import type { PlannedMigration } from './planned.ts';
import { versionOf } from './planned.ts';
import { draw, pick, spread } from './random.ts';
import type { Entry, RequestLine, Violation } from './recorder.ts';
import { Recorder } from './recorder.ts';
import { Sandboxes } from './sandbox.ts';
import type { Act, Scenario } from './scenario.ts';
import { changedMigrations } from './scenario.ts';
import type { Definition, Json } from './stepper.ts';
import type { Code } from './surroundings.ts';
import type { Whole } from './whole.ts';
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
  /** Keeps every request with its answer, for the model of the protocol. */
  requests?: boolean;
  /** Keeps what each point was. */
  points?: boolean;
}

export interface Result {
  violations: Violation[];
  faults: Fault[];
  points: number;
  steps: number;
  /** In their order: `0010, attempt 1, slice 1`. */
  starts: string[];
  /** Of the log, as they are stored. */
  entries: readonly Readonly<Entry>[];
  executions: Pick<Execution, 'name' | 'status' | 'error'>[];
  answers: Answered[];
  /** Hours of virtual time. */
  hours: number;
  timeline: string[] | undefined;
  requests: RequestLine[] | undefined;
  passed: Point[] | undefined;
  /** How many points passed before the end of the trouble, after which nothing goes wrong any more. */
  troubled: number;
  /** What was to happen at a request that never came. */
  missed: (DirectedFault | Act)[];
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const MAX_EXECUTIONS = 8;
/** A schedule takes hundreds of events; eight runs that poll each other through many handovers, some ten thousands. */
const MAX_STEPS = 300_000;
const WATCHED_AFTER = 30_000;
/** An answer may find another halt to be decided first, or only deliver what was decided before. */
const ANSWERS = 4;
const MAX_ROUNDS = 60;

export async function simulate(schedule: Schedule, options: Options): Promise<Result> {
  const simulation = new Simulation(schedule, options);
  await simulation.run();
  const { recorder, faults, world, executions, people } = simulation;
  return {
    violations: recorder.violations,
    faults: faults.happened,
    points: faults.points,
    steps: world.steps,
    starts: recorder.starts,
    entries: recorder.entries,
    executions: [...executions.all.values()].map(({ name, status, error }) => ({ name, status, error })),
    answers: people.answers,
    hours: (world.now - simulation.began) / HOUR,
    timeline: recorder.timeline,
    requests: recorder.requests,
    passed: faults.passed,
    troubled: simulation.troubled,
    missed: [...faults.missed, ...people.missed],
  };
}

/** The same states, under another version. */
const withVersion = ({ StartAt, States }: Definition, definition: number): Definition => ({
  StartAt,
  States: Object.fromEntries(
    Object.entries(States).map(([name, state]) => {
      const { Payload, ...parameters } = (state.Parameters ?? {}) as Record<string, Record<string, Json>>;
      return [name, Payload ? { ...state, Parameters: { ...parameters, Payload: { ...Payload, definition } } } : state];
    }),
  ),
});

class Simulation implements Whole {
  readonly seed: number;
  readonly scenario: Scenario;
  readonly world = new World();
  readonly began = this.world.now;
  readonly code: Code;
  readonly recorder: Recorder;
  readonly faults: Faults;
  readonly executions: Executions;
  readonly people: People;
  readonly oldestDefinition: number;
  readonly #served: Definition;
  readonly #unserved: Definition;
  readonly bucket: Bucket;
  readonly deployments: Deployments;
  readonly sandboxes: Sandboxes;
  troubled = 0;

  constructor(
    { seed, scenario, faults }: Schedule,
    { code, trace = false, requests = false, points = false }: Options,
  ) {
    this.seed = seed;
    this.scenario = { ...scenario };
    this.code = code;
    this.recorder = new Recorder(() => this.world.now, { trace, requests });
    this.faults = new Faults({ ...scenario, seed, given: faults }, points);
    this.#served = code.stateMachineDefinition({ environment: 'simulated' });
    this.#unserved = withVersion(this.#served, code.DEFINITION - 1);
    this.oldestDefinition = scenario.unservedMs === undefined ? code.OLDEST_DEFINITION : code.DEFINITION;
    this.executions = new Executions(this);
    this.people = new People(this, this.executions);
    this.bucket = new Bucket(this.world, this.recorder);
    const first = versionOf(1, scenario.migrations, code.migrationFunctionName);
    this.deployments = new Deployments(this.world, first, SYSTEM_FUNCTIONS.map(systemFunction));
    this.sandboxes = new Sandboxes(this);
  }

  get definition(): Definition {
    return this.world.now < this.began + (this.scenario.unservedMs ?? 0) ? this.#unserved : this.#served;
  }

  /** Milliseconds that a request takes to take effect. */
  latency(point: number): number {
    const { latencyMs } = this.scenario;
    return latencyMs === undefined ? 10 : spread(1, latencyMs, draw(this.seed, 'latency', point));
  }

  ledgerError(code: 'LedgerUnavailable' | 'LedgerForbidden', what: string): Error {
    return new this.code.OdinError({ code, source: 'system', what: `Could not ${what}: injected.` });
  }

  passed(point: Omit<Point, 'place'>): void {
    this.people.passed(point);
  }

  /** What a fault does to the world around the request at which it happens. */
  around(fault: Fault, execution: string | undefined): void {
    const { kind, point, size } = fault;
    const { world, executions, people } = this;
    const ids = this.deployments.newest.manifest.migrations.map(({ id }) => id);
    switch (kind) {
      case 'start another':
        return this.#startAnother(point);
      case 'decide':
        return void people.decideSomething(this.seed, point);
      case 'cancel':
        return void people.cancel();
      case 'baseline':
        return people.baseline(size);
      case 'watch':
        return people.watch();
      case 'view':
        return people.view();
      case 'by hand':
        return people.invokeByHand(size);
      case 'preview':
        return ids.length > 0 ? people.preview(pick(ids, size)) : undefined;
      case 'stop':
      case 'stop and redrive':
        if (execution === undefined) return;
        executions.stop(execution);
        if (kind === 'stop and redrive')
          world.after(spread(SECOND, 3 * HOUR, size), () => executions.redrive(execution));
        if (draw(this.seed, 'instead', point) < 0.5) {
          world.after(spread(SECOND, HOUR, draw(this.seed, 'instead after', point)), () => this.#startAnother(point));
        }
        return;
      default:
        if (kind.startsWith('deploy ')) this.#deploy(fault);
    }
  }

  #deploy({ kind, point, size }: Fault): void {
    const { deployments, scenario, people, seed } = this;
    if (deployments.inProgress) return;
    const current = [...deployments.newest.migrations.values()];
    const overMs = Math.round(scenario.deploymentMs * draw(seed, 'deployment takes', point));
    const order = (name: string) => draw(seed, `update ${name}`, point);
    const { pruned = [] } = deployments.newest.manifest;
    if (kind !== 'deploy without what is completed') {
      people.deploy(changedMigrations(current, kind, size, pruned), overMs, order, pruned);
      return;
    }
    // By a ledger that says so; and now and then by another one, or by somebody who has edited the file.
    const wrong = size < 0.3 ? current.find(({ id }) => !this.recorder.isCompleted(id)) : undefined;
    const goes = ({ id }: PlannedMigration) => this.recorder.isCompleted(id) || id === wrong?.id;
    const named = [...pruned, ...current.filter(goes).map(({ id }) => id)].sort();
    people.deploy(
      current.filter((one) => !goes(one)),
      overMs,
      order,
      named,
    );
  }

  #startAnother(point: number): void {
    if (this.executions.all.size >= MAX_EXECUTIONS) return;
    const allowOutOfOrder = draw(this.seed, 'allow', point) < this.scenario.outOfOrder;
    const byDeployment = this.scenario.rate > 0 && !allowOutOfOrder && draw(this.seed, 'by deployment', point) < 0.3;
    this.people.start(undefined, { allowOutOfOrder, byDeployment });
  }

  async run(): Promise<void> {
    const { scenario, world, recorder, people } = this;
    scenario.startsMs.forEach((ms, at) => world.after(ms, () => this.#startAnother(-1 - at)));
    for (let who = 1; who <= scenario.operators; who += 1) void this.#operator(who);
    people.begin();
    if (!(await this.#rest(false))) return;

    this.faults.enabled = false;
    this.troubled = this.faults.points;
    scenario.snsDown = false;
    // It looks every quarter of an hour, and one look without trouble is enough.
    people.watch();
    if (!(await this.#rest(true))) return;
    recorder.nobodyActs();
    if (scenario.finish && (await this.#answerEveryHalt()) && (await this.#runToTheEnd())) recorder.nothingWasSilent();
    recorder.compare(this.bucket.objects);
  }

  /** Until nothing happens any more; then every execution must have ended, or wait for an operator who knows. */
  async #rest(watched: boolean): Promise<boolean> {
    const { world, recorder, executions } = this;
    // The watch looks every quarter of an hour. Most of its looks change nothing and are left out; whoever goes round in `wait`
    // because another one waits to be told goes on after one of them.
    for (
      let steps = world.steps + WATCHED_AFTER;
      !(await world.run(steps)) && steps < MAX_STEPS;
      steps += WATCHED_AFTER
    ) {
      this.people.watch();
    }
    if (!(await world.run(MAX_STEPS))) {
      recorder.violated(7, `it does not come to rest within ${MAX_STEPS} events`);
      return false;
    }
    for (const { name, status, waiting, at } of executions.all.values()) {
      if (status !== 'RUNNING') continue;
      if (waiting) recorder.waitsForOperator(name, waiting.token, watched);
      else recorder.violated(6, `${name} is stuck in ${at.state}: neither ended nor halted`);
    }
    return true;
  }

  /** In the middle of the trouble: decides now this, now that, now twice, now on a halt that is not the open one. */
  async #operator(who: number): Promise<void> {
    const { scenario, seed, people } = this;
    for (let turn = 0; turn < scenario.decisions; turn += 1) {
      await this.#sleep(spread(20 * SECOND, 2 * HOUR, draw(seed, 'when', who, turn)));
      if (draw(seed, 'cancel', who, turn) < (scenario.cancels ?? 0)) await people.cancel();
      else await people.decideSomething(seed, who, turn);
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
      void this.#answer(round);
      if (!(await this.#rest(true))) return false;
    }
  }

  /** As an operator does: looks which halt is open, decides, and does what he is told when he is refused. */
  async #answer(round: number): Promise<void> {
    const { people, recorder } = this;
    const halt = recorder.openHalt?.number;
    const first = draw(this.seed, 'answer', round) < 0.7 ? 'retry' : 'mark-applied';
    const ways = [{ decision: first }, { decision: 'retry', begin: 'start' }, { decision: 'skip' }] as const;
    for (const way of ways) {
      const { answer } = await people.ask({ ask: 'decide', halt, ...way });
      if (answer && answer['result'] !== 'refused') return;
    }
  }

  /** A new run must now finish, and leave every migration of the manifest completed. */
  async #runToTheEnd(): Promise<boolean> {
    const { executions, recorder, people } = this;
    for (let turn = 1; turn <= 4; turn += 1) {
      const name = `last-${turn}`;
      people.start(name, { allowOutOfOrder: turn > 1 });
      if (!(await this.#rest(true)) || !(await this.#answerEveryHalt())) return false;
      // The last part of it: it may have been handed over, or be carried on after a decision.
      const { status, error } = [...executions.all.values()].at(-1)!;
      if (status === 'SUCCEEDED') return true;
      // What ran elsewhere is adopted, as the refusal says. Late lower files are refused until the run's input allows them.
      if (error === 'NotCompleted') {
        void people.ask({ ask: 'baseline', through: 'pruned' });
        if (!(await this.#rest(true))) return false;
      } else if (error !== 'OutOfOrder') {
        recorder.violated(7, `${name} ended ${status} ${error}, with no faults and each halt answered`);
        return false;
      }
    }
    recorder.violated(7, 'four runs did not finish, with no faults and each halt answered');
    return false;
  }

  #sleep(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.world.after(ms, resolve);
    return promise;
  }
}
