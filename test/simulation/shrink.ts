// The shortest schedule that we can find which still shows the same violation.
import type { Fault } from './faults.ts';
import type { Violation } from './recorder.ts';
import type { Options, Schedule } from './simulation.ts';
import { simulate } from './simulation.ts';
import type { Scenario } from './scenario.ts';

/** Enough for hundreds of faults; a schedule takes some milliseconds. */
const MAX_TRIES = 1_500;

export async function shrink(
  schedule: Schedule,
  options: Options,
): Promise<{ seed: number; scenario: Scenario; faults: Fault[] }> {
  const first = await simulate(schedule, options);
  const what = kindOf(first.violations[0]);
  let best = { seed: schedule.seed, scenario: schedule.scenario, faults: first.faults };
  let tries = 0;
  const take = async (candidate: typeof best): Promise<boolean> => {
    if ((tries += 1) > MAX_TRIES) return false;
    const { violations, faults } = await simulate(candidate, options);
    if (kindOf(violations[0]) !== what) return false;
    best = { ...candidate, faults: candidate.faults.filter((fault) => faults.includes(fault)) };
    return true;
  };
  const leaveOut = async (): Promise<boolean> => {
    let less = false;
    for (let size = Math.max(1, best.faults.length >> 1); size >= 1; size >>= 1) {
      for (let at = 0; at < best.faults.length;) {
        if (await take({ ...best, faults: best.faults.toSpliced(at, size) })) less = true;
        else at += size;
      }
    }
    return less;
  };
  const simplify = async (): Promise<boolean> => {
    let less = false;
    for (const simpler of simplerThan(best.scenario)) {
      if (await take({ ...best, scenario: { ...best.scenario, ...simpler } })) less = true;
    }
    return less;
  };
  while ((await leaveOut()) || (await simplify())) if (tries > MAX_TRIES) break;
  return best;
}

/** Of the same invariant, said in the same words but for its numbers. */
const kindOf = (violation: Violation | undefined): string | undefined =>
  violation && `${violation.invariant} ${violation.what.replace(/\d+/g, '0')}`;

function* simplerThan(scenario: Scenario): Generator<Partial<Scenario>> {
  if (scenario.latencyMs !== undefined) yield { latencyMs: undefined };
  if (scenario.clocksApartMs > 0) yield { clocksApartMs: 0 };
  if (scenario.warm > 0) yield { warm: 0 };
  if (scenario.deploymentMs > 0) yield { deploymentMs: 0 };
  if (scenario.pageSize < 1000) yield { pageSize: 1000 };
  if (scenario.snsDown) yield { snsDown: false };
  if (scenario.outOfOrder > 0) yield { outOfOrder: 0 };
  if (scenario.operators > 0) yield { operators: scenario.operators - 1 };
  if (scenario.decisions > 1) yield { decisions: scenario.decisions - 1 };
  for (let at = 0; scenario.startsMs.length > 1 && at < scenario.startsMs.length; at += 1) {
    yield { startsMs: scenario.startsMs.toSpliced(at, 1) };
  }
  for (let at = 0; scenario.migrations.length > 1 && at < scenario.migrations.length; at += 1) {
    yield { migrations: scenario.migrations.toSpliced(at, 1) };
  }
}
