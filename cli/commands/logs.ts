// `odin-migrate logs`: what the migrations of a deployed environment printed, from CloudWatch Logs.
import { OdinError } from '../../core/errors.ts';
import { assertMigrationId } from '../../core/names/identifiers.ts';
import { readHistory } from '../../core/views/history.ts';
import type { Ledger } from '../../core/ledger/ledger.ts';
import type { LogState } from '../../core/ledger/fold.ts';
import type { DeployedPlace } from '../../client/deployment.ts';
import { findDeployment } from '../../client/deployment.ts';
import type { LogLine } from '../../client/log-line.ts';
import { logLineOf } from '../../client/log-line.ts';
import type { LogRange } from '../../client/migration-log.ts';
import { MigrationLog } from '../../client/migration-log.ts';
import type { ExitCode } from '../terminal/exit-codes.ts';
import { EXIT } from '../terminal/exit-codes.ts';
import { untilInterrupted } from '../terminal/interrupt.ts';
import {
  LINE_PAINT,
  colour,
  keepStdoutForJson,
  print,
  printJsonText,
  textLines,
  utc,
  whileBusy,
} from '../terminal/output.ts';

/** `at` in epoch milliseconds; `msAgo` before now, by the clock of AWS. */
export type Since = { at: number } | { msAgo: number };

export interface LogsOptions {
  follow?: boolean;
  attempt?: number;
  since?: Since;
  json?: boolean;
}

/** What is asked for: of which migration, and when it was printed. */
interface Wanted extends LogRange {
  migration?: string | undefined;
  /** How it is called in a sentence. */
  words: string;
}

const POLL_MS = 2_000;

export async function logs(
  environment: string,
  id: string | undefined,
  options: LogsOptions,
  deployed: DeployedPlace,
): Promise<ExitCode> {
  if (id !== undefined) assertMigrationId(id);
  if (options.json) keepStdoutForJson();
  await whileBusy(`Reading the log of ${environment}`, async () => {
    const deployment = await findDeployment(environment, deployed);
    const wanted = await rangeOf(environment, deployment.ledger, id, options);
    const log = new MigrationLog(deployment, wanted);
    const printer = new Printer(options.json ?? false);
    const show = async () => {
      for await (const { time, migration, message } of log.look()) {
        const said = logLineOf(message);
        const line = said && { ...said, migration: migration ?? said.migration };
        if (!line || (wanted.migration !== undefined && (line.migration ?? wanted.migration) !== wanted.migration))
          continue;
        printer.line(new Date(time).toISOString(), line);
      }
    };
    if (!options.follow) {
      await show();
      if (printer.lines === 0) print(`${wanted.words} has printed nothing, or ${log.group} does not keep it any more.`);
      return;
    }
    await untilInterrupted(
      async () => {
        for (;;) {
          await show().catch(onlyWhatPasses);
          await deployment.pause(POLL_MS);
        }
      },
      () => Promise.resolve([]),
    );
  });
  return EXIT.done;
}

/** Who follows asks again anyway. @throws OdinError what does not pass by itself */
function onlyWhatPasses(thrown: unknown): void {
  if (!(thrown instanceof OdinError) || thrown.code !== 'AwsUnreachable') throw thrown;
}

/** @throws OdinError BadUsage for one that is yet to come: nothing was printed since */
function timeOf(since: Since, now: number): number {
  const at = 'at' in since ? since.at : now - since.msAgo;
  if (at <= now) return at;
  throw new OdinError({
    code: 'BadUsage',
    source: 'user',
    what: `--since names ${utc(at)}, and it is ${utc(now)} UTC.`,
    next: 'Name a time that is over, in UTC, or one such as 30m.',
  });
}

/** @throws OdinError BadUsage for a migration, or an attempt of it, that never was */
export async function rangeOf(
  environment: string,
  ledger: Ledger,
  id: string | undefined,
  { since: asked, attempt, follow }: LogsOptions,
): Promise<Wanted> {
  const state = await ledger.log.look();
  const since = asked && timeOf(asked, ledger.log.lookedAt);
  const migration = id ?? lastRun(state);
  const known = migration === undefined ? undefined : state.migrations[migration];
  if (migration === undefined || !known || known.attempts === 0) {
    if (id === undefined && follow) return { from: since ?? ledger.log.lookedAt, words: environment };
    throw new OdinError({
      code: 'BadUsage',
      source: 'user',
      what: id === undefined ? `Nothing was run in ${environment} yet.` : `${id} was never run in ${environment}.`,
      next: { words: 'See what there is', verb: 'status', environment },
    });
  }
  if (since !== undefined) return { from: since, migration: id, words: id ?? environment };
  const wanted = attempt ?? known.attempts;
  const words = `Attempt ${wanted} of ${migration}`;
  if (wanted > known.attempts) {
    throw new OdinError({
      code: 'BadUsage',
      source: 'user',
      what: `${migration} had ${known.attempts === 1 ? 'one attempt' : `${known.attempts} attempts`}, and no attempt ${wanted}.`,
      next: { words: 'See them', verb: 'history', environment, args: [migration] },
    });
  }
  const { turn } = state;
  const isOpen = turn?.allowed.migration === migration;
  if (isOpen && wanted === known.attempts) {
    // Who follows an environment follows what comes after this one, too.
    return { from: Date.parse(turn.since), migration: follow ? id : migration, words };
  }
  const allowed = (await readHistory(ledger, migration)).filter((entry) => entry.kind === 'allowed');
  const begun = (which: number) => {
    const time = allowed.find((entry) => entry.attempt === which)?.time;
    return time === undefined ? undefined : Date.parse(time);
  };
  const completed = known.completion?.time;
  const until = begun(wanted + 1) ?? (completed === undefined ? undefined : Date.parse(completed) + AFTER_MS);
  return { from: begun(wanted) ?? 0, until: follow ? undefined : until, migration: follow ? id : migration, words };
}

/** The last line of an invocation is written when its function has answered. */
const AFTER_MS = 60_000;

function lastRun({ turn, migrations }: LogState): string | undefined {
  if (turn) return turn.allowed.migration;
  return Object.entries(migrations)
    .filter(([, { attempts }]) => attempts > 0)
    .sort(([, a], [, b]) => (a.completion?.number ?? 0) - (b.completion?.number ?? 0))
    .at(-1)?.[0];
}

class Printer {
  lines = 0;
  #about = '';
  readonly #json: boolean;

  constructor(json: boolean) {
    this.#json = json;
  }

  line(time: string, line: LogLine): void {
    this.lines += 1;
    if (this.#json) {
      printJsonText(`${JSON.stringify({ time, ...line })}\n`);
      return;
    }
    const { migration, attempt, batch, level, text } = line;
    const about = `${migration ?? ''}/${attempt ?? ''}`;
    if (migration !== undefined && attempt !== undefined && about !== this.#about) {
      this.#about = about;
      print(`${colour.cyan('▶')} ${colour.bold(migration)}  attempt ${attempt}`);
    }
    const part = batch === undefined ? '' : `batch ${batch}  `;
    for (const each of textLines(text)) print(`${colour.dim(utc(time))}  ${part}${LINE_PAINT[level](each)}`);
  }
}
