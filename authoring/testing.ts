// `odin-migrate/testing`: an environment in a Vitest test, on the embedded AWS. docs/testing-migrations.md shows it.
import { InvokeCommand } from '@aws-sdk/client-lambda';
import {
  BucketAlreadyOwnedByYou,
  CreateBucketCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  NoSuchBucket,
  paginateListObjectsV2,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import pMap from 'p-map';
import type { Previewed } from '../core/preview/preview.ts';
import type { Embedded, EmbeddedSettings } from '../client/embedded.ts';
import { openEnvironment } from '../client/environment.ts';
import { previewMigration } from '../client/preview.ts';
import type { Project } from '../project/project.ts';
import { openProject } from '../project/project.ts';
import { OdinError } from '../core/errors.ts';
import { listedKey } from '../core/text/listed-key.ts';
import { checkpointKey } from '../core/ledger/keys.ts';
import type { ManifestEntry } from '../core/contract/manifest.ts';
import { numbersOf } from '../core/ledger/batches.ts';
import { goesOnAt } from '../core/ledger/turns.ts';
import type { BatchPayload, RunAnswer, RunPayload } from '../core/contract/payloads.ts';
import { makePrivate, workFolder } from '../project/temporary.ts';
import type { RequestHook } from '../local/embedded-aws.ts';
import type { TestTurn } from './test-ledger.ts';
import { TEST_EXECUTION, TestLedger } from './test-ledger.ts';

export type { Previewed } from '../core/preview/preview.ts';

/** Key → content. */
export type Objects = Record<string, string | Uint8Array>;

export interface TestEnvironmentOptions {
  /** A folder under `migrations/`. */
  environment: string;
  /** Another project than this one. */
  project?: Project | undefined;
}

/** How a run came out. */
export interface Ran {
  /** `crashed`: its process was ended, as `run` was asked to. */
  outcome: 'finished' | 'failed' | 'crashed';
  /** What it threw. */
  error?: { name: string; message: string } | undefined;
  attempt: number;
  slices: number;
  /** Checkpoints that this attempt made durable. */
  checkpoints: number;
  /** Until when it would have waited at its checkpoints, in their order: no test waits. */
  waits: Date[];
}

export interface RunOptions {
  /** Ends the process at once after this checkpoint of the attempt, counted from 1, as a lost machine would. */
  crashAfterCheckpoint?: number | undefined;
  /** Of a parallel migration: as many of its batches run at the same time, two without it. Each has two processes. */
  batchesAtOnce?: number | undefined;
}

export interface TestEnvironment extends AsyncDisposable {
  /** A client of the embedded S3. */
  s3: S3Client;
  /** Puts objects, and makes the bucket if it is not there. */
  put: (bucket: string, objects: Objects) => Promise<void>;
  /** The keys under the prefix, ascending. */
  list: (bucket: string, prefix?: string) => Promise<string[]>;
  read: (bucket: string, key: string) => Promise<Uint8Array>;
  /** Deletes every object of the bucket. */
  empty: (bucket: string) => Promise<void>;
  /** What the migration would do; nothing is changed. */
  preview: (id: string) => Promise<Previewed>;
  /**
   * Runs one migration, as the next attempt, with those before it taken as done. A `failed` or `crashed` one is retried by
   * calling this again: it goes on from its last checkpoint.
   */
  run: (id: string, options?: RunOptions) => Promise<Ran>;
  /**
   * Crashes the migration after its first checkpoint and runs it again to its end, then does the same for its second
   * checkpoint, and so on; `prepare` puts the same data there each time, and `check` looks at what came out.
   * @returns how many checkpoints it was crashed after
   */
  crashAtEveryCheckpoint: (id: string, prepare: () => Promise<void>, check: () => Promise<void>) => Promise<number>;
  /** Forgets that any migration was ever run. */
  forget: () => Promise<void>;
  close: () => Promise<void>;
}

/** @throws OdinError for what is wrong with the migrations' files, as synth does */
export async function startTestEnvironment(options: TestEnvironmentOptions): Promise<TestEnvironment> {
  const { environment, project = openProject() } = options;
  const parent = path.join(workFolder(project.directory), 'test');
  makePrivate(parent);
  const directory = mkdtempSync(path.join(parent, `${environment}-`));
  const crash: { onCheckpoint: RequestHook } = { onCheckpoint: () => 'pass' };
  const settings: EmbeddedSettings = {
    directory,
    usersOwnS3: false,
    saveEachCheckpoint: true, // each of them is a place where it may crash
    fill: () => Promise.resolve(''),
    onRequest: (request) => crash.onCheckpoint(request),
  };
  const { embedded } = await openEnvironment(environment, { project }, settings);
  const close = async () => {
    await embedded.close();
    rmSync(directory, { recursive: true, force: true });
  };
  const { s3 } = embedded.deployment;
  const { forget, run } = runner(embedded, crash);
  const kit: TestEnvironment = {
    s3,
    put: (bucket, objects) => put(s3, bucket, objects),
    list: (bucket, prefix = '') => list(s3, bucket, prefix),
    read: (bucket, key) => read(s3, bucket, key),
    empty: (bucket) => empty(s3, bucket, ''),
    preview: (id) => previewMigration(embedded.deployment, entryOf(embedded, id)),
    run,
    forget,
    async crashAtEveryCheckpoint(id, prepare, check) {
      for (let checkpoint = 1; ; checkpoint += 1) {
        await forget();
        await prepare();
        const { outcome, error } = await run(id, { crashAfterCheckpoint: checkpoint });
        if (outcome === 'failed') throw failed(id, error);
        if (outcome === 'finished') return checkpoint - 1;
        const again = await run(id);
        if (again.outcome !== 'finished') throw failed(id, again.error);
        await check();
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  };
  return kit;
}

/** Runs migrations as the state machine and an operator who decides `retry` would, without waiting for deadlines. */
function runner({ aws, deployment, manifest }: Embedded, crash: { onCheckpoint: RequestHook }) {
  const { lambda, ledgerBucket, s3 } = deployment;
  const ledger = new TestLedger(deployment.ledger, manifest);

  async function run(id: string, { crashAfterCheckpoint, batchesAtOnce = 2 }: RunOptions = {}): Promise<Ran> {
    const entry = entryOf({ manifest }, id);
    if (await ledger.isCompleted(id)) await forget(); // as one before another
    let turn = await ledger.nextAttempt(entry);
    let checkpoints = 0;
    const waits: Date[] = [];
    let crashed = false;
    crash.onCheckpoint = ({ operation, bucket, key }) => {
      if (crashed) {
        // The next request: at the latest the SDK repeats the one whose answer was dropped.
        aws.lambda.killProcesses(entry.functionName);
        return { status: 503, code: 'ServiceUnavailable' };
      }
      if (operation !== 'PutObject' || bucket !== ledgerBucket || key !== checkpointKey(id)) return 'pass';
      checkpoints += 1;
      crashed = checkpoints === crashAfterCheckpoint;
      return crashed ? 'drop-answer' : 'pass';
    };
    try {
      for (;;) {
        const { attempt, slice, number } = turn;
        if (turn.batches) {
          await pMap(numbersOf(turn.batches.rest), (batch) => runBatch(entry, turn, batch), {
            concurrency: batchesAtOnce,
          });
          const { outcome, error } = await ledger.closeBatches(turn);
          return {
            attempt,
            slices: slice,
            checkpoints,
            waits,
            outcome: outcome === 'succeeded' ? 'finished' : 'failed',
            error,
          };
        }
        const payload: RunPayload = {
          ask: 'run',
          execution: TEST_EXECUTION,
          migration: id,
          attempt,
          slice,
          turn: number,
        };
        const answer = await lambda.send(
          new InvokeCommand({ FunctionName: entry.functionName, Payload: JSON.stringify(payload) }),
        );
        const json: unknown = JSON.parse(answer.Payload?.transformToString() ?? 'null');
        const ran = { attempt, slices: slice, checkpoints, waits };
        if (crashed) return { ...ran, outcome: 'crashed' };
        if (answer.FunctionError !== undefined) {
          const { error } = (await ledger.outcomeOf(turn)) ?? {};
          const { errorType = 'Error', errorMessage = '' } = json as { errorType?: string; errorMessage?: string };
          return { ...ran, outcome: 'failed', error: error ?? { name: errorType, message: errorMessage } };
        }
        const { outcome } = json as RunAnswer;
        if (outcome === 'finished') return { ...ran, outcome };
        if (outcome === 'claimed elsewhere') throw internal(`attempt ${attempt} of ${id} was claimed elsewhere`);
        const goesOn = goesOnAt((await ledger.outcomeOf(turn)) ?? {});
        if (goesOn !== undefined) waits.push(new Date(goesOn));
        turn = await ledger.nextSlice(turn, entry);
      }
    } finally {
      crash.onCheckpoint = () => 'pass';
    }
  }

  /** What became of it is in the ledger. */
  async function runBatch({ id, functionName }: ManifestEntry, turn: TestTurn, batch: number): Promise<void> {
    const { attempt, slice, number } = turn;
    const of = { execution: TEST_EXECUTION, migration: id, attempt, slice, turn: number };
    const payload: BatchPayload = { ask: 'batch', ...of, batch };
    await lambda.send(new InvokeCommand({ FunctionName: functionName, Payload: JSON.stringify(payload) }));
  }

  /** A log is forgotten as a whole: each entry follows from those before it. */
  const forget = (): Promise<void> => empty(s3, ledgerBucket, '');

  return { run, forget };
}

function entryOf({ manifest }: Pick<Embedded, 'manifest'>, id: string): ManifestEntry {
  const entry = manifest.migrations.find((migration) => migration.id === id);
  if (entry) return entry;
  throw new OdinError({
    code: 'UnknownMigration',
    source: 'user',
    what: `${manifest.environment} has no migration ${id}.`,
    why: `It has: ${manifest.migrations.map((migration) => migration.id).join(', ') || 'none'}.`,
  });
}

async function put(s3: S3Client, bucket: string, objects: Objects): Promise<void> {
  try {
    await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  } catch (thrown) {
    if (!(thrown instanceof BucketAlreadyOwnedByYou)) throw thrown;
  }
  await pMap(Object.entries(objects), ([Key, Body]) => s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body })), {
    concurrency: 16,
  });
}

