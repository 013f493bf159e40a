// What we send to AWS and expect of it, held against botocore: its models of the APIs, its rules for endpoints, its signatures.
// It comes with the emulator, and needs none.
import { STSClient } from '@aws-sdk/client-sts';
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { ALIVE } from '../../aws/step-functions.ts';
import { IAM, quotasOf } from '../../client/quotas.ts';
import { proofOf } from '../../client/proof.ts';
import { signedHeaders } from '../../client/signed.ts';
import { stateMachineDefinition } from '../../core/contract/machine-definition.ts';
import { PROOF_BODY, proofHeaders, saidIn, stsHost } from '../../core/contract/proof.ts';
import { LAMBDA_MOST, LEAST_MEMORY_MB } from '../../core/names/lambda-limits.ts';
import { STATES } from '../../core/names/names.ts';
import { partitionOf } from '../../project/configuration.ts';
import { IDENTITY } from '../support/services.ts';
import { SECRET, startSts } from '../support/sts.ts';
import { installPythonProgram } from '../support/python.ts';

const REGIONS = {
  'eu-west-1': 'aws',
  'mx-central-1': 'aws',
  'cn-north-1': 'aws-cn',
  'cn-northwest-1': 'aws-cn',
  'us-gov-west-1': 'aws-us-gov',
  'us-gov-east-1': 'aws-us-gov',
  'eusc-de-east-1': 'aws-eusc',
  'us-iso-east-1': 'aws-iso',
  'us-iso-west-1': 'aws-iso',
  'us-isob-east-1': 'aws-iso-b',
  'eu-isoe-west-1': 'aws-iso-e',
  'us-isof-south-1': 'aws-iso-f',
};

interface Signed {
  url: string;
  headers: Record<string, string>;
  body: string;
  key: string;
  secret: string;
  service: string;
  region: string;
}
interface Written {
  url_path: string;
  method: string;
  headers: Record<string, string>;
  body: Record<string, string>;
}
interface Models {
  invokeErrors: Record<string, string>;
  memory: { min: number; max: number };
  executionStatus: string[];
  accountLimit: string[];
  summaryKeys: string[];
  places: Record<string, Record<'iam' | 'sts', [url: string, signedFor: string]>>;
  requests: Record<'iam' | 'sts' | 'lambda', Written>;
  signatures: string[];
  parsed: unknown[];
}

let python: string;
async function models(asked: { sign?: Signed[]; parse?: [string, string, string][] } = {}): Promise<Models> {
  const argument = JSON.stringify({ regions: Object.keys(REGIONS), sign: [], parse: [], ...asked });
  const { stdout } = await promisify(execFile)(python, [path.join(import.meta.dirname, 'models.py'), argument], {
    maxBuffer: 10_000_000,
  });
  return JSON.parse(stdout) as Models;
}

let known: Models;
beforeAll(async () => {
  python = await installPythonProgram({
    name: 'emulator',
    requirements: path.resolve(import.meta.dirname, 'requirements.txt'),
    module: 'botocore',
    oldestMinor: 10,
  });
  known = await models();
});

const CREDENTIALS = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: SECRET };
const asForm = (body: Record<string, string>) => new URLSearchParams(body).toString();
const fieldsOf = (headers: IncomingHttpHeaders | Record<string, string | undefined>, but: string[] = []) =>
  Object.fromEntries(
    Object.entries(headers).filter(([name]) => name !== 'authorization' && !but.includes(name)),
  ) as Record<string, string>;

describe('who is asked', () => {
  it.each(Object.entries(REGIONS))('in %s, of the partition %s', (region, partition) => {
    expect(partitionOf(region)).toBe(partition);
    const { iam, sts } = known.places[region]!;
    const ours = IAM[partition]!;
    expect([`https://${ours.host}`, ours.region]).toEqual(iam);
    expect([`https://${String(stsHost(`arn:${partition}:states:${region}:1:x`))}`, region]).toEqual(sts);
  });
});

