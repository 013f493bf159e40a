// What EventBridge sends to the watch, as far as it is read here.
import * as z from '../../core/schema.ts';
import { Arn } from '../../core/contract/payloads.ts';

/** `FAILED`, `TIMED_OUT`, `ABORTED`. */
const Status = z.string().check(z.maxLength(100));

/** An execution has ended. */
export const EndedEvent = z.object({
  'detail-type': z.literal('Step Functions Execution Status Change'),
  detail: z.object({ executionArn: Arn, status: Status }),
});
export type EndedEvent = z.infer<typeof EndedEvent>;

/** It is time to look. */
const ScheduledEvent = z.object({ 'detail-type': z.literal('Scheduled Event') });

export const WatchEvent = z.discriminatedUnion('detail-type', [EndedEvent, ScheduledEvent]);
export type WatchEvent = z.infer<typeof WatchEvent>;
