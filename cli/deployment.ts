// A deployed environment as the command line sees it: found by its stack's outputs, or embedded.
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { z } from 'zod';
import type { ErrorCode } from '../core/errors.ts';
import { describeThrown, OdinError } from '../core/errors.ts';
import { Ledger } from '../core/ledger.ts';
import { OUTPUTS, stackName } from '../core/names.ts';
import type { ResumeAnswer, Resumed, ResumePayload } from '../core/payloads.ts';
import { S3Store } from '../lambdas/aws/s3-store.ts';

export interface Deployment {
  environment: string;
  local: boolean;
  stateMachineArn: string;
  ledgerBucket: string;
  resumeFunction: string;
  ledger: Ledger;
  s3: S3Client;
  sfn: SFNClient;
  lambda: LambdaClient;
}

/** What every SDK client is made with: nothing for AWS as the user's environment says, an endpoint for the embedded. */
export interface ClientOptions {
  endpoint?: string;
  region?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
}

/** @throws OdinError NotDeployed */
export async function findDeployment(environment: string, options: ClientOptions = {}): Promise<Deployment> {
  const name = stackName(environment);
  try {
    const answer = await new CloudFormationClient(options).send(new DescribeStacksCommand({ StackName: name }));
    const outputs = Object.fromEntries(
      (answer.Stacks?.[0]?.Outputs ?? []).map(({ OutputKey, OutputValue }) => [OutputKey ?? '', OutputValue ?? '']),
    );
    return deploymentOf(environment, outputs, options, false);
  } catch (cause) {
    if (cause instanceof OdinError) throw cause;
    throw new OdinError({
      code: 'NotDeployed',
      source: 'user',
      what: `The stack ${name} was not found: ${describeThrown(cause)}.`,
      next: `Check the AWS profile and region, or deploy it: npx cdk deploy ${name}`,
      cause,
    });
  }
}

export function deploymentOf(
  environment: string,
  outputs: Record<string, string>,
  options: ClientOptions,
  local: boolean,
): Deployment {
  const output = (name: string) => {
    const value = outputs[name];
    if (value !== undefined) return value;
    throw new OdinError({
      code: 'NotDeployed',
      source: 'user',
      what: `The stack ${stackName(environment)} has no output ${name}.`,
      next: `Deploy it again: npx cdk deploy ${stackName(environment)}`,
    });
  };
  const s3 = new S3Client({ ...options, ...(options.endpoint !== undefined && { forcePathStyle: true }) });
  const ledgerBucket = output(OUTPUTS.ledgerBucket);
  return {
    environment,
    local,
    stateMachineArn: output(OUTPUTS.stateMachineArn),
    ledgerBucket,
    resumeFunction: output(OUTPUTS.resumeFunction),
    ledger: new Ledger(new S3Store(s3, ledgerBucket)),
    s3,
    sfn: new SFNClient(options),
    lambda: new LambdaClient(options),
  };
}

const FunctionError = z.object({ errorType: z.string(), errorMessage: z.string() });

/**
 * Invokes `resume`.
 * @throws OdinError with the code and the words that the function refused with
 */
export async function sendDecision(deployment: Deployment, payload: ResumePayload): Promise<Resumed> {
  const answer = await deployment.lambda.send(
    new InvokeCommand({ FunctionName: deployment.resumeFunction, Payload: JSON.stringify(payload) }),
  );
  const json: unknown = JSON.parse(answer.Payload?.transformToString() ?? 'null');
  if (answer.FunctionError === undefined) {
    const resumed = json as ResumeAnswer;
    if (resumed.result === 'refused') throw new OdinError({ ...resumed, source: 'user' });
    return resumed;
  }
  const error = FunctionError.safeParse(json).data;
  throw new OdinError({
    code: (error?.errorType ?? 'Internal') as ErrorCode,
    source: 'system',
    what: error?.errorMessage ?? `${deployment.resumeFunction} failed: ${JSON.stringify(json)}`,
  });
}
