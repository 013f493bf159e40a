// What Step Functions caught, as it is kept in the ledger.
import type { CaughtError, ErrorSummary } from '../../core/ledger/error-records.ts';
import { keptText, MAX_SUMMARY } from '../../core/ledger/summaries.ts';
import * as z from '../../core/schema.ts';

const LambdaError = z.object({
  errorType: z.optional(z.string()),
  errorMessage: z.optional(z.string()),
  trace: z.optional(z.union([z.array(z.string()), z.string()])),
});

/** What is kept of an error that Step Functions caught: its `Cause` is Lambda's error as JSON, or plain text. */
export function caughtSummary(caught: CaughtError): ErrorSummary {
  const lambda = parseLambdaError(caught.Cause);
  const stack = Array.isArray(lambda?.trace) ? lambda.trace.join('\n') : lambda?.trace;
  return {
    name: keptText(lambda?.errorType ?? caught.Error ?? 'Error', MAX_SUMMARY.name),
    message: keptText(lambda?.errorMessage ?? caught.Cause ?? 'no cause was given', MAX_SUMMARY.message),
    stack: stack && keptText(stack, MAX_SUMMARY.stack),
  };
}

/** Undefined of plain text, which is shown as it is. */
function parseLambdaError(cause: string | undefined): z.infer<typeof LambdaError> | undefined {
  let json: unknown;
  try {
    json = JSON.parse(String(cause));
  } catch {
    // no JSON: no error of Lambda's
  }
  return LambdaError.safeParse(json).data;
}
