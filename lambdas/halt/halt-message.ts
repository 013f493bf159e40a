// What the operators are told of a halt: plain text that reads well in an e-mail at night, the same for a chat, and an
// event. Never a task token: each field is named here, and the halt record, which has tokens, is not passed on.
import { meanings, resumeCommand } from '../../core/decision/meanings.ts';
import type { MigrationHalted } from '../../core/contract/events.ts';
import { commandLine } from '../../core/text/command.ts';
import { executionLink, logLink } from '../../core/text/links.ts';
import type { ManifestEntry } from '../../core/contract/manifest.ts';
import { migrationLogGroup } from '../../core/names/names.ts';
import type { Claim, DecisionRecord, HaltRecord } from '../../core/ledger/records.ts';
import { firstSourceLine, plainLine, wasCancelled } from '../../core/ledger/summaries.ts';
import type { ChatNotification } from '../../core/contract/chat.ts';
import { asCode, chatNotification, threadId } from '../../core/contract/chat.ts';

export interface HaltNews {
  environment: string;
  /** Whether it is on the embedded AWS. */
  local?: boolean | undefined;
  halt: HaltRecord;
  /** ARN of the execution that opened or joined the halt just now. */
  execution: string;
  /** Absent when the migration is not deployed any more. */
  entry: ManifestEntry | undefined;
  /** Of the attempt's last slice; absent when it never started. */
  claim: Claim | undefined;
  /** The decision that could not be recorded, when that is why it halted. */
  unrecorded: DecisionRecord | undefined;
  /** Epoch milliseconds. */
  now: number;
}

/** Fewer than 100 characters, and no line break (docs/aws-facts.md). */
export const haltSubject = ({ environment, halt: { migration, attempt } }: HaltNews): string =>
  `odin-migrate ${environment}: ${migration} halted (attempt ${attempt})`.slice(0, 99);

export function haltText(news: HaltNews): string {
  const { environment, halt, execution, entry, claim } = news;
  const { migration, attempt, error } = halt;
  return [
    `Migration ${migration} in ${environment} needs your decision.`,
    '',
    ...(entry?.description === undefined ? [] : [`What it does:  ${oneLine(entry.description)}`]),
    `File:          ${fileOf(entry)}`,
    `Attempt:       ${attempt}`,
    `Outcome:       ${outcomeOf(news)}`,
    ...unrecordedDecision(news).map((line) => `Decided:       ${line}`),
    ...(error ? [`Error:         ${oneLine(`${error.name}: ${error.message}`)}`] : []),
    ...(error?.stack === undefined ? [] : [`               ${oneLine(firstSourceLine(error.stack))}`]),
    ...runningUntil(news),
    `Execution:     ${execution}`,
    `               ${executionLink(execution)}`,
    `Log lines:     ${claim ? logsOf(environment, claim) : 'none: its function has not claimed the attempt'}`,
    '',
    'Nothing later runs until you decide. Type one of:',
    '',
    ...decisions(news).flatMap(({ command, meaning }) => [`  ${command}`, `    ${meaning}`]),
    '',
  ].join('\n');
}

export function haltChat(news: HaltNews): ChatNotification {
  const { environment, halt, execution, entry, claim } = news;
  const { migration, attempt, error } = halt;
  const source = error?.stack === undefined ? '' : oneLine(firstSourceLine(error.stack));
  return chatNotification(
    {
      title: `${environment}: migration ${migration} needs your decision`,
      description: [
        ...(entry?.description === undefined ? [] : [asCode(oneLine(entry.description))]),
        `${fileOf(entry)}, attempt ${attempt}`,
        outcomeOf(news),
        ...unrecordedDecision(news),
        ...(error ? [asCode(oneLine(`${error.name}: ${error.message}`))] : []),
        ...(source === '' ? [] : [asCode(source)]),
        ...runningUntil(news),
        `Execution: ${executionLink(execution)}`,
        ...(claim ? [`Log lines: ${logsOf(environment, claim)}`] : []),
        'Nothing later runs until you decide.',
      ].join('\n'),
      nextSteps: decisions(news).map(({ command, meaning }) => `${asCode(command)} ${meaning}`),
      keywords: ['odin-migrate', environment, migration, halt.outcome],
    },
    {
      threadId: threadId(environment, migration),
      summary: haltSubject(news),
      eventType: 'Migration Halted',
      relatedResources: [execution],
      additionalContext: { environment, migration, attempt: String(attempt), outcome: halt.outcome },
    },
  );
}

export function haltEvent({ environment, halt, execution, entry, claim, now }: HaltNews): MigrationHalted {
  const { migration, attempt, outcome, error } = halt;
  const mayRun = outcome === 'unknown' && claim && Date.parse(claim.deadline) > now;
  return {
    version: 1,
    environment,
    migration,
    description: entry?.description === undefined ? undefined : oneLine(entry.description),
    file: entry?.file,
    attempt,
    halt: halt.halt,
    outcome,
    error: error && { name: oneLine(error.name), message: oneLine(error.message) },
    execution,
    mayRunUntil: mayRun ? claim.deadline : undefined,
    time: new Date(now).toISOString(),
  };
}

/** An error's text may hold anything: control characters (terminal escapes among them) are replaced, the length is bounded. */
const oneLine = (text: string): string => plainLine(text, 1000);

const fileOf = (entry: ManifestEntry | undefined): string => entry?.file ?? 'not in the deployed manifest any more';

function outcomeOf({ halt: { outcome, error }, claim }: HaltNews): string {
  switch (outcome) {
    case 'failed':
      if (wasCancelled(error)) return 'CANCELLED. It stopped at a checkpoint, from which a retry goes on.';
      return 'FAILED. Its code threw; some of its effects may be there.';
    case 'unknown':
      return claim
        ? 'UNKNOWN. It may have run in part, in whole, or not at all.'
        : 'UNKNOWN. It has not started so far: the ledger has no claim of this attempt.';
    case 'unrecorded':
      return 'It SUCCEEDED, but its completion could not be recorded.';
  }
}

const unrecordedDecision = ({ unrecorded }: HaltNews): string[] =>
  unrecorded
    ? [`${oneLine(unrecorded.by)} decided ${unrecorded.decision}, and its completion could not be recorded.`]
    : [];

function runningUntil({ halt: { outcome }, claim, now }: HaltNews): string[] {
  if (outcome !== 'unknown' || !claim) return [];
  return Date.parse(claim.deadline) > now
    ? [`May be running until ${claim.deadline}; whatever you decide waits for that.`]
    : [`It is not running any more: its time ended at ${claim.deadline}.`];
}

const logsOf = (environment: string, claim: Claim): string =>
  logLink(claim.execution, migrationLogGroup(environment), claim.requestId, claim.time);

const decisions = ({ environment, local, halt }: HaltNews): { command: string; meaning: string }[] =>
  meanings(halt.outcome).map(({ decision, meaning }) => ({
    command: commandLine(resumeCommand(environment, decision, halt), { local }),
    meaning,
  }));
