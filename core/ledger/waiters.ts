// `waiters/00000045/<id>.json`: an execution that waits in the halt of entry 45, with the task token that lets it go on. Few may
// read it; its id ends with the execution's name, so that a list tells who waits.
//
//   halt:    append halted ─▶ leave a waiter ─▶ look at the log
//   resume:  append decided ─▶ read the waiters ─▶ tell them
//
// Whatever the order of the two, one sees the other: an execution is told by `resume`, or goes on by itself.
import pMap from 'p-map';
import * as z from '../schema.ts';
import { jsonOf } from './json.ts';
import { unreadable } from './unreadable.ts';
import type { Store } from './store.ts';
import { LOG_FORMAT, sha256 } from './entries.ts';
import { MigrationId } from '../names/identifiers.ts';
import { executionName, siblingExecution } from '../names/names.ts';
import type { TurnState } from './fold.ts';
import { partsOf, waiterKey, WAITERS_PREFIX, waitersPrefix } from './keys.ts';

export const Waiter = z.object({
  format: z.literal(LOG_FORMAT),
  /** Number of the `halted` entry. */
  halt: z.int().check(z.minimum(1)),
  execution: z.string().check(z.minLength(1)),
  /** Of the input of the execution, for the one that goes on when this one is gone. */
  run: z.string().check(z.minLength(1)),
  allowOutOfOrder: z.boolean(),
  allowRenumbered: z.optional(z.array(MigrationId)),
  acceptChanged: z.optional(z.array(MigrationId)),
  /** Whoever holds it can let the execution go on, or fail it: read by few, shown to nobody. */
  token: z.string().check(z.minLength(1)),
  since: z.iso.datetime(),
});
export type Waiter = z.infer<typeof Waiter>;

/** Each redrive, and each repetition of the state, has a token of its own. */
export async function leaveWaiter(store: Store, waiter: Omit<Waiter, 'format'>): Promise<void> {
  const key = waiterKey(waiter.halt, `${sha256(waiter.token).slice(0, 32)}-${executionName(waiter.execution)}`);
  const body = `${JSON.stringify({ format: LOG_FORMAT, ...waiter }, undefined, 2)}\n`;
  await store.create(key, body); // when it is there, this token waits already
}

/**
 * Those who wait, or waited, in a halt, the first one first.
 * @throws OdinError RecordUnreadable
 */
export async function readWaiters(store: Store, halt: number): Promise<Waiter[]> {
  const { objects } = await store.list(waitersPrefix(halt));
  const waiters = await pMap(objects, ({ key }) => read(store, key), { concurrency: READ_CONCURRENCY });
  return waiters.sort((one, other) => Date.parse(one.since) - Date.parse(other.since));
}

/**
 * ARNs of the executions that wait, or waited, in a halt, by the keys alone: no token is read.
 * @param execution ARN of any execution of the same state machine
 */
export async function waitingExecutions(store: Store, halt: number, execution: string): Promise<string[]> {
  return (await waitingUnder(store, waitersPrefix(halt), execution)).get(halt) ?? [];
}

/**
 * @param isAlive whether an execution runs
 * @param besides ARN of the one that asks, if an execution does
 * @returns the ARN of an execution that lives and waits in the turn's halt: then nobody else need run. Undefined when the halt is not open,
 *   or nobody else waits. It may be another one than the turn was allowed for: after an `abort` the next run waits there
 */
export async function haltedIn(
  store: Store,
  { halt, allowed }: TurnState,
  isAlive: (execution: string) => Promise<boolean>,
  besides?: string,
): Promise<string | undefined> {
  if (!halt || halt.decided) return undefined;
  for (const execution of await waitingExecutions(store, halt.halted.number, allowed.execution)) {
    if (execution !== besides && (await isAlive(execution))) return execution;
  }
  return undefined;
}

/** The same as `waitingExecutions`, of every halt in which somebody waits, or waited: its number, ascending → ARNs. */
export const waitingInHalts = (store: Store, execution: string): Promise<Map<number, string[]>> =>
  waitingUnder(store, WAITERS_PREFIX, execution);

async function waitingUnder(store: Store, prefix: string, execution: string): Promise<Map<number, string[]>> {
  const waiting = new Map<number, string[]>();
  for (const { key } of (await store.list(prefix)).objects) {
    const { number: halt, id = '' } = partsOf('waiter', key) ?? {};
    const { name } = /^[0-9a-f]{32}-(?<name>.+)$/.exec(id)?.groups ?? {};
    if (halt === undefined || name === undefined) continue; // a foreign key
    const before = waiting.get(halt) ?? [];
    waiting.set(halt, [...new Set([...before, siblingExecution(execution, name)])]);
  }
  return waiting;
}

async function read(store: Store, key: string): Promise<Waiter> {
  const stored = await store.get(key);
  const { data, error } = Waiter.safeParse(stored && jsonOf(stored.body));
  if (!data) throw unreadable(key, 'it is no waiter', error);
  return data;
}

const READ_CONCURRENCY = 16;
