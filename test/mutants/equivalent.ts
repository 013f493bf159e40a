// Mutants that no test can notice, because they change nothing that anybody could see. Each is named by its text, and not by its
// line: code that moves keeps its entry, and code that changes has to be looked at again.

export interface Equivalent {
  file: string;
  /** The code as it stands, its white space as one space. */
  code: string;
  /** What Stryker puts in its place, likewise. */
  mutant: string;
  /** Why nobody could see it. */
  why: string;
}

export const EQUIVALENT: readonly Equivalent[] = [
  {
    file: 'core/decision/decide.ts',
    code: 'state.turn === undefined || seen === undefined',
    mutant: 'state.turn === undefined && seen === undefined',
    why: 'a turn that is open is always given with what is seen of it: who asks has looked at both',
  },
  {
    file: 'core/decision/decide.ts',
    code: 'id > max',
    mutant: 'id >= max',
    why: 'no two ids are equal',
  },
  {
    file: 'core/decision/decide.ts',
    code: 'id < highest',
    mutant: 'id <= highest',
    why: 'the highest is known, and those that are known were taken away before',
  },
  {
    file: 'core/ledger/completions.ts',
    code: '{ concurrency: WRITE_CONCURRENCY }',
    mutant: '{}',
    why: 'how many copies are written at a time is about memory and speed; all of them are written',
  },
];
