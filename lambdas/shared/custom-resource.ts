// What the functions behind a stack's custom resources have in common: what CloudFormation sends, what it is answered, and patience.
import * as z from '../../core/schema.ts';
import { OdinError } from '../../core/errors.ts';
import type { FunctionLog } from '../../core/contract/ports.ts';

/** What CloudFormation sends for a custom resource, as far as it is read here. */
export const CustomResourceEvent = z.object({
  RequestType: z.enum(['Create', 'Update', 'Delete']),
  ResponseURL: z.url(),
  StackId: z.string(),
  RequestId: z.string(),
  LogicalResourceId: z.string(),
});
export type CustomResourceEvent = z.infer<typeof CustomResourceEvent>;

/** `Status` is SUCCESS or FAILED; a `Reason` is shown to whoever deploys, `Data` is what the template can read. */
export interface Answered {
  PhysicalResourceId: string;
  Status: 'SUCCESS' | 'FAILED';
  Reason?: string | undefined;
  Data?: Record<string, string> | undefined;
}

/** Puts the answer where CloudFormation waits for it. */
export type Answer = (url: string, body: string) => Promise<void>;

/** @throws when CloudFormation does not take it; Lambda then calls the function again */
export const answerCloudFormation = (
  { ResponseURL, StackId, RequestId, LogicalResourceId }: CustomResourceEvent,
  answer: Answer,
  answered: Answered,
): Promise<void> => answer(ResponseURL, JSON.stringify({ StackId, RequestId, LogicalResourceId, ...answered }));

export const putAnswer: Answer = async (url, body) => {
  // The URL is signed for a request without a content type.
  const response = await fetch(url, { method: 'PUT', body, headers: { 'content-type': '' } });
  if (response.ok) return;
  throw new OdinError({
    code: 'Internal',
    source: 'system',
    what: `CloudFormation did not take the answer: HTTP ${response.status}.`,
  });
};

/** Between two tries. The role of a first deployment is seconds old, and IAM is eventually consistent (docs/aws-facts.md). */
const PAUSE_MS = 10_000;
/** Left for the answer to CloudFormation, and for telling the operators. */
const KEPT_MS = 20_000;

export interface Patience {
  remainingMs: () => number;
  /** Waits so many milliseconds. */
  pause: (ms: number) => Promise<void>;
  log: FunctionLog;
}

/** Tries again while there is time. @throws what the last try threw */
export async function patiently<T>(
  what: string,
  work: () => Promise<T>,
  { remainingMs, pause, log }: Patience,
): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (cause) {
      log.warn(`${what} failed`, { cause });
      if (remainingMs() < PAUSE_MS + KEPT_MS) throw cause;
    }
    await pause(PAUSE_MS);
  }
}
