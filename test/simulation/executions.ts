// Step Functions in virtual time: executions that step through the definition, callbacks, stop and redrive.
import { dispatch } from './lambda.ts';
import type { Caller } from './planned.ts';
import { ENVIRONMENT } from './planned.ts';
import { draw } from './random.ts';
import type { Definition, Host, Json, TaskRequest } from './stepper.ts';
import { step, TaskFailed } from './stepper.ts';
import type { Answer, AnsweringExecutions } from './surroundings.ts';
import type { Whole } from './whole.ts';

const ARN = `arn:aws:states:eu-west-1:000000000000:execution:odin-migrate-${ENVIRONMENT}:`;

export interface Execution {
  arn: string;
  name: string;
  input: Json;
  definition: Definition;
  status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'ABORTED';
  error: string;
  /** The state that it is in, or was in last. */
  at: { state: string; input: Json };
  /** Counts redrives: what an earlier run still waits for is nothing to a later one. */
  run: number;
  /** Ids of the manifest that the last `List pending` was deployed with. */
  listed: readonly string[];
  /** The migration's function that may have run although its invocation failed; until the state is left. */
  mayHaveRun: string | undefined;
  /** Events of its history. */
  events: number;
  /** Set while it waits for a callback. */
  waiting: { token: string; settle: (answer: Answer) => void } | undefined;
}

/** What an execution that succeeded has put out: `Finished` or `HandedOver`. */
interface Output {
  step?: string;
  execution?: string;
}

/** Of what can go wrong here, the errors which prove that no code of a migration ran (docs/aws-facts.md, docs/design.md §6). */
const NOT_STARTED = [
  'Lambda.TooManyRequestsException',
  'Lambda.ResourceNotFoundException',
  'LedgerForbidden',
  'LedgerUnavailable',
];

/** Longer than any schedule: such a timeout is not waited for. */
const FAR_SECONDS = 30 * 86_400;

export class Executions implements AnsweringExecutions {
  readonly all = new Map<string, Execution>();
  #tokens = 0;
  readonly #sim: Whole;

  constructor(sim: Whole) {
    this.#sim = sim;
  }

  start(name: string, input: Json): { execution: string; existed: boolean } {
    const arn = ARN + name;
    if (this.all.has(arn)) return { execution: arn, existed: true };
    const definition = this.#sim.definition;
    const execution: Execution = {
      arn,
      name,
      input,
      definition,
      status: 'RUNNING',
      error: '',
      at: { state: definition.StartAt, input },
      run: 0,
      listed: [],
      mayHaveRun: undefined,
      events: 0,
      waiting: undefined,
    };
    this.all.set(arn, execution);
    this.#sim.recorder.executionStarted(name, input);
    this.#go(execution);
    return { execution: arn, existed: false };
  }

  stop(arn: string): void {
    const execution = this.all.get(arn);
    if (execution?.status === 'RUNNING') this.#end(execution, 'ABORTED', 'Stopped', 'somebody stopped it');
  }

  redrive(arn: string): void {
    const execution = this.all.get(arn);
    if (execution?.status !== 'FAILED' && execution?.status !== 'ABORTED') return;
    this.#sim.recorder.executionRedriven(execution.name, execution.at.state);
    execution.status = 'RUNNING';
    execution.run += 1;
    this.#go(execution);
  }

  isAlive(arn: string): boolean {
    return this.all.get(arn)?.status === 'RUNNING';
  }

  events(arn: string): number {
    return this.all.get(arn)?.events ?? 0;
  }

  answer(token: string, answer: Answer): 'sent' | 'gone' {
    for (const { status, waiting } of this.all.values()) {
      if (status !== 'RUNNING' || waiting?.token !== token) continue;
      waiting.settle(answer);
      return 'sent';
    }
    return 'gone';
  }

  stopByName(name: string): void {
    this.stop(ARN + name);
  }

  redriveByName(name: string): void {
    this.redrive(ARN + name);
  }

