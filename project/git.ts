// Git, asked so that neither its configuration, its environment variables nor the locale change the answer.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';

/**
 * @param directory in whose repository, or submodule, it is asked; one that is gone: in the nearest above
 * @returns what git prints
 * @throws what execFileSync throws, with `stderr` as text
 */
export function git(directory: string, ...args: string[]): string {
  const settings = SETTINGS.flatMap((setting) => ['-c', setting]);
  return execFileSync(
    'git',
    ['--literal-pathspecs', '--no-replace-objects', '--no-optional-locks', ...settings, ...args],
    {
      cwd: nearest(directory),
      encoding: 'utf8',
      env: withoutGits(process.env),
      maxBuffer: Infinity,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
}

/** What a user's configuration changes in what is asked here, and no option of a command does. */
const SETTINGS = [
  'core.quotePath=false',
  'log.showSignature=false',
  'log.follow=false',
  'core.fsmonitor=false',
  'log.showRoot=true',
  'log.diffMerges=separate',
  'color.ui=false',
];

/** Inside of a hook, and of `git rebase --exec`, git says by its variables which repository is meant: that one may be another. */
const withoutGits = (variables: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(variables).filter(([name]) => !name.startsWith('GIT_'))),
  LC_ALL: 'C',
  GIT_TERMINAL_PROMPT: '0',
});

export const nearest = (directory: string): string =>
  existsSync(directory) || directory === path.dirname(directory) ? directory : nearest(path.dirname(directory));
