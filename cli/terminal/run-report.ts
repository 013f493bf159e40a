// Prints a run: its events, one line each, the same for a local run and a deployed one, and what the migrations of a local run
// print themselves.
import * as z from 'zod';
import type { Manifest } from '../../core/contract/manifest.ts';
import type { LambdaLogLine } from '../../local/lambda/functions.ts';
import { progressOf, progressText } from '../../core/views/progress.ts';
import type { Completed, Entry } from '../../core/ledger/entries.ts';
import type { MigrationView } from '../../core/views/view.ts';
import { tookOf } from '../../core/views/view.ts';
import { haltText, heldBackText, leftOverText, who } from '../../core/views/words.ts';
import { MigrationId } from '../../core/names/identifiers.ts';
import type { RunEvent } from '../../client/run-events.ts';
import { sourceLineOf } from './halts.ts';
import { colour, duration, errorText, plain, print, textLines, utc } from './output.ts';

/** A line of the structured log that user code caused (lambdas/shared/logger.ts). */
const MigrationLine = z.object({
  from: z.literal('migration'),
  // A structured logger of user code may have fields of these names that mean something else.
  migration: z.unknown(),
  attempt: z.unknown(),
  message: z.unknown(),
});

export class RunReport {
  /** By migration id. One that is not deployed any more has none. */
  #descriptions: ReadonlyMap<string, string> = new Map();
  readonly #completed = new Map<Completed['completion'], number>();
  readonly #announced = new Set<string>();
  /** Halts, by the numbers of their entries, whose errors are on the screen. */
  readonly #failures = new Set<number>();

  /** Call it before the run begins: the log of a local environment is connected before its manifest is known. */
  describe({ migrations }: Manifest): void {
    this.#descriptions = new Map(migrations.map(({ id, description, file }) => [id, description ?? file]));
  }

  /** A line of a function's log; what a migration itself printed is shown below the line that says that it started. */
  readonly onLog = ({ line }: LambdaLogLine): void => {
    const parsed = MigrationLine.safeParse(jsonOf(line)).data;
    if (!parsed) return;
    const { migration, attempt, message } = parsed;
    if (MigrationId.safeParse(migration).success && typeof attempt === 'number')
      this.#announce(migration as string, attempt);
    for (const text of textLines(typeof message === 'string' ? message : JSON.stringify(message))) detail(text);
  };

  /** Of a run that is followed from now on: what it was at. */
  underWay({ id, attempts, startedAt }: MigrationView): void {
    this.#announce(id, attempts);
    if (startedAt !== undefined) detail(`since ${utc(startedAt)} UTC`);
  }

  event(event: RunEvent): void {
    switch (event.event) {
      case 'appended':
        this.#entry(event.entry);
        break;
      case 'progress': {
        const progress = progressOf(event.checkpoint);
        detail(['checkpoint', progressText(progress), plain(progress.note ?? '')].filter(Boolean).join('  '));
        break;
      }
      case 'waits': {
        const { migration, attempt, decision, until } = event;
        const what =
          decision === undefined
            ? `attempt ${attempt}, which this run has not begun, may be running until ${utc(until)} UTC; it waits for that`
            : heldBackText(`${utc(until)} UTC`, decision);
        print(`${colour.yellow('…')} ${migration}  ${what}`);
        break;
      }
      case 'halted': {
        const { migration, attempt, reason, error } = event.halt;
        print(`${colour.red('■')} ${migration}  halted, attempt ${attempt}: ${haltText(reason)}`);
        if (error && !this.#failures.has(event.halt.halt)) {
          for (const line of errorText(error)) detail(line);
          const place = sourceLineOf(error);
          if (place !== '') detail(place);
        }
        break;
      }
      case 'handed over':
        detail(`handed over to ${event.execution}`);
        break;
      case 'ended':
        break;
    }
  }

  #entry(entry: Entry): void {
    switch (entry.kind) {
      case 'allowed':
        this.#announce(entry.migration, entry.attempt);
        if (entry.slice > 1) detail(`slice ${entry.slice}`);
        break;
      case 'halted': {
        const { migration, reason, error } = entry;
        if (reason !== 'failed' || !error) break; // the halt itself says it
        this.#failures.add(entry.number);
        const [first = '', ...more] = errorText(error);
        print(`${colour.red('✖')} ${migration}  ${colour.red('failed')}: ${first}`);
        for (const line of more) detail(line);
        const place = sourceLineOf(error);
        if (place !== '') detail(place);
        break;
      }
      case 'decided': {
        const { migration, decision, reason } = entry;
        const [why = '', ...more] = reason === undefined ? [] : textLines(`: ${reason}`);
        if (decision === 'cancel') detail(`${plain(who(entry))} asked it to stop${why}`);
        else print(`${colour.yellow('◆')} ${migration}  ${decision}, decided by ${plain(who(entry))}${why}`);
        for (const line of more) detail(line);
        break;
      }
      case 'completed': {
        const { completion, ids, leftOver } = entry;
        const took = tookOf(entry);
        this.#completed.set(completion, (this.#completed.get(completion) ?? 0) + ids.length);
        for (const id of ids) {
          print(`${colour.green('✔')} ${id}  ${completion}${took === undefined ? '' : `  ${duration(took)}`}`);
        }
        if (leftOver) print(`         ${colour.yellow('!')} ${plain(leftOverText(leftOver))}`);
        break;
      }
    }
  }

  /** `2 applied, 1 skipped`, or undefined when nothing was completed. */
  summary(): string | undefined {
    if (this.#completed.size === 0) return undefined;
    return [...this.#completed].map(([kind, count]) => `${count} ${kind}`).join(', ');
  }

  #announce(migration: string, attempt: number): void {
    const key = `${migration}/${attempt}`;
    if (this.#announced.has(key)) return;
    this.#announced.add(key);
    const again = attempt > 1 ? colour.yellow(`  attempt ${attempt}`) : '';
    print(`${colour.cyan('▶')} ${migration}  ${plain(this.#descriptions.get(migration) ?? '')}${again}`);
  }
}

const detail = (text: string): void => {
  print(`         ${colour.dim(text)}`);
};

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // not a line of the structured log
  }
}
