// A refusal as an answer, for the functions that operators invoke.
import { OdinError } from '../../core/errors.ts';
import type { Refusal } from '../../core/contract/payloads.ts';
import type { FunctionLog } from '../../core/contract/ports.ts';

/** The work's answer, or the OdinError that it threw as a refusal, if the caller has to act on it. Other errors are thrown on. */
export async function orRefusal<T>(log: FunctionLog, work: () => Promise<T>): Promise<T | Refusal> {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof OdinError) || thrown.source !== 'user') throw thrown;
    const { code, what, why, next } = thrown;
    log.warn(`Refused: ${thrown.message}`, { code });
    return { result: 'refused', code, what, why, next };
  }
}