describe('what is asked about quotas', () => {
  it('is what botocore asks, signed as it signs, and its answer is read as it reads it', async () => {
    const entry = (key: string, value: number) => `<entry><key>${key}</key><value>${value}</value></entry>`;
    const answer = `<GetAccountSummaryResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><GetAccountSummaryResult><SummaryMap>
      ${entry('Users', 3)} ${entry('Roles', 990)} ${entry('RolesQuota', 1000)} ${entry('RolePolicySizeQuota', 10_240)}
    </SummaryMap></GetAccountSummaryResult><ResponseMetadata><RequestId>x</RequestId></ResponseMetadata></GetAccountSummaryResponse>`;
    const asked: { method: string; url: string; headers: IncomingHttpHeaders; body: string }[] = [];
    const server = createServer((request, response) => {
      void text(request).then((body) => {
        const { method = '', url = '', headers } = request;
        asked.push({ method, url, headers, body });
        response.end(method === 'GET' ? '{"AccountLimit":{"ConcurrentExecutions":10}}' : answer);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const quotas = await quotasOf({ region: 'eu-west-1', endpoint, credentials: CREDENTIALS, maxAttempts: 1 });
    server.close();

    const toIam = asked.find(({ method }) => method === 'POST')!;
    const toLambda = asked.find(({ method }) => method === 'GET')!;
    const { iam, lambda } = known.requests;
    expect([toIam.method, toIam.url, toIam.body]).toEqual([iam.method, iam.url_path, asForm(iam.body)]);
    expect(toIam.headers['content-type']).toBe(iam.headers['Content-Type']);
    expect(toLambda.url).toMatch(new RegExp(`^${lambda.url_path}/?$`));
    expect(known.accountLimit).toContain('ConcurrentExecutions');
    expect(known.summaryKeys).toEqual(expect.arrayContaining(['Roles', 'RolesQuota']));

    const signed = /SignedHeaders=([^,]+)/.exec(toIam.headers.authorization ?? '')![1]!.split(';');
    const headers = fieldsOf(
      toIam.headers,
      Object.keys(toIam.headers).filter((name) => !signed.includes(name)),
    );
    const { signatures, parsed } = await models({
      sign: [
        {
          url: `${endpoint}/`,
          headers,
          body: toIam.body,
          key: CREDENTIALS.accessKeyId,
          secret: SECRET,
          service: 'iam',
          region: 'us-east-1',
        },
      ],
      parse: [['iam', 'GetAccountSummary', answer]],
    });
    expect(toIam.headers.authorization).toBe(signatures[0]);
    expect(parsed[0]).toMatchObject({ SummaryMap: { Roles: quotas.roles?.used, RolesQuota: quotas.roles?.most } });
  });
});

/** The header of a GetCallerIdentity. */
async function signedByBotocore(host: string, headers: Record<string, string>): Promise<string> {
  const { accessKeyId: key } = CREDENTIALS;
  const url = `https://${host}/`;
  const asked = { url, headers, body: PROOF_BODY, key, secret: SECRET, service: 'sts', region: 'eu-west-1' };
  const { signatures } = await models({ sign: [asked] });
  return signatures[0] ?? '';
}

describe('a proof of who decides', () => {
  const MACHINE = 'arn:aws:states:eu-west-1:111122223333:stateMachine:odin-migrate-odin-dev';
  const SAID = { ask: 'decide', decision: 'skip', by: 'her', halt: 45, reason: 'not here' };

  it('is a GetCallerIdentity of botocore, and signed as it signs one with our header', async () => {
    const { sts } = known.requests;
    expect(PROOF_BODY).toBe(asForm(sts.body));
    const host = stsHost(MACHINE)!;
    const proof = (await proofOf(SAID, IDENTITY, MACHINE, { credentials: CREDENTIALS }))!;
    const headers: Record<string, string> = {
      ...proofHeaders(host, saidIn(IDENTITY, SAID)),
      'x-amz-date': proof.date,
    };
    expect(headers['content-type']).toBe(sts.headers['Content-Type']);
    const signature = await signedByBotocore(host, headers);
    expect(proof.authorization).toBe(signature);
  });

  it('the STS of our tests takes what botocore has signed, and nothing that was changed after that', async () => {
    await using sts = await startSts();
    const host = 'sts.eu-west-1.amazonaws.com';
    const date = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
    const headers = { ...proofHeaders(host, 'something'), 'x-amz-date': date };
    const signature = await signedByBotocore(host, headers);
    const ask = async (more: Record<string, string>): Promise<number | undefined> => {
      const { request } = await import('node:http');
      return await new Promise((resolve, reject) => {
        const all = { ...headers, authorization: signature, ...more };
        request(sts.endpoint, { method: 'POST', headers: all }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        })
          .on('error', reject)
          .end(PROOF_BODY);
      });
    };
    expect(await ask({})).toBe(200);
    expect(await ask({ 'x-odin-migrate-said': 'something else' })).toBe(403);
    expect(await ask({ host: 'sts.us-east-1.amazonaws.com' })).toBe(403);
    expect(await ask({ 'x-amz-security-token': 'of somebody' })).toBe(403);
  });

  it('and what the STS client signs is what the proof has', async () => {
    const sts = new STSClient({ credentials: CREDENTIALS, region: 'eu-west-1' });
    const host = stsHost(MACHINE)!;
    const headers = await signedHeaders(sts, {
      service: 'sts',
      region: 'eu-west-1',
      protocol: 'https:',
      hostname: host,
      headers: proofHeaders(host, 'x'),
      body: PROOF_BODY,
    });
    expect(headers['authorization']).toBe(await signedByBotocore(host, fieldsOf(headers)));
  });
});

describe('what the models say', () => {
  /** After these a migration halts at once: it may have run, or nothing passes by waiting. */
  const FINAL = [
    'CodeArtifactUserFailedException',
    'DurableExecutionAlreadyStartedException',
    'EC2UnexpectedException',
    'EFSIOException',
    'EFSMountFailureException',
    'InvalidParameterValueException',
    'InvalidRequestContentException',
    'InvalidRuntimeException',
    'InvalidSecurityGroupIDException',
    'InvalidSubnetIDException',
    'InvalidZipFileException',
    'KMSDisabledException',
    'KMSInvalidStateException',
    'KMSNotFoundException',
    'ModeNotSupportedException',
    'NoPublishedVersionException',
    'RecursiveInvocationException',
    'RequestTooLargeException',
    'ResourceNotFoundException',
    'S3FilesMountFailureException',
    'SerializedRequestEntityTooLargeException',
    'ServiceException',
    'ServiceQuotaExceededException',
    'SnapStartException',
    'SnapStartTimeoutException',
    'UnsupportedMediaTypeException',
  ];

  it('each error of Invoke is tried again, because the function did not start and it passes, or is known as final', () => {
    const { Retry } = stateMachineDefinition({ environment: 'odin-dev' }).States[STATES.runMigration];
    const again = Retry.flatMap(({ ErrorEquals }) => ErrorEquals)
      .filter((name) => name.startsWith('Lambda.'))
      .map((name) => name.slice('Lambda.'.length));
    const ofInvoke = again.filter((name) => name !== 'AccessDeniedException'); // of every API, and in no model
    expect([...ofInvoke, ...FINAL].sort()).toEqual(Object.keys(known.invokeErrors).sort());
    const waits = Object.entries(known.invokeErrors).filter(([, said]) => /\bwait\b|try again/i.test(said));
    expect(again).toEqual(expect.arrayContaining(waits.map(([name]) => name)));
  });

  it('an execution that has not ended is alive', () => {
    const ended = ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'];
    expect(known.executionStatus.filter((status) => !ended.includes(status))).toEqual([...ALIVE]);
  });

  it('a function may have the memory that we take', () => {
    expect(LEAST_MEMORY_MB).toBeGreaterThanOrEqual(known.memory.min);
    expect(LAMBDA_MOST.memoryMB).toBeLessThanOrEqual(known.memory.max);
  });
});
