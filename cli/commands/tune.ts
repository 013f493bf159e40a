// `odin-migrate tune`: how many batches of the running parallel migration run at the same time, deployed or on this machine.
import { sendTune } from '../../client/deployment.ts';
import type { Place } from '../../client/environment.ts';
import type { ExitCode } from '../terminal/exit-codes.ts';
import { sayToRun } from './say-to-run.ts';

export interface TuneOptions {
  concurrency: number;
  json?: boolean;
}

/** @param id whose they are to be; undefined: of the one that runs */
export const tune = (
  place: Place,
  environment: string,
  id: string | undefined,
  { concurrency, json }: TuneOptions,
): Promise<ExitCode> =>
  sayToRun(
    place,
    environment,
    id,
    (deployment, about) => sendTune(deployment, { ask: 'tune', concurrency, ...about }),
    { json },
  );
