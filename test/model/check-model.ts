// npm run model -- [--large] [--only NAME] [--keep]
//
// Searches every configuration of protocol.pml to its end with SPIN. The design must be clean in each; a design from which one guard
// was taken must be caught. --large searches the large configurations instead; --only those whose name has this text in it.
// The exit code is 1 when a result is not the expected one, 2 when the arguments or the tools are missing.
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Configuration } from './configurations.ts';
import { LARGE, SMALL } from './configurations.ts';
import { assertTools, COMPILE_MS, run, TOOK_TOO_LONG } from './tools.ts';

const MODEL = path.join(import.meta.dirname, 'protocol.pml');
/** A small configuration takes a minute at most, on a machine that does nothing else; a hung one is a failure. */
const TIMEOUT_MS = { small: 300_000, large: 4 * 3_600_000 };
/** To compile a small one for speed takes longer than the search that it would make faster. */
const OPTIMISE = { small: '-Og', large: '-O2' };
const MEMORY_MB = { small: 4_000, large: 12_000 };
/** These assertions say that the model is too small for the configuration. They are no invariants. */
const TOO_SMALL = /\((?:last|i)<\d+\)/;

interface Result {
  configuration: Configuration;
  states: number;
  depth: number;
  seconds: number;
  /** What SPIN found; undefined when every state was searched and nothing was. */
  violation: string | undefined;
  /** Why the search says nothing: it did not end. */
  incomplete: string | undefined;
  folder: string;
}

function options() {
  const { values } = parseArgs({
    options: {
      large: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      keep: { type: 'boolean', default: false },
    },
  });
  const chosen = (values.large ? LARGE : SMALL).filter(({ name }) => name.includes(values.only));
  if (chosen.length === 0) throw new Error(`no configuration has '${values.only}' in its name`);
  return { ...values, chosen };
}

const defines = ({ define }: Configuration): string[] => define.map((text) => `-D${text}`);

async function search(configuration: Configuration, size: 'small' | 'large', root: string): Promise<Result> {
  const folder = path.join(root, configuration.name.replaceAll(/\W+/g, '-'));
  mkdirSync(folder);
  copyFileSync(MODEL, path.join(folder, 'protocol.pml'));
  const nothing = { configuration, states: 0, depth: 0, seconds: 0, violation: undefined, folder };
  // COLLAPSE keeps every state whole, in less memory: nothing is left to chance.
  const compile = [
    OPTIMISE[size],
    '-w',
    '-DCOLLAPSE',
    '-DSAFETY',
    '-DVECTORSZ=4096',
    `-DMEMLIM=${MEMORY_MB[size]}`,
    '-o',
    'pan',
    'pan.c',
  ];
  for (const [tool, args] of [
    ['spin', ['-a', ...defines(configuration), 'protocol.pml']],
    ['gcc', compile],
  ] as const) {
    const { code, output } = await run(tool, args, folder, COMPILE_MS);
    if (code !== 0 || /Error:/.test(output)) return { ...nothing, incomplete: `${tool}: ${output.trim()}` };
  }
  const began = Date.now();
  const { code, output } = await run('./pan', ['-E', '-n', '-m10000'], folder, TIMEOUT_MS[size]);
  const number = (pattern: RegExp): number => Number(pattern.exec(output)?.[1] ?? Number.NaN);
  const violation = /^pan:\d+: (.*)$/m.exec(output)?.[1];
  return {
    ...nothing,
    states: number(/([\d.e+]+) states, stored/),
    depth: number(/depth reached (\d+)/),
    seconds: (Date.now() - began) / 1000,
    violation,
    incomplete: incompleteBecause(output, code, violation),
  };
}

function incompleteBecause(output: string, code: number, violation: string | undefined): string | undefined {
  if (code === TOOK_TOO_LONG) return 'it took too long';
  if (violation !== undefined) return undefined;
  if (/out of memory|reached -DMEMLIM|max search depth too small|Search not completed/.test(output)) {
    return 'memory or depth did not suffice';
  }
  return /errors: 0/.test(output) ? undefined : `pan: ${output.trim().slice(-500)}`;
}

/** Undefined: as expected. */
function wrong({ configuration: { expected, endless }, violation, incomplete }: Result): string | undefined {
  if (incomplete !== undefined) return incomplete;
  if (violation !== undefined && TOO_SMALL.test(violation) && endless !== true)
    return `the model is too small: ${violation}`;
  if (expected === 'clean') return violation === undefined ? undefined : violation;
  return violation === undefined ? 'nothing was found' : undefined;
}

function line(result: Result): string {
  const { configuration, states, depth, seconds, violation } = result;
  const found = violation === undefined ? 'clean' : 'caught';
  const numbers = `${String(states).padStart(10)} states ${String(depth).padStart(5)} deep ${seconds.toFixed(1).padStart(7)} s`;
  const problem = wrong(result);
  const end = problem === undefined ? found : `FAILED, expected ${configuration.expected}: ${problem}`;
  return `${configuration.name.padEnd(44)} ${numbers}   ${end}`;
}

/** The schedule that SPIN found, one line for each request. */
async function trail({ configuration, folder }: Result): Promise<string> {
  const { output } = await run('spin', ['-t', '-g', ...defines(configuration), 'protocol.pml'], folder, 60_000);
  return output.slice(0, output.indexOf('#processes')).trimEnd();
}

async function checkAll(chosen: Configuration[], size: 'small' | 'large', keep: boolean): Promise<boolean> {
  const root = mkdtempSync(path.join(tmpdir(), 'odin-model-'));
  const queue = [...chosen];
  let [passed, failed] = [0, 0];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const result = await search(next, size, root);
      console.log(line(result));
      if (wrong(result) === undefined) {
        passed += 1;
      } else {
        failed += 1;
        if (result.violation !== undefined) console.log(await trail(result));
      }
      if (!keep) rmSync(result.folder, { recursive: true });
    }
  };
  // The large ones need the memory for themselves.
  await Promise.all(Array.from({ length: size === 'large' ? 1 : availableParallelism() }, worker));
  if (keep) console.log(`The searches are in ${root}: spin -t -DNAME… protocol.pml replays a trail.`);
  else rmSync(root, { recursive: true });
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0;
}

try {
  const { chosen, large, keep } = options();
  await assertTools();
  process.exitCode = (await checkAll(chosen, large ? 'large' : 'small', keep)) ? 0 : 1;
} catch (thrown) {
  console.error(thrown instanceof Error ? thrown.message : String(thrown));
  process.exitCode = 2;
}
