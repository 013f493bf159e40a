// The function's side of one turn of user code: answers its checkpoints, watches its time, and ends its process, always.
//
//   start ─▶ checkpoint ─▶ save (durable), once a second ─▶ go on … ─▶ end, or gone, or out of time ─▶ kill, wait until it is gone
//     ─▶ save the last checkpoint ─▶ the end
import { leftOverText } from '../../../core/views/words.ts';
import { describeThrown } from '../../../core/thrown.ts';
import { errorSummary } from '../../../core/ledger/summaries.ts';
import type { ErrorSummary } from '../../../core/ledger/error-records.ts';
import { assertWithinAYear } from './checkpoint.ts';
import { notUnderstood, crashed, gone, outOfTime, stuck } from './ends.ts';
import type { Exit } from './ends.ts';
import type { OutputLine } from './output.ts';
import { ToFunction } from './protocol.ts';
import type { AnswerMessage, EndMessage, Seen, StartBatch, StartPreview, ToProcess } from './protocol.ts';
import type { YieldedCheckpoint } from './yielded.ts';

export interface UserCodeOptions {
  migration: string;
  attempt: number;
  slice: number;
  /** Of the checkpoint that it goes on from; undefined: from its beginning. */
  cursor: unknown;
  /** Set: it runs this batch, and plans nothing. */
  batch?: StartBatch | undefined;
  /** It stops at a checkpoint when the next step would not fit into so many milliseconds. */
  sliceMs: number;
  /** Its process is ended after so many milliseconds, whatever it does. */
  endAfterMs: number;
  /**
   * Within so many milliseconds after one checkpoint was saved, others are not: the code goes on, and the next one counts. The one
   * at which it stops is always saved, and the last one of code that has ended.
   */
  saveEveryMs: number;
  /**
   * Makes a checkpoint durable, and says whether code after it may run. When it throws, none does, and the error is how the turn
   * ended.
   */
  save: (checkpoint: YieldedCheckpoint) => Promise<'go on' | 'stop'>;
  /** Set: it is a preview, and every write is held back. */
  preview?:
    | (Omit<StartPreview, 'migration'> & { onSeen: (seen: Seen) => void; onHandedOn: (handedOn: string) => void })
    | undefined;
}

/**
 * `stopped`: at a checkpoint, because its slice was over. `threw`: migration() or the file's top level did, a checkpoint was
 * refused, or a request was not awaited. `ended`: its process is gone, or had to go, before it said how it ended.
 */
type End =
  /** `leftOver`: what was still alive when it had returned, and ended with its process; a few words each. */
  | { outcome: 'finished' | 'stopped'; leftOver?: string[] | undefined; error?: undefined }
  | { outcome: 'threw' | 'ended' | 'out of time'; error: ErrorSummary; leftOver?: undefined };

export type UserCodeEnd = { checkpoints: number } & End;

/** Nothing of its code runs any more when this resolves, and all that it printed was heard. It never rejects. */
export type RunUserCode = (options: UserCodeOptions) => Promise<UserCodeEnd>;

/** A process that runs user code: fork.ts, or what a test has in its place. */
export interface UserProcess {
  send: (message: ToProcess) => void;
  /** At once, and with everything that it started. Nothing happens to one that is gone. */
  kill: () => void;
  /** Resolves when it is gone, and all that it said and printed was heard. */
  gone: Promise<Exit>;
}

export interface Listeners {
  /** What it says, as it came; undefined for what is no JSON. */
  message: (message: unknown) => void;
  line: (line: OutputLine) => void;
}

export type StartProcess = (listeners: Listeners) => UserProcess;

export interface Timing {
  now: () => number;
  /** Does the work after so many milliseconds, unless what it returns is called before. */
  after: (ms: number, work: () => void) => () => void;
}

/**
 * The time kept back at the end of a slice, besides twice its longest step: a second more than its code is ended before the end of the
 * function (time.ts), and six more where there is time for it, because a checkpoint that S3 takes slowly must not be a failure. To start
 * its process is no step: on a busy machine that takes so long that each slice would end at its first checkpoint.
 */
const safetyMs = (sliceMs: number): number => Math.max(5_000, Math.min(10_000, sliceMs / 10));

