// `odin-migrate status`: the view of an environment (core/views/view.ts) as one table, and the open halt below it.
import { lackingError } from '../../core/decision/lacking.ts';
import { numberOf } from '../../core/text/format.ts';
import { percent, progressText } from '../../core/views/progress.ts';
import type { StripCell, StripState } from '../../core/views/batches.ts';
import { cellState } from '../../core/views/batches.ts';
import type { EnvironmentView, MigrationView } from '../../core/views/view.ts';
import { haltLogLink, isCompleted, readView } from '../../core/views/view.ts';
import { didText, leftOverText, stateWord, TONES, who, whoShort } from '../../core/views/words.ts';
import { shortCommit } from '../../core/ledger/summaries.ts';
import { logGroupName } from '../../core/names/names.ts';
import { executionLink, migrationLogLink } from '../../core/text/links.ts';
import type { Deployment } from '../../client/deployment.ts';
import type { Place } from '../../client/environment.ts';
import { lookAtEnvironment } from '../../client/environment.ts';
import type { SubscribersSeen } from '../../client/subscribers.ts';
import { subscribersOf } from '../../client/subscribers.ts';
import { typed, typedError, where } from '../terminal/commands.ts';
import type { ExitCode } from '../terminal/exit-codes.ts';
import { EXIT } from '../terminal/exit-codes.ts';
import { openNote, printDecisions, printHalt, printSubscribers } from '../terminal/halts.ts';
import type { Cell, Column } from '../terminal/output.ts';
import type { OdinError } from '../../core/errors.ts';
import {
  colour,
  duration,
  link,
  keepStdoutForJson,
  PAINT,
  plain,
  print,
  printJson,
  printJsonText,
  screenWidth,
  table,
  utc,
  whileBusy,
} from '../terminal/output.ts';

export interface StatusOptions {
  json?: boolean;
  failures?: boolean;
}

/** 2 when a migration is halted, so that a script may ask. */
export async function status(place: Place, environment: string, { json, failures }: StatusOptions): Promise<ExitCode> {
  if (json || failures) keepStdoutForJson();
  const { view, subscribers, failed, deployment } = await whileBusy(
    `Reading the ledger of ${environment}`,
    async () => {
      await using seen = await lookAtEnvironment(environment, place);
      const counting = failures ? undefined : seen.deployment && subscribersOf(seen.deployment);
      const view = await readView(seen.ledger, seen.manifest, seen.isOver);
      const key = view.migrations.find((migration) => migration.failures !== undefined)?.failures;
      const failed = failures && key !== undefined ? await seen.ledger.store.get(key) : undefined;
      return { view, subscribers: await counting, failed: failed?.body, deployment: seen.deployment };
    },
  );
  if (failures) printJsonText(failed ?? '');
  else if (json) printJson({ ...view, subscribers });
  else printView(view, subscribers, deployment);
  return view.halt ? EXIT.halted : EXIT.done;
}

/** @param deployment where links lead to; undefined of an environment on this machine */
function printView(
  view: EnvironmentView,
  subscribers: SubscribersSeen | undefined,
  deployment: Deployment | undefined,
): void {
  const commit = view.gitCommit === undefined ? '' : `, deployed from ${shortCommit(view.gitCommit)}`;
  const title = link(colour.bold(view.environment), deployment?.dashboardUrl);
  print(`${title}  ${view.completed} of ${view.total} completed${commit}`);
  printSubscribers(subscribers);
  print();
  const rows = view.migrations.filter((migration) => !isFolded(migration));
  const folded = view.migrations.filter(isFolded);
  if (view.total === 0) print('It has no migrations.');
  if (folded.length > 0) {
    print(colour.dim(foldedText(folded)));
    print();
  }
  if (rows.length > 0) printTable(rows, deployment);

  for (const note of notes(view)) {
    print();
    [note].flat().forEach((line) => print(line));
  }
  if (!view.halt) return;
  print();
  printHalt(
    view.halt,
    deployment && haltLogLink(view.halt, deployment.stateMachineArn, logGroupName(deployment, 'migrations')),
  );
  printDecisions(view.environment, view.halt);
}

function printTable(rows: readonly MigrationView[], deployment: Deployment | undefined): void {
  const cells = rows.map((each) => row(each, deployment));
  const { lines, leftOut } = table(COLUMNS, cells, screenWidth());
  lines.forEach((line) => print(line));
  if (leftOut.length > 0) print(colour.dim(`A wider terminal shows ${leftOut.join(', ')} too.`));
}

/** Nothing is to be said of it but that it is done: of thousands, one line says so. */
const isFolded = ({ pruned, state }: MigrationView): boolean => pruned === true && isCompleted(state);

const foldedText = (folded: readonly MigrationView[]): string =>
  `${folded[0]?.id ?? ''} to ${folded.at(-1)?.id ?? ''}: ${numberOf(folded.length, 'migration')} completed and pruned (completed.json)`;

const COLUMNS: Column[] = [
  { heading: 'ID' },
  { heading: 'DESCRIPTION', least: 20 },
  { heading: 'STATE' },
  { heading: 'ATTEMPTS', leaveOut: 1 },
  { heading: 'WHEN (UTC)', leaveOut: 4 },
  { heading: 'TOOK', leaveOut: 3 },
  { heading: 'BY', leaveOut: 2 },
];
const MAX_DESCRIPTION = 60;

