// `odin-migrate cancel`: asks the running checkpointed migration of a deployed environment to stop at its next checkpoint.
import type { DeployedPlace } from '../../client/deployment.ts';
import { findDeployment, operatorOf, sendCancel } from '../../client/deployment.ts';
import { typed } from '../terminal/commands.ts';
import type { ExitCode } from '../terminal/exit-codes.ts';
import { EXIT } from '../terminal/exit-codes.ts';
import { keepStdoutForJson, plain, print, printJson, whileBusy } from '../terminal/output.ts';

export interface CancelOptions {
  reason?: string;
  json?: boolean;
}

export async function cancel(environment: string, options: CancelOptions, deployed: DeployedPlace): Promise<ExitCode> {
  if (options.json) keepStdoutForJson();
  const answer = await whileBusy(`Looking at ${environment}`, async () => {
    const deployment = await findDeployment(environment, deployed);
    const by = await operatorOf(deployment);
    return await sendCancel(deployment, { ask: 'cancel', by, reason: options.reason });
  });
  if (options.json) printJson(answer);
  print(plain(answer.message));
  print(`Look at it with: ${typed({ verb: 'status', environment })}`);
  return EXIT.done;
}
