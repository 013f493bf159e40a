// Prints a run: its events, one line each, the same for a local run and a deployed one, and what the migrations of a local run
// print themselves.
import type { Manifest } from '../../core/contract/manifest.ts';
import type { LambdaLogLine } from '../../local/lambda/functions.ts';
import { progressOf, progressText } from '../../core/views/progress.ts';
import type { Completed, Entry } from '../../core/ledger/entries.ts';
import type { MigrationView } from '../../core/views/view.ts';
import { tookOf } from '../../core/views/view.ts';
import { haltText, heldBackText, leftOverText, waitsText, who } from '../../core/views/words.ts';
import { timeText } from '../../core/text/format.ts';
import type { LogLine } from '../../client/log-line.ts';
import { logLineOf } from '../../client/log-line.ts';
import type { RunEvent } from '../../client/run-events.ts';
import { sourceLineOf } from './halts.ts';
import { colour, duration, errorText, LINE_PAINT, plain, print, textLines } from './output.ts';

export class RunReport {
  /** By migration id. One that is not deployed any more has none. */
  #descriptions: ReadonlyMap<string, string> = new Map();
  readonly #completed = new Map<Completed['completion'], number>();
  readonly #announced = new Set<string>();
  /** The migration that was announced last: what is said below is of that one. */
  #last: string | undefined;
  /** Nothing was said yet of how that one ended. */
  #isOpen = false;
  /** What another one printed meanwhile: logs come on a way of their own, and may be ahead of the ledger. */
  #early: LogLine[] = [];
  /** Halts, by the numbers of their entries, whose errors are on the screen. */
  readonly #failures = new Set<number>();

  /** Call it before the run begins: the log of a local environment is connected before its manifest is known. */
  describe({ migrations }: Manifest): void {
    this.#descriptions = new Map(migrations.map(({ id, description, file }) => [id, description ?? file]));
  }

  /** A line of a function's log on this machine; what a migration itself printed is shown below the line that says that it started. */
  readonly onLog = ({ line: written }: LambdaLogLine): void => {
    const line = logLineOf(written);
    if (line?.by === 'migration') this.line(line);
  };

  /** @param line that may come long after the one that says that its migration started */
  line(line: LogLine): void {
    const { migration, attempt, batch, text, level } = line;
    if (migration !== undefined && attempt !== undefined) {
      const isEarly = this.#isOpen && migration !== this.#last && !this.#isAnnounced(migration, attempt);
      if (isEarly) {
        this.#early.push(line);
        return;
      }
      this.#announce(migration, attempt);
    }
    const of = migration === undefined || migration === this.#last ? '' : `${migration}  `;
    const part = batch === undefined ? '' : `batch ${batch}  `;
    for (const each of textLines(text)) detail(of + part + each, LINE_PAINT[level]);
  }

  /** Of a run that is followed from now on: what it was at. */
  underWay({ id, attempts, startedAt }: MigrationView): void {
    this.#announce(id, attempts);
    if (startedAt !== undefined) detail(`since ${timeText(startedAt)}`);
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
      case 'batches':
        detail([progressText(event.progress), plain(event.progress.note ?? '')].filter(Boolean).join('  '));
        break;
      case 'waits': {
        const { migration, attempt, decision, until, atCheckpoint } = event;
        const what = atCheckpoint
          ? waitsText(timeText(until))
          : decision === undefined
            ? `attempt ${attempt}, which this run has not begun, may be running until ${timeText(until)}; it waits for that`
            : heldBackText(timeText(until), decision);
        print(`${colour.yellow('…')} ${migration}  ${what}`);
        break;
      }
      case 'halted': {
        const { migration, attempt, reason, error } = event.halt;
        print(`${colour.red('■')} ${migration}  halted, attempt ${attempt}: ${haltText(reason)}`);
        // It would look as if it had been run again, and had failed again.
        if (!this.#isAnnounced(migration, attempt)) detail('That was before this run, which has begun nothing of it.');
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
        this.#ended();
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
        const { migration, attempt, reason, error } = entry;
        if (reason !== 'failed' || !error || !this.#isAnnounced(migration, attempt)) {
          this.#ended(); // the halt itself says it
          break;
        }
        this.#failures.add(entry.number);
        const [first = '', ...more] = errorText(error);
        print(`${colour.red('✖')} ${migration}  ${colour.red('failed')}: ${first}`);
        for (const line of more) detail(line);
        const place = sourceLineOf(error);
        if (place !== '') detail(place);
        this.#ended();
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
        this.#ended();
        break;
      }
    }
  }

  /** `2 applied, 1 skipped`, or undefined when nothing was completed. */
  summary(): string | undefined {
    if (this.#completed.size === 0) return undefined;
    return [...this.#completed].map(([kind, count]) => `${count} ${kind}`).join(', ');
  }

  #isAnnounced(migration: string, attempt: number): boolean {
    return this.#announced.has(`${migration}/${attempt}`);
  }

  #ended(): void {
    this.#isOpen = false;
    const early = this.#early;
    this.#early = [];
    for (const line of early) this.line(line);
  }

  #announce(migration: string, attempt: number): void {
    if (this.#isAnnounced(migration, attempt)) return;
    this.#announced.add(`${migration}/${attempt}`);
    this.#last = migration;
    this.#isOpen = true;
    const again = attempt > 1 ? colour.yellow(`  attempt ${attempt}`) : '';
    print(`${colour.cyan('▶')} ${migration}  ${plain(this.#descriptions.get(migration) ?? '')}${again}`);
  }
}

const detail = (text: string, paint = colour.dim): void => {
  print(`         ${paint(text)}`);
};
