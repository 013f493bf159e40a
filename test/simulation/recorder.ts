// Writes down what really happened, in true time, and holds it against the invariants of docs/design.md §7. It knows the ledger's
// keys and fields from docs/design.md §4 alone and shares no code with what is under test.

export interface Violation {
  /** The number of the invariant in docs/design.md §7. */
  invariant: 1 | 2 | 3 | 4 | 5 | 6 | 7;
  what: string;
  time: number;
}

/** A run of user code: one slice in one invocation. */
interface UserRun {
  name: string;
  migration: string;
  attempt: number;
  instance: number;
  manifest: readonly string[];
}

export interface UserStart {
  migration: string;
  attempt: number;
  slice: number;
  instance: number;
  /** Ids of the manifest from which this was chosen, and whether the run may leave the order. */
  manifest: readonly string[];
  allowOutOfOrder: boolean;
}

export class Recorder {
  readonly violations: Violation[] = [];
  readonly timeline: string[] | undefined;
  /** User code starts, for the counts. */
  starts = 0;
  /** An operator's command failed: he knows that what he said may not have arrived, and says it again. */
  operatorWasFailed = false;
  /** Migrations that the output of a finished run named as left behind. */
  readonly leftBehind = new Set<string>();
  readonly #now: () => number;
  readonly #runs = new Map<string, UserRun>();
  #running: UserRun[] = [];
  /** `migration/attempt` whose user code returned. */
  readonly #returned = new Set<string>();
  /** `migration/attempt` whose user code threw or whose function died in it. */
  readonly #broken = new Set<string>();
  readonly #records = new Map<string, Record<string, unknown>>();
  /** What operators have said, whether or not it was taken. */
  readonly #said: { decision: string; by: string }[] = [];
  readonly #notified: { subject: string; time: number }[] = [];

  constructor(now: () => number, trace: boolean) {
    this.#now = now;
    this.timeline = trace ? [] : undefined;
  }

  trace(who: string, what: string): void {
    this.timeline?.push(`${new Date(this.#now()).toISOString().slice(5, 23)}  ${who.padEnd(26)} ${what}`);
  }

