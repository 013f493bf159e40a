// What the operators are told of a halt: plain text that reads well in an e-mail at night, the same for a chat, and an
// event. Never a task token: tokens are among the waiters, which are not passed on.
import { meanings, resumeCommand } from '../../core/decision/meanings.ts';
import type { Allowed, Decided, Halted } from '../../core/ledger/entries.ts';
import { linesOfError, firstSourceLine, plainLine, commitsText } from '../../core/ledger/summaries.ts';
import type { Claim, TurnLook } from '../../core/ledger/turns.ts';
import { accountOf, logGroupName, regionOf } from '../../core/names/names.ts';
import { commandLine, TYPED_WHERE } from '../../core/text/command.ts';
import { executionLink, logLink, migrationLogLink } from '../../core/text/links.ts';
import { timeText } from '../../core/text/format.ts';
import { heldBackText, who } from '../../core/views/words.ts';
import type { ChatNotification } from '../../core/contract/chat.ts';
import { asCode, chatNotification, threadId } from '../../core/contract/chat.ts';
import type { MigrationHalted } from '../../core/contract/events.ts';
import type { Manifest, ManifestEntry } from '../../core/contract/manifest.ts';
import { subjectOf } from '../shared/announce.ts';

export interface HaltNews {
  environment: string;
  /** Whether it is on the embedded AWS. */
  local?: boolean | undefined;
  /** Undefined without a dashboard in the console. */
  dashboardUrl?: string | undefined;
  halted: Halted;
  /** ARN of the execution that opened or joined the halt just now. */
  execution: string;
  manifest: Manifest;
  allowed: Allowed;
  /** The turn, as it was seen last. */
  look: TurnLook;
  /** Absent when its function never took the turn, or when that cannot be read. */
  claim: Claim | undefined;
  /** The decision that is to be recorded, and was not. */
  verdict: Decided | undefined;
  /** The wish that the turn may stop at its next checkpoint. */
  cancel: Decided | undefined;
  /** Epoch milliseconds. */
  now: number;
}

export const haltSubject = ({ environment, halted: { migration, attempt } }: HaltNews): string =>
  subjectOf(environment, `${migration} halted (attempt ${attempt})`);

/** Where the package lies in the project in which the commands are typed. */
const RUNBOOK = 'node_modules/odin-migrate/docs/runbook.md';

const INDENT = ' '.repeat('Error:         '.length);

export function haltMail(news: HaltNews): string {
  const { environment, halted, execution, local, dashboardUrl } = news;
  const { migration, attempt, number, error } = halted;
  const entry = entryOf(news);
  const source = sourceOf(news);
  return [
    `Migration ${migration} in ${environment} needs your decision.`,
    '',
    ...(local ? [] : [`Where:         account ${accountOf(execution)}, region ${regionOf(execution)}`]),
    ...(entry?.description === undefined ? [] : [`What it does:  ${oneLine(entry.description)}`]),
    `File:          ${fileOf(entry)}`,
    `Attempt:       ${attempt}`,
    `Halt:          ${number}`,
    `Reason:        ${reasonOf(news)}`,
    ...commits(news).map((text) => `Commit:        ${text}`),
    ...unrecordedDecision(news).map((line) => `Decided:       ${line}`),
    ...cancellation(news).map((line) => `Asked for:     ${line}`),
    ...(error
      ? linesOfError(error, 12, 1_000).map((line, index) => (index === 0 ? 'Error:         ' : INDENT) + line)
      : []),
    ...(source === '' ? [] : [INDENT + source]),
    ...runningUntil(news),
    `Execution:     ${execution}`,
    INDENT + executionLink(execution),
    `Log lines:     ${logsOf(news) ?? 'none: its function has not taken the turn'}`,
    ...(dashboardUrl === undefined || local ? [] : [`Dashboard:     ${dashboardUrl}`]),
    ...(local ? [] : [`Runbook:       ${RUNBOOK}`]),
    '',
    `Nothing later runs until you decide. ${TYPED_WHERE}, type one of:`,
    '',
    ...decisions(news).flatMap(({ command, meaning }) => [`  ${command}`, `    ${meaning}`]),
    '',
  ].join('\n');
}

export function haltChat(news: HaltNews): ChatNotification {
  const { environment, halted, execution } = news;
  const { migration, attempt, number, reason, error } = halted;
  const entry = entryOf(news);
  const source = sourceOf(news);
  const logs = logsOf(news);
  return chatNotification(
    {
      title: `${environment}: migration ${migration} needs your decision`,
      description: [
        ...(entry?.description === undefined ? [] : [asCode(oneLine(entry.description))]),
        `${fileOf(entry)}, attempt ${attempt}, halt ${number}`,
        reasonOf(news),
        ...commits(news).map((text) => `It ${text}.`),
        ...unrecordedDecision(news).map(asCode),
        ...cancellation(news).map(asCode),
        ...(error ? [asCode(oneLine(`${error.name}: ${error.message}`))] : []),
        ...(source === '' ? [] : [asCode(source)]),
        ...runningUntil(news),
        `Execution: ${executionLink(execution)}`,
        ...(logs === undefined ? [] : [`Log lines: ${logs}`]),
        `Nothing later runs until you decide. ${TYPED_WHERE}, type one of these.`,
      ].join('\n'),
      nextSteps: decisions(news).map(({ command, meaning }) => `${asCode(command)} ${meaning}`),
      keywords: ['odin-migrate', environment, migration, reason],
    },
    {
      threadId: threadId(environment, migration),
      summary: haltSubject(news),
      eventType: 'Migration Halted',
      relatedResources: [execution],
      additionalContext: { environment, migration, attempt: String(attempt), halt: String(number), reason },
    },
  );
}