/** @param onLine hears what user code prints */
export const superviseUserCode =
  (start: StartProcess, clock: Timing, onLine: (line: OutputLine) => void): RunUserCode =>
  async ({ migration, cursor, batch, sliceMs, endAfterMs, saveEveryMs, save, preview }) => {
    const { promise: end, resolve } = Promise.withResolvers<End>();
    const endsAt = clock.now() + sliceMs;
    let since = clock.now();
    let longest = 0;
    let checkpoints = 0;
    let savedAt = -Infinity;
    let unsaved: YieldedCheckpoint | undefined;
    let saving: Promise<void> | undefined;
    let toldToStop = false;
    let refusal: ErrorSummary | undefined;

    const isNearlyOver = (): boolean => endsAt - clock.now() < safetyMs(sliceMs) + 2 * longest;
    const answer = (next: AnswerMessage['answer']): void => {
      since = clock.now();
      toldToStop = next === 'stop';
      process.send({ type: 'answer', answer: next });
    };
    const keep = async (checkpoint: YieldedCheckpoint): Promise<void> => {
      let next: AnswerMessage['answer'] = 'stop';
      try {
        assertWithinAYear(checkpoint, clock.now());
        next = await save(checkpoint);
        checkpoints += 1;
      } catch (thrown) {
        refusal = errorSummary(thrown);
      }
      saving = undefined;
      unsaved = undefined;
      savedAt = clock.now();
      answer(isNearlyOver() ? 'stop' : next);
    };
    const yielded = (checkpoint: YieldedCheckpoint): void => {
      longest = Math.max(longest, clock.now() - since);
      // What a plan has yielded is put down before it goes on, and so is a time: the next one does not have it.
      const { batches, notBefore, save: asked } = checkpoint;
      if (
        batches !== undefined ||
        notBefore !== undefined ||
        asked ||
        clock.now() - savedAt >= saveEveryMs ||
        isNearlyOver()
      ) {
        saving = keep(checkpoint);
        return;
      }
      unsaved = checkpoint;
      answer('go on');
    };
    const keepLast = async (): Promise<void> => {
      if (!unsaved) return;
      try {
        await save(unsaved);
        checkpoints += 1;
      } catch (thrown) {
        // How its code ended counts. What was done since the checkpoint before is done again if it has to go on.
        onLine({ level: 'warn', text: `The last checkpoint was not saved: ${describeThrown(thrown)}` });
      }
    };
    /** @returns the end, if that is what it means */
    const hear = (message: ToFunction | undefined): End | undefined => {
      switch (message?.type) {
        case undefined:
          return notUnderstood('it was no message');
        case 'begins':
          since = clock.now();
          return undefined;
        case 'seen':
          preview?.onSeen(message.seen);
          return undefined;
        case 'handed on':
          preview?.onHandedOn(message.handedOn);
          return undefined;
        case 'checkpoint':
          if (saving !== undefined || toldToStop) return notUnderstood('a checkpoint was not to be made then');
          yielded(message.checkpoint);
          return undefined;
        case 'end':
          return message.outcome === 'stopped' && !toldToStop
            ? notUnderstood('nobody told it to stop')
            : endOf(message);
      }
    };

    const process = start({
      message: (said) => {
        const meant = hear(ToFunction.safeParse(said).data);
        if (meant) resolve(meant);
      },
      line: onLine,
    });
    const forget = clock.after(endAfterMs, () => {
      resolve(outOfTime(endAfterMs, cursor !== undefined || checkpoints > 0));
    });
    void process.gone.then((exit) => {
      resolve(gone(exit));
    });
    process.send({
      type: 'start',
      cursor,
      batch,
      preview: preview && { migration, allows: preview.allows, before: preview.before },
    });
    const ended = await end;
    forget();
    process.kill();
    await process.gone;
    // A ledger that does not answer must not cost the outcome the time that is left for it.
    if (ended.outcome !== 'out of time') {
      await saving;
      await keepLast();
    }
    if (ended.leftOver) onLine({ level: 'warn', text: leftOverText(ended.leftOver) });
    // What was thrown first is what is reported, whatever its `finally` blocks did after that.
    return refusal ? { outcome: 'threw', error: refusal, checkpoints } : { ...ended, checkpoints };
  };

function endOf(message: EndMessage): End {
  switch (message.outcome) {
    case 'finished':
    case 'stopped':
      return { outcome: message.outcome, leftOver: message.leftOver };
    case 'threw':
      return { outcome: 'threw', error: message.error };
    case 'crashed':
      return crashed(message.error);
    case 'stuck':
      return stuck();
  }
}
