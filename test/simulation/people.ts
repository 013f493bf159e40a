// Everybody who is no function: people who decide, cancel, adopt and start, the schedule of the watch, deployments.
import { dispatch, systemFunction } from './lambda.ts';
import type { Executions } from './executions.ts';
import type { PlannedMigration } from './planned.ts';
import { ENVIRONMENT, versionOf } from './planned.ts';
import { draw, pick } from './random.ts';
import type { Act, Deed } from './scenario.ts';
import type { Json } from './stepper.ts';
import type { Whole } from './whole.ts';

/** A person's request, as `resume` and `baseline` take it, without the name. */
type Asks =
  | {
      ask: 'decide';
      decision: string;
      halt?: number | undefined;
      instead?: number | undefined;
      begin?: 'start' | 'checkpoint' | undefined;
    }
  | { ask: 'cancel' }
  | { ask: 'baseline'; through: string };

export interface Answered {
  by: string;
  /** Undefined: the command failed, and what was said may not have arrived. */
  answer: Record<string, Json> | undefined;
}

const DECISIONS = ['retry', 'retry', 'retry', 'mark-applied', 'skip', 'abort'] as const;

export class People {
  readonly #sim: Whole;
  readonly #executions: Executions;
  readonly answers: Answered[] = [];
  #names = 0;
  #started = 0;
  /** How often the request that an act waits for was seen. */
  readonly #seen = new Map<Act, number>();

  constructor(sim: Whole, executions: Executions) {
    this.#sim = sim;
    this.#executions = executions;
  }

  /** Says what he says under a name that nobody has used. */
  async ask(asks: Asks, by = `person-${(this.#names += 1)}`): Promise<Answered> {
    const { recorder } = this.#sim;
    const payload: Record<string, Json> = { by, reason: 'because', ...(JSON.parse(JSON.stringify(asks)) as object) };
    recorder.asked(by, payload);
    const answered: Answered = { by, answer: undefined };
    try {
      const name = asks.ask === 'baseline' ? 'baseline' : 'resume';
      const answer = await dispatch(this.#sim, systemFunction(name), payload, { allowOutOfOrder: false });
      answered.answer = answer as Record<string, Json>;
      recorder.answered(by, answered.answer);
    } catch (thrown) {
      recorder.failed(by, String(thrown));
    }
    this.answers.push(answered);
    return answered;
  }

  /** Decides now this, now that, on the halt that is open, on another one, or on whichever there is. */
  async decideSomething(seed: number, ...numbers: number[]): Promise<void> {
    const { recorder, scenario } = this.#sim;
    const chance = (purpose: string) => draw(seed, purpose, ...numbers);
    const halts = recorder.haltNumbers;
    if (halts.length === 0) return;
    const named = chance('named');
    const halt = named < 0.5 ? recorder.openHalt?.number : named < 0.65 ? pick(halts, chance('which')) : undefined;
    const begin = chance('begin') < 0.5 ? undefined : pick(['start', 'checkpoint'] as const, chance('where'));
    const asks = (decision: string): Asks => ({
      ask: 'decide',
      decision,
      halt,
      begin: decision === 'retry' ? begin : undefined,
    });
    const decision = scenario.say ?? pick(DECISIONS, chance('decision'));
    const first = this.ask(asks(decision));
    // Somebody else, at the same time or afterwards.
    if (chance('at once') < 0.2) void this.ask(asks(pick(DECISIONS, chance('other'))));
    await first;
    if (chance('again') < 0.3) await this.ask(asks(chance('same') < 0.5 ? 'retry' : decision));
    if (chance('instead') < (scenario.insteads ?? 0)) {
      const last = recorder.entries.findLast((entry) => entry.kind === 'decided' && entry['decision'] !== 'cancel');
      const better = pick(DECISIONS, chance('better'));
      if (last) await this.ask({ ask: 'decide', decision: better, halt: Number(last['of']), instead: last.number });
    }
  }

  cancel(): Promise<unknown> {
    return this.ask({ ask: 'cancel' });
  }

  baseline(drawn: number): void {
    const { migrations, pruned } = this.#sim.deployments.newest.manifest;
    const through = [...migrations.map(({ id }) => id), ...(pruned ? ['pruned'] : [])];
    if (through.length > 0) void this.ask({ ask: 'baseline', through: pick(through, drawn) });
  }

  watch(): void {
    this.#quietly('watch-halts', {});
  }

  /** What the dashboard and the status show: no moment is one at which it cannot be read. */
  view(): void {
    this.#quietly('dashboard', {});
  }

  preview(migration: string): void {
    const name = this.#sim.code.migrationFunctionName({ environment: ENVIRONMENT }, migration);
    void dispatch(this.#sim, name, { ask: 'preview', migration }, { allowOutOfOrder: false }).catch(() => undefined);
  }

  /** A function of the machine, with what it was sent last, or with what somebody makes of that. */
  invokeByHand(drawn: number): void {
    const { recorder, code } = this.#sim;
    const last = recorder.entries.findLast(({ kind }) => kind === 'allowed');
    if (!last) return;
    const turn = {
      execution: last['execution'] as string,
      migration: last.migration,
      attempt: last.attempt,
      turn: last.number,
    };
    const run = { ask: 'run', ...turn, slice: last['slice'] as number };
    const own = code.migrationFunctionName({ environment: ENVIRONMENT }, turn.migration);
    const payloads: [string, Json][] = [
      [own, run],
      [own, { ...run, slice: 1, attempt: turn.attempt + 1 }],
      ...this.#sim.deployments.newest.manifest.migrations
        .filter(({ id }) => id !== turn.migration)
        .map(({ id, functionName }): [string, Json] => [functionName, { ...run, migration: id }]),
      ...this.#batchesByHand(drawn),
      [systemFunction('record-completion'), { ask: 'record', ...turn }],
      [systemFunction('list-pending'), { ask: 'next', execution: turn.execution, input: {} }],
    ];
    const [name, payload] = pick(payloads, drawn);
    void dispatch(this.#sim, name, payload, { allowOutOfOrder: false }).catch(() => undefined);
  }

  /** A batch of the last turn of batches, and of the first: one that is running, has ended, or was none of that turn. */
  #batchesByHand(drawn: number): [string, Json][] {
    const { recorder, code } = this.#sim;
    const all = recorder.entries.filter((entry) => entry['batches'] !== undefined);
    return [all.at(0), all.at(-1)].flatMap((entry): [string, Json][] => {
      if (!entry) return [];
      const { migration, attempt, number } = entry;
      const [execution, slice] = [entry['execution'] as string, entry['slice'] as number];
      const { of } = entry['batches'] as { of: number };
      const batch = 1 + (Math.floor(drawn * 2 ** 20) % of);
      const name = code.migrationFunctionName({ environment: ENVIRONMENT }, migration);
      return [[name, { ask: 'batch', execution, migration, attempt, slice, turn: number, batch }]];
    });
  }

  /** As a person or a pipeline does, or as a deployment does with its custom resource. */
  start(name = `run-${(this.#started += 1)}`, { allowOutOfOrder = false, byDeployment = false } = {}): void {
    if (!byDeployment) {
      this.#executions.start(name, allowOutOfOrder ? { allowOutOfOrder } : {});
      return;
    }
    this.#quietly('start-run', {
      RequestType: 'Create',
      ResponseURL: 'https://cloudformation.example/answer',
      StackId: 'stack',
      RequestId: name,
      LogicalResourceId: 'RunOnDeploy',
    });
  }

