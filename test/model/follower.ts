// The model as one that follows traces: compiled once, and then run for each of them.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Event } from './events.ts';
import { SIZE } from './schedules.ts';
import { COMPILE_MS, run } from './tools.ts';

/** A fault costs a budget in a search; in a trace as many may happen as did. */
const ENOUGH = 200;
const BUDGETS = 'FAILS SLOWS CRASHES LATES DENIALS GAVE_UP REDRIVES HANDOVERS DECISIONS SLICES'
  .split(' ')
  .map((budget) => `${budget}=${ENOUGH}`);

const DEFINES = [
  'TRACE',
  `MIGRATIONS=${SIZE.migrations}`,
  `STARTS=${SIZE.starts}`,
  `EXECUTIONS=${SIZE.executions}`,
  `INVOCATIONS=${SIZE.invocations}`,
  `BATCHES=${SIZE.batches}`,
  `LOG=${SIZE.entries}`,
  'TRIES=3', // as in core/decision/decide.ts
  'STOPS=1',
  'SAY=15',
  'EAGER=1',
  ...BUDGETS,
];

export interface Followed {
  /** How many events the model could do, and of how many. */
  followed: number;
  of: number;
  /** The invariant that broke when it followed them. */
  broken: string | undefined;
}

export class Follower {
  readonly #folder: string;
  readonly #words: ReadonlyMap<string, number>;
  #traces = 0;

  private constructor(folder: string) {
    this.#folder = folder;
    const source = readFileSync(path.join(folder, 'pan.c'), 'utf8');
    const numbers = source.matchAll(/printf\("\tmtype {2}(\w+):\t(\d+)\\n"\)/g);
    this.#words = new Map([...numbers].map(([, word = '', number]) => [word, Number(number)]));
  }

  /**
   * @param folder empty; stays as it is afterwards
   * @param define what is altered in the model, as `WITHOUT=recordSuccess`
   * @throws Error what a tool said
   */
  static async compile(folder: string, define: readonly string[] = []): Promise<Follower> {
    for (const file of ['protocol.pml', 'follow.h']) {
      copyFileSync(path.join(import.meta.dirname, file), path.join(folder, file));
    }
    const defines = [...DEFINES, ...define].map((text) => `-D${text}`);
    // A trace leaves little to be searched, so that nothing need be spared: no step is left out for another one.
    const options = ['-Og', '-w', '-DSAFETY', '-DNOREDUCE', '-DVECTORSZ=8192', '-DMEMLIM=1000'];
    for (const [tool, args] of [
      ['spin', ['-a', ...defines, 'protocol.pml']],
      ['gcc', [...options, '-o', 'pan', 'pan.c']],
    ] as const) {
      const { code, output } = await run(tool, args, folder, COMPILE_MS);
      if (code !== 0 || /Error:/.test(output)) throw new Error(`${tool}: ${output.trim()}`);
    }
    return new Follower(folder);
  }

  /** Whether the model can do these events, one after the other. */
  async follow(events: readonly Event[]): Promise<Followed> {
    const file = path.join(this.#folder, `${(this.#traces += 1)}.trace`);
    writeFileSync(file, events.map((event) => `${this.#numbers(event).join(' ')}\n`).join(''));
    const { code, output } = await run('./pan', ['-E', '-n', '-m20000', '-w16'], this.#folder, 60_000, { TRACE: file });
    const [, followed, of] = /^followed (\d+) of (\d+)$/m.exec(output) ?? [];
    // Its search ends when all is followed, or when there is nothing left to search.
    const searched = followed === of || /errors: [01]$/m.test(output);
    if (of === undefined || !searched || /max search depth too small|reached -DMEMLIM/.test(output)) {
      throw new Error(`The trace was not searched to its end (exit code ${code}): ${output.trim().slice(0, 500)}`);
    }
    return { followed: Number(followed), of: Number(of), broken: /^pan:\d+: (.*)$/m.exec(output)?.[1] };
  }

  /** As follow.h reads them. */
  #numbers({ word, by, fields }: Event): number[] {
    const numbers = Array.from({ length: FIELDS }, (_, at) => this.#number(fields[at]));
    return [this.#number(word), by, ...numbers];
  }

  #number(field: string | number | undefined): number {
    if (field === undefined) return NOT_SAID;
    if (typeof field === 'number') return field;
    const number = this.#words.get(field);
    if (number === undefined) throw new Error(`the model has no word ${field}`);
    return number;
  }
}

const FIELDS = 7;
const NOT_SAID = 255;
