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
  const what = error?.errorMessage ?? JSON.stringify(json);
  // What a function throws has its code. What Lambda says in its place has none, or one of its own, with a dot (`Runtime.ExitError`).
  if (error && !error.errorType.includes('.'))
    throw new OdinError({ code: error.errorType as ErrorCode, source: 'system', what });
  throw new OdinError({
    code: 'Internal',
    source: 'system',
    what: `${name} ended before it answered: ${what}`,
    why: 'What it was asked may have been done all the same.',
    next: 'Ask the same again: what is recorded is not recorded twice. If it ends so each time, its log says more.',
  });
}
