// The functions as Lambda runs them: each invocation with a clock of its own, a time after which it is killed, and a
// fault possible at each of its requests. The handlers are the real ones.
import type { Store, StoredObject, Written } from '../../core/ledger/store.ts';
import type { Invocation, Services } from '../../core/contract/ports.ts';
import type { Exit } from '../../lambdas/run-migration/user-code/ends.ts';
import type { RunUserCode } from '../../lambdas/run-migration/user-code/supervise.ts';
import type { MigrationModule } from '../../lambdas/run-migration/user-code/user-module.ts';
import { inThisProcess } from '../support/in-process.ts';
import type { Fault, Place } from './faults.ts';
import type { Caller, PlannedMigration } from './planned.ts';
import { draw, pick, spread } from './random.ts';
import type { Json } from './stepper.ts';
import { TaskFailed } from './stepper.ts';
import type { Whole } from './whole.ts';

/** CDK gives the system functions so long (infra/functions.ts). */
const SYSTEM_TIMEOUT_MS = 90_000;
const MINUTE = 60_000;
/** Configuration's default. */
export const CLOCK_MARGIN_MS = 60_000;
const SHA = 'a'.repeat(64);

export class Instance {
  readonly id: number;
  readonly name: string;
  over = false;
  /** It is not over, and does nothing any more. */
  still = false;
  readonly endsAt: number;
  readonly #skewMs: number;
  readonly #sim: Whole;
  readonly #caller: Caller;
  readonly #die: (error: TaskFailed) => void;

  constructor(sim: Whole, id: number, name: string, timeoutMs: number, caller: Caller, die: (e: TaskFailed) => void) {
    this.#sim = sim;
    this.id = id;
    this.name = name;
    this.endsAt = sim.world.now + timeoutMs;
    this.#caller = caller;
    this.#die = die;
    this.#skewMs = Math.round((draw(sim.seed, 'clock', id) - 0.5) * sim.scenario.clocksApartMs);
    sim.world.after(timeoutMs, () => {
      this.kill('Sandbox.Timedout', `Task timed out after ${timeoutMs / 1000} seconds`);
    });
  }

  now = (): number => this.#sim.world.now + this.#skewMs;

  kill(error: string, cause: string): void {
    if (this.over) return;
    this.#sim.recorder.trace(`function ${this.id}`, `DIES: ${error}`);
    this.end(true);
    this.#die(new TaskFailed(error, JSON.stringify({ errorType: error, errorMessage: cause })));
  }

  end(died: boolean): void {
    this.over = true;
    this.#sim.recorder.functionEnds(this.id, died);
  }

