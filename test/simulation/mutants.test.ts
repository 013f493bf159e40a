// The simulation can fail: each deliberate fault in the code under test is caught within some hundred schedules.
import { describe, expect, it } from 'vitest';
import { TURN_RULES } from '../../core/decision/decide.ts';
import { MUTANTS, SPARING, WITHOUT_RULE } from './mutants.ts';
import { codeWith, plant } from './plant.ts';
import { scenarioOf } from './scenario.ts';
import { simulate } from './simulation.ts';

/** Seeds that are tried; most faults are caught in the first ten. */
const SEEDS = 2_000;
/** A limit for what hangs: a fault that lets a run go on for ever takes half a minute of one core until that is seen, and cores are shared. */
const TIMEOUT_MS = 10 * 60_000;

describe('a fault in the code is caught', () => {
  it(
    'and none is found where nothing was changed',
    async () => {
      const code = await codeWith([]);
      for (let seed = 1; seed <= 50; seed += 1) {
        expect((await simulate({ seed, scenario: scenarioOf(seed) }, { code })).violations).toEqual([]);
      }
    },
    TIMEOUT_MS,
  );

  it.each([...MUTANTS, ...WITHOUT_RULE])(
    '$name',
    async ({ planted, focus }) => {
      const code = await codeWith(planted);
      let caught: string | undefined;
      for (let seed = 1; seed <= SEEDS && caught === undefined; seed += 1) {
        const { violations } = await simulate({ seed, scenario: { ...scenarioOf(seed), ...focus } }, { code });
        caught = violations[0]?.what;
      }
      expect(caught, `none of ${SEEDS} schedules caught it`).toBeDefined();
      // What was planted does not know the code any more: that is no guard that is missing.
      expect(caught).not.toMatch(/ReferenceError|SyntaxError|is not a function/);
    },
    TIMEOUT_MS,
  );

  it('each rule of the decision is taken away, or is named as one that only spares something', () => {
    const names = TURN_RULES.map(([name]) => name);
    expect(Object.keys(SPARING).filter((name) => !names.includes(name))).toEqual([]);
    expect(WITHOUT_RULE).toHaveLength(names.length - Object.keys(SPARING).length);
  });
});

describe('a fault is planted by name', () => {
  const file = 'core/some.ts';
  const instead = '(original, ...given) => original(...given) + 1';

  it.each([
    ['a function', 'export function rule(a: number): number { return a; }\nexport const answer = rule(1);'],
    ['a constant that is one', 'const rule: (a: number) => number = (a) => a;\nexport const answer = rule(1);'],
    ['a method', 'class Some { #a = 1; rule(): number { return this.#a; } }\nexport const answer = new Some().rule();'],
    [
      'a private method',
      'class Some { #rule(): number { return 1; } ask() { return this.#rule(); } }\nexport const answer = new Some().ask();',
    ],
  ])('%s', async (what, source) => {
    const name = what === 'a private method' ? '#rule' : 'rule';
    const changed = plant(source, { file, name, instead });
    const { transform } = await import('esbuild');
    const { code } = await transform(changed, { loader: 'ts', format: 'esm' });
    const module = (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as { answer: number };
    expect(module.answer).toBe(2);
  });

  it('a name that is not there, or is there twice, is an error', () => {
    const twice = 'const rule = () => 1; class Some { rule() { return 1; } }';
    expect(() => plant('const other = () => 1;', { file, name: 'rule', instead })).toThrow('found 0');
    expect(() => plant(twice, { file, name: 'rule', instead })).toThrow('found 2');
  });

  it('a file that is no part of the code under test is an error', async () => {
    const stranger = { file: 'core/text/links.ts', name: 'nothing', instead: '() => 1' };
    await expect(codeWith([stranger])).rejects.toThrow();
  });
});
