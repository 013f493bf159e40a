// Deletes a stack that is protected from deletion, and waits until it is gone.
import {
  CloudFormationClient,
  DeleteStackCommand,
  DescribeStacksCommand,
  UpdateTerminationProtectionCommand,
} from '@aws-sdk/client-cloudformation';
import { setTimeout as sleep } from 'node:timers/promises';
import { OdinError } from '../core/errors.ts';
import { awsError } from './aws-errors.ts';
import type { ClientOptions } from './client-options.ts';

const POLL_MS = 2_000;
/** The network interfaces of functions in a VPC take most of it. */
const MOST_MS = 60 * 60_000;

/**
 * @param meanwhile is done again and again until the stack is gone
 * @throws OdinError StackNotDeleted with what CloudFormation says; AwsForbidden and the like
 */
export async function removeStack(
  StackName: string,
  options: ClientOptions,
  meanwhile?: () => Promise<void>,
): Promise<void> {
  const client = new CloudFormationClient(options);
  try {
    // By its id: one that is gone has no name any more.
    const { Stacks: [{ StackId = StackName } = {}] = [] } = await client.send(new DescribeStacksCommand({ StackName }));
    await client.send(new UpdateTerminationProtectionCommand({ StackName, EnableTerminationProtection: false }));
    await client.send(new DeleteStackCommand({ StackName: StackId }));
    for (let waited = 0; ; waited += POLL_MS) {
      await meanwhile?.();
      const { status, reason } = await statusOf(client, StackId);
      if (status === 'DELETE_COMPLETE') return;
      if (status === 'DELETE_FAILED' || waited > MOST_MS) throw notDeleted(StackName, status, reason);
      await sleep(POLL_MS);
    }
  } catch (cause) {
    throw awsError(cause) ?? cause;
  }
}

async function statusOf(
  client: CloudFormationClient,
  StackName: string,
): Promise<{ status: string; reason?: string | undefined }> {
  try {
    const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName }));
    return { status: stack?.StackStatus ?? 'DELETE_COMPLETE', reason: stack?.StackStatusReason };
  } catch (cause) {
    // CloudFormation's words for one that is not there (docs/aws-facts.md).
    if (cause instanceof Error && /does not exist/.test(cause.message)) return { status: 'DELETE_COMPLETE' };
    throw cause;
  }
}

const notDeleted = (stack: string, status: string, reason: string | undefined): OdinError =>
  new OdinError({
    code: 'StackNotDeleted',
    source: 'system',
    what: `CloudFormation did not delete the stack ${stack}: it is ${status}.`,
    why: reason,
    next: "Look at the stack's events in CloudFormation's console, mend what they name, and type the same again.",
  });
