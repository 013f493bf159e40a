// The log line from which CloudWatch makes the metric of open halts: the alarm on it hangs by its form.
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import type { Context } from 'aws-lambda';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { HALT_METRIC, VARIABLES } from '../../core/names/names.ts';
import { S3Store } from '../../aws/s3-store.ts';
import { createClock } from '../support/clock.ts';
import { HookedStore } from '../support/hooked-store.ts';
import { ledgerBefore } from '../support/ledger.ts';
import { IDENTITY } from '../support/services.ts';
import type { Started } from '../local/support.ts';
import { start } from '../local/support.ts';

const HOUR = 3_600_000;
const BUCKET = 'ledger';
let started: Started;

beforeAll(async () => {
  started = await start();
  await started.s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
  const { endpoint, credentials } = started.aws;
  vi.stubEnv(VARIABLES.environment, 'odin-dev');
  vi.stubEnv(VARIABLES.account, IDENTITY.account);
  vi.stubEnv(VARIABLES.ledgerBucket, BUCKET);
  vi.stubEnv(VARIABLES.ledgerEndpoint, endpoint);
  vi.stubEnv('AWS_ENDPOINT_URL', endpoint);
  vi.stubEnv('AWS_REGION', IDENTITY.region);
  vi.stubEnv('AWS_ACCESS_KEY_ID', credentials.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', credentials.secretAccessKey);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await started.stop();
});

/** The line from which CloudWatch makes a metric; undefined when there is none. */
async function watched(): Promise<Record<string, unknown> | undefined> {
  const lines: string[] = [];
  const written = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => lines.push(String(chunk)) > 0);
  try {
    const { handler } = await import('../../lambdas/watch-halts/handler.ts');
    await handler({ 'detail-type': 'Scheduled Event' }, {
      functionName: 'watch-halts',
      getRemainingTimeInMillis: () => 60_000,
    } as Context);
  } finally {
    written.mockRestore();
  }
  return lines.map((text) => JSON.parse(text) as Record<string, unknown>).find((one) => '_aws' in one);
}

it('is sent also as 0: an hour without it is an alarm', async () => {
  expect((await watched())?.[HALT_METRIC.name]).toBe(0);
});

it('has the namespace, the name, the dimension and the hours that the alarm looks at', async () => {
  const at = createClock(new Date(Date.now() - 5 * HOUR).toISOString());
  const ledger = ledgerBefore({ store: new HookedStore(new S3Store(started.s3, BUCKET)), clock: at });
  await ledger.halt(await ledger.allow('0004'));

  const line = await watched();
  expect(line).toMatchObject({
    [HALT_METRIC.dimension]: 'odin-dev',
    _aws: {
      CloudWatchMetrics: [
        {
          Namespace: HALT_METRIC.namespace,
          Metrics: [{ Name: HALT_METRIC.name }],
          Dimensions: [[HALT_METRIC.dimension]],
        },
      ],
    },
  });
  expect(line?.[HALT_METRIC.name]).toBeCloseTo(5, 1);
});
