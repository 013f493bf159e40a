// How the page words what matters first, times and people.
import { lackingError } from '../../core/decision/lacking.ts';
import { errorLines } from '../../core/errors.ts';
import type { EnvironmentView, MigrationState } from '../../core/views/view.ts';
import type { OdinCommand, Where } from '../../core/text/command.ts';
import { commandLine } from '../../core/text/command.ts';
import type { Tone } from '../../core/views/words.ts';
import { heldBackText, stateWord } from '../../core/views/words.ts';

export interface Headline {
  tone: Tone;
  title: string;
  detail: string;
}

/** What an operator wants to know first. */
export function headline(
  { environment, migrations, halt, lacking, completed, total }: EnvironmentView,
  { local, clock }: Where & { clock?: Clock | undefined } = {},
): Headline {
  const first = (...states: MigrationState[]) => migrations.find(({ state }) => states.includes(state));
  const command = (verb: OdinCommand['verb']) => commandLine({ verb, environment }, { local });
  if (total === 0) {
    const detail = `Add the first one with: ${command('new')}`;
    return { tone: 'quiet', title: 'No migrations yet', detail };
  }
  if (halt) {
    const detail = 'Nothing later runs until somebody decides.';
    return { tone: 'bad', title: `Halted at ${halt.migration}`, detail };
  }
  const running = first('running', 'starting');
  if (running)
    return {
      tone: 'busy',
      title: `${running.state === 'starting' ? 'Starting' : 'Running'} ${running.id}`,
      detail: running.description ?? '',
    };
  const between = first('stopped');
  if (between) {
    if (between.batches?.slowedDown !== undefined) {
      const detail = 'S3 asked for fewer requests: its batches go on in a while, fewer at a time.';
      return { tone: 'busy', title: `${between.id} was slowed down`, detail };
    }
    if (between.waitsUntil !== undefined) {
      const until = minuteOf(between.waitsUntil, clock);
      const detail = `Its checkpoint says so. No function runs until then; the run, or the next one, goes on from there: ${command('run')}`;
      return { tone: 'busy', title: `${between.id} waits until ${until}`, detail };
    }
    const detail = `It stopped at a checkpoint; the run, or the next one, goes on from there: ${command('run')}`;
    return { tone: 'busy', title: `${between.id} is between two slices`, detail };
  }
  const going = first('succeeded', 'decided');
  if (going) {
    const detail =
      going.state === 'succeeded'
        ? 'Its code returned; its completion is being recorded.'
        : going.mayRunUntil === undefined
          ? `${stateWord(going)}; the run acts on it next.`
          : heldBackText(minuteOf(going.mayRunUntil, clock), going.decision);
    return { tone: 'busy', title: `Going on with ${going.id}`, detail };
  }
  const stopped = first('aborted', 'failed', 'unknown');
  if (stopped) {
    const title = stopped.state === 'aborted' ? `Aborted at ${stopped.id}` : `${stopped.id} did not finish`;
    return { tone: 'bad', title, detail: `The next run halts there and asks for a decision: ${command('run')}` };
  }
  if (lacking) {
    const detail = errorLines(lackingError(lacking, environment, { local }), { local }).join(' ');
    return { tone: 'bad', title: 'A run refuses', detail };
  }
  const late = first('late');
  if (late) {
    const detail = 'It is pending below one that was run: a run refuses to go out of order.';
    return { tone: 'warn', title: `${late.id} is late`, detail };
  }
  const pending = first('pending');
  if (pending) {
    const left = total - completed;
    return { tone: 'quiet', title: `${left} pending`, detail: `A run begins with ${pending.id}: ${command('run')}` };
  }
  return { tone: 'good', title: 'Everything is done', detail: 'Nothing is pending, and nothing runs twice.' };
}

/** `2026-03-01 14:05 UTC+02:00` */
export const minuteOf = (iso: string, clock = new Clock(undefined)): string => `${clock.minute(iso)} ${clock.zone}`;

/** Dates as the viewer's clock shows them. */
export class Clock {
  readonly #offsetMs: number;
  readonly zone: string;

  /** @param offset as the console gives it: `+02:00`; anything else is UTC */
  constructor(offset: string | undefined) {
    const [, sign, hours, minutes] = /^([+-])(\d{2}):?(\d{2})$/.exec(offset ?? '') ?? [];
    this.#offsetMs = (sign === '-' ? -1 : 1) * (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60_000;
    this.zone = this.#offsetMs === 0 ? 'UTC' : `UTC${sign ?? ''}${hours ?? ''}:${minutes ?? ''}`;
  }

  /** `2026-03-01 14:05` */
  minute(iso: string): string {
    return new Date(Date.parse(iso) + this.#offsetMs).toISOString().slice(0, 16).replace('T', ' ');
  }
}
