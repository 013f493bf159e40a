// The world of one function under test: a ledger in memory, Step Functions as a fake, a clock that stands still, and
// everything that was logged and published.
import { setImmediate as later } from 'node:timers/promises';
import type { OdinEvent } from '../../core/contract/events.ts';
import { LedgerLog } from '../../core/ledger/log.ts';
import { MemoryStore } from '../../core/ledger/memory-store.ts';
import type { Manifest } from '../../core/contract/manifest.ts';
import type { ChatNotification } from '../../core/contract/chat.ts';
import type { Ledger } from '../../core/ledger/ledger.ts';
import type { FunctionLog, Invocation, Services } from '../../core/contract/ports.ts';
import type { Timing } from '../../lambdas/run-migration/user-code/supervise.ts';
import type { Clock } from './clock.ts';
import { createClock } from './clock.ts';
import { FakeExecutions } from './fake-executions.ts';
import { HookedStore } from './hooked-store.ts';

export const ENVIRONMENT = 'odin-dev';
export const IDENTITY = { environment: ENVIRONMENT, account: '111122223333', region: 'eu-west-1' };
export const HASH = 'a'.repeat(64);
/** Each migration's file is another text. */
export const sourceOf = (id: string): string => id.repeat(16);
export const CODE = 'c'.repeat(64);

export interface LogLine {
  level: keyof FunctionLog;
  message: string;
  fields: Record<string, unknown> | undefined;
}

export interface World {
  store: HookedStore;
  ledger: Ledger;
  executions: FakeExecutions;
  clock: Clock;
  services: Services;
  published: { subject: string; message: string; chat: ChatNotification }[];
  sentEvents: OdinEvent[];
  /** Set: the event bus does not take any event. */
  busFailure: { error?: Error };
  /** Set: the topic does not take any message. */
  topicFailure: { error?: Error };
  logs: LogLine[];
  /** The clock of user code. */
  timing: Timing;
  /** What waits for its time, which a test lets come by calling it. */
  timers: Set<{ ms: number; work: () => void }>;
}

export function createWorld(): World {
  const clock = createClock();
  const store = new HookedStore(new MemoryStore(clock.now));
  const ledger = { log: new LedgerLog(store, IDENTITY), store };
  const executions = new FakeExecutions();
  const published: World['published'] = [];
  const topicFailure: World['topicFailure'] = {};
  const sentEvents: OdinEvent[] = [];
  const busFailure: World['busFailure'] = {};
  const logs: LogLine[] = [];
  const timers: World['timers'] = new Set();
  const logAs = (level: keyof FunctionLog) => (message: string, fields?: Record<string, unknown>) => {
    logs.push({ level, message, fields });
  };
  let nonces = 0;
  return {
    store,
    ledger,
    executions,
    clock,
    published,
    topicFailure,
    sentEvents,
    busFailure,
    logs,
    timers,
    services: {
      environment: ENVIRONMENT,
      ledger,
      executions,
      notifications: {
        publish: async (subject, message, chat) => {
          await later();
          if (topicFailure.error !== undefined) throw topicFailure.error;
          published.push({ subject, message, chat });
        },
      },
      events: {
        send: async (event) => {
          await later();
          if (busFailure.error !== undefined) throw busFailure.error;
          sentEvents.push(event);
        },
      },
      callers: { identify: () => Promise.resolve({ identity: { is: 'claimed', why: 'there is no STS here' } }) },
      log: { info: logAs('info'), warn: logAs('warn'), error: logAs('error') },
      now: clock.now,
      nonce: () => `nonce-${(nonces += 1)}`,
    },
    timing: {
      now: clock.now,
      after: (ms, work) => {
        const timer = { ms, work };
        timers.add(timer);
        return () => {
          timers.delete(timer);
        };
      },
    },
  };
}

/** An invocation that may run for so long, by the world's clock. */
export function invocation({ clock }: World, { minutes = 15, requestId = 'request-1' } = {}): Invocation {
  const ends = clock.now() + minutes * 60_000;
  const functionName = 'odin-migrate-odin-dev-0004';
  const functionArn = `arn:aws:lambda:eu-west-1:111122223333:function:${functionName}`;
  return { requestId, functionName, functionArn, remainingMs: () => ends - clock.now() };
}

export function manifestOf(...ids: string[]): Manifest {
  return {
    formatVersion: 1,
    environment: ENVIRONMENT,
    gitCommit: 'abc123',
    migrations: ids.map((id) => ({
      id,
      file: `migrations/${ENVIRONMENT}/${id}.ts`,
      description: `What ${id} does`,
      functionName: `odin-migrate-${ENVIRONMENT}-${id}`,
      sourceSha256: sourceOf(id),
      codeSha256: CODE,
      timeoutSeconds: 900,
      checkpointed: false,
    })),
  };
}
