// A migration's function as it is deployed, but for its bundle: its variables, a ledger on the embedded S3, and a process for user code.
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import type { Context } from 'aws-lambda';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { S3Store } from '../../aws/s3-store.ts';
import { planBatch } from '../../core/ledger/batches.ts';
import type { Allowed, Reference } from '../../core/ledger/entries.ts';
import type { Numbered } from '../../core/ledger/fold.ts';
import { batchKey, claimKey, outcomeKey } from '../../core/ledger/keys.ts';
import { VARIABLES } from '../../core/names/names.ts';
import type { Practice } from '../../lambdas/run-migration/handler.ts';
import { migrationHandler } from '../../lambdas/run-migration/handler.ts';
import type { UserCodeOptions } from '../../lambdas/run-migration/user-code/supervise.ts';
import { ledgerServices } from '../../lambdas/shared/ledger-services.ts';
import type { EmbeddedAws } from '../../local/embedded-aws.ts';
import { startEmbeddedAws } from '../../local/embedded-aws.ts';
import { HookedStore } from '../support/hooked-store.ts';
import type { LedgerBefore } from '../support/ledger.ts';
import { ledgerBefore } from '../support/ledger.ts';
import { CODE, IDENTITY } from '../support/services.ts';
import { logLines } from '../support/structured-log.ts';
import { thrownBy } from '../support/thrown.ts';

const ENTRY = fileURLToPath(new URL('../contract/user-code-entry.ts', import.meta.url));
/** Prints what it is given, and what it knows of its function's ledger: nothing. */
const MODULE = `data:text/javascript,${encodeURIComponent(
  'export const migration = async (given) => { console.log("given", JSON.stringify(given), process.env.ODIN_LEDGER_BUCKET); };' +
    'export const plan = process.env.PLANS === undefined ? undefined : async function* () {};',
)}`;
const directory = mkdtempSync(path.join(tmpdir(), 'odin-function-'));

let aws: EmbeddedAws;
let s3: S3Client;
let store: HookedStore;
let prepared: LedgerBefore;
let buckets = 0;
/** The structured log: each line that the function wrote. */
let lines: Record<string, unknown>[];

beforeAll(async () => {
  aws = await startEmbeddedAws({ directory, parentEnvironment: {} });
  const { endpoint, region, credentials } = aws;
  s3 = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
});
afterAll(async () => {
  s3.destroy();
  await aws.close();
  rmSync(directory, { recursive: true, force: true });
});

