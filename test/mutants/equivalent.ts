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
    code: 'state.turn === undefined',
    mutant: 'false',
    why: 'a turn that is not open has nothing that is seen of it, and the other half of the question says so',
  },
  {
    file: 'core/decision/decide.ts',
    code: 'seen === undefined',
    mutant: 'false',
    why: 'a turn that is open is always given with what is seen of it',
  },
  {
    file: 'core/decision/decide.ts',
    code: "'failed'",
    mutant: '""',
    why: 'for the compiler: one of the rules before it always has an answer, which a test shows in every case',
  },
  {
    file: 'core/decision/decide.ts',
    code: "'start'",
    mutant: '""',
    why: 'for the compiler: a retry that names no code halts as one of other code, before it is asked where it begins',
  },
  {
    file: 'core/decision/decide.ts',
    code: "turn.seen !== 'void'",
    mutant: 'false',
    why: 'for the compiler: the rules before it have answered whatever is not void',
  },
  {
    file: 'core/decision/decide.ts',
    code: 'look.turn.halt?.decided?.retry',
    mutant: 'look.turn.halt?.decided.retry',
    why: 'for the compiler: the rule asks only after a retry was decided',
  },
  {
    file: 'core/decision/decide.ts',
    code: 'look.turn.halt?.decided',
    mutant: 'look.turn.halt.decided',
    why: 'for the compiler: the rule asks only after a retry was decided',
  },
  {
    file: 'core/decision/decide.ts',
    code: 'halt?.decided?.retry?.begin',
    mutant: 'halt?.decided?.retry.begin',
    why: 'for the compiler: the rule asks only after a retry was decided that names the code',
  },
  {
    file: 'core/decision/decide.ts',
    code: 'halt?.decided?.retry',
    mutant: 'halt?.decided.retry',
    why: 'for the compiler: the rule asks only after a retry was decided that names the code',
  },
  {
    file: 'core/decision/decide.ts',
    code: 'halt?.decided',
    mutant: 'halt.decided',
    why: 'for the compiler: the rule asks only after a retry was decided that names the code',
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
