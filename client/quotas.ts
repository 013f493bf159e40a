// What an account has room for, before a deployment runs into it: Lambda tells its concurrency, and IAM its roles.
import { GetAccountSettingsCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { STSClient } from '@aws-sdk/client-sts';
import { createHash } from 'node:crypto';
import { describeThrown } from '../core/thrown.ts';
import { partitionOf } from '../project/configuration.ts';
import type { ClientOptions } from './client-options.ts';
import { signedHeaders } from './signed.ts';

export interface Quotas {
  /** How many functions of the account may run at once in the region. */
  concurrency?: number | undefined;
  roles?: { used: number; most: number } | undefined;
  /** Why one is not known: most often it may not be asked for. */
  unknown: string[];
}

/** It never fails: a deployment may go well without an answer. */
export async function quotasOf(options: ClientOptions): Promise<Quotas> {
  const answered = (asked: Promise<Answer>) =>
    asked.catch((thrown: unknown): Answer => ({ unknown: describeThrown(thrown) }));
  const [ofLambda, ofIam] = await Promise.all([answered(concurrencyOf(options)), answered(rolesOf(options))]);
  return {
    concurrency: ofLambda.concurrency,
    roles: ofIam.roles,
    unknown: [ofLambda, ofIam].flatMap(({ unknown }) => unknown ?? []),
  };
}

type Answer = Omit<Quotas, 'unknown'> & { unknown?: string | undefined };

async function concurrencyOf(options: ClientOptions): Promise<Answer> {
  const { AccountLimit } = await new LambdaClient(options).send(new GetAccountSettingsCommand());
  return { concurrency: AccountLimit?.ConcurrentExecutions };
}

/** Where IAM is, and for which region it is signed (docs/aws-facts.md); it is one for a whole partition. */
export const IAM: Record<string, { host: string; region: string }> = {
  aws: { host: 'iam.amazonaws.com', region: 'us-east-1' },
  'aws-cn': { host: 'iam.cn-north-1.amazonaws.com.cn', region: 'cn-north-1' },
  'aws-us-gov': { host: 'iam.us-gov.amazonaws.com', region: 'us-gov-west-1' },
  'aws-eusc': { host: 'iam.eusc-de-east-1.amazonaws.eu', region: 'eusc-de-east-1' },
  'aws-iso': { host: 'iam.us-iso-east-1.c2s.ic.gov', region: 'us-iso-east-1' },
  'aws-iso-b': { host: 'iam.us-isob-east-1.sc2s.sgov.gov', region: 'us-isob-east-1' },
  'aws-iso-e': { host: 'iam.eu-isoe-west-1.cloud.adc-e.uk', region: 'eu-isoe-west-1' },
  'aws-iso-f': { host: 'iam.us-isof-south-1.csp.hci.ic.gov', region: 'us-isof-south-1' },
};

const BODY = 'Action=GetAccountSummary&Version=2010-05-08';
const PATIENCE_MS = 5_000;
/** IAM takes a signature that is five minutes off. */
const OFF_MS = 4 * 60_000;

/** One request that is signed by a client which is here already: IAM's own would be a dependency for one number (docs/dependencies.md). */
async function rolesOf(options: ClientOptions): Promise<Answer> {
  const sts = new STSClient(options);
  const iam = IAM[partitionOf(await sts.config.region()) ?? ''];
  if (!iam) return {};
  const endpoint = options.endpoint ?? process.env['AWS_ENDPOINT_URL_IAM'] ?? process.env['AWS_ENDPOINT_URL'];
  const url = new URL(endpoint ?? `https://${iam.host}`);
  const ask = async (at?: Date): Promise<Response> => {
    const post = {
      service: 'iam',
      region: iam.region,
      protocol: url.protocol,
      hostname: url.hostname,
      headers: {
        host: url.host,
        'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
        'x-amz-content-sha256': createHash('sha256').update(BODY).digest('hex'),
      },
      body: BODY,
    };
    const headers = await signedHeaders(sts, post, at);
    return await fetch(url, { method: 'POST', headers, body: BODY, signal: AbortSignal.timeout(PATIENCE_MS) });
  };
  let response = await ask();
  // The clock of this machine may be wrong: then it is signed once more, by that of AWS, as the SDK does it.
  const there = new Date(response.headers.get('date') ?? '');
  if (!response.ok && Math.abs(there.getTime() - Date.now()) > OFF_MS) response = await ask(there);
  const text = await response.text();
  if (!response.ok) {
    const code = /<Code>([^<]*)<\/Code>/.exec(text)?.[1] ?? `HTTP ${response.status}`;
    return { unknown: `iam:GetAccountSummary is answered with ${code}` };
  }
  const valueOf = (key: string) =>
    Number(new RegExp(`<key>${key}</key>\\s*<value>(\\d+)</value>`).exec(text)?.[1] ?? Number.NaN);
  const [used, most] = [valueOf('Roles'), valueOf('RolesQuota')];
  return Number.isNaN(used + most) ? {} : { roles: { used, most } };
}
