// What completed.json names and the ledger does not have as completed: a run refuses, in these words, and so does who would start one.
import { OdinError } from '../errors.ts';
import type { LogState } from '../ledger/fold.ts';
import type { Where } from '../text/command.ts';
import { idsText } from '../text/format.ts';

/** @param pruned what completed.json names */
export const lackingOf = ({ migrations }: Pick<LogState, 'migrations'>, pruned: readonly string[] = []): string[] =>
  pruned.filter((id) => !migrations[id]?.completion);

/** @param lacking one at least */
export function lackingError(lacking: readonly string[], environment: string, { local }: Where = {}): OdinError {
  return new OdinError({
    code: 'NotCompleted',
    source: 'user',
    what: `completed.json of ${environment} names ${idsText(lacking)} as completed, and this ledger does not.`,
    why: 'It may be a new ledger, or that of another environment, or the file was edited.',
    next: local
      ? { words: 'What it names is counted as done here when you type it again', verb: 'run', environment }
      : {
          words:
            'If they did not run, take their lines out of completed.json, bring their files back from git, and deploy. ' +
            'If they ran elsewhere',
          verb: 'baseline',
          environment,
          args: ['--pruned', '--reason "..."'],
        },
  });
}
