// What happens in a run, as events, by what the ledger shows: embedded and deployed alike.
import { DescribeExecutionCommand } from '@aws-sdk/client-sfn';
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  Cancellation,
  CheckpointRecord,
  Claim,
  Completion,
  DecisionRecord,
  Finished,
  HaltRecord,
} from '../core/ledger/records.ts';
import { handedOverTo } from '../core/contract/payloads.ts';
import type { Deployment } from './deployment.ts';

export type RunEvent =
  | { event: 'started'; migration: string; attempt: number; claim: Claim }
  | { event: 'slice'; migration: string; attempt: number; slice: number }
  | { event: 'progress'; migration: string; checkpoint: CheckpointRecord }
  | { event: 'cancelled'; migration: string; attempt: number; cancellation: Cancellation }
  | { event: 'finished'; migration: string; attempt: number; finished: Finished }
  | { event: 'decided'; migration: string; attempt: number; decision: DecisionRecord }
  | { event: 'completed'; migration: string; completion: Completion }
  | { event: 'halted'; migration: string; halt: HaltRecord }
  | { event: 'handed over'; execution: string }
  | {
      event: 'ended';
      status: string;
      error?: string | undefined;
      cause?: string | undefined;
      output?: string | undefined;
    };

/** What of the ledger was told before. */
export class Told {
  readonly keys = new Set<string>();

  /** Tells nothing of what the ledger holds now. */
  static async everythingIn({ ledger }: Deployment): Promise<Told> {
    const told = new Told();
    // The keys are enough: records of years need not be read only to be passed over.
    for (const [migration, attempts] of await ledger.attempts()) {
      for (const { attempt, slices, finished, cancelled, halts } of attempts) {
        const key = `${migration}/${attempt}`;
        if (slices > 0) told.keys.add(`${key}/started`);
        for (let slice = 2; slice <= slices; slice += 1) told.keys.add(`${key}/slice/${slice}`);
        if (finished) told.keys.add(`${key}/finished`);
        if (cancelled) told.keys.add(`${key}/cancelled`);
        for (let halt = 1; halt <= halts; halt += 1) told.keys.add(`${key}/decision/${halt}`);
      }
    }
    for (const migration of await ledger.completedIds()) told.keys.add(`${migration}/completed`);
    return told;
  }
}

/**
 * From the execution on to those that it hands over to. Ends after `ended`. A `halted` event is told once per halt, and the
 * caller may stop there.
 */
export async function* runEvents(
  deployment: Deployment,
  first: string,
  told: Told,
  pollMs: number,
): AsyncGenerator<RunEvent> {
  let executionArn = first;
  for (;;) {
    // The status first, then the ledger: so the last records of a run that has ended are still told.
    const { status, error, cause, output } = await deployment.sfn.send(new DescribeExecutionCommand({ executionArn }));
    yield* changes(deployment, told, executionArn);
    const successor = status === 'SUCCEEDED' ? handedOverTo(output) : undefined;
    if (successor !== undefined) {
      executionArn = successor;
      yield { event: 'handed over', execution: successor };
      continue;
    }
    if (status !== 'RUNNING' && status !== 'PENDING_REDRIVE') {
      yield { event: 'ended', status: status ?? 'UNKNOWN', error, cause, output };
      return;
    }
    await sleep(pollMs);
  }
}

/** Every record that was not told yet, in the order in which things happen to a migration. */
async function* changes({ ledger }: Deployment, told: Told, executionArn: string): AsyncGenerator<RunEvent> {
  const isNew = (key: string) => !told.keys.has(key) && told.keys.add(key) !== undefined;
  const attempts = await ledger.attempts();
  const completed = await ledger.completedIds();
  for (const migration of [...new Set([...attempts.keys(), ...completed])].sort()) {
    for (const { attempt, slices, finished, cancelled, halts } of attempts.get(migration) ?? []) {
      const key = `${migration}/${attempt}`;
      if (slices > 0 && isNew(`${key}/started`)) {
        const claim = await ledger.claim(migration, attempt, 1);
        if (claim) yield { event: 'started', migration, attempt, claim };
      }
      for (let slice = 2; slice <= slices; slice += 1) {
        if (isNew(`${key}/slice/${slice}`)) yield { event: 'slice', migration, attempt, slice };
      }
      if (slices > 0 && !finished && !completed.has(migration)) {
        const checkpoint = await ledger.checkpoint(migration);
        if (checkpoint?.attempt === attempt && isNew(`${key}/checkpoint/${checkpoint.sequence}`)) {
          yield { event: 'progress', migration, checkpoint };
        }
      }
      if (cancelled && isNew(`${key}/cancelled`)) {
        const cancellation = await ledger.cancellation(migration, attempt);
        if (cancellation) yield { event: 'cancelled', migration, attempt, cancellation };
      }
      if (finished && isNew(`${key}/finished`)) {
        const record = await ledger.finished(migration, attempt);
        if (record) yield { event: 'finished', migration, attempt, finished: record };
      }
      for (let halt = 1; halt <= halts; halt += 1) {
        if (!isNew(`${key}/decision/${halt}`)) continue;
        const decision = await ledger.decision(migration, attempt, halt);
        if (decision) yield { event: 'decided', migration, attempt, decision };
      }
    }
    if (completed.has(migration) && isNew(`${migration}/completed`)) {
      const completion = await ledger.completion(migration);
      if (completion) yield { event: 'completed', migration, completion };
    }
  }
  for (const halt of await ledger.halts()) {
    const { migration, attempt } = halt;
    const undecided = (attempts.get(migration)?.find((seenOne) => seenOne.attempt === attempt)?.halts ?? 0) < halt.halt;
    const waits = halt.waiting.some(({ execution }) => execution === executionArn);
    if (undecided && waits && isNew(`${migration}/${attempt}/halt/${halt.halt}`))
      yield { event: 'halted', migration, halt };
  }
}
