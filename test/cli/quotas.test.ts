// What the account has no room for: asked of Lambda and of IAM, and said before a deployment finds out.
import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { quotaFindings } from '../../cli/check/quotas.ts';
import { quotasOf } from '../../client/quotas.ts';

interface Asked {
  url: string;
  body: string;
  headers: IncomingHttpHeaders;
}
let asked: Asked[] = [];
/** Lambda and IAM in one, as far as this goes. */
let iam: { status: number; body: string };
const server = createServer((request, response) => {
  void text(request).then((body) => {
    asked.push({ url: request.url ?? '', body, headers: request.headers });
    if (request.method === 'GET') {
      response.end(JSON.stringify({ AccountLimit: { ConcurrentExecutions: 10, UnreservedConcurrentExecutions: 10 } }));
      return;
    }
    const now = performance.timeOrigin + performance.now(); // which a test does not set
    response.setHeader('date', new Date(now).toUTCString());
    const [, ...signed] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(String(request.headers['x-amz-date'])) ?? [];
    const [year = 0, month = 0, ...rest] = signed.map(Number);
    const isOff = Math.abs(Date.UTC(year, month - 1, ...rest) - now) > 5 * 60_000;
    response.statusCode = isOff ? 403 : iam.status;
    response.end(isOff ? '<Error><Code>SignatureDoesNotMatch</Code></Error>' : iam.body);
  });
});
const entry = (key: string, value: number) => `<entry>\n <key>${key}</key>\n <value>${value}</value>\n</entry>`;
const SUMMARY = `<GetAccountSummaryResponse><GetAccountSummaryResult><SummaryMap>${entry('RolesQuota', 1000)}${entry('Roles', 990)}</SummaryMap></GetAccountSummaryResult></GetAccountSummaryResponse>`;

beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => new Promise((resolve) => server.close(resolve)));
beforeEach(() => {
  asked = [];
  iam = { status: 200, body: SUMMARY };
});
const options = (region: string) => ({
  region,
  endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  credentials: { accessKeyId: 'AKIA', secretAccessKey: 'secret' },
  maxAttempts: 1,
});

describe('what is asked', () => {
  it.each([
    ['eu-west-1', 'us-east-1'],
    ['cn-north-1', 'cn-north-1'],
    ['us-gov-east-1', 'us-gov-west-1'],
    ['eusc-de-east-1', 'eusc-de-east-1'],
    ['us-iso-west-1', 'us-iso-east-1'],
    ['us-isob-west-1', 'us-isob-east-1'],
    ['eu-isoe-west-1', 'eu-isoe-west-1'],
    ['us-isof-east-1', 'us-isof-south-1'],
  ])('is, from %s, Lambda there, and IAM signed for %s', async (region, signed) => {
    expect(await quotasOf(options(region))).toEqual({ concurrency: 10, roles: { used: 990, most: 1000 }, unknown: [] });
    const [toIam] = asked.filter(({ body }) => body !== '');
    expect(toIam?.body).toBe('Action=GetAccountSummary&Version=2010-05-08');
    expect(toIam?.headers.authorization).toContain(`/${signed}/iam/aws4_request`);
    expect(asked.find(({ body }) => body === '')?.url).toContain('account-settings');
  });

  it('of a partition whose IAM is not known is Lambda alone', async () => {
    expect(await quotasOf(options('moon-1'))).toEqual({ concurrency: 10, roles: undefined, unknown: [] });
    expect(asked).toHaveLength(1);
  });

  it('is signed by the clock of AWS when that of this machine is wrong', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 });
    const known = await quotasOf(options('eu-west-1')).finally(() => vi.useRealTimers());
    expect(known).toMatchObject({ roles: { used: 990, most: 1000 }, unknown: [] });
  });

  it('and refused is not known, with the reason, and fails nothing', async () => {
    iam = { status: 403, body: '<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>' };
    const { unknown, ...known } = await quotasOf(options('eu-west-1'));
    expect(known).toEqual({ concurrency: 10, roles: undefined });
    expect(unknown).toEqual([expect.stringContaining('AccessDenied')]);
  });
});

describe('what is said', () => {
  const needs = (...memory: number[]) => ({
    migrations: memory.map((memoryMB, at) => ({ file: `000${at + 1}.ts`, memoryMB })),
    roles: 10,
  });
  const said = (quotas: Partial<Parameters<typeof quotaFindings>[1]>, ...memory: number[]) =>
    quotaFindings('odin-dev', { unknown: [], ...quotas }, needs(...memory)).map(({ severity, file, message }) => [
      severity,
      file,
      /No more than 10 functions|3,008 MB|990 of 1,000 roles|not known/.exec(message)?.[0],
    ]);

  it.each<[string, Parameters<typeof said>[0], number[], unknown[]]>([
    [
      'nothing of an account of the usual size',
      { concurrency: 1_000, roles: { used: 980, most: 1_000 } },
      [10_240],
      [],
    ],
    [
      'that few functions run at a time',
      { concurrency: 10 },
      [3_008],
      [['warning', undefined, 'No more than 10 functions']],
    ],
    [
      'which file a young account may not run',
      { concurrency: 50 },
      [1_024, 3_009],
      [['warning', '0002.ts', '3,008 MB']],
    ],
    ['that there is room for the last role', { roles: { used: 990, most: 1_000 } }, [], []],
    ['that there is none for one more', { roles: { used: 991, most: 1_000 } }, [], [['error', undefined, undefined]]],
    ['what is not known', { unknown: ['AccessDenied'] }, [], [['note', undefined, 'not known']]],
  ])('is %s', (_, quotas, memory, expected) => {
    expect(said(quotas, ...memory)).toEqual(expected);
  });
});
