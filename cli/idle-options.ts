// Options that would do nothing as they are given: they look as if they had been heard, so they are refused, with what to type.
import { OdinError } from '../core/errors.ts';
import { PROGRAM } from '../core/text/command.ts';

interface Rule {
  option: string;
  /** It does nothing without this one, or beside it. */
  other: string;
  needs: boolean;
  /** Why not beside it, to follow "does nothing with --other:". */
  why?: string | undefined;
}

const needs = (option: string, other: string): Rule => ({ option, other, needs: true });
const beside = (option: string, other: string, why: string): Rule => ({ option, other, needs: false, why });

const AGAIN = 'all others count as done there';
const HERE = 'the run goes on in this process, and is followed';

export const RULES: Readonly<Record<string, readonly Rule[] | undefined>> = {
  check: [needs('--allow-removed', '--deployed')],
  local: [
    needs('--sample', '--data'),
    needs('--sample-mb', '--data'),
    beside('--fresh', '--again', 'that begins on fresh data in any case'),
    beside('--allow-out-of-order', '--again', AGAIN),
    beside('--allow-renumbered', '--again', AGAIN),
    beside('--accept-changed', '--again', AGAIN),
  ],
  status: [beside('--json', '--failures', 'that is JSON in any case')],
  run: [needs('--logs', '--wait')],
  // Not --yes beside --local: that nothing is asked is what it wants, and a script types it on either side.
  resume: [
    beside('--wait', '--local', HERE),
    beside('--logs', '--local', 'what the migration prints is shown anyway'),
    needs('--logs', '--wait'),
  ],
  logs: [
    beside('--attempt', '--since', 'it is all of that attempt'),
    beside('--attempt', '--follow', 'it is over, or is the newest one'),
  ],
};

/**
 * @param isGiven whether an option is, by its long form
 * @throws OdinError BadUsage
 */
export function refuseIdle(command: string, isGiven: (long: string) => boolean): void {
  for (const { option, other, needs: needed, why } of RULES[command] ?? []) {
    if (!isGiven(option) || isGiven(other) === needed) continue;
    if (needed) throw idle(`${option} does nothing without ${other}.`, `Add ${other}, or leave ${option} out.`);
    throw idle(`${option} does nothing with ${other}: ${why ?? ''}.`, `Leave ${option} out.`);
  }
  if (command === 'logs' && isGiven('--local')) {
    throw idle(
      'On this machine nothing keeps what migrations print: it is shown while they run, where `local` or `resume --local` was typed.',
      `Leave --local out for the deployed environment. To keep it, send it to a file: ${PROGRAM} local > local.log`,
    );
  }
}

export const idle = (what: string, next: string): OdinError =>
  new OdinError({ code: 'BadUsage', source: 'user', what, next });
