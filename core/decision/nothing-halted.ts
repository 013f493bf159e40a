// There is no halt to decide on: `resume` refuses so, on either side.
import { OdinError } from '../errors.ts';

export const nothingHalted = (
  environment: string,
  what = `No migration of ${environment} is halted, so there is nothing to decide.`,
): OdinError =>
  new OdinError({
    code: 'NothingHalted',
    source: 'user',
    what,
    next: { words: 'Start a run', verb: 'run', environment },
  });
