// A preview of one slice, in a process of its own as any user code:
//
//   a session that can only read ─▶ broker ═pipe═ a process without credentials and network ─▶ recorder and guard ─▶ user code
//
// Nothing is claimed and nothing of the ledger is touched.
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { OdinError } from '../../../core/errors.ts';
import type { PreviewAllows, PreviewAnswer, PreviewPayload } from '../../../core/preview/preview.ts';
import { LIMITS, mergeOccurrences } from '../../../core/preview/preview.ts';
import { cut } from '../../../core/ledger/summaries.ts';
import type { Invocation } from '../../../core/contract/ports.ts';
import type { ProcessSettings } from '../user-code/fork.ts';
import { userEnvironment } from '../user-code/fork.ts';
import type { OutputLine } from '../user-code/output.ts';
import type { Seen } from '../user-code/protocol.ts';
import type { RunUserCode } from '../user-code/supervise.ts';
import type { YieldedCheckpoint } from '../user-code/yielded.ts';
import { serveReads } from './broker.ts';
import { PLACEHOLDER_CREDENTIALS } from './carried.ts';
import { endpointsIn } from './judge.ts';
import type { Credentials } from './signature.ts';
import { Tally } from './tally.ts';

/** Runs user code in a process of its own; `onLine` hears what it prints. */
export type InProcess = (settings: Omit<ProcessSettings, 'file'>, onLine: (line: OutputLine) => void) => RunUserCode;

export interface PreviewServices {
  migration: string;
  allows: PreviewAllows;
  /** @throws OdinError NoReadOnlySession */
  session: () => Promise<Credentials>;
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
    const atBroker = new Tally();
    let seen = NOTHING;
    let handedOn: string | undefined;
    let last: YieldedCheckpoint | undefined;
    let waitsUntil: number | undefined;
    try {
      const env = { ...environmentWithoutCredentials(), ...PLACEHOLDER_CREDENTIALS, TMPDIR: scratch };
      const endpoints = endpointsIn(process.env);
      const settings: Parameters<InProcess>[0] = {
        env,
        execArgv: restrictions(scratch, allows),
        onPipe: (pipe) => {
          serveReads(pipe, {
            credentials,
            endpoints,
            onObjection: ({ what }, target) => {
              atBroker.occurrence('refused', what, target);
            },
          });
        },
      };
      const run = inProcess(settings, (line) => {
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
          const { notBefore = -Infinity } = checkpoint;
          if (notBefore > now()) waitsUntil = Math.max(notBefore, waitsUntil ?? notBefore);
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
        allows: allows.length > 0 ? allows : undefined,
        durationMs: Math.max(0, now() - from),
        slices: 1,
        checkpoints: end.checkpoints,
        waitsUntil: waitsUntil === undefined ? undefined : new Date(waitsUntil).toISOString(),
        checkpoint: last,
        leftOver: end.leftOver,
        ...seen,
        refused: mergeOccurrences(seen.refused, atBroker.snapshot().refused),
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

/** Whatever could lead to credentials, and what has Node.js, OpenSSL or the system's loader load something first, or write files by itself. */
const NOT_FOR_PREVIEW =
  /^NODE_(OPTIONS|V8_COVERAGE|COMPILE_CACHE|REDIRECT_WARNINGS|REPL_\w+|CHANNEL_\w+|UNIQUE_ID)$|^(LD_(?!LIBRARY_PATH$)|DYLD_|OPENSSL_)|^AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|SECURITY_TOKEN|PROFILE|DEFAULT_PROFILE|CONFIG_FILE|SHARED_CREDENTIALS_FILE|CONTAINER_\w+|WEB_IDENTITY_TOKEN_FILE|ROLE_ARN|ROLE_SESSION_NAME)$/;

const environmentWithoutCredentials = (): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(userEnvironment()).filter(([name]) => !NOT_FOR_PREVIEW.test(name))),
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
});

/** Node's own permission model: no writes but to its scratch folder, no processes, no threads, no native code, from 25 on no network. */
const restrictions = (scratch: string, allows: PreviewAllows): string[] => [
  '--permission',
  ...readable(scratch).map((path) => `--allow-fs-read=${path}`),
  `--allow-fs-write=${scratch}`,
  ...(allows.includes('addons') ? ['--allow-addons'] : []),
  ...(allows.includes('child_process') ? ['--allow-child-process'] : []),
  ...(allows.includes('worker_threads') ? ['--allow-worker'] : []),
  ...(allows.some((each) => each.startsWith('network:')) && process.allowedNodeEnvironmentFlags.has('--allow-net')
    ? ['--allow-net']
    : []),
  '--disable-warning=SecurityWarning',
  '--disable-warning=ExperimentalWarning', // of node:sqlite, which the guard looks at
];

/**
 * Of what the system tells of processes: what packages ask to find their native part, and nothing of another process. Of devices: what is no
 * memory, disk or terminal, nor what somebody has open.
 */
const OF_THE_SYSTEM = ['/proc/self/exe', '/proc/cpuinfo', '/proc/meminfo'].concat(
  ['null', 'zero', 'full', 'random', 'urandom', 'stdin'].map((name) => `/dev/${name}`),
);

/**
 * All but the memory and the variables of other processes, its function's above all. Its own folders are said besides: on this machine they
 * may lie below `/dev/shm`.
 */
const readable = (scratch: string): string[] =>
  existsSync('/proc/self')
    ? readdirSync('/')
        .filter((name) => name !== 'proc' && name !== 'dev')
        .map((name) => `/${name}`)
        .concat(OF_THE_SYSTEM, scratch, import.meta.dirname)
    : ['*'];

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
