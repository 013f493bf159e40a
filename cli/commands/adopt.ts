// `odin-migrate adopt`: brings the ledger of an environment back whose stack is gone.
import type { DeployedPlace } from '../../client/deployment.ts';
import { adopt } from '../../client/former-ledger.ts';
import type { ExitCode } from '../terminal/exit-codes.ts';
import { EXIT } from '../terminal/exit-codes.ts';
import { showFormerLedger } from '../terminal/former-ledger.ts';
import { print } from '../terminal/output.ts';
import { agreed } from '../terminal/questions.ts';

export interface AdoptOptions {
  yes?: boolean;
}

export async function adoptLedger(environment: string, { yes }: AdoptOptions, place: DeployedPlace): Promise<ExitCode> {
  const former = await showFormerLedger(environment, place);
  if (!(await agreed('Bring it back?', yes))) {
    print('Nothing was changed.');
    return EXIT.done;
  }
  await adopt(former);
  const { bucket } = former;
  print('Its old policy is removed: the next deployment gives it a new one. Say which ledger it is, and deploy:');
  print(`  odin-migrate.json   environments.${environment}.stack: "existingLedgerBucketName": "${bucket}"`);
  print(`  or in a CDK app     new Migrations(…, { existingLedgerBucketName: '${bucket}' })`);
  return EXIT.done;
}
