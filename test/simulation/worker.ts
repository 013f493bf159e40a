// One core's share of `npm run simulate`: tells its counts now and then, and the first violation in full.
import { parentPort, workerData } from 'node:worker_threads';
import * as code from './code.ts';
import type { WorldName } from './exhaustive.ts';
import { exhaustive, WORLDS } from './exhaustive.ts';
import { reportViolation } from './report.ts';
import { scenarioOf } from './scenario.ts';
import type { Schedule } from './simulation.ts';
import { simulate } from './simulation.ts';

export interface Share {
  /** Schedules of the seeds from `from` on, or the exhaustive set. */
  what: { from: number; schedules: number } | 'exhaustive';
  /** This worker takes each `of`th schedule, beginning with the `share`th. */
  share: number;
  of: number;
}

export interface Counts {
  schedules: number;
  events: number;
  faults: number;
  userCodeStarts: number;
  executions: number;
  violations: number;
  report?: string;
}

const TELL_EVERY = 100;

async function* schedulesOf({ what, share, of }: Share): AsyncGenerator<Schedule> {
  if (what === 'exhaustive') {
    let at = 0;
    for (const world of Object.keys(WORLDS) as WorldName[]) {
      for await (const schedule of exhaustive(world, { code }, { depth: 2, all: true }))
        if (at++ % of === share) yield schedule;
    }
    return;
  }
  for (let seed = what.from + share; seed < what.from + what.schedules; seed += of) {
    yield { seed, scenario: scenarioOf(seed) };
  }
}

const none = (): Counts => ({ schedules: 0, events: 0, faults: 0, userCodeStarts: 0, executions: 0, violations: 0 });

let counts = none();
let reported = false;
for await (const schedule of schedulesOf(workerData as Share)) {
  const result = await simulate(schedule, { code });
  counts.schedules += 1;
  counts.events += result.steps;
  counts.faults += result.faults.length;
  counts.userCodeStarts += result.starts.length;
  counts.executions += result.executions.length;
  const [violation] = result.violations;
  if (violation) {
    counts.violations += 1;
    // The first one is shortened, which takes a while; of the others the seed is enough to come back to them.
    const report = reported
      ? `Seed ${schedule.seed} too: invariant ${violation.invariant}, ${violation.what}`
      : await reportViolation(schedule, { code });
    counts.report = [counts.report, report].filter((text) => text !== undefined).join('\n');
    reported = true;
  }
  if (counts.schedules < TELL_EVERY) continue;
  parentPort?.postMessage(counts);
  counts = none();
}
parentPort?.postMessage(counts);
