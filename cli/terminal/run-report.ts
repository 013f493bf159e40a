// Prints a run: its events, one line each, the same for a local run and a deployed one, and what the migrations of a local run
// print themselves.
import * as z from 'zod';
import type { Manifest } from '../../core/contract/manifest.ts';
import type { LambdaLogLine } from '../../local/lambda/functions.ts';
import { progressOf, progressText } from '../../core/views/progress.ts';
import type { Completion } from '../../core/ledger/records.ts';
import type { RunEvent } from '../../client/run-events.ts';
import { failureText, outcomeText, sourceLineOf } from './halts.ts';
import { colour, duration, plain, print } from './output.ts';

/** A line of the structured log that user code caused (lambdas/shared/logger.ts). */
const MigrationLine = z.object({
  from: z.literal('migration'),
  migration: z.string(),
  attempt: z.number(),
  message: z.string(),
});

export class RunReport {
  /** By migration id. One that is not deployed any more has none. */
  #descriptions: ReadonlyMap<string, string> = new Map();
  readonly #completed = new Map<Completion['completion'], number>();
  readonly #announced = new Set<string>();

  /** Call it before the run begins: the log of a local environment is connected before its manifest is known. */
  describe({ migrations }: Manifest): void {
    this.#descriptions = new Map(migrations.map(({ id, description, file }) => [id, description ?? file]));
  }

  /** A line of a function's log; what a migration itself printed is shown below the line that says that it started. */
  readonly onLog = ({ line }: LambdaLogLine): void => {
    const parsed = MigrationLine.safeParse(jsonOf(line)).data;
    if (!parsed) return;
    this.#announce(parsed.migration, parsed.attempt);
    detail(plain(parsed.message));
  };

  event(event: RunEvent): void {
    switch (event.event) {
      case 'started':
        this.#announce(event.migration, event.attempt);
        break;
      case 'slice':
        detail(`slice ${event.slice}`);
        break;
      case 'progress': {
        const progress = progressOf(event.checkpoint);
        detail(['checkpoint', progressText(progress), plain(progress.note ?? '')].filter(Boolean).join('  '));
        break;
      }
      case 'cancelled': {
        const { by, reason } = event.cancellation;
        detail(`${plain(by)} asked it to stop${reason === undefined ? '' : `: ${plain(reason)}`}`);
        break;
      }
      case 'finished': {
        const { outcome, error } = event.finished;
        if (outcome === 'succeeded') break; // its completion follows
        print(`${colour.red('✖')} ${event.migration}  ${failureText(error)}`);
        const place = sourceLineOf(error);
        if (place !== '') detail(place);
        break;
      }
      case 'decided': {
        const { decision, by, reason } = event.decision;
        const why = reason === undefined ? '' : `: ${plain(reason)}`;
        print(`${colour.yellow('◆')} ${event.migration}  ${decision}, decided by ${plain(by)}${why}`);
        break;
      }
      case 'completed': {
        const { completion, startedAt, finishedAt } = event.completion;
        this.#completed.set(completion, (this.#completed.get(completion) ?? 0) + 1);
        const took =
          completion === 'applied' && startedAt !== undefined && finishedAt !== undefined
            ? `  ${duration(Date.parse(finishedAt) - Date.parse(startedAt))}`
            : '';
        print(`${colour.green('✔')} ${event.migration}  ${completion}${took}`);
        break;
      }
      case 'halted': {
        const { migration, halt } = event;
        print(`${colour.red('■')} ${migration}  halted, attempt ${halt.attempt}: ${outcomeText(halt)}`);
        if (halt.outcome === 'unknown' && halt.error) detail(plain(`${halt.error.name}: ${halt.error.message}`));
        break;
      }
      case 'handed over':
        detail(`handed over to ${event.execution}`);
        break;
      case 'ended':
        break;
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