  /**
   * One request of the function: a point where everybody else may go on in the meantime, and where a fault may happen.
   * @param effect what it does in the world, at one instant
   * @param repeated what the SDK's repetition of a request that took effect is answered
   */
  request<T>(
    place: Place,
    what: string,
    effect: () => T,
    { repeated, failure, exits }: RequestOptions<T> = {},
  ): Promise<T> {
    const { world, recorder, faults } = this.#sim;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const fault = faults.next(place, place === 'user' ? this.#sim.scenario.userFails : 0);
    const point = faults.points - 1;
    const note = fault ? ` [${point}: ${fault.kind}]` : ` [${point}]`;
    if (fault) this.#sim.around(fault, this.#caller.execution);
    const unanswered = () => {
      // A request of a function that was killed meanwhile may have been on its way already.
      if (!this.over && !this.still) return false;
      if (place !== 'user' && draw(this.#sim.seed, 'on its way', point) < 0.3) effect();
      return true;
    };
    const answer = (settle: () => void) => {
      if (!this.over && !this.still) settle();
    };
    const fail = (code: 'LedgerUnavailable' | 'LedgerForbidden' = 'LedgerUnavailable') => {
      reject(failure?.() ?? this.#sim.ledgerError(code, what));
    };
    const stallMs = fault?.kind === 'stall' ? spread(1_000, 10 * MINUTE, fault.size) : 0;
    world.after(this.#sim.latency(point) + stallMs, () => {
      if (unanswered()) return;
      recorder.trace(`function ${this.id} ${this.name}`, what + note);
      switch (fault?.kind) {
        case 'crash':
          return this.kill('Runtime.ExitError', 'Runtime exited with error: exit status 1');
        case 'crash after':
          effect();
          return this.kill('Runtime.ExitError', 'Runtime exited with error: exit status 1');
        case 'fails':
          return fail();
        case 'conflict':
          return world.after(3_100, () => answer(fail));
        case 'forbidden':
          return fail('LedgerForbidden');
        case 'lost':
          effect();
          return world.after(25_000 * fault.size, () => answer(fail));
        case 'late':
          world.after(spread(100, 5 * MINUTE, fault.size), effect);
          return fail();
        case 'repeated': {
          const first = effect();
          return world.after(spread(10, 20_000, fault.size), () =>
            answer(() => resolve(repeated ? repeated(first) : first)),
          );
        }
        case 'slow answer': {
          const result = effect();
          return world.after(spread(1_000, 10 * MINUTE, fault.size), () => answer(() => resolve(result)));
        }
        case 'throws':
          return reject(new UserFailure('user code throws'));
        case 'hangs':
          return undefined;
        case 'exits':
          return exits?.();
        case 'stands still':
          this.still = true;
          return undefined;
        default:
          return resolve(effect());
      }
    });
    return promise;
  }
}

interface RequestOptions<T> {
  repeated?: (first: T) => T;
  failure?: () => Error;
  /** Ends the process of user code. */
  exits?: () => void;
}

class UserFailure extends Error {
  override name = 'UserFailure';
}

/** Runs a function; settles with its answer, or with its error as Step Functions names it. */
export function invoke(sim: Whole, functionName: string, payload: Json, caller: Caller): Promise<Json> {
  const { deployment, code } = sim;
  const migration = deployment.migrations.get(functionName);
  const system = /-(list-pending|record-completion|halt|resume)$/.exec(functionName)?.[1];
  if (!migration && system === undefined) {
    return Promise.reject(new TaskFailed('Lambda.ResourceNotFoundException', `Function not found: ${functionName}`));
  }
  const { promise, resolve, reject } = Promise.withResolvers<Json>();
  const timeoutMs = migration?.planned.timeoutMs ?? SYSTEM_TIMEOUT_MS;
  const id = sim.nextInstance();
  const short = migration ? `0${migration.planned.id}`.slice(1) : (system ?? '');
  const instance = new Instance(sim, id, short, timeoutMs, caller, reject);
  const services = servicesOf(sim, instance);
  const invocation: Invocation = {
    requestId: `request-${id}`,
    functionName,
    functionArn: functionName,
    remainingMs: () => instance.endsAt - sim.world.now,
  };
  const handle = async (): Promise<unknown> => {
    if (migration) {
      const { planned, predecessor } = migration;
      const self = {
        migration: planned.id,
        predecessor,
        sourceSha256: SHA,
        codeSha256: SHA,
        clockMarginMs: CLOCK_MARGIN_MS,
        sliceMs: planned.sliceMs,
      };
      const run = runUserCode(sim, instance, planned, caller);
      return code.createRunMigration(self, services, run)(code.RunPayload.parse(payload), invocation);
    }
    switch (system) {
      case 'list-pending':
        caller.listed = deployment.manifest.migrations.map((entry) => entry.id);
        return code.createListPending(
          services,
          deployment.manifest,
          sim.scenario.handoverEvents,
        )(code.ListPendingPayload.parse(payload));
      case 'record-completion':
        return code.createRecordCompletion(services)(code.RecordPayload.parse(payload), invocation);
      case 'halt':
        return code.createHalt(services, deployment.manifest)(code.HaltPayload.parse(payload), invocation);
      default: {
        const cancel = code.CancelPayload.safeParse(payload).data;
        return cancel
          ? code.createCancel(services, deployment.manifest)(cancel, invocation)
          : code.createResume(services)(code.ResumePayload.parse(payload), invocation);
      }
    }
  };
  handle().then(
    (answer) =>
      instance.request('return', `answers ${JSON.stringify(answer)}`, () => {
        instance.end(false);
        resolve(answer as Json);
      }),
    (thrown: unknown) => {
      const error = code.asOdinError(thrown);
      return instance.request('return', `fails with ${error.name}: ${error.message}`, () => {
        instance.end(false);
        reject(new TaskFailed(error.name, JSON.stringify({ errorType: error.name, errorMessage: error.message })));
      });
    },
  );
  return promise;
}

function servicesOf(sim: Whole, instance: Instance): Services {
  const unreachable = () => new TaskFailed('ServiceUnavailable', 'Step Functions does not answer');
  return {
    environment: sim.deployment.manifest.environment,
    ledger: new sim.code.Ledger(sim.wrapStore(storeOf(sim, instance))),
    executions: {
      isAlive: (arn) =>
        instance.request('read', `is ${nameOf(arn)} alive?`, () => sim.executions.isAlive(arn), {
          failure: unreachable,
        }),
      events: (arn) =>
        sim.scenario.handoverEvents === undefined
          ? Promise.resolve(0)
          : instance.request('read', `how many events has ${nameOf(arn)}?`, () => sim.executions.events(arn), {
              failure: unreachable,
            }),
      succeedTask: (token, output) =>
        instance.request(
          'call',
          `SendTaskSuccess ${token}`,
          () => sim.executions.answer(token, { output: output as Json }),
          { failure: unreachable, repeated: () => 'gone' },
        ),
      failTask: (token, error, cause) =>
        instance.request(
          'call',
          `SendTaskFailure ${token}`,
          () => sim.executions.answer(token, { error: new TaskFailed(error, cause) }),
          { failure: unreachable, repeated: () => 'gone' },
        ),
      start: (name, input) =>
        instance.request('call', `StartExecution ${name}`, () => sim.executions.start(name, input as Json), {
          failure: unreachable,
          repeated: (first) => ({ ...first, existed: true }),
        }),
    },
    notifications: {
      publish: async (subject) => {
        sim.recorder.notificationTried(subject, !sim.scenario.snsDown);
        await instance.request('publish', 'publishes', () => undefined, { failure: () => new UserFailure('no topic') });
        if (sim.scenario.snsDown) throw new UserFailure('SNS is down');
      },
    },
    // Best effort too, like the notifications; one fault stands for both.
    events: {
      send: async () => {
        await instance.request('publish', 'sends an event', () => undefined, {
          failure: () => new UserFailure('no event bus'),
        });
        if (sim.scenario.snsDown) throw new UserFailure('EventBridge is down');
      },
    },
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    now: instance.now,
    nonce: () => `nonce-${sim.nextNonce()}`,
  };
}

const nameOf = (arn: string): string => arn.slice(arn.lastIndexOf(':') + 1);

/** The bucket as one invocation reaches it. A list is read in pages, and others write between two of them. */
function storeOf(sim: Whole, instance: Instance): Store {
  const { objects } = sim;
  const put = (key: string, body: string) => {
    sim.etags += 1;
    const etag = `"${sim.etags}"`;
    objects.set(key, { body, etag, modified: sim.world.now });
    sim.recorder.written(key, body);
    return { etag };
  };
  const page = (prefix: string, after: string) =>
    [...objects]
      .filter(([key]) => key.startsWith(prefix) && key > after)
      .map(([key, { etag }]) => ({ key, etag }))
      .sort((a, b) => (a.key < b.key ? -1 : 1))
      .slice(0, sim.scenario.pageSize);
  return {
    get: (key) => instance.request<StoredObject | undefined>('read', `get ${key}`, () => objects.get(key)),
    create: (key, body) =>
      instance.request<Written | 'exists'>(
        'write',
        `create ${key}`,
        () => {
          if (objects.has(key)) return 'exists';
          return put(key, body);
        },
        { repeated: () => 'exists' },
      ),
    replace: (key, body, etag) =>
      instance.request<Written | 'conflict'>(
        'write',
        `replace ${key}`,
        () => {
          if (objects.get(key)?.etag !== etag) return 'conflict';
          return put(key, body);
        },
        { repeated: () => 'conflict' },
      ),
    list: async (prefix, startAfter = '') => {
      const found: { key: string; etag: string }[] = [];
      let at = Infinity;
      for (;;) {
        const last = found.at(-1)?.key ?? startAfter;
        const next = await instance.request('read', `list ${prefix}${last && ` after ${last}`}`, () => ({
          at: sim.world.now,
          objects: page(prefix, last),
        }));
        at = Math.min(at, next.at);
        found.push(...next.objects);
        if (next.objects.length < sim.scenario.pageSize) return { at, objects: found };
      }
    },
  };
}

/** In a process of its own, as far as anybody can see: what is killed does nothing any more. */
function runUserCode(sim: Whole, instance: Instance, planned: PlannedMigration, caller: Caller): RunUserCode {
  const clock = {
    now: instance.now,
    after: (ms: number, work: () => void) => {
      let wanted = true;
      sim.world.after(ms, () => {
        if (wanted && !instance.over && !instance.still) work();
      });
      return () => {
        wanted = false;
      };
    },
  };
  return (options) => {
    const { promise: exits, resolve } = Promise.withResolvers<Exit>();
    const life = { over: false, exit: () => resolve({ code: 1, signal: null }) };
    const onKill = () => {
      life.over = true;
      sim.recorder.functionEnds(instance.id, true);
    };
    const load = userCode(sim, instance, planned, caller, options, life);
    const start = inThisProcess(load, { play: sim.code.playTurn, onKill, exits });
    return sim.code.superviseUserCode(start, clock, () => undefined)(options);
  };
}

function userCode(
  sim: Whole,
  instance: Instance,
  planned: PlannedMigration,
  { manifest, allowOutOfOrder }: Caller,
  { migration, attempt, slice }: { migration: string; attempt: number; slice: number },
  life: { over: boolean; exit: () => void },
) {
  const { recorder, seed } = sim;
  return (): Promise<MigrationModule> => {
    // A module's top level is user code already.
    recorder.userCodeStarts({ migration, attempt, slice, instance: instance.id, manifest, allowOutOfOrder });
    const ends = (how: 'returned' | 'threw' | 'stopped') => recorder.userCodeEnds(migration, attempt, instance.id, how);
    const unlessOver = (): Promise<void> => (life.over ? new Promise(() => undefined) : Promise.resolve());
    const work = async (at: number): Promise<void> => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const ms = planned.stepMs * (0.5 + draw(seed, 'step', instance.id, at));
      sim.world.after(ms, resolve);
      await promise;
      await unlessOver();
      await instance.request('user', `user code of ${migration}, step ${at}`, () => undefined, { exits: life.exit });
      await unlessOver();
    };
    async function plain(): Promise<void> {
      try {
        for (let at = 0; at < planned.steps; at += 1) await work(at);
        ends('returned');
      } catch (thrown) {
        ends('threw');
        throw thrown;
      }
    }
    async function* checkpointed(resume: unknown): AsyncGenerator<unknown, void, undefined> {
      let done = false;
      try {
        for (let at = typeof resume === 'number' ? resume + 1 : 0; at < planned.steps; at += 1) {
          await work(at);
          yield { cursor: at, done: at + 1, total: planned.steps };
        }
        done = true;
        ends('returned');
      } catch (thrown) {
        done = true;
        ends('threw');
        throw thrown;
      } finally {
        // A slice that stops runs its `finally` blocks, and they are user code too.
        if (!done) {
          await work(99);
          ends('stopped');
        }
      }
    }
    return Promise.resolve({ migration: planned.sliceMs === undefined ? plain : checkpointed });
  };
}

/** Starts a function as Step Functions does, with what can go wrong on the way there and back. */
export function dispatch(sim: Whole, functionName: string, payload: Json, caller: Caller): Promise<Json> {
  const { world, recorder, faults, seed } = sim;
  const fault: Fault | undefined = faults.next('invoke');
  const point = faults.points - 1;
  if (fault) sim.around(fault, caller.execution);
  recorder.trace('Step Functions', `invokes ${functionName} [${point}${fault ? `: ${fault.kind}` : ''}]`);
  const { promise, resolve, reject } = Promise.withResolvers<Json>();
  const run = () => invoke(sim, functionName, payload, caller);
  const again = () => {
    run().catch(() => undefined); // nobody waits for the answer
  };
  const ambiguous = () => {
    const names = [
      'Lambda.ServiceException',
      'Lambda.SdkClientException',
      'Lambda.Unknown',
      'Lambda.AWSLambdaException',
    ];
    return new TaskFailed(pick(names, draw(seed, 'name', point)), 'Lambda did not say what happened');
  };
  world.after(sim.latency(point), () => {
    switch (fault?.kind) {
      case 'throttled':
        return reject(new TaskFailed('Lambda.TooManyRequestsException', 'Rate Exceeded.'));
      case 'refused':
        return reject(ambiguous());
      case 'error while it runs':
        again();
        return world.after(spread(1, 5 * MINUTE, fault.size), () => reject(ambiguous()));
      case 'answer lost':
        return void run().then(
          () => reject(ambiguous()),
          () => reject(ambiguous()),
        );
      case 'late start':
        return world.after(spread(1_000, 30 * MINUTE, fault.size), () => void run().then(resolve, reject));
      case 'duplicate':
        again();
        break;
      case 'late duplicate':
        world.after(spread(1_000, 60 * MINUTE, fault.size), again);
        break;
      default:
    }
    return void run().then(resolve, reject);
  });
  return promise;
}
