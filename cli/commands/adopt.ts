// `odin-migrate adopt`: brings the ledger of an environment back whose stack is gone.
import { confirm } from '@inquirer/prompts';
import type { DeployedPlace } from '../../client/deployment.ts';
import { adopt, findFormerLedger } from '../../client/former-ledger.ts';
import type { ExitCode } from '../terminal/exit-codes.ts';
import { EXIT } from '../terminal/exit-codes.ts';
import { atTerminal, colour, print, whileBusy } from '../terminal/output.ts';
import { answerTo } from '../terminal/questions.ts';

export interface AdoptOptions {
  yes?: boolean;
}

export async function adoptLedger(environment: string, { yes }: AdoptOptions, place: DeployedPlace): Promise<ExitCode> {
  const former = await whileBusy(`Looking for the ledger of ${environment}`, () =>
    findFormerLedger(environment, place),
  );
  const { bucket, entries, completed } = former;
  print(
    `The ledger of ${environment} is ${colour.bold(bucket)}: ${entries} entries, ${completed} migrations completed.`,
  );
  if (!yes && atTerminal() && !(await answerTo(confirm({ message: 'Bring it back?', default: false })))) {
    print('Nothing was changed.');
    return EXIT.done;
  }
  await adopt(former);
  print('Its old policy is removed: the next deployment gives it a new one. Say which ledger it is, and deploy:');
  print(`  odin-migrate.json   environments.${environment}.stack: "existingLedgerBucketName": "${bucket}"`);
  print(`  or in a CDK app     new Migrations(…, { existingLedgerBucketName: '${bucket}' })`);
  return EXIT.done;
}