  /** One that hands over is carried on by another one: then it is that one which must leave nothing pending. */
  #succeed(execution: Execution, { step, execution: successor = '' }: Output): void {
    const { recorder } = this.#sim;
    this.#end(execution, 'SUCCEEDED');
    if (step !== 'handed over') recorder.executionFinished(execution.name, execution.listed);
    else if (!this.all.has(successor)) recorder.violated(6, `${execution.name} handed over to nobody`);
  }

  #end(execution: Execution, status: Exclude<Execution['status'], 'RUNNING'>, error = '', cause = ''): void {
    execution.status = status;
    execution.error = error;
    execution.waiting = undefined;
    this.#sim.recorder.executionEnded(execution.name, status, error, cause);
  }

  #go(execution: Execution): void {
    const { run } = execution;
    const live = () => execution.run === run && execution.status === 'RUNNING';
    const host: Host = {
      execution: { id: execution.arn, input: execution.input },
      newToken: () => `token-${(this.#tokens += 1)}-of-${execution.name}`,
      task: (request) => this.#task(execution, request, live),
      sleep: (seconds) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#sim.world.after(seconds * 1000, () => {
          if (live()) resolve();
        });
        return promise;
      },
      mapBreaksAfter: () => this.#mapBreaksAfter(execution),
      random: () => draw(this.#sim.seed, 'jitter', this.#sim.faults.points),
      entered: (state, input) => {
        execution.events += 1;
        execution.at = { state, input };
        execution.mayHaveRun = undefined;
        this.#sim.recorder.trace(execution.name, `enters ${state} ${JSON.stringify(input)}`);
      },
      exited: () => {
        execution.events += 1;
      },
    };
    step(execution.definition, host, execution.at).then(
      (ended) => {
        if (ended.status === 'SUCCEEDED') this.#succeed(execution, ended.output as Output);
        else this.#end(execution, 'FAILED', ended.error, ended.cause);
      },
      (thrown: unknown) => {
        if (!(thrown instanceof TaskFailed)) throw thrown;
        this.#end(execution, 'FAILED', thrown.name, thrown.message);
      },
    );
  }

  /** Rarely, and never when nothing is to go wrong. */
  #mapBreaksAfter({ name, events }: Execution): number {
    const { seed, scenario } = this.#sim;
    if (scenario.rate === 0 || draw(seed, `map breaks ${name}`, events) > 0.15) return Infinity;
    return Math.floor(draw(seed, `map breaks after ${name}`, events) * 4);
  }

  /** Settles once, and only while the execution runs on: what a stopped one waited for never comes. */
  #task(execution: Execution, request: TaskRequest, live: () => boolean): Promise<Json> {
    const { world } = this.#sim;
    const { promise, resolve, reject } = Promise.withResolvers<Json>();
    const { deployments } = this.#sim;
    const batch = (request.payload as { ask?: string } | null)?.ask === 'batch';
    const { token, functionName, payload, timeoutSeconds } = request;
    let over = false;
    const settle = (answer: Answer): void => {
      if (over || !live()) return;
      over = true;
      if (token !== undefined) execution.waiting = undefined; // a child of a map that failed is over later than its map
      const heard = 'error' in answer ? { error: answer.error.name } : answer;
      this.#sim.recorder.heard(execution.name, request.state, heard);
      if ('output' in answer) return resolve(answer.output);
      const started = !NOT_STARTED.includes(answer.error.name);
      // A batch is asked for again, and claims its own key.
      if (started && !batch && deployments.of(functionName)?.migrations.has(functionName))
        execution.mayHaveRun = functionName;
      reject(answer.error);
    };
    if (!batch) execution.events += 3; // scheduled, started, succeeded or failed
    if (!batch && execution.mayHaveRun === functionName) {
      this.#sim.recorder.violated(1, `${execution.name} invokes ${functionName} again, which may have run`);
    }
    if (token !== undefined) execution.waiting = { token, settle };
    if (timeoutSeconds < FAR_SECONDS) {
      world.after(timeoutSeconds * 1000, () =>
        settle({ error: new TaskFailed('States.Timeout', 'The task timed out') }),
      );
    }
    const caller: Caller = {
      execution: execution.arn,
      allowOutOfOrder: (execution.input as { allowOutOfOrder?: boolean }).allowOutOfOrder ?? false,
    };
    dispatch(this.#sim, functionName, payload, caller).then(
      (output) => {
        if (token !== undefined) return; // the function's own answer is not the task's
        if (caller.listed && live()) execution.listed = caller.listed;
        settle({ output });
      },
      (thrown: unknown) => {
        if (!(thrown instanceof TaskFailed)) throw thrown;
        settle({ error: thrown });
      },
    );
    return promise;
  }
}
