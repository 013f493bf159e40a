// Sends an operator's decision to the `resume` function, which alone may record and deliver it.
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { z } from 'zod';
import { OdinError } from '../../core/errors.ts';
import type { ResumeAnswer, ResumePayload } from '../../core/payloads.ts';

export type SendDecision = (payload: ResumePayload) => Promise<ResumeAnswer>;

const FunctionError = z.object({ errorType: z.string(), errorMessage: z.string() });

/** @throws OdinError DecisionNotDelivered when `resume` failed: the decision may be recorded, and may be sent again */
export function decisionSender(functionName: string): SendDecision {
  // Two attempts, each as long as `resume` may take: a repeated decision changes nothing.
  const lambda = new LambdaClient({ maxAttempts: 2 });
  return async (payload) => {
    const answer = await lambda.send(
      new InvokeCommand({ FunctionName: functionName, Payload: JSON.stringify(payload) }),
    );
    const json: unknown = JSON.parse(answer.Payload?.transformToString() ?? 'null');
    if (answer.FunctionError === undefined) return json as ResumeAnswer;
    const error = FunctionError.safeParse(json).data;
    throw new OdinError({
      code: 'DecisionNotDelivered',
      source: 'system',
      what: error ? `${error.errorType}: ${error.errorMessage}` : `${functionName} failed: ${JSON.stringify(json)}`,
      next: 'Look at the table: if the decision is not there, press again.',
    });
  };
}