async function read(s3: S3Client, bucket: string, key: string): Promise<Uint8Array> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  return (await Body?.transformToByteArray()) ?? new Uint8Array();
}

async function empty(s3: S3Client, bucket: string, prefix: string): Promise<void> {
  const found = await list(s3, bucket, prefix);
  for (let start = 0; start < found.length; start += 1000) {
    const Objects = found.slice(start, start + 1000).map((Key) => ({ Key }));
    await s3.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects } }));
  }
}

/** Nothing for a bucket that is not there yet. */
async function list(s3: S3Client, bucket: string, prefix: string): Promise<string[]> {
  const found: string[] = [];
  try {
    const asked = { Bucket: bucket, Prefix: prefix, EncodingType: 'url' } as const;
    for await (const page of paginateListObjectsV2({ client: s3 }, asked)) {
      found.push(...(page.Contents ?? []).map(({ Key = '' }) => listedKey(Key)));
    }
  } catch (thrown) {
    if (!(thrown instanceof NoSuchBucket)) throw thrown;
  }
  return found;
}

const failed = (id: string, error: Ran['error']): OdinError =>
  new OdinError({
    code: 'MigrationFailed',
    source: 'user',
    what: `Migration ${id} failed: ${error ? `${error.name}: ${error.message}` : 'it did not come to its end'}.`,
  });

const internal = (what: string): OdinError => new OdinError({ code: 'Internal', source: 'system', what });
