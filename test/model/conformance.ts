// npm run model:conformance -- [--schedules 300] [--seed N] [--only NAME]
//
// Holds the model to the code. Schedules of the simulation are drawn, with the real functions, and protocol.pml is asked to do what
// each of their traces says, request by request: it must be able to. Of the code with a deliberate fault in it, and of the model without
// one of its rules, some trace must be one that the model cannot do. --only those checks whose name has this text in it.
// The exit code is 1 when a result is not the expected one, 2 when the arguments or the tools are missing.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import * as code from '../simulation/code.ts';
import { MUTANTS, SPARING, WITHOUT_RULE, withoutRule } from '../simulation/mutants.ts';
import type { Mutant } from '../simulation/mutants.ts';
import { codeWith } from '../simulation/plant.ts';
import type { RequestLine } from '../simulation/recorder.ts';
import type { Scenario } from '../simulation/scenario.ts';
import { simulate } from '../simulation/simulation.ts';
import type { Code } from '../simulation/surroundings.ts';
import type { Event } from './events.ts';
import { eventsOf, OutOfScope } from './events.ts';
import { Follower } from './follower.ts';
import { OUTSIDE, scenarioFor, SHOWING, SIZE } from './schedules.ts';
import { assertTools } from './tools.ts';

/** So many traces are looked at for one that the model cannot do. */
const TRIES = 60;
/** So many show that a fault which the model does not know changes nothing for it. */
const SAME = 20;
/** More schedules than this that are larger than the model: the drawing does not fit it any more. */
const TOO_MANY_LARGER = 0.03;
/** Rules of the model that are taken away, one at a time: what the code does then is nothing that the model can do. */
const RULES = ['recordSuccess', 'haltFailed', 'closeClaimedTurn', 'allowNextSlice'];

interface Checked {
  /** Undefined: as expected. */
  wrong: string | undefined;
  told: string;
}

interface Check {
  name: string;
  run: () => Promise<Checked>;
}

/** What became of one trace. */
type Verdict =
  | { is: 'followed'; events: number }
  /** The scenario was drawn larger than the model. */
  | { is: 'larger'; why: string }
  | { is: 'refused'; why: string };

function options() {
  const { values } = parseArgs({
    options: {
      schedules: { type: 'string', default: '300' },
      seed: { type: 'string', default: '1' },
      only: { type: 'string', default: '' },
    },
  });
  const [schedules, seed] = [Number(values.schedules), Number(values.seed)];
  if (!Number.isInteger(schedules) || schedules < 1) throw new Error('--schedules needs a number of 1 or more');
  if (!Number.isInteger(seed) || seed < 0) throw new Error('--seed needs a number of 0 or more');
  return { schedules, seed, only: values.only };
}

async function judge(follower: Follower, seed: number, scenario: Scenario, tested: Code): Promise<Verdict> {
  const { requests = [] } = await simulate({ seed, scenario }, { code: tested, requests: true });
  let events: Event[];
  try {
    events = eventsOf(requests, SIZE);
  } catch (thrown) {
    const why = (thrown as Error).message;
    return thrown instanceof OutOfScope ? { is: 'larger', why } : { is: 'refused', why: `seed ${seed}: ${why}` };
  }
  const { followed, of, broken } = await follower.follow(events);
  if (followed === of) return { is: 'followed', events: of };
  const where = `seed ${seed}, event ${followed + 1} of ${of}: ${describe(events[followed], requests)}`;
  return { is: 'refused', why: broken === undefined ? where : `${where}; before it ${broken}` };
}

function describe(event: Event | undefined, requests: readonly RequestLine[]): string {
  if (!event) return 'nothing';
  const { actor, request, answer } = requests[event.line]!;
  const said = event.fields.filter((field) => field !== undefined).join(' ');
  return `${[event.word, said].filter((text) => text !== '').join(' ')} (${actor} ${request.slice(0, 80)}: ${answer.slice(0, 40)})`;
}

