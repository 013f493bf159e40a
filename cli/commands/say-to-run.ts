// What is said to a run that goes on, deployed or on this machine, and printed of the answer.
import { assertMigrationId } from '../../core/names/identifiers.ts';
import type { Deployment } from '../../client/deployment.ts';
import { findDeployment, openMigration, operatorOf } from '../../client/deployment.ts';
import type { Place } from '../../client/environment.ts';
import { isLocal } from '../../client/environment.ts';
import { runningHere } from '../../client/running-here.ts';
import { typed } from '../terminal/commands.ts';
import type { ExitCode } from '../terminal/exit-codes.ts';
import { EXIT } from '../terminal/exit-codes.ts';
import { keepStdoutForJson, plain, print, printJson, whileBusy } from '../terminal/output.ts';

/** Who says it, and of which migration; undefined when none runs. */
interface About {
  by: string;
  migration: string | undefined;
}

/** @param id whom it is said of; undefined: of the migration that runs */
export async function sayToRun(
  place: Place,
  environment: string,
  id: string | undefined,
  say: (deployment: Deployment, about: About) => Promise<{ message: string }>,
  { json = false }: { json?: boolean | undefined },
): Promise<ExitCode> {
  if (json) keepStdoutForJson();
  if (id !== undefined) assertMigrationId(id);
  const answer = await whileBusy(`Looking at ${environment}`, async () => {
    const deployment = isLocal(place)
      ? runningHere(place.project, environment)
      : await findDeployment(environment, place);
    const by = await operatorOf(deployment);
    return await say(deployment, { by, migration: id ?? (await openMigration(deployment)) });
  });
  if (json) printJson(answer);
  print(plain(answer.message));
  print(`Look at it with: ${typed({ verb: 'status', environment })}`);
  return EXIT.done;
}