beforeEach(async () => {
  const Bucket = `ledger-${(buckets += 1)}`;
  await s3.send(new CreateBucketCommand({ Bucket }));
  store = new HookedStore(new S3Store(s3, Bucket));
  const now = () => Date.now();
  prepared = ledgerBefore({ store, clock: { now, iso: () => new Date().toISOString(), advance: () => undefined } });
  for (const [name, value] of Object.entries({
    [VARIABLES.environment]: IDENTITY.environment,
    [VARIABLES.account]: IDENTITY.account,
    [VARIABLES.ledgerBucket]: Bucket,
    [VARIABLES.ledgerEndpoint]: aws.endpoint,
    [VARIABLES.migration]: '0004',
    [VARIABLES.codeSha256]: CODE,
    AWS_REGION: IDENTITY.region,
    AWS_ACCESS_KEY_ID: aws.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: aws.credentials.secretAccessKey,
    MODULE,
  })) {
    vi.stubEnv(name, value);
  }
  lines = logLines();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

const CONTEXT = {
  awsRequestId: 'request-1',
  functionName: 'odin-migrate-odin-dev-0004',
  getRemainingTimeInMillis: () => 900_000,
} as Context;

const call = (payload: object, practice?: Practice) => migrationHandler(ENTRY, practice)(payload as never, CONTEXT);

const payloadOf = ({ execution, migration, attempt, slice, number: turn }: Numbered<Allowed>) => {
  return { execution, migration, attempt, slice, turn };
};
const stored = async (key: string): Promise<unknown> => JSON.parse((await store.inner.get(key))?.body ?? 'null');
const printed = () => lines.filter(({ from }) => from === 'migration').map(({ level, message }) => [level, message]);

it('runs the turn that is allowed, in a process of its own, and logs what that prints', async () => {
  const turn = await prepared.allow('0004');
  expect(await call({ ask: 'run', ...payloadOf(turn) })).toMatchObject({ outcome: 'finished', turn: turn.number });
  const writer = { function: '0004', requestId: 'request-1' };
  expect(await stored(claimKey(turn))).toMatchObject({ claim: 'claimed', writer });
  expect(await stored(outcomeKey(turn))).toMatchObject({ outcome: 'succeeded', writer });
  expect(printed()).toEqual([['INFO', 'given undefined undefined']]);
});

it('runs a batch of a turn that has some', async () => {
  vi.stubEnv('PLANS', 'yes');
  const planned = await prepared.allow('0004');
  await prepared.claim(planned);
  await planBatch(store.inner, planned, prepared.writer('0004'), 1, ['a', 'b']);
  const { reference } = (await prepared.close(planned, 'stopped')) as { reference: Reference };
  const plan = [{ turn: planned.number, sha256: planned.sha256, batches: 1 }];
  const turn = await prepared.allow('0004', {
    slice: 2,
    begin: 'checkpoint',
    restsOn: { turn: reference },
    batches: { of: 1, plan, rest: '1' },
  });
  expect(await call({ ask: 'batch', ...payloadOf(turn), batch: 1 })).toEqual({ batch: 1, outcome: 'succeeded' });
  expect(await stored(batchKey(turn, 1, 'outcome'))).toMatchObject({ outcome: 'succeeded' });
  expect(printed()).toEqual([['INFO', 'given ["a","b"] undefined']]);
});

it('lets a practice stand between it and user code', async () => {
  const turn = await prepared.allow('0004');
  const seen: UserCodeOptions[] = [];
  const practice: Practice = (run) => (options) => {
    seen.push(options);
    return run(options);
  };
  expect(await call({ ask: 'run', ...payloadOf(turn) }, practice)).toMatchObject({ outcome: 'finished' });
  expect(seen).toMatchObject([{ migration: '0004', attempt: 1 }]);
  expect(printed()).toHaveLength(1);
});

it('asks for the role that a preview narrows, and touches no ledger for one', async () => {
  const error = await thrownBy(call({ ask: 'preview', migration: '0004' }));
  expect(error).toMatchObject({ code: 'BadConfiguration', source: 'system' });
  expect(error.what).toBe(`The environment variable ${VARIABLES.roleArn} is not set.`);
  expect((await store.inner.list('')).objects).toEqual([]);
});

it('has its ledger, its log and its clock from its variables', () => {
  const { app, environment, ledger, log, now, nonce } = ledgerServices();
  expect([app, environment]).toEqual([undefined, IDENTITY.environment]);
  expect(ledger.log.identity).toEqual(IDENTITY);
  expect(nonce()).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  expect(nonce()).not.toBe(nonce());
  expect(Date.now() - now()).toBeLessThan(60_000);
  for (const level of ['info', 'warn', 'error'] as const) {
    lines.length = 0;
    log[level]('said', { batch: 7 });
    log[level]('alone');
    expect(lines).toMatchObject([
      { level: level.toUpperCase(), message: 'said', batch: 7 },
      { level: level.toUpperCase(), message: 'alone' },
    ]);
  }
});

it.each([
  [{ ask: 'else' }, 'ask: '],
  [{ ask: 'run', migration: '0004' }, 'turn: '],
])('refuses what is none of these: %j', async (payload, why) => {
  const error = await thrownBy(call(payload));
  expect(error.code).toBe('BadPayload');
  expect(error.what).toContain(why);
});