/** Its id leads to its log, and its state to the execution. */
function row(migration: MigrationView, deployment: Deployment | undefined): Cell[] {
  const { id, state, attempts, execution, startedAt, finishedAt, durationMs, by, identity } = migration;
  const when = finishedAt ?? startedAt;
  const log =
    deployment && attempts > 0 && startedAt !== undefined
      ? migrationLogLink(deployment.stateMachineArn, logGroupName(deployment, 'migrations'), id, startedAt)
      : undefined;
  // A baseline has the word of an operator in place of an execution.
  const page = deployment && execution?.startsWith('arn:') ? executionLink(execution) : undefined;
  return [
    { text: id, paint: (text) => link(colour.bold(text), log) },
    { text: descriptionOf(migration) },
    { text: stateOf(migration), paint: (text) => link(PAINT[TONES[state]](text), page) },
    { text: attempts > 0 ? String(attempts) : '' },
    { text: when === undefined ? '' : utc(when).slice(0, 16) },
    { text: durationMs === undefined ? '' : duration(durationMs) },
    { text: by === undefined ? '' : plain(whoShort({ by, identity })) },
  ];
}

function descriptionOf({ description, file }: MigrationView): string {
  const text = plain(description ?? (file === undefined ? '(its file was deleted)' : file));
  return text.length <= MAX_DESCRIPTION ? text : `${text.slice(0, MAX_DESCRIPTION - 1)}…`;
}

function stateOf(migration: MigrationView): string {
  const { state, progress, cancelled, changedSince } = migration;
  const share = progress?.share === undefined ? '' : ` ${percent(progress.share)}`;
  if (cancelled && (state === 'running' || state === 'stopped')) return `cancelled${share}`;
  const word = stateWord(migration);
  if (state === 'running' || state === 'stopped' || state === 'halted') return word + share;
  return changedSince ? `${word} *` : word;
}

/** Of the strip of a plan: what failed stands out without colour too. */
function cellText(cell: StripCell): string {
  const { sign, paint } = CELLS[cellState(cell)];
  return paint(sign);
}

const CELLS: Record<StripState, { sign: string; paint: (text: string) => string }> = {
  failed: { sign: '!', paint: colour.red },
  running: { sign: '>', paint: colour.cyan },
  done: { sign: '█', paint: colour.green },
  partly: { sign: '▒', paint: colour.green },
  waiting: { sign: '·', paint: colour.dim },
};

function refusedNote(error: OdinError): string[] {
  const [what = '', ...more] = typedError(error);
  return [`refused: ${what}`, ...more.map((line) => `  ${line}`)];
}

function stopsWhere({ batches, state }: MigrationView): string {
  if (batches) return 'no further batch begins, and those that run end';
  return state === 'stopped' ? 'it stands at a checkpoint, where the run halts' : 'it does so at its next checkpoint';
}

function notes({ environment, migrations, lacking }: EnvironmentView): (string | string[])[] {
  const ids = (wanted: (migration: MigrationView) => boolean) =>
    migrations
      .filter(wanted)
      .map(({ id }) => id)
      .join(', ');
  const late = ids(({ state }) => state === 'late');
  const changed = ids(({ state, changedSince }) => isCompleted(state) && changedSince);
  const aborted = ids(({ state }) => state === 'aborted');
  const cancelled = migrations.find(
    ({ state, cancelled: asked }) => asked && (state === 'running' || state === 'stopped'),
  );
  const allow = typed({ verb: 'run', environment, args: ['--allow-out-of-order'] });
  return [
    ...migrations.flatMap(({ id, state, progress, batches }) => {
      const text = progress && !isCompleted(state) ? progressText(progress) : '';
      if (!progress || text === '') return [];
      const note = progress.note === undefined ? '' : `  ${plain(progress.note)}`;
      const line = `${id}: ${text}, at ${utc(progress.time)}${note}`;
      return [batches ? [line, `  ${batches.strip.map(cellText).join('')}`] : line];
    }),
    ...migrations.flatMap((migration) => openNote(migration, environment)),
    ...(lacking ? [refusedNote(lackingError(lacking, environment, where()))] : []),
    ...(late === ''
      ? []
      : [`late: ${late} came after a higher number was run, so a run refuses it. To run it all the same: ${allow}`]),
    ...migrations.flatMap((migration) =>
      migration.did && !isFolded(migration) ? [`${migration.id}: ${plain(didText(migration.did))}`] : [],
    ),
    ...migrations.flatMap((migration) =>
      migration.leftOver && !isFolded(migration)
        ? [`${migration.id}: ${plain(leftOverText(migration.leftOver))}.`]
        : [],
    ),
    ...(changed === '' ? [] : [`*: ${changed} changed since it was completed; it does not run again.`]),
    ...(cancelled
      ? [
          `cancelled: ${plain(cancelled.cancelled ? who(cancelled.cancelled) : '')} asked ${cancelled.id} to stop; ${stopsWhere(cancelled)}.`,
        ]
      : []),
    ...(aborted === ''
      ? []
      : [
          `aborted: ${aborted} waits for the next run, which halts there again: ${typed({ verb: 'run', environment })}`,
        ]),
  ];
}