export function haltEvent(news: HaltNews): MigrationHalted {
  const { environment, halted, execution, look, now } = news;
  const { migration, attempt, number, reason, error } = halted;
  const entry = entryOf(news);
  const mayRun = look.seen === 'claimed' && look.deadline > now;
  return {
    version: 1,
    environment,
    migration,
    description: entry?.description === undefined ? undefined : oneLine(entry.description),
    file: entry?.file,
    attempt,
    halt: number,
    reason,
    commits: halted.commits,
    error: error && { name: oneLine(error.name), message: oneLine(error.message) },
    execution,
    mayRunUntil: mayRun ? isoTime(look.deadline) : undefined,
    time: isoTime(now),
  };
}

/** Text of others may hold anything: control characters (terminal escapes among them) are replaced, the length is bounded. */
const oneLine = (text: string): string => plainLine(text, 1000);

const isoTime = (milliseconds: number): string => new Date(milliseconds).toISOString();

/** Undefined when the migration is not deployed any more. */
const entryOf = ({ manifest, halted }: HaltNews): ManifestEntry | undefined =>
  manifest.migrations.find(({ id }) => id === halted.migration);

const fileOf = (entry: ManifestEntry | undefined): string => entry?.file ?? 'not in the deployed manifest any more';

function reasonOf({ halted: { reason }, look, verdict }: HaltNews): string {
  switch (reason) {
    case 'failed':
      return 'FAILED. Some of its effects may be there.';
    case 'unknown':
      return 'UNKNOWN. It may have run in part, in whole, or not at all.';
    case 'cancelled':
      return look.seen === 'void'
        ? 'CANCELLED, before its code was started.'
        : 'CANCELLED. It stopped at a checkpoint, from which a retry goes on.';
    case 'code-changed':
      return `CODE CHANGED. Other code is deployed than it was to go on with. A retry says --from-start or --keep-checkpoint, if there is a checkpoint.`;
    case 'file-gone':
      return 'FILE GONE. It was to go on, and its file is not deployed any more.';
    case 'not-started':
      return look.seen === 'void'
        ? 'NOT STARTED. Its function was invoked several times, and never took its turn.'
        : 'NOT STARTED so far. Its function could not be invoked, or has not taken its turn.';
    case 'unrecorded':
      return verdict
        ? 'UNRECORDED. What was decided is not written down yet.'
        : 'It SUCCEEDED, but its completion could not be recorded.';
  }
}

const commits = ({ halted }: HaltNews): string[] => [commitsText(halted.commits)].filter((text) => text !== undefined);

const unrecordedDecision = ({ halted: { reason }, verdict }: HaltNews): string[] =>
  reason === 'unrecorded' && verdict
    ? [`${oneLine(who(verdict))} decided ${verdict.decision}, and its completion could not be recorded.`]
    : [];

/** Empty when nobody knows it. */
const sourceOf = ({ halted: { error } }: HaltNews): string =>
  error?.stack === undefined ? '' : oneLine(firstSourceLine(error.stack));

/** Also when its code ended otherwise before it came to its next checkpoint. */
const cancellation = ({ cancel }: HaltNews): string[] =>
  cancel
    ? [
        oneLine(
          `${who(cancel)} asked for it to stop at ${timeText(cancel.time)}${cancel.reason === undefined ? '.' : `: ${cancel.reason}`}`,
        ),
      ]
    : [];

function runningUntil({ look, now }: HaltNews): string[] {
  if (look.seen !== 'claimed') return [];
  return look.deadline > now
    ? [heldBackText(timeText(look.deadline))]
    : [`It is not running any more: its time ended at ${timeText(look.deadline)}.`];
}

/** A batch writes under a request of its own, and nobody claims a turn of batches. */
function logsOf({ manifest, allowed, claim }: HaltNews): string | undefined {
  const { execution, migration, time, batches } = allowed;
  const group = logGroupName(manifest, 'migrations');
  if (claim?.claim === 'claimed') return logLink(execution, group, claim.writer.requestId, claim.time);
  return batches && migrationLogLink(execution, group, migration, time);
}

/** Without its file a retry has no code to run; what is only to be recorded needs none. */
function decisions(news: HaltNews): { command: string; meaning: string }[] {
  const { environment, local, manifest, halted, execution } = news;
  const nothingToRun = entryOf(news) === undefined && halted.reason !== 'unrecorded';
  return meanings(halted.reason)
    .filter(({ decision }) => decision !== 'retry' || !nothingToRun)
    .map(({ decision, meaning }) => ({
      command: commandLine(resumeCommand(environment, decision, halted.number), {
        local,
        app: manifest.app,
        region: local ? undefined : regionOf(execution),
      }),
      meaning,
    }));
}
