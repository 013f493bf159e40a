// `odin-migrate start-over`: leaves the ledger of an environment whose stack is gone, so that the next deployment begins a new one.
import type { DeployedPlace } from '../../client/deployment.ts';
import { callerName } from '../../client/deployment.ts';
import { startOver } from '../../client/former-ledger.ts';
import type { ExitCode } from '../terminal/exit-codes.ts';
import { EXIT } from '../terminal/exit-codes.ts';
import { showFormerLedger } from '../terminal/former-ledger.ts';
import { print } from '../terminal/output.ts';
import { agreed } from '../terminal/questions.ts';

export interface StartOverOptions {
  reason: string;
  yes?: boolean;
}

export async function leaveLedger(
  environment: string,
  { reason, yes }: StartOverOptions,
  place: DeployedPlace,
): Promise<ExitCode> {
  const former = await showFormerLedger(environment, place);
  const message = `Leave it? In the new ledger nothing is completed: all migrations of ${environment} would run again.`;
  if (!(await agreed(message, yes))) {
    print('Nothing was changed.');
    return EXIT.done;
  }
  await startOver(former, await callerName(former.options), reason);
  print(`The next deployment begins a new ledger. ${former.bucket} stays as it is, with your reason in its tags.`);
  return EXIT.done;
}
