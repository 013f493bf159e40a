// What the operators are told of a halt: plain text that reads well in an e-mail at night. Never a task token.
import type { ManifestEntry } from '../core/manifest.ts';
import type { HaltRecord } from '../core/records.ts';
import { cut, firstSourceLine } from '../core/summaries.ts';

/** SNS: a subject is ASCII without line breaks or control characters, under 100 characters. */
export const haltSubject = (environment: string, { migration, attempt }: HaltRecord): string =>
  `odin-migrate ${environment}: ${migration} halted (attempt ${attempt})`.slice(0, 99);

export function haltMessage(
  environment: string,
  halt: HaltRecord,
  entry: ManifestEntry | undefined,
  /** ISO time until which the attempt's code may still be running; absent when it never started. */
  deadline: string | undefined,
): string {
  const { migration, attempt, outcome, error } = halt;
  const at = `--migration ${migration} --attempt ${attempt}`;
  const type = (decision: string, reason = '') => `  npx odin-migrate resume ${environment} ${decision} ${at}${reason}`;
  return [
    `Migration ${migration} in ${environment} needs your decision.`,
    '',
    ...(entry?.description === undefined ? [] : [`What it does:  ${entry.description}`]),
    `File:          ${entry?.file ?? 'not in the deployed manifest any more'}`,
    `Attempt:       ${attempt}`,
    `Outcome:       ${OUTCOMES[outcome]}`,
    ...(error ? [`Error:         ${oneLine(`${error.name}: ${error.message}`)}`] : []),
    ...(error?.stack === undefined ? [] : [`               ${oneLine(firstSourceLine(error.stack))}`]),
    ...(outcome === 'unknown' && deadline !== undefined
      ? [`May be running until ${deadline}; whatever you decide waits for that.`]
      : []),
    `Execution:     ${halt.execution}`,
    '',
    'Nothing later runs until you decide. Type one of:',
    '',
    type('retry'),
    '    runs it again, as a new attempt, with the code that is deployed now',
    type('mark-applied', ' --reason "..."'),
    '    records it as applied, because you made sure that its effect is there',
    type('skip', ' --reason "..."'),
    '    records it as skipped: it is not needed, and never runs',
    type('abort'),
    '    ends this run as failed; the next run halts here again',
    '',
  ].join('\n');
}

const OUTCOMES: Record<HaltRecord['outcome'], string> = {
  failed: 'FAILED. Its code threw; some of its effects may be there.',
  unknown: 'UNKNOWN. It may have run in part, in whole, or not at all.',
  unrecorded: 'It SUCCEEDED, but its completion could not be recorded. retry or mark-applied records it.',
};

/** Error texts are hostile: control characters (terminal escapes among them) are replaced, the length is bounded. */
const oneLine = (text: string): string => cut(text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' '), 1000);
