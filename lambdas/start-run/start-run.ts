// `start-run`: the custom resource by which a deployment starts a run (`runOnDeploy`). It never waits for the run, and never fails the
// deployment: that is sound by itself, and what is wrong here would roll all of it back.
import { setTimeout as sleep } from 'node:timers/promises';
import { describeThrown } from '../../core/thrown.ts';
import type { Invocation, Services } from '../../core/contract/ports.ts';
import { deployedExecutionName } from '../../core/names/names.ts';
import { announce } from '../shared/announce.ts';
import type { Answer, CustomResourceEvent } from '../shared/custom-resource.ts';
import { answerCloudFormation, patiently } from '../shared/custom-resource.ts';
import { haltedIn } from '../../core/ledger/waiters.ts';
import { notStarted } from './not-started-message.ts';

/**
 * Looks first, as `odin-migrate run` does: beside a halt in which an execution waits, a second one would be refused, and its failure
 * would wake whoever deploys the fix.
 * @param pause waits so many milliseconds
 * @throws when the answer could not be given; Lambda then calls again, which starts no second run
 */
export function createStartRun(services: Services, answer: Answer, pause: (ms: number) => Promise<void> = sleep) {
  const { ledger, executions, log } = services;

  return async (event: CustomResourceEvent, { remainingMs }: Invocation): Promise<void> => {
    const { RequestType, RequestId } = event;
    const Outcome =
      RequestType === 'Delete'
        ? 'Nothing was started or stopped.' // what runs goes on; only the setting was taken back
        : await startPatiently(deployedExecutionName(RequestId), remainingMs);
    await answerCloudFormation(event, answer, {
      PhysicalResourceId: 'run-on-deploy',
      Status: 'SUCCESS',
      Data: { Outcome },
    });
  };

  async function startPatiently(name: string, remainingMs: () => number): Promise<string> {
    try {
      return await patiently('To start the run', () => start(name), { remainingMs, pause, log });
    } catch (thrown) {
      return await giveUp(thrown);
    }
  }

  /** @returns what became of it, as the stack's output shows it */
  async function start(name: string): Promise<string> {
    const { turn } = await ledger.log.look();
    const waiting = turn && (await haltedIn(ledger.store, turn, executions.isAlive));
    if (turn?.halt && waiting !== undefined) {
      const { migration, number } = turn.halt.halted;
      log.info(`Not started: ${migration} is halted`, { halt: number, execution: waiting });
      return `No run was started: migration ${migration} is halted in ${waiting}, which goes on when somebody decides.`;
    }
    const { execution, existed } = await executions.start(name, {});
    log.info(existed ? `Was started before: ${execution}` : `Started: ${execution}`);
    return `Started: ${execution}`;
  }

  async function giveUp(thrown: unknown): Promise<string> {
    const why = describeThrown(thrown);
    log.error('No run was started', { cause: thrown });
    await announce(services, () => ({ message: notStarted(services, why) }));
    return `WARNING: no run was started: ${why}`.slice(0, 1000);
  }
}