  violated(invariant: Violation['invariant'], what: string): void {
    this.violations.push({ invariant, what, time: this.#now() });
    this.trace('VIOLATION', `invariant ${invariant}: ${what}`);
  }

  // --- user code --------------------------------------------------------------------------------------------------

  userCodeStarts({ migration, attempt, slice, instance, manifest, allowOutOfOrder }: UserStart): void {
    this.starts += 1;
    const name = `${migration}, attempt ${attempt}, slice ${slice}`;
    this.trace(`function ${instance}`, `USER CODE STARTS of ${name}`);
    if (this.#runs.has(name)) this.violated(1, `user code of ${name} started a second time`);
    for (const other of this.#running) {
      if (isLateArrival(migration, manifest, other)) continue;
      this.violated(2, `user code of ${name} started while that of ${other.name} was running`);
    }
    if (attempt > 1) {
      const decided = this.#lastDecision(migration, attempt - 1);
      if (decided !== 'retry') {
        this.violated(2, `${name} started, and the decision on the attempt before it is ${String(decided)}`);
      }
    }
    if (!allowOutOfOrder) {
      for (const lower of manifest) {
        if (lower < migration && !this.#records.has(`completed/${lower}.json`)) {
          this.violated(3, `user code of ${name} started before ${lower} was completed`);
        }
      }
    }
    if (this.#records.has(`completed/${migration}.json`)) {
      this.violated(1, `user code of ${name} started although ${migration} is completed`);
    }
    const run = { name, migration, attempt, instance, manifest };
    this.#runs.set(name, run);
    this.#running.push(run);
  }

  userCodeEnds(migration: string, attempt: number, instance: number, how: 'returned' | 'threw' | 'stopped'): void {
    this.trace(`function ${instance}`, `user code of ${migration}, attempt ${attempt}, ${how}`);
    if (how === 'returned') this.#returned.add(`${migration}/${attempt}`);
    if (how === 'threw') this.#broken.add(`${migration}/${attempt}`);
    this.#running = this.#running.filter((run) => run.instance !== instance);
  }

  /** From now on nothing of the user code that this invocation began can still be running. */
  functionEnds(instance: number, died: boolean): void {
    const over = this.#running.find((run) => run.instance === instance);
    if (!over) return;
    if (died) this.#broken.add(`${over.migration}/${over.attempt}`);
    this.#running = this.#running.filter((run) => run !== over);
  }

  // --- the ledger -------------------------------------------------------------------------------------------------

  written(key: string, body: string): void {
    const before = this.#records.get(key);
    const record = JSON.parse(body) as Record<string, unknown>;
    if (before && !key.startsWith('halts/') && !key.startsWith('checkpoints/')) {
      this.violated(5, `${key} was written a second time`);
    }
    this.#records.set(key, record);
    const { migration, attempt, decision, completion, by } = record as Record<string, string | number>;
    if (key.startsWith('completed/')) {
      const operatorSaid = (word: string) => this.#said.some((said) => said.decision === word && said.by === by);
      const allowed =
        completion === 'applied'
          ? this.#returned.has(`${String(migration)}/${String(attempt)}`)
          : (completion === 'marked-applied' && operatorSaid('mark-applied')) ||
            (completion === 'skipped' && operatorSaid('skip'));
      if (!allowed) this.violated(4, `${key} says ${String(completion)} of attempt ${String(attempt)}, and nobody did`);
      const running = this.#running.find((run) => run.migration === migration);
      if (running && completion !== 'applied') {
        this.violated(2, `${key} says ${String(completion)} while user code of ${running.name} was running`);
      }
    }
    const outcomeOf = /^attempts\/(\d{4})\/(\d{4})\/finished\.json$/.exec(key);
    const goesOn = this.#running.find(
      (run) => run.migration === outcomeOf?.[1] && run.attempt === Number(outcomeOf[2]),
    );
    if (goesOn) this.violated(2, `${key} was written while user code of ${goesOn.name} was running`);
    if (key.includes('/decisions/')) {
      const operator = this.#said.some((said) => said.decision === decision && said.by === by);
      if (!operator) this.violated(4, `${key} says ${String(decision)} by ${String(by)}, who never said so`);
    }
  }

  /** Everything that was recorded must stand in the store as it was recorded. */
  compare(objects: ReadonlyMap<string, { body: string }>): void {
    for (const [key, record] of this.#records) {
      const found = objects.get(key);
      if (!found) this.violated(5, `${key} is gone`);
      else if (JSON.stringify(JSON.parse(found.body)) !== JSON.stringify(record)) this.violated(5, `${key} is another`);
    }
  }

  // --- people, messages, executions -------------------------------------------------------------------------------

  said(decision: string, by: string): void {
    this.#said.push({ decision, by });
  }

  notificationTried(subject: string, went: boolean): void {
    this.trace('operators', `notification ${went ? 'sent' : 'NOT sent'}: ${subject}`);
    this.#notified.push({ subject, time: this.#now() });
  }

  executionEnded(name: string, status: string, error: string, cause: string, manifest: readonly string[]): void {
    this.trace(name, `ended ${status} ${error}`);
    if (status === 'FAILED' && (error === '' || cause === '')) this.violated(6, `${name} failed and does not say why`);
    if (status === 'SUCCEEDED') {
      for (const id of manifest) {
        if (!this.#records.has(`completed/${id}.json`))
          this.violated(6, `${name} succeeded, and ${id} is not completed`);
      }
    }
  }

  /** An execution that waits for an operator, when nothing else happens any more. */
  waitsForOperator(name: string, migration: string, attempt: number, token: string): void {
    const halt = this.#records.get(`halts/${migration}.json`);
    const waiting = (halt?.['waiting'] ?? []) as { token: string }[];
    if (!waiting.some((one) => one.token === token)) {
      this.violated(
        6,
        `${name} waits in the halt of ${migration}, attempt ${attempt}, and no halt record has its token`,
      );
    }
    const decided = `attempts/${migration}/${four(halt?.['attempt'])}/decisions/${two(halt?.['halt'])}.json`;
    if (this.#records.has(decided) && !this.operatorWasFailed) {
      this.violated(
        7,
        `${name} waits in the halt of ${migration}, which was decided, and no operator was told to repeat it`,
      );
    }
    if (!this.#toldOf(migration, attempt)) this.violated(6, `nobody was told of ${migration}, attempt ${attempt}`);
  }

  /** Every attempt that broke was told to the operators, or to whoever looks at a failed or stopped execution. */
  failuresTold(someExecutionEndedBadly: boolean): void {
    for (const broken of this.#broken) {
      const [migration = '', attempt = ''] = broken.split('/');
      // An operator who decided on it knew of it, even if the message was never sent.
      const known = this.#toldOf(migration, Number(attempt)) || this.#lastDecision(migration, Number(attempt));
      if (this.#returned.has(broken) || someExecutionEndedBadly || known || this.leftBehind.has(migration)) continue;
      this.violated(6, `${migration}, attempt ${attempt}, broke, and nobody was told`);
    }
  }

  isCompleted(migration: string): boolean {
    return this.#records.has(`completed/${migration}.json`);
  }

  #toldOf(migration: string, attempt: number): boolean {
    return this.#notified.some(({ subject }) => subject.includes(`${migration} halted (attempt ${attempt})`));
  }

  #lastDecision(migration: string, attempt: number): unknown {
    for (let halt = 99; halt > 0; halt -= 1) {
      const record = this.#records.get(`attempts/${migration}/${four(attempt)}/decisions/${two(halt)}.json`);
      if (record) return record['decision'];
    }
    return undefined;
  }
}

/**
 * Not guaranteed (docs/guarantees.md): a lower number that is deployed while a higher one is being started. The higher one
 * was chosen from a manifest that did not have the lower one yet.
 */
const isLateArrival = (migration: string, manifest: readonly string[], other: UserRun): boolean =>
  migration < other.migration ? !other.manifest.includes(migration) : !manifest.includes(other.migration);

const four = (value: unknown): string => String(value).padStart(4, '0');
const two = (value: unknown): string => String(value).padStart(2, '0');
