// The machines that functions run on: each runs one invocation after the other, is frozen between two of them, with whatever was
// left pending, and dies with a crash or at the end of its time.
import type { Services } from '../../core/contract/ports.ts';
import type { Requester, RequestOptions } from './bucket.ts';
import { storeOf } from './bucket.ts';
import type { Fault, Place } from './faults.ts';
import type { Caller, Version } from './planned.ts';
import { ENVIRONMENT } from './planned.ts';
import { draw, spread } from './random.ts';
import type { Author } from './recorder.ts';
import type { Json } from './stepper.ts';
import { TaskFailed } from './stepper.ts';
import type { Surroundings } from './surroundings.ts';

const MINUTE = 60_000;

export const IDENTITY = { environment: ENVIRONMENT, account: '000000000000', region: 'eu-west-1' };

export interface Invoked {
  author: Author;
  caller: Caller;
  endsAt: number;
  over: boolean;
  die: (error: TaskFailed) => void;
}

export class Sandbox implements Requester {
  readonly id: number;
  readonly functionName: string;
  readonly version: Version;
  /** `halt`, or a migration's four digits. */
  readonly name: string;
  readonly services: Services;
  state: 'awake' | 'frozen' | 'still' | 'dead' = 'awake';
  readonly #skewMs: number;
  readonly #sim: Surroundings;
  #invoked: Invoked | undefined;
  /** What came to be due while it was frozen. */
  #due: (() => void)[] = [];

  constructor(sim: Surroundings, id: number, functionName: string, name: string, version: Version) {
    this.#sim = sim;
    this.id = id;
    this.functionName = functionName;
    this.name = name;
    this.version = version;
    this.#skewMs = Math.round((draw(sim.seed, 'clock', id) - 0.5) * sim.scenario.clocksApartMs);
    this.services = this.#servicesOf();
  }

  now = (): number => this.#sim.world.now + this.#skewMs;

