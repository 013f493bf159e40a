// A preview of one slice, in a process of its own:
//
//   a session that can only read ─▶ a process that has no other credentials ─▶ recorder and guard ─▶ user code
//
// The function itself never evaluates the migration's file for it: what a warm sandbox keeps (modules, clients with full
// credentials) belongs to real runs. Nothing is claimed and nothing of the ledger is touched.
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { OdinError } from '../../../core/errors.ts';
import { VARIABLES } from '../../../core/names/names.ts';
import type { PreviewAllows, PreviewPayload, PreviewReport } from '../../../core/preview/preview.ts';
import { LIMITS } from '../../../core/preview/preview.ts';
import { cut } from '../../../core/ledger/summaries.ts';
import type { Invocation, Log } from '../../../core/contract/ports.ts';
import type { PreviewProgress, ReportMessage, StartMessage } from './protocol.ts';
import type { SessionVariables } from './session.ts';

export interface PreviewServices {
  migration: string;
  allows: PreviewAllows;
  /** @throws OdinError NoReadOnlySession */
  session: () => Promise<SessionVariables>;
  /** The bundle: evaluated in a process that is marked as a preview's, it runs process.ts. */
  bundle: string;
  log: Log;
  /** Epoch milliseconds. */
  now: () => number;
}

/** Kept back of the function's time, for ending the process and answering. */
const ANSWER_MS = 5_000;

export function createPreview({ migration, allows, session, bundle, log, now }: PreviewServices) {
  return async ({ preview }: PreviewPayload, invocation: Invocation): Promise<PreviewReport> => {
    if (preview.migration !== migration) {
      throw new OdinError({
        code: 'WrongMigration',
        source: 'system',
        what: `This function previews migration ${migration}; it was asked for ${preview.migration}.`,
      });
    }
    const credentials = await session();
    const from = now();
    const timeMs = Math.min(invocation.remainingMs() - ANSWER_MS, (preview.endAfterSeconds ?? Infinity) * 1000);
    const scratch = mkdtempSync(path.join(tmpdir(), 'odin-preview-'));
    const child = fork(bundle, [], {
      env: { ...environmentWithoutCredentials(), ...credentials, TMPDIR: scratch, [VARIABLES.previewProcess]: 'true' },
      execArgv: restrictions(scratch, allows),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      serialization: 'advanced',
    });
    const output = collectLines([child.stdout, child.stderr], (line) => {
      log.info(line, { from: 'preview' });
    });
    try {
      const { progress, end } = await follow(child, timeMs, {
        cursor: preview.cursor,
        sliceMs: Math.min(timeMs, (preview.seconds ?? Infinity) * 1000),
        allows,
      });
      await output.ended();
      const { lines, omitted } = output.collected;
      return {
        migration,
        ...end,
        durationMs: Math.max(0, now() - from),
        slices: 1,
        ...progress,
        output: lines,
        omitted: { ...progress.omitted, lines: omitted },
      };
    } finally {
      child.kill('SIGKILL');
      rmSync(scratch, { recursive: true, force: true });
    }
  };
}

interface Followed {
  progress: PreviewProgress;
  end: Pick<PreviewReport, 'outcome' | 'error'>;
}

/** Until the process reports its end, or is gone, or the time is over. */
async function follow(child: ChildProcess, timeMs: number, start: StartMessage): Promise<Followed> {
  let progress = NOTHING;
  const { promise, resolve } = Promise.withResolvers<Followed['end']>();
  child.on('message', (message: ReportMessage) => {
    progress = message.progress;
    if (message.type === 'end') resolve(message.end);
  });
  child.on('error', (error) => {
    resolve({ outcome: 'ended', error: { name: error.name, message: error.message } });
  });
  // Its last message may be read after its exit is known, and always before the channel is closed.
  const closed = new Promise((done) => child.once('disconnect', done));
  child.on('exit', (code, signal) => {
    const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
    void closed.then(() => {
      resolve({ outcome: 'ended', error: { name: 'ProcessEnded', message: `The migration's process ended: ${how}.` } });
    });
  });
  const timer = setTimeout(() => {
    resolve({ outcome: 'cut off' });
  }, timeMs);
  child.send(start);
  try {
    const end = await promise;
    return { progress, end };
  } finally {
    clearTimeout(timer);
    child.kill('SIGKILL');
  }
}

const NOTHING: PreviewProgress = {
  checkpoints: 0,
  calls: [],
  simulated: [],
  stale: [],
  refused: [],
  omitted: { calls: 0, occurrences: 0, lines: 0 },
};

/** Whatever could lead to the function's own credentials, or to others. */
const CREDENTIALS =
  /^AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|SECURITY_TOKEN|PROFILE|DEFAULT_PROFILE|CONFIG_FILE|SHARED_CREDENTIALS_FILE|CONTAINER_\w+|WEB_IDENTITY_TOKEN_FILE|ROLE_ARN|ROLE_SESSION_NAME|LAMBDA_RUNTIME_API)$/;

const environmentWithoutCredentials = (): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !CREDENTIALS.test(name))),
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
});

/** Node's own permission model: no writes but to its scratch folder, no processes, no threads, no native code. */
function restrictions(scratch: string, allows: PreviewAllows): string[] {
  const memoryMB = Number(process.env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'] ?? 1024);
  return [
    '--permission',
    '--allow-fs-read=*',
    `--allow-fs-write=${scratch}`,
    ...(allows.includes('child_process') ? ['--allow-child-process'] : []),
    ...(allows.includes('worker_threads') ? ['--allow-worker'] : []),
    '--disable-warning=SecurityWarning',
    // The function's memory is shared with the function itself.
    `--max-old-space-size=${Math.floor(memoryMB * 0.75)}`,
    '--enable-source-maps',
  ];
}

/** The first lines of both streams, each cut; `onLine` hears them whole. */
function collectLines(streams: (Readable | null)[], onLine: (line: string) => void) {
  const collected = { lines: [] as string[], omitted: 0 };
  const ended = streams.map(async (stream) => {
    if (!stream) return;
    for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
      if (collected.lines.length >= LIMITS.lines) {
        collected.omitted += 1;
        continue;
      }
      collected.lines.push(cut(line, LIMITS.lineLength));
      onLine(line);
    }
  });
  // A process that the migration started may hold the streams open.
  return { collected, ended: () => Promise.race([Promise.all(ended), sleep(500)]) };
}