  /** @param order in [0, 1): when in that time each function is updated */
  deploy(
    migrations: readonly PlannedMigration[],
    overMs: number,
    order: (functionName: string) => number,
    pruned: readonly string[] = [],
  ): void {
    const { deployments, code, recorder } = this.#sim;
    recorder.trace(
      'deployment',
      [
        ...migrations.map(({ id, code: which }) => `${id}${which ? ` (code ${which})` : ''}`),
        ...pruned.map((id) => `${id} (pruned)`),
      ].join(', '),
    );
    const version = versionOf(deployments.newest.number + 1, migrations, code.migrationFunctionName, pruned);
    deployments.deploy(version, overMs, order);
  }

  // --- what a scenario has written down ------------------------------------------------------------------------------

  begin(): void {
    for (const act of this.#sim.scenario.script ?? []) {
      if ('atMs' in act) this.#sim.world.after(act.atMs, () => this.#do(act));
    }
  }

  /** A request has been passed: what was to come after it comes. */
  passed({ who, what }: { who: string; what: string }): void {
    for (const act of this.#sim.scenario.script ?? []) {
      if (!('after' in act) || act.after.who !== who || !act.after.what.test(what)) continue;
      const seen = (this.#seen.get(act) ?? 0) + 1;
      this.#seen.set(act, seen);
      if (seen === (act.after.nth ?? 1)) this.#sim.world.after(act.ms ?? 0, () => this.#do(act));
    }
  }

  /** Acts whose request never came: a scenario that was to show something has not shown it. */
  get missed(): Act[] {
    const { script = [] } = this.#sim.scenario;
    return script.filter((act) => 'after' in act && (this.#seen.get(act) ?? 0) < (act.after.nth ?? 1));
  }

  #do(deed: Deed): void {
    const { bucket, code, deployments, recorder } = this.#sim;
    switch (deed.act) {
      case 'decide': {
        const halt = deed.halt === 'open' ? recorder.openHalt?.number : deed.halt;
        void this.ask(
          { ask: 'decide', decision: deed.decision, halt, instead: deed.instead, begin: deed.begin },
          deed.by,
        );
        return;
      }
      case 'cancel':
        void this.ask({ ask: 'cancel' }, deed.by);
        return;
      case 'baseline':
        void this.ask({ ask: 'baseline', through: deed.through }, deed.by);
        return;
      case 'watch':
        return this.watch();
      case 'preview':
        return this.preview(deed.migration);
      case 'start':
        return this.start(deed.name, { allowOutOfOrder: deed.allowOutOfOrder });
      case 'stop':
        return this.#executions.stopByName(deed.name);
      case 'redrive':
        return this.#executions.redriveByName(deed.name);
      case 'deploy':
        return this.deploy(deed.migrations, 0, () => 0, deed.pruned);
      case 'deploy one':
        return deployments.updateOne(
          deed.functionName,
          versionOf(deployments.newest.number + 1, deed.migrations, code.migrationFunctionName),
        );
      case 'invoke':
        void dispatch(this.#sim, deed.functionName, deed.payload, { allowOutOfOrder: false }).catch(() => undefined);
        return;
      case 'put':
        bucket.put(deed.key, deed.body);
    }
  }

  #quietly(name: 'watch-halts' | 'start-run' | 'dashboard', payload: Json): void {
    void dispatch(this.#sim, systemFunction(name), payload, { allowOutOfOrder: false }).catch(() => undefined);
  }
}
