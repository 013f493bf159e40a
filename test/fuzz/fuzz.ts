// Draws cases for as long as it was given: FUZZ_MINUTES for the whole suite on two cores, one without it. A failure prints its seed and its
// shortest case; FUZZ_SEED draws the same again. A case that keeps the processor busy for two minutes ends it, and is printed.
import fc from 'fast-check';
import { it } from 'vitest';
import { Worker } from 'node:worker_threads';

const MINUTES = Number(process.env['FUZZ_MINUTES'] ?? 1);
const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);
/** What one case may have of the processor. On a busy machine that takes many times as long. */
const HANGS_AFTER_MS = 120_000;
/** Of one that waits. */
const WAITS_FOR_MS = 10 * HANGS_AFTER_MS;

/** What the case looks like that is being tried, and how many there were: in memory that the watch sees while this thread is busy. */
const shared = new SharedArrayBuffer(4 + 65_536);
const [count, text] = [new Int32Array(shared, 0, 1), new Uint8Array(shared, 4)];

const WATCH = `
  const { workerData: { shared, limit, patience } } = require('node:worker_threads');
  const [count, text] = [new Int32Array(shared, 0, 1), new Uint8Array(shared, 4)];
  let [last, since, used] = [0, Date.now(), process.cpuUsage()];
  setInterval(() => {
    if (count[0] !== last) [last, since, used] = [count[0], Date.now(), process.cpuUsage()];
    const { user, system } = process.cpuUsage(used);
    if (last === 0 || ((user + system) / 1000 < limit && Date.now() - since < patience)) return;
    require('node:fs').writeSync(2, '\\nThis case hangs: ' + Buffer.from(text).toString().replace(/\\0.*/s, '') + '\\n');
    process.kill(process.pid, 'SIGKILL');
  }, 1000);
`;
let watched = false;

function begin(name: string, drawn: unknown): void {
  if (!watched)
    new Worker(WATCH, { eval: true, workerData: { shared, limit: HANGS_AFTER_MS, patience: WAITS_FOR_MS } }).unref();
  watched = true;
  text.fill(0);
  new TextEncoder().encodeInto(`${name}, seed ${SEED}: ${fc.stringify(drawn).slice(0, 16_000)}`, text);
  Atomics.add(count, 0, 1);
}

/**
 * A test of as many cases as there is time for.
 * @param share of FUZZ_MINUTES; all of them make two, one for each core
 */
export function fuzz<T>(name: string, share: number, cases: fc.Arbitrary<T>, check: (drawn: T) => unknown): void {
  it(`${name} (seed ${SEED})`, { timeout: 0 }, async () => {
    let tried = 0;
    let trying: unknown;
    const property = fc.asyncProperty(cases, async (drawn) => {
      begin(name, drawn);
      tried += 1;
      trying = check(drawn);
      await trying;
    });
    await fc.assert(property, {
      seed: SEED,
      numRuns: Number.MAX_SAFE_INTEGER,
      interruptAfterTimeLimit: share * MINUTES * 60_000,
      timeout: WAITS_FOR_MS,
    });
    await trying; // the one at which the time was over
    Atomics.store(count, 0, 0); // nothing is being tried
    process.stdout.write(`${name}: ${tried} cases\n`);
  });
}
