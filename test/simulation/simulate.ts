// npm run simulate -- [--schedules 100000] [--seed N] [--exhaustive] [--trace] [--requests]
//
// Runs that many schedules from that seed on, on all cores; --exhaustive runs every pair of faults in small
// worlds instead; --seed N --trace prints one schedule's timeline, and --requests its
// requests and answers, a line of JSON each, for the model of the protocol. The exit code is 1 when an invariant was violated, 2 when the
// arguments are not understood.
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import * as code from './code.ts';
import { scenarioOf } from './scenario.ts';
import { simulate } from './simulation.ts';
import type { Counts, Share } from './worker.ts';

const PROGRESS_MS = 5_000;

function options() {
  const { values } = parseArgs({
    options: {
      schedules: { type: 'string', default: '10000' },
      seed: { type: 'string', default: '1' },
      exhaustive: { type: 'boolean', default: false },
      trace: { type: 'boolean', default: false },
      requests: { type: 'boolean', default: false },
    },
  });
  const [schedules, seed] = [Number(values.schedules), Number(values.seed)];
  if (!Number.isInteger(schedules) || schedules < 1) throw new Error('--schedules needs a number of 1 or more');
  if (!Number.isInteger(seed) || seed < 0) throw new Error('--seed needs a number of 0 or more');
  return { ...values, schedules, seed };
}

async function printOne(seed: number): Promise<boolean> {
  const { timeline, violations } = await simulate({ seed, scenario: scenarioOf(seed) }, { code, trace: true });
  console.log(timeline?.join('\n'));
  for (const { invariant, what } of violations) console.log(`Invariant ${invariant} is violated: ${what}.`);
  if (violations.length === 0) console.log('No invariant is violated.');
  return violations.length === 0;
}

async function printRequests(seed: number): Promise<boolean> {
  const { requests = [] } = await simulate({ seed, scenario: scenarioOf(seed) }, { code, requests: true });
  for (const line of requests) console.log(JSON.stringify(line));
  return true;
}

async function runAll(what: Share['what']): Promise<boolean> {
  const workers = availableParallelism();
  const began = Date.now();
  const total: Counts = { schedules: 0, events: 0, faults: 0, userCodeStarts: 0, executions: 0, violations: 0 };
  const tell = () => console.log(`${line(total)}, ${Math.round((Date.now() - began) / 1000)} s`);
  const progress = setInterval(tell, PROGRESS_MS);
  const shares = Array.from({ length: workers }, (_, share) => runShare({ what, share, of: workers }, total));
  await Promise.all(shares).finally(() => clearInterval(progress));
  tell();
  return total.violations === 0;
}

function runShare(share: Share, total: Counts): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const worker = new Worker(new URL('worker.ts', import.meta.url), { workerData: share });
  worker.on('message', (counts: Counts) => {
    for (const count of ['schedules', 'events', 'faults', 'userCodeStarts', 'executions', 'violations'] as const) {
      total[count] += counts[count];
    }
    if (counts.report !== undefined) console.log(counts.report);
  });
  worker.on('error', reject);
  worker.on('exit', (exitCode) => {
    if (exitCode === 0) resolve();
    else reject(new Error(`A worker ended with exit code ${exitCode}`));
  });
  return promise;
}

const line = ({ schedules, events, faults, userCodeStarts, executions, violations }: Counts): string =>
  `${schedules} schedules, ${violations} with a violation; ${executions} executions, ${userCodeStarts} starts of user ` +
  `code, ${faults} faults, ${events} events`;

let asked: ReturnType<typeof options> | undefined;
try {
  asked = options();
} catch (thrown) {
  console.error(thrown instanceof Error ? thrown.message : String(thrown));
  process.exitCode = 2;
}
if (asked) {
  const { trace, requests, seed, schedules, exhaustive } = asked;
  const clean = trace
    ? await printOne(seed)
    : requests
      ? await printRequests(seed)
      : await runAll(exhaustive ? 'exhaustive' : { from: seed, schedules });
  process.exitCode = clean ? 0 : 1;
}
