// `odin-migrate destroy`: takes a deployed environment down, and keeps its ledger.
import type { DeployedPlace } from '../../client/deployment.ts';
import type { Standing } from '../../client/destroy.ts';
import { destroy, findStanding, removeLeftover } from '../../client/destroy.ts';
import { numberOf } from '../../core/text/format.ts';
import { typed } from '../terminal/commands.ts';
import type { ExitCode } from '../terminal/exit-codes.ts';
import { EXIT } from '../terminal/exit-codes.ts';
import { colour, print, whileBusy } from '../terminal/output.ts';
import { agreed, typedName } from '../terminal/questions.ts';

export interface DestroyOptions {
  yes?: boolean;
}

export async function destroyEnvironment(
  environment: string,
  { yes }: DestroyOptions,
  place: DeployedPlace,
): Promise<ExitCode> {
  const found = await whileBusy(`Looking at ${environment}`, () => findStanding(environment, place));
  if (found.is === 'leftover') {
    print(
      `The first deployment of ${environment} failed. Its stack ${colour.bold(found.stack)} is left, and holds nothing.`,
    );
    if (!(await agreed('Delete it?', yes))) return nothingChanged();
    await whileBusy(`Deleting ${found.stack}`, () => removeLeftover(found));
    print('It is deleted. Deploy again.');
    return EXIT.done;
  }
  foretell(environment, found);
  if (!(await typedName(environment, yes))) return nothingChanged();
  await whileBusy(`Destroying ${environment}`, () => destroy(found));
  tell(environment, found);
  return EXIT.done;
}

function nothingChanged(): ExitCode {
  print('Nothing was changed.');
  return EXIT.done;
}

function foretell(environment: string, { stack, within, running, ledgerGoes, deployment }: Standing): void {
  if (running.length > 0)
    print(`Stopped: ${numberOf(running.length, 'run')} that has not ended. An open halt stays open in the ledger.`);
  if (stack === undefined) {
    print(`Not deleted: the stack ${colour.bold(within)}, which a CDK app of your own makes.`);
    return;
  }
  print(
    `Deleted: the stack ${colour.bold(stack)}, with its functions, roles, alarms, subscriptions and log groups, and what these have logged.`,
  );
  const ledger = `the ledger ${colour.bold(deployment.ledgerBucket)}`;
  print(
    ledgerGoes
      ? `${colour.red('Deleted too')}: ${ledger}. Everything of ${environment} is pending again then.`
      : `Kept: ${ledger}, and its policy.`,
  );
}

function tell(environment: string, { stack, within, ledgerGoes, deployment }: Standing): void {
  if (stack === undefined) {
    print(
      `No run is left that would keep ${within} from being deleted. Take the construct out of your app and deploy, or destroy the stack with cdk.`,
    );
    return;
  }
  print(`${environment} is destroyed.`);
  if (ledgerGoes) return;
  print(
    `Its ledger ${deployment.ledgerBucket} is kept, and so is its name: a deployment would be refused. To deploy it again,`,
  );
  print(`  with that ledger: ${typed({ verb: 'adopt', environment })}`);
  print(`  with a new one:   ${typed({ verb: 'start-over', environment, args: ['--reason "..."'] })}`);
}
