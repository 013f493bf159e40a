// Errors as records and payloads have them. What makes them is apart, in summaries.ts: the process of user code loads no schemas.
import * as z from '../schema.ts';

/** An error as it is kept: cut to a bounded size by `errorSummary`. */
export const ErrorSummary = z.object({ name: z.string(), message: z.string(), stack: z.optional(z.string()) });
export type ErrorSummary = z.infer<typeof ErrorSummary>;

/** What a state's `Catch` puts at `$.error`. `Cause` is the JSON of Lambda's error, or plain text. */
export const CaughtError = z.object({ Error: z.optional(z.string()), Cause: z.optional(z.string()) });
export type CaughtError = z.infer<typeof CaughtError>;
