// Invokes one of the environment's functions and waits for its answer: the command line and the dashboard do.
import type { LambdaClient } from '@aws-sdk/client-lambda';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import * as z from '../core/schema.ts';
import type { ErrorCode } from '../core/errors.ts';
import { OdinError } from '../core/errors.ts';

const FunctionError = z.object({ errorType: z.string(), errorMessage: z.string() });

/**
 * @returns what the function answered, parsed from JSON
 * @throws OdinError with the code and the message of a function that failed; an error of Lambda itself as it is
 */
export async function invokeFunction(lambda: LambdaClient, name: string, payload: object): Promise<unknown> {
  const answer = await lambda.send(new InvokeCommand({ FunctionName: name, Payload: JSON.stringify(payload) }));
  const json: unknown = JSON.parse(answer.Payload?.transformToString() ?? 'null');
  if (answer.FunctionError === undefined) return json;
  const error = FunctionError.safeParse(json).data;
  throw new OdinError({
    code: (error?.errorType ?? 'Internal') as ErrorCode,
    source: 'system',
    what: error?.errorMessage ?? `${name} failed: ${JSON.stringify(json)}`,
  });
}
