// Deliberate faults, to prove that the simulation can fail: the code under test with a text replaced, or a store around
// which something is wrong. Each is a mistake that somebody could make.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import type { Store } from '../../core/ledger/store.ts';
import type { Scenario } from './scenario.ts';
import type { Code } from './whole.ts';

export interface Mutant {
  name: string;
  /** Texts to replace, each of which must be there exactly once. */
  patches?: { file: string; find: string; put: string }[];
  wrapStore?: (store: Store) => Store;
  /** What the schedules have in common that look for it; undefined: nothing. */
  focus?: Partial<Scenario>;
  /** The first seed that is tried. */
  from?: number;
}

/** Functions that are slow, and several runs and people at once. */
const SLOW: Partial<Scenario> = {
  migrations: [{ id: '0010', steps: 1, stepMs: 1_000, timeoutMs: 900_000, sliceMs: undefined }],
  startsMs: [0, 30_000, 60_000, 300_000, 400_000],
  operators: 3,
  decisions: 8,
  rate: 0.06,
  userFails: 0.5,
  kinds: ['stall', 'slow answer', 'late start', 'late duplicate', 'error while it runs', 'throws', 'refused'],
  deployments: false,
  pageSize: 1000,
  latencyMs: undefined,
};
/** Attempts that hang to the end of their time while Step Functions has given them up. */
const HANGING: Partial<Scenario> = {
  ...SLOW,
  startsMs: [0, 100_000],
  migrations: [{ id: '0010', steps: 3, stepMs: 20_000, timeoutMs: 300_000, sliceMs: undefined }],
  rate: 0.3,
  userFails: 0,
  say: 'retry',
  clocksApartMs: 60_000,
  kinds: ['error while it runs', 'stands still'],
};

/** Migrations in slices, in runs that are stopped and started. */
const IN_SLICES: Partial<Scenario> = {
  migrations: [{ id: '0010', steps: 4, stepMs: 10_000, timeoutMs: 60_000, sliceMs: 10_000 }],
  startsMs: [0, 30_000],
  rate: 0.05,
  kinds: ['stop', 'start another', 'crash'],
  deployments: false,
  latencyMs: undefined,
};

/** Decisions that are recorded and not delivered, on attempts whose outcome is unknown, and runs that come later. */
const UNDELIVERED: Partial<Scenario> = {
  ...SLOW,
  startsMs: [0, 3_600_000, 7_200_000, 9_000_000],
  migrations: [{ id: '0010', steps: 3, stepMs: 20_000, timeoutMs: 60_000, sliceMs: undefined }],
  operators: 1,
  decisions: 4,
  rate: 0.1,
  userFails: 0,
  clocksApartMs: 0,
  kinds: ['crash after', 'lost', 'error while it runs', 'stands still', 'refused'],
};

const CLAIM = 'lambdas/run-migration/claim.ts';
const RUN = 'lambdas/run-migration/run-migration.ts';
const CLAIMED = `(await claim(self, services, payload, invocation)) === 'claimed elsewhere'`;
const HALT = 'lambdas/halt/halt.ts';
const RESUME = 'lambdas/resume/resume.ts';
const MACHINE = 'core/contract/machine-definition.ts';

