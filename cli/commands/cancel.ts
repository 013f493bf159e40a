// `odin-migrate cancel`: asks the running checkpointed migration to stop at its next checkpoint, deployed or on this machine.
import { sendCancel } from '../../client/deployment.ts';
import type { Place } from '../../client/environment.ts';
import type { ExitCode } from '../terminal/exit-codes.ts';
import { sayToRun } from './say-to-run.ts';

export interface CancelOptions {
  reason?: string;
  json?: boolean;
}

/** @param id whose it is to be; undefined: of the one that runs */
export const cancel = (
  place: Place,
  environment: string,
  id: string | undefined,
  { reason, json }: CancelOptions,
): Promise<ExitCode> =>
  sayToRun(place, environment, id, (deployment, about) => sendCancel(deployment, { ask: 'cancel', ...about, reason }), {
    json,
  });
