// The task `lambda:invoke` of a state machine: its answer, and its errors as Step Functions names them.

import { randomUUID } from 'node:crypto';
import { AwsError } from '../http.ts';
import type { LambdaAnswer } from '../lambda/host.ts';
import type { Json } from './definition.ts';

export interface Invoker {
  invoke(functionName: string, payload: string): Promise<LambdaAnswer>;
}

/** @param input what the task's Parameters became: FunctionName and Payload */
export async function invokeLambda(lambda: Invoker, input: Json): Promise<Json> {
  const { FunctionName, Payload } = (input ?? {}) as { FunctionName?: unknown; Payload?: Json };
  if (typeof FunctionName !== 'string') throw taskError('States.Runtime', 'lambda:invoke needs a FunctionName');
  let answer: LambdaAnswer;
  try {
    answer = await lambda.invoke(FunctionName, JSON.stringify(Payload ?? {}));
  } catch (error) {
    if (!(error instanceof AwsError)) throw taskError('Lambda.SdkClientException', String(error));
    const cause = `${error.message} (Service: Lambda, Status Code: ${error.status}, Request ID: ${randomUUID()})`;
    throw taskError(`Lambda.${error.code}`, cause);
  }
  const payload = JSON.parse(answer.payload) as Json;
  if (answer.functionError === undefined) return { ExecutedVersion: '$LATEST', Payload: payload, StatusCode: 200 };
  const errorType = (payload as { errorType?: unknown } | null)?.errorType;
  throw taskError(typeof errorType === 'string' && errorType !== '' ? errorType : 'Lambda.Unknown', answer.payload);
}

/** How a task failed, in the interpreter's form: its name is the error, its message the cause. */
class TaskFailure extends Error {}

export function taskError(name: string, cause: string): TaskFailure {
  return Object.assign(new TaskFailure(cause), { name });
}