export const MUTANTS: Mutant[] = [
  {
    name: 'the claim is unconditional',
    patches: [{ file: CLAIM, find: `if (!created) return 'claimed elsewhere';`, put: '' }],
  },
  {
    name: 'the claim is made after user code',
    patches: [
      { file: RUN, find: `if (${CLAIMED}) {`, put: `if (slice === 0) {` },
      {
        file: RUN,
        find: `if (outcome === 'stopped') return`,
        put: `if (${CLAIMED}) return { outcome: 'claimed elsewhere', migration, attempt };\nif (outcome === 'stopped') return`,
      },
    ],
  },
  {
    name: 'the ledger is not looked at again after the claim',
    from: 720,
    focus: SLOW,
    patches: [{ file: CLAIM, find: `if ((await settled(ledger, payload)) === undefined) return`, put: 'return' }],
  },
  {
    name: 'a 403 is read as absent',
    from: 2600,
    focus: { rate: 0.2, kinds: ['forbidden', 'stop', 'start another'], deployments: false },
    wrapStore: (store) => ({
      get: (key) => unlessForbidden(store.get(key), undefined),
      create: (key, body) => store.create(key, body),
      replace: (key, body, etag) => store.replace(key, body, etag),
      list: (prefix, startAfter) => unlessForbidden(store.list(prefix, startAfter), { at: 0, objects: [] }),
    }),
  },
  {
    name: 'the retry that CDK adds by default is on',
    patches: [
      {
        file: MACHINE,
        find: `const NOT_STARTED = [`,
        put: `const NOT_STARTED = ['Lambda.ServiceException', 'Lambda.AWSLambdaException', 'Lambda.SdkClientException',`,
      },
    ],
  },
  {
    name: 'a timed-out function is retried',
    focus: { rate: 0.1, kinds: ['late start', 'slow answer'] },
    patches: [{ file: MACHINE, find: `const NOT_STARTED = [`, put: `const NOT_STARTED = ['States.Timeout',` }],
  },
  {
    name: 'a retry does not wait for the deadline of the attempt before it',
    patches: [
      {
        file: 'core/decision/decide.ts',
        find: `if (outcome === undefined && claim && claim.deadline > now) {`,
        put: 'if (now < 0) {',
      },
      { file: CLAIM, find: `if (running && Date.parse(running.deadline) > now) {`, put: 'if (running && now < 0) {' },
    ],
  },
  {
    name: 'the deadline leaves no margin for clocks that differ',
    focus: HANGING,
    patches: [{ file: CLAIM, find: ` + self.clockMarginMs`, put: '' }],
  },
  {
    name: 'the completion is written before user code',
    patches: [
      {
        file: RUN,
        find: `const from = now();`,
        put: `const from = now(); await ledger.createCompletion(subject, writer, { completion: 'applied' });`,
      },
    ],
  },
  {
    name: 'a failed attempt is recorded as applied',
    patches: [
      {
        file: 'lambdas/record-completion/record-completion.ts',
        find: `finished?.outcome === 'succeeded'`,
        put: `finished`,
      },
      { file: 'core/decision/decide.ts', find: `if (outcome === 'succeeded')`, put: `if (outcome !== undefined)` },
    ],
  },
  {
    name: 'a success is recorded before user code has returned',
    patches: [
      {
        file: RUN,
        find: `const end = await runUserCode({`,
        put: `if (slice === 1) await finish('succeeded');\nconst end = await runUserCode({`,
      },
    ],
  },
  {
    name: 'a decision overwrites the one before it',
    patches: [
      {
        file: 'core/ledger/ledger.ts',
        find: `return this.#create(keys.decision(migration, attempt, halt), DecisionRecord, record, { migration, attempt, halt });`,
        put: `const key = keys.decision(migration, attempt, halt);
          return this.#store.get(key).then(async (there) => {
            await this.#store.replace(key, serialise(record), there?.etag);
            return { created: true as const, record };
          });`,
      },
    ],
  },
  {
    name: 'a failed attempt is tried again without an operator',
    patches: [
      {
        file: 'core/decision/decide.ts',
        find: `  return { step: 'halt', migration, attempt };\n}`,
        put: `  return { step: 'run', migration, attempt: attempt + 1 };\n}`,
      },
      {
        file: CLAIM,
        find: `if (decided?.decision !== 'retry') {`,
        put: `if (decided && decided.decision !== 'retry') {`,
      },
    ],
  },
  {
    name: 'the order is from the last to the first',
    patches: [
      {
        file: 'core/decision/decide.ts',
        find: `manifest.find((id) => !completed.has(id))`,
        put: `manifest.findLast((id) => !completed.has(id))`,
      },
      { file: CLAIM, find: `self.predecessor !== undefined &&`, put: `self.predecessor === '' &&` },
    ],
  },
  {
    name: 'an error of a migration ends the run green',
    patches: [
      {
        file: MACHINE,
        find: `Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: STATES.halt }],\n        Next: STATES.outcome,`,
        put: `Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: STATES.finished }],\n        Next: STATES.outcome,`,
      },
    ],
  },
  {
    name: 'a halt notifies nobody',
    patches: [{ file: HALT, find: `await notify(record, execution, claim, at.unrecorded && decided);`, put: '' }],
  },
  {
    name: 'a halt keeps its token to itself',
    patches: [
      {
        file: HALT,
        find: `waiting: [...(await othersWaiting(current, attempt, halt, self)), self],`,
        put: `waiting: [self],`,
      },
    ],
  },
  {
    name: 'a halt believes that its own token of an execution is the newest',
    patches: [
      {
        file: HALT,
        find: `({ token }) => token !== self.token`,
        put: `({ execution }) => execution !== self.execution`,
      },
    ],
  },
  {
    name: 'whoever a decision never reached is forgotten at the next halt',
    patches: [{ file: HALT, find: `left.push({ ...other, since: self.since });`, put: ';' }],
  },
  {
    name: 'a decided halt of a completed migration cannot be answered any more',
    patches: [
      {
        file: RESUME,
        find: `if (completed && (await aliveIn(halt, executions.isAlive)) === undefined) continue;`,
        put: `if (completed && (decided ?? (await aliveIn(halt, executions.isAlive)) === undefined)) continue;`,
      },
    ],
  },
  {
    name: 'a living owner is waited for after the deadline of its claim',
    from: 200,
    focus: UNDELIVERED,
    patches: [
      {
        file: 'core/decision/decide.ts',
        find: `if (claim.owner !== 'dead' && claim.deadline > now) {`,
        put: `if (claim.owner !== 'dead' && (claim.owner === 'alive' || claim.deadline > now)) {`,
      },
      { file: HALT, find: ` && Date.parse(claim.deadline) > now();`, put: `;` },
    ],
  },
  {
    name: 'a slice has stopped before its code is over',
    focus: IN_SLICES,
    patches: [
      {
        file: RUN,
        find: `{ ...checkpoint, slice, began });`,
        put: `{ ...checkpoint, slice, began });\nlast = await ledger.stopAtCheckpoint(subject, writer, last);`,
      },
    ],
  },
  {
    name: 'user code whose time is over goes on',
    focus: { rate: 0.1, kinds: ['hangs'] },
    patches: [
      {
        file: 'lambdas/run-migration/user-code/supervise.ts',
        find: `process.kill();\n    await process.gone;`,
        put: '',
      },
    ],
  },
  {
    name: 'a slice that has not stopped counts as stopped',
    focus: IN_SLICES,
    patches: [
      {
        file: 'core/decision/situation.ts',
        find: `if (!checkpoint?.stopped || checkpoint.attempt`,
        put: `if (!checkpoint || checkpoint.attempt`,
      },
      {
        file: CLAIM,
        find: `checkpoint.slice === slice - 1 && checkpoint.stopped;`,
        put: `checkpoint.slice === slice - 1;`,
      },
    ],
  },
  {
    name: 'a run hands over and starts nobody',
    focus: { handoverEvents: 20 },
    patches: [
      {
        file: 'lambdas/shared/continue-run.ts',
        find: `const { execution, existed } = await executions.start(nameOf(tries), input);`,
        put: `const { execution, existed } = tries > 0 ? { execution: nameOf(tries), existed: false } : await executions.start(nameOf(tries), input);`,
      },
    ],
  },
  {
    name: 'a decision is not sent to the run',
    patches: [
      {
        file: RESUME,
        find: `const delivered = await deliver(await withLatecomers(halt), record);`,
        put: `const delivered: string[] = []; if (calls(record)) await deliver(await withLatecomers(halt), record);`,
      },
      {
        file: RESUME,
        find: `function assertReason(`,
        put: `const calls = (record: DecisionRecord): boolean => record.attempt < 0;\nfunction assertReason(`,
      },
    ],
  },
];

