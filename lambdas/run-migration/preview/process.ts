// The process that a preview runs a migration in: the same bundle as the function, started by preview.ts with credentials
// that can only read, and ended with it.
import { VARIABLES } from '../../../core/names/names.ts';
import type { CheckpointRecord } from '../../../core/ledger/records.ts';
import { errorSummary } from '../../../core/ledger/summaries.ts';
import { drive } from '../drive.ts';
import type { LoadMigration } from '../user-module.ts';
import { installGuard, throughTheGuard } from './guard.ts';
import type { PreviewProgress, ReportMessage, StartMessage } from './protocol.ts';
import { installRecorder } from './recorder.ts';
import { Tally } from './tally.ts';

/** Often enough that little is lost of a process that has to be ended. */
const PROGRESS_MS = 1_000;

export const isPreviewProcess = (): boolean => process.env[VARIABLES.previewProcess] !== undefined;

/** Waits for the function to say how, runs one slice, reports, and ends. */
export function runPreviewProcess(load: LoadMigration): void {
  process.on('disconnect', () => process.exit(0)); // the function is gone
  process.once('message', (message) => {
    void preview(load, message as StartMessage);
  });
}

async function preview(load: LoadMigration, { cursor, sliceMs, allows }: StartMessage): Promise<void> {
  const tally = new Tally();
  let checkpoints = 0;
  let last: CheckpointRecord | undefined = cursor === undefined ? undefined : checkpointOf({ cursor });
  const progress = (): PreviewProgress => ({
    ...tally.snapshot(),
    checkpoints,
    ...(checkpoints > 0 && last && { checkpoint: shown(last) }),
  });
  // A migration may replace what it finds on `process`; this stays ours.
  const send = process.send?.bind(process);
  const report = (message: ReportMessage) =>
    new Promise<void>((resolve) => send?.(message, () => resolve()) ?? resolve());
  const exit = process.exit.bind(process);

  installGuard(allows, (what, target) => {
    tally.occurrence('refused', what, target);
  });
  installRecorder(tally, throughTheGuard);
  const tellProgress = () => void report({ type: 'progress', progress: progress() });
  process.on('exit', tellProgress);
  setInterval(tellProgress, PROGRESS_MS).unref();

  const from = Date.now();
  const end = await endOf(async () =>
    drive(await load({ ...UNCLAIMED, migration: process.env[VARIABLES.migration] ?? '' }), {
      checkpoint: last,
      save: (_, next) => {
        checkpoints += 1;
        last = checkpointOf(next);
        return Promise.resolve(last);
      },
      stop: () => Promise.resolve(),
      remainingMs: () => from + sliceMs - Date.now(),
      now: () => Date.now(),
    }),
  );
  await Promise.all([process.stdout, process.stderr].map(flushed));
  process.off('exit', tellProgress);
  await report({ type: 'end', progress: progress(), end });
  exit(0);
}

/** What it printed has left the process: an exit would lose the rest. */
const flushed = (stream: NodeJS.WriteStream) => new Promise((resolve) => stream.write('', resolve));

async function endOf(work: () => Promise<'finished' | 'more'>) {
  try {
    return { outcome: await work() };
  } catch (thrown) {
    return { outcome: 'threw' as const, error: errorSummary(thrown) };
  }
}

/** There is no attempt and no execution: nothing was claimed. */
const UNCLAIMED = { execution: 'preview', attempt: 1, slice: 1, gitCommit: null };

/** A checkpoint that is written nowhere. */
const checkpointOf = (next: { cursor: unknown; done?: number; total?: number; note?: string }): CheckpointRecord => ({
  formatVersion: 1,
  migration: '0000',
  time: new Date(0).toISOString(),
  requestId: 'preview',
  sequence: 1,
  stopped: false,
  ...UNCLAIMED,
  gitCommit: undefined,
  ...next,
  cursor: next.cursor as never,
});

const shown = ({ cursor, done, total, note }: CheckpointRecord) => ({ cursor, done, total, note });
