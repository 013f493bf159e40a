// What a deployed environment says of itself, in a parameter of SSM: by it the commands find it, in whatever stack it is.
import * as z from '../schema.ts';

export const Registration = z.object({
  /** Of odin-migrate, that deployed it. */
  version: z.string(),
  /** Of the stack that it is in. */
  stack: z.string(),
  stateMachineArn: z.string(),
  ledgerBucket: z.string(),
  resumeFunction: z.string(),
  topicArn: z.string(),
  chatTopicArn: z.optional(z.string()),
  dashboardUrl: z.optional(z.string()),
});
export type Registration = z.infer<typeof Registration>;