  begin(invoked: Invoked, timeoutMs: number): void {
    this.#invoked = invoked;
    this.#sim.world.after(timeoutMs, () => {
      if (!invoked.over) this.kill('Sandbox.Timedout', `Task timed out after ${timeoutMs / 1000} seconds`);
    });
    this.state = 'awake';
    for (const work of this.#due.splice(0)) work();
  }

  /** It answered. What it has left pending goes on with its next invocation. */
  end(): void {
    if (this.#invoked) this.#invoked.over = true;
    this.state = 'frozen';
    this.#sim.recorder.functionEnds(this.id, false);
  }

  kill(error: string, cause: string): void {
    if (this.state === 'dead') return;
    this.#sim.recorder.trace(this.#who(), `DIES: ${error}`);
    this.state = 'dead';
    this.#sim.recorder.functionEnds(this.id, true);
    const invoked = this.#invoked;
    if (!invoked || invoked.over) return;
    this.#sim.recorder.died(invoked.author);
    invoked.over = true;
    this.#sim.recorder.invocationFailed(this.name);
    invoked.die(new TaskFailed(error, JSON.stringify({ errorType: error, errorMessage: cause })));
  }

  /** Something that happens in it: at its time, or when it is thawed, or never. */
  later(ms: number, work: () => void): void {
    this.#sim.world.after(ms, () => this.#inIt(work));
  }

  #inIt(work: () => void): void {
    if (this.state === 'awake') work();
    else if (this.state === 'frozen') this.#due.push(() => this.#inIt(work));
  }

  #who(): string {
    return `function ${this.id} ${this.name}`;
  }

  /**
   * One request of the function: a point where everybody else may go on in the meantime, and where a fault may happen.
   * @param act what it does in the world, at one instant
   */
  request<T>(
    place: Place,
    what: string,
    act: (author: Author) => T,
    { repeated, failure, exits, body }: RequestOptions<T> = {},
  ): Promise<T> {
    const { world, recorder, faults, seed, scenario } = this.#sim;
    const invoked = this.#invoked!;
    const { author } = invoked;
    const at = { who: this.name, what };
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const fault = faults.next({ place, ...at }, place === 'user' ? scenario.userFails : 0);
    const point = faults.points - 1;
    const note = fault ? ` [${point}: ${fault.kind}]` : ` [${point}]`;
    if (fault) this.#sim.around(fault, invoked.caller.execution);

    const effect = (how: 'now' | 'late' = 'now'): T => {
      const result = act(author);
      recorder.requested(author, what, { body, effect: how, fault: fault?.kind }, result);
      return result;
    };
    const answer = (settle: () => void) => this.#inIt(settle);
    const fail = (code: 'LedgerUnavailable' | 'LedgerForbidden' = 'LedgerUnavailable') => {
      recorder.requested(author, what, { body, effect: 'none', fault: fault?.kind }, code);
      answer(() => reject(failure?.() ?? this.#sim.ledgerError(code, what)));
    };
    const succeed = (result: T, ms = 0) =>
      ms === 0 ? answer(() => resolve(result)) : world.after(ms, () => answer(() => resolve(result)));

    const perform = () => {
      if (this.state !== 'awake') {
        // A request of a function that was ended or frozen meanwhile may have been on its way already.
        const onItsWay = place !== 'user' && draw(seed, 'on its way', point) < 0.3;
        if (onItsWay) succeed(effect('late'));
        else this.#inIt(perform);
        return;
      }
      recorder.trace(this.#who(), what + note);
      if (ofLedger(what) && this.#sim.sandboxes.isForbidden(this.name)) {
        fail('LedgerForbidden');
        this.#sim.passed(at);
        return;
      }
      this.#take(fault, { effect, succeed, fail, reject, repeated, exits });
      this.#sim.passed(at);
    };
    const stallMs = fault?.kind === 'stall' ? (fault.ms ?? spread(1_000, 10 * MINUTE, fault.size)) : 0;
    world.after(this.#sim.latency(point) + stallMs, perform);
    return promise;
  }

  #take<T>(fault: Fault | undefined, { effect, succeed, fail, reject, repeated, exits }: Effects<T>): void {
    const { world } = this.#sim;
    const ms = (from: number, to: number) => fault?.ms ?? spread(from, to, fault?.size ?? 0);
    switch (fault?.kind) {
      case 'crash':
        return this.kill('Runtime.ExitError', 'Runtime exited with error: exit status 1');
      case 'crash after':
        effect();
        return this.kill('Runtime.ExitError', 'Runtime exited with error: exit status 1');
      case 'fails':
        return fail();
      case 'conflict':
        return world.after(3_100, () => fail());
      case 'forbidden':
        this.#sim.sandboxes.forbid(this.name, ms(1_000, 10 * MINUTE));
        return fail('LedgerForbidden');
      case 'lost':
        effect();
        return world.after(fault.ms ?? 25_000 * fault.size, () => fail());
      case 'late':
        world.after(ms(100, 5 * MINUTE), () => effect('late'));
        return fail();
      case 'repeated': {
        const first = effect();
        return succeed(repeated ? repeated(first) : first, ms(10, 20_000));
      }
      case 'slow answer':
        return succeed(effect(), ms(1_000, 10 * MINUTE));
      case 'throws':
        return reject(
          fault.size < SLOW ? new UserFailure('user code throws') : new SlowedDown('S3 asks for fewer requests'),
        );
      case 'hangs':
        return undefined;
      case 'exits':
        return exits?.();
      case 'stands still':
        this.state = 'still';
        return undefined;
      default:
        return succeed(effect());
    }
  }

  #servicesOf(): Services {
    const { code, executions, recorder, scenario, bucket } = this.#sim;
    const store = storeOf(bucket, this, scenario.pageSize);
    const failure = () => new TaskFailed('ServiceUnavailable', 'Step Functions does not answer');
    let nonces = 0;
    return {
      environment: ENVIRONMENT,
      ledger: { log: new code.LedgerLog(store, IDENTITY), store },
      executions: {
        isAlive: (arn) => this.request('read', `is ${nameOf(arn)} alive?`, () => executions.isAlive(arn), { failure }),
        events: (arn) =>
          scenario.handoverEvents === undefined && scenario.unservedMs === undefined
            ? Promise.resolve(0)
            : this.request('read', `how many events has ${nameOf(arn)}?`, () => executions.events(arn), { failure }),
        tuneMap: () => Promise.resolve('none runs'), // nothing is decided on how many batches run at a time
        succeedTask: (token, output) =>
          this.request('call', `SendTaskSuccess ${token}`, () => executions.answer(token, { output: output as Json }), {
            failure,
            repeated: () => 'gone',
          }),
        failTask: (token, error, cause) =>
          this.request(
            'call',
            `SendTaskFailure ${token}`,
            () => executions.answer(token, { error: new TaskFailed(error, cause) }),
            { failure, repeated: () => 'gone' },
          ),
        start: (name, input) =>
          this.request('call', `StartExecution ${name}`, () => executions.start(name, input as Json), {
            failure,
            repeated: (first) => ({ ...first, existed: true }),
          }),
      },
      notifications: {
        publish: async (subject, text) => {
          recorder.notificationTried(subject, text, !scenario.snsDown);
          await this.request('publish', 'publishes', () => undefined, { failure: () => new UserFailure('no topic') });
          if (scenario.snsDown) throw new UserFailure('SNS is down');
        },
      },
      callers: { identify: () => Promise.resolve({ identity: { is: 'claimed', why: 'there is no STS here' } }) },
      // Best effort too, like the notifications; one fault stands for both.
      events: {
        send: async () => {
          await this.request('publish', 'sends an event', () => undefined, {
            failure: () => new UserFailure('no event bus'),
          });
          if (scenario.snsDown) throw new UserFailure('EventBridge is down');
        },
      },
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
      now: this.now,
      nonce: () => `nonce-${this.id}-${(nonces += 1)}`,
    };
  }
}

interface Effects<T> {
  effect: (how?: 'now' | 'late') => T;
  succeed: (result: T, ms?: number) => void;
  fail: (code?: 'LedgerUnavailable' | 'LedgerForbidden') => void;
  reject: (error: Error) => void;
  repeated: ((first: T) => T) | undefined;
  exits: (() => void) | undefined;
}

const ofLedger = (what: string): boolean => /^(get|list|create|replace) /.test(what);

const nameOf = (arn: string): string => arn.slice(arn.lastIndexOf(':') + 1);

/** An error that is none of odin-migrate's. */
/** Of what user code throws, from this size on it is what the helpers throw when S3 asks for fewer requests. */
const SLOW = 0.75;

export class SlowedDown extends Error {
  override name = 'SlowedDown';
}

export class UserFailure extends Error {
  override name = 'UserFailure';
}

/** Those that are frozen, until an invocation of their function thaws one. */
export class Sandboxes {
  readonly #sim: Surroundings;
  readonly #all: Sandbox[] = [];
  /** By function: until when its role lacks what it was given. */
  readonly #forbidden = new Map<string, number>();

  constructor(sim: Surroundings) {
    this.#sim = sim;
  }

  forbid(name: string, ms: number): void {
    this.#forbidden.set(name, this.#sim.world.now + ms);
  }

  isForbidden(name: string): boolean {
    return this.#sim.faults.enabled && this.#sim.world.now < (this.#forbidden.get(name) ?? 0);
  }

  take(functionName: string, name: string, version: Version): Sandbox {
    const id = this.#all.length + 1;
    const frozen = this.#all.filter(
      (one) => one.state === 'frozen' && one.functionName === functionName && one.version === version,
    );
    const warm = frozen.at(-1);
    const takesIt = draw(this.#sim.seed, 'warm', this.#sim.faults.points) < this.#sim.scenario.warm;
    if (warm && takesIt) return warm;
    const made = new Sandbox(this.#sim, id, functionName, name, version);
    this.#all.push(made);
    return made;
  }
}
