// A preview of one slice, in a process of its own as any user code:
//
//   a session that can only read ─▶ a process that has no other credentials ─▶ recorder and guard ─▶ user code
//
// Nothing is claimed and nothing of the ledger is touched.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { OdinError } from '../../../core/errors.ts';
import type { PreviewAllows, PreviewAnswer, PreviewPayload } from '../../../core/preview/preview.ts';
import { LIMITS } from '../../../core/preview/preview.ts';
import { cut } from '../../../core/ledger/summaries.ts';
import type { Invocation } from '../../../core/contract/ports.ts';
import type { ProcessSettings } from '../user-code/fork.ts';
import { userEnvironment } from '../user-code/fork.ts';
import type { OutputLine } from '../user-code/output.ts';
import type { Seen } from '../user-code/protocol.ts';
import type { RunUserCode } from '../user-code/supervise.ts';
import type { YieldedCheckpoint } from '../user-code/yielded.ts';
import type { SessionVariables } from './session.ts';

/** Runs user code in a process of its own; `onLine` hears what it prints. */
export type InProcess = (settings: Omit<ProcessSettings, 'file'>, onLine: (line: OutputLine) => void) => RunUserCode;

export interface PreviewServices {
  migration: string;
  allows: PreviewAllows;
  /** @throws OdinError NoReadOnlySession */
  session: () => Promise<SessionVariables>;
  inProcess: InProcess;
  /** Hears what the report shows of what it prints, each line whole. */
  onLine: (line: OutputLine) => void;
  /** Epoch milliseconds. */
  now: () => number;
}

/** Kept back of the function's time, for ending the process and answering. */
const ANSWER_MS = 5_000;

export function createPreview({ migration, allows, session, inProcess, onLine, now }: PreviewServices) {
  return async (asked: PreviewPayload, invocation: Invocation): Promise<PreviewAnswer> => {
    if (asked.migration !== migration) {
      throw new OdinError({
        code: 'WrongMigration',
        source: 'system',
        what: `This function previews migration ${migration}; it was asked for ${asked.migration}.`,
      });
    }
    const credentials = await session();
    const from = now();
    const timeMs = Math.min(invocation.remainingMs() - ANSWER_MS, (asked.endAfterSeconds ?? Infinity) * 1000);
    const scratch = mkdtempSync(path.join(tmpdir(), 'odin-preview-'));
    const output = new FirstLines(onLine);
    let seen = NOTHING;
    let handedOn: string | undefined;
    let last: YieldedCheckpoint | undefined;
    try {
      const env = { ...environmentWithoutCredentials(), ...credentials, TMPDIR: scratch };
      const run = inProcess({ env, execArgv: restrictions(scratch, allows) }, (line) => {
        output.take(line);
      });
      const end = await run({
        migration,
        attempt: 1,
        slice: 1,
        cursor: asked.cursor,
        sliceMs: Math.min(timeMs, (asked.seconds ?? Infinity) * 1000),
        endAfterMs: timeMs,
        saveEveryMs: 0,
        save: (checkpoint) => {
          last = checkpoint;
          return Promise.resolve('go on');
        },
        preview: {
          allows,
          before: asked.before,
          onSeen: (now) => {
            seen = now;
          },
          onHandedOn: (now) => {
            handedOn = now;
          },
        },
      });
      return {
        migration,
        outcome: OUTCOMES[end.outcome],
        error: end.outcome === 'threw' || end.outcome === 'ended' ? end.error : undefined,
        durationMs: Math.max(0, now() - from),
        slices: 1,
        checkpoints: end.checkpoints,
        checkpoint: last,
        leftOver: 'leftOver' in end ? end.leftOver : undefined,
        ...seen,
        output: output.lines,
        omitted: { ...seen.omitted, lines: output.omitted },
        handedOn,
      };
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  };
}

const OUTCOMES = {
  finished: 'finished',
  stopped: 'more',
  threw: 'threw',
  ended: 'ended',
  'out of time': 'cut off',
} as const;

const NOTHING: Seen = {
  calls: [],
  simulated: [],
  stale: [],
  refused: [],
  omitted: { calls: 0, occurrences: 0, lines: 0 },
};

/** Whatever could lead to the function's own credentials, or to others. */
const CREDENTIALS =
  /^AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|SECURITY_TOKEN|PROFILE|DEFAULT_PROFILE|CONFIG_FILE|SHARED_CREDENTIALS_FILE|CONTAINER_\w+|WEB_IDENTITY_TOKEN_FILE|ROLE_ARN|ROLE_SESSION_NAME)$/;

const environmentWithoutCredentials = (): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(userEnvironment()).filter(([name]) => !CREDENTIALS.test(name))),
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
});

/** Node's own permission model: no writes but to its scratch folder, no processes, no threads, no native code. */
const restrictions = (scratch: string, allows: PreviewAllows): string[] => [
  '--permission',
  '--allow-fs-read=*',
  `--allow-fs-write=${scratch}`,
  ...(allows.includes('addons') ? ['--allow-addons'] : []),
  ...(allows.includes('child_process') ? ['--allow-child-process'] : []),
  ...(allows.includes('worker_threads') ? ['--allow-worker'] : []),
  '--disable-warning=SecurityWarning',
];

/** The first lines of what is printed, each cut; `onLine` hears them whole. */
class FirstLines {
  readonly lines: string[] = [];
  omitted = 0;
  readonly #onLine: (line: OutputLine) => void;

  constructor(onLine: (line: OutputLine) => void) {
    this.#onLine = onLine;
  }

  take({ level, text }: OutputLine): void {
    for (const line of text.split('\n')) {
      if (this.lines.length >= LIMITS.lines) {
        this.omitted += 1;
        continue;
      }
      this.lines.push(cut(line, LIMITS.lineLength));
      this.#onLine({ level, text: line });
    }
  }
}
