// Takes a deployed environment down: its runs first, because a run that waits for a decision keeps its state machine from being
// deleted (docs/aws-facts.md), then its stack. The ledger stays.
import { CloudFormationClient, GetTemplateCommand } from '@aws-sdk/client-cloudformation';
import { paginateListExecutions, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { OdinError } from '../core/errors.ts';
import { stackName } from '../core/names/names.ts';
import { lookAtLedger, viewOf } from '../core/views/view.ts';
import { who } from '../core/views/words.ts';
import { timeText } from '../core/text/format.ts';
import { ALIVE } from '../aws/step-functions.ts';
import { awsError } from './aws-errors.ts';
import type { ClientOptions } from './client-options.ts';
import type { DeployedPlace, Deployment } from './deployment.ts';
import { callerName, failedStack, findDeployment, findStack, ofPlace } from './deployment.ts';
import { findRegistration } from './registration.ts';
import { removeStack } from './remove-stack.ts';

/** What is left of a first deployment that failed: a stack that holds nothing. */
export interface Leftover {
  is: 'leftover';
  stack: string;
  options: ClientOptions;
}

export interface Standing {
  is: 'deployed';
  /** Its own; undefined when it is part of a stack of the team's own app, which is not deleted here. */
  stack: string | undefined;
  /** The stack that it is in. */
  within: string;
  deployment: Deployment;
  /** ARNs of the executions that run, wait in a halt, or are about to be redriven. */
  running: string[];
  /** Whether the stack deletes the ledger too: `removalPolicy` says so. */
  ledgerGoes: boolean;
}

/**
 * @throws OdinError NotDeployed when there is nothing; StillRunning while code of a migration runs, which would be cut off in the middle
 */
export async function findStanding(environment: string, place: DeployedPlace): Promise<Leftover | Standing> {
  const { of, options } = await ofPlace(environment, place);
  const own = stackName(of);
  const stack = await findStack(own, options);
  if (stack && failedStack(stack)) return { is: 'leftover', stack: own, options };
  const deployment = await findDeployment(environment, place);
  await assertNothingRuns(deployment);
  const within = stack ? own : ((await findRegistration(of, options)).registration?.stack ?? own);
  return {
    is: 'deployed',
    stack: stack ? own : undefined,
    within,
    deployment,
    running: await runningOf(deployment),
    ledgerGoes: stack ? await deletesLedger(own, options) : false,
  };
}

export const removeLeftover = ({ stack, options }: Leftover): Promise<void> => removeStack(stack, options);

/**
 * A run that begins meanwhile is stopped too. What the ledger says stays as it is: a halt stays open.
 * @throws OdinError StillRunning as findStanding: while the question stood, somebody may have decided, and the run gone on; BadUsage
 *   when the ledger would go now, and it was not said
 */
export async function destroy({ deployment, stack, running, ledgerGoes }: Standing): Promise<void> {
  await assertNothingRuns(deployment);
  if (stack !== undefined && !ledgerGoes && (await deletesLedger(stack, deployment.options))) throw ledgerWouldGo();
  const by = await callerName(deployment.options);
  await stop(deployment, running, by);
  if (stack === undefined) return;
  await removeStack(stack, deployment.options, async () => stop(deployment, await runningOf(deployment), by));
}

const ledgerWouldGo = (): OdinError =>
  new OdinError({
    code: 'BadUsage',
    source: 'user',
    what: 'It was deployed again meanwhile, and its ledger would be deleted with it now, which was not said. Nothing was changed.',
    next: 'Type the same again.',
  });

async function stop({ sfn }: Deployment, executions: readonly string[], by: string): Promise<void> {
  for (const executionArn of executions) {
    await unlessGone(() =>
      sfn.send(
        new StopExecutionCommand({
          executionArn,
          error: 'Destroyed',
          cause: `${who({ by })} destroys the environment`,
        }),
      ),
    );
  }
}

/** ARNs of those that would keep the machine from being deleted; none of a machine that is gone. */
export async function runningOf({
  sfn,
  stateMachineArn,
}: Pick<Deployment, 'sfn' | 'stateMachineArn'>): Promise<string[]> {
  const found: string[] = [];
  await unlessGone(async () => {
    for (const statusFilter of ALIVE) {
      const pages = paginateListExecutions({ client: sfn }, { stateMachineArn, statusFilter });
      for await (const { executions = [] } of pages)
        found.push(...executions.flatMap(({ executionArn }) => executionArn ?? []));
    }
  });
  return [...new Set(found)];
}

/** An execution, or the machine itself, may be gone by now. */
async function unlessGone(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    if (cause instanceof Error && /^(ExecutionDoesNotExist|StateMachineDoesNotExist)$/.test(cause.name)) return;
    throw awsError(cause) ?? cause;
  }
}

/** To stop a run does not stop a function: it goes on, and without its role it could not record what became of it. */
async function assertNothingRuns({ environment, ledger }: Deployment): Promise<void> {
  const view = viewOf({ environment, migrations: [] }, await lookAtLedger(ledger));
  const running = view.migrations.find(({ state }) => state === 'running');
  const until = view.halt?.mayRunUntil;
  if (!running && until === undefined) return;
  throw new OdinError({
    code: 'StillRunning',
    source: 'user',
    what: `${running?.id ?? view.halt?.migration ?? ''} of ${environment} is running${until === undefined ? '' : `, or may be until ${timeText(until)}`}: nothing would record what becomes of it.`,
    next: {
      words:
        'Type the same again after its end, a quarter of an hour at most for each slice, or cancel it. How it stands',
      verb: 'status',
      environment,
    },
  });
}

async function deletesLedger(StackName: string, options: ClientOptions): Promise<boolean> {
  try {
    const { TemplateBody = '{}' } = await new CloudFormationClient(options).send(new GetTemplateCommand({ StackName }));
    const { Resources = {} } = JSON.parse(TemplateBody) as {
      Resources?: Record<string, { Type: string; DeletionPolicy?: string }>;
    };
    return Object.values(Resources).some(
      ({ Type, DeletionPolicy = 'Delete' }) => Type === 'AWS::S3::Bucket' && DeletionPolicy === 'Delete',
    );
  } catch (cause) {
    throw awsError(cause) ?? cause;
  }
}