/** The code as it is: the model can do all that it does. */
async function honest(follower: Follower, from: number, schedules: number): Promise<Checked> {
  const seeds = Array.from({ length: schedules }, (_, at) => from + at);
  const drawn = [
    ...seeds.map((seed) => ({ seed, scenario: scenarioFor(seed) })),
    // Those that are to show a fault show nothing without it.
    ...Object.values(SHOWING).map((showing) => ({ seed: 1, scenario: { ...scenarioFor(1), ...showing } })),
  ];
  const verdicts = await inParallel(drawn, ({ seed, scenario }) => judge(follower, seed, scenario, code));
  const refused = verdicts.flatMap((verdict) => (verdict.is === 'refused' ? [verdict.why] : []));
  const larger = verdicts.flatMap((verdict) => (verdict.is === 'larger' ? [verdict.why] : []));
  const events = verdicts.reduce((all, verdict) => all + (verdict.is === 'followed' ? verdict.events : 0), 0);
  const many = larger.length > TOO_MANY_LARGER * drawn.length;
  const followed = verdicts.length - refused.length - larger.length;
  const rest =
    larger.length === 0 ? '' : `; larger than the model: ${larger.length} (${[...new Set(larger)].join(', ')})`;
  return {
    wrong:
      refused.length > 0
        ? `the model cannot do this: ${refused.join('\n  ')}`
        : many
          ? 'too many are larger'
          : undefined,
    told: `${followed} traces followed, ${events} events${rest}`,
  };
}

/** The code with a fault in it: one of its traces is refused. */
async function faulty(follower: Follower, { name, planted }: Mutant): Promise<Checked> {
  const tested = await codeWith(planted);
  const showing = SHOWING[name];
  const why = OUTSIDE[name];
  const tries = why === undefined ? TRIES : SAME;
  for (let seed = 1; seed <= tries; seed += 1) {
    const verdict = await judge(follower, seed, { ...scenarioFor(seed), ...showing }, tested);
    if (verdict.is !== 'refused') continue;
    const told = `refused: ${verdict.why}`;
    return why === undefined
      ? { wrong: undefined, told }
      : { wrong: `expected to be the same to the model; ${told}`, told };
  }
  if (why !== undefined) return { wrong: undefined, told: `the same to the model: ${why}` };
  return { wrong: `none of ${tries} traces was refused`, told: '' };
}

/** The model without a rule: it cannot do what the code does. */
async function altered(folder: string, rule: string): Promise<Checked> {
  const own = path.join(folder, rule);
  mkdirSync(own);
  const follower = await Follower.compile(own, [`WITHOUT=${rule}`]);
  for (let seed = 1; seed <= TRIES; seed += 1) {
    const verdict = await judge(follower, seed, scenarioFor(seed), code);
    if (verdict.is === 'refused') return { wrong: undefined, told: `refused: ${verdict.why}` };
  }
  return { wrong: `it can do all of ${TRIES} traces`, told: '' };
}

async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const queue = [...items.entries()];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) results[next[0]] = await work(next[1]);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return results;
}

async function checkAll(): Promise<boolean> {
  const { schedules, seed, only } = options();
  await assertTools();
  const folder = mkdtempSync(path.join(tmpdir(), 'odin-conformance-'));
  try {
    const follower = await Follower.compile(folder);
    const faults = [...MUTANTS, ...WITHOUT_RULE, ...Object.keys(SPARING).map(withoutRule)];
    for (const name of [...Object.keys(OUTSIDE), ...Object.keys(SHOWING)]) {
      if (!faults.some((fault) => fault.name === name)) throw new Error(`no fault is called '${name}'`);
    }
    const checks: Check[] = [
      { name: 'the code as it is', run: () => honest(follower, seed, schedules) },
      ...faults.map((fault) => ({ name: fault.name, run: () => faulty(follower, fault) })),
      ...RULES.map((rule) => ({ name: `the model without ${rule}`, run: () => altered(folder, rule) })),
    ].filter(({ name }) => name.includes(only));
    if (checks.length === 0) throw new Error(`no check has '${only}' in its name`);
    const results = await inParallel(checks, async (check) => {
      const { wrong, told } = await check.run();
      console.log(`${check.name.padEnd(60)} ${wrong === undefined ? told : `FAILED: ${wrong}`}`);
      return wrong === undefined;
    });
    const passed = results.filter(Boolean).length;
    console.log(`${passed} passed, ${results.length - passed} failed`);
    return passed === results.length;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

try {
  process.exitCode = (await checkAll()) ? 0 : 1;
} catch (thrown) {
  console.error(thrown instanceof Error ? thrown.message : String(thrown));
  process.exitCode = 2;
}
