// `odin-migrate start-over`: leaves the ledger of an environment whose stack is gone, so that the next deployment begins a new one.
import { confirm } from '@inquirer/prompts';
import type { DeployedPlace } from '../../client/deployment.ts';
import { callerName } from '../../client/deployment.ts';
import { findFormerLedger, startOver } from '../../client/former-ledger.ts';
import type { ExitCode } from '../terminal/exit-codes.ts';
import { EXIT } from '../terminal/exit-codes.ts';
import { atTerminal, colour, print, whileBusy } from '../terminal/output.ts';
import { answerTo } from '../terminal/questions.ts';

export interface StartOverOptions {
  reason: string;
  yes?: boolean;
}

export async function leaveLedger(
  environment: string,
  { reason, yes }: StartOverOptions,
  place: DeployedPlace,
): Promise<ExitCode> {
  const former = await whileBusy(`Looking for the ledger of ${environment}`, () =>
    findFormerLedger(environment, place),
  );
  const { bucket, entries, completed, options } = former;
  print(
    `The ledger of ${environment} is ${colour.bold(bucket)}: ${entries} entries, ${completed} migrations completed.`,
  );
  const message = `Leave it? In the new ledger nothing is completed: all migrations of ${environment} would run again.`;
  if (!yes && atTerminal() && !(await answerTo(confirm({ message, default: false })))) {
    print('Nothing was changed.');
    return EXIT.done;
  }
  await startOver(former, await callerName(options), reason);
  print(`The next deployment begins a new ledger. ${bucket} stays as it is, with your reason in its tags.`);
  return EXIT.done;
}