async function unlessForbidden<T>(answer: Promise<T>, absent: T): Promise<T> {
  try {
    return await answer;
  } catch (thrown) {
    if ((thrown as { code?: string }).code === 'LedgerForbidden') return absent;
    throw thrown;
  }
}

/** The code under test with a mutant's patches. */
export async function mutate({ name, patches = [] }: Mutant): Promise<Code> {
  const folder = await mkdtemp(join(tmpdir(), 'mutant-'));
  try {
    const outfile = join(folder, 'code.mjs');
    const left = new Set(patches);
    await build({
      entryPoints: [fileURLToPath(new URL('code.ts', import.meta.url))],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      logLevel: 'silent',
      plugins: [
        {
          name: 'patches',
          setup: (build) => {
            build.onLoad({ filter: /\/(core|lambdas|infra)\/.*\.ts$/ }, async ({ path }) => {
              let contents = await readFile(path, 'utf8');
              for (const patch of patches.filter(({ file }) => path.endsWith(`/${file}`))) {
                if (contents.split(patch.find).length !== 2) {
                  throw new Error(
                    `"${name}" looks for a text that is not in ${patch.file} exactly once: ${patch.find}`,
                  );
                }
                contents = contents.replace(patch.find, () => patch.put);
                left.delete(patch);
              }
              return { contents, loader: 'ts' };
            });
          },
        },
      ],
    });
    for (const { file } of left) throw new Error(`"${name}" changes ${file}, which is not part of the code under test`);
    return (await import(pathToFileURL(outfile).href)) as Code;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
