// Gathers what `decide` looks at: the ledger, and whether the executions that it names are alive.
import type { AttemptSeen, Situation } from './decide.ts';
import { firstPending } from './decide.ts';
import type { AttemptIndex, Ledger } from '../ledger/ledger.ts';
import type { HaltRecord } from '../ledger/records.ts';

export interface Observer {
  /** ARN of the execution that asks. */
  execution: string;
  /** Whether an execution runs or is about to be redriven; false too for one that Step Functions no longer knows. */
  isAlive: (execution: string) => Promise<boolean>;
  /** Epoch milliseconds. */
  now: () => number;
}

export async function readSituation(
  ledger: Ledger,
  manifest: readonly string[],
  allowOutOfOrder: boolean,
  observer: Observer,
): Promise<Situation> {
  // Attempts first: a migration that completes between the two reads is then seen as completed, never as halting.
  const attempts = await ledger.attempts();
  const completed = await ledger.completedIds();
  const attempted = new Set([...attempts.keys()].filter((id) => !completed.has(id)));

  const pending = firstPending(manifest, completed);
  const unfinishedElsewhere: Situation['unfinishedElsewhere'][number][] = [];
  for (const migration of attempted) {
    const index = attempts.get(migration)?.at(-1);
    if (migration === pending || !index || index.finished) continue;
    const claim = await ledger.latestClaim(migration, index);
    if (claim) unfinishedElsewhere.push({ migration, attempt: index.attempt, deadline: Date.parse(claim.deadline) });
  }

  const index = pending === undefined ? undefined : attempts.get(pending)?.at(-1);
  const last = pending !== undefined && index ? await lookAt(ledger, pending, index, observer) : undefined;
  return {
    manifest,
    completed,
    attempted,
    ...(last && { last }),
    unfinishedElsewhere,
    allowOutOfOrder,
    now: observer.now(),
  };
}

async function lookAt(
  ledger: Ledger,
  migration: string,
  index: AttemptIndex,
  { execution, isAlive }: Observer,
): Promise<AttemptSeen> {
  const { attempt } = index;
  const claim = await ledger.latestClaim(migration, index);
  const finished = await ledger.finished(migration, attempt);
  const decided = await ledger.latestDecision(migration, index);
  const halt = await openHalt(ledger, migration, index);
  const haltOpenIn = halt && (await aliveIn(halt, isAlive, execution));
  const stopped = finished || decided || halt ? undefined : await stoppedAt(ledger, migration, index);

  const ownerOf = async (arn: string) => (arn === execution ? 'this' : (await isAlive(arn)) ? 'alive' : 'dead');
  return {
    attempt,
    ...(claim && {
      claim: {
        owner: await ownerOf(claim.execution),
        at: Date.parse(claim.time),
        deadline: Date.parse(claim.deadline),
      },
    }),
    ...(finished && { outcome: finished.outcome }),
    ...(decided && { decision: decided.decision }),
    ...(haltOpenIn !== undefined && { haltOpenIn }),
    ...(stopped && { stopped }),
  };
}

/** This attempt's halt, if its decision is not there yet. */
async function openHalt(ledger: Ledger, migration: string, index: AttemptIndex): Promise<HaltRecord | undefined> {
  const halt = await ledger.halt(migration);
  return halt?.attempt === index.attempt && halt.halt > index.halts ? halt : undefined;
}

/** A live execution that waits in the halt, besides `apartFrom`; undefined when there is none. */
export async function aliveIn(
  halt: HaltRecord,
  isAlive: Observer['isAlive'],
  apartFrom?: string,
): Promise<string | undefined> {
  for (const { execution } of halt.waiting) {
    if (execution !== apartFrom && (await isAlive(execution))) return execution;
  }
  return undefined;
}

/** The attempt's latest slice, if it stopped at the migration's last checkpoint. */
export async function stoppedAt(
  ledger: Ledger,
  migration: string,
  { attempt, slices }: AttemptIndex,
): Promise<AttemptSeen['stopped']> {
  const checkpoint = await ledger.checkpoint(migration);
  if (!checkpoint?.stopped || checkpoint.attempt !== attempt || checkpoint.slice !== slices) return undefined;
  return { slice: slices, at: Date.parse(checkpoint.time) };
}
