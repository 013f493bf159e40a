// `start-run`: the custom resource by which a deployment starts a run (`runOnDeploy`). It never waits for the run.
import * as z from '../../core/schema.ts';
import { describeThrown, OdinError } from '../../core/errors.ts';
import type { Services } from '../../core/contract/ports.ts';

/** What CloudFormation sends for a custom resource, as far as it is read here. */
export const CustomResourceEvent = z.object({
  RequestType: z.enum(['Create', 'Update', 'Delete']),
  ResponseURL: z.url(),
  StackId: z.string(),
  RequestId: z.string(),
  LogicalResourceId: z.string(),
  ResourceProperties: z.object({ ExecutionName: z.optional(z.string()) }),
});
export type CustomResourceEvent = z.infer<typeof CustomResourceEvent>;

/** Puts the answer where CloudFormation waits for it. */
export type Answer = (url: string, body: string) => Promise<void>;

/**
 * If an execution of that name exists already, that is success: the deployment was repeated, or rolled back to what had run.
 * @throws when the answer could not be given; Lambda then calls again, which starts no second run
 */
export function createStartRun({ executions, log }: Services, answer: Answer) {
  return async (event: CustomResourceEvent): Promise<void> => {
    const { ResponseURL, StackId, RequestId, LogicalResourceId } = event;
    const same = { StackId, RequestId, LogicalResourceId, PhysicalResourceId: 'run-on-deploy' };
    let body: object;
    try {
      body = { ...same, Status: 'SUCCESS', Data: await start(event) };
    } catch (thrown) {
      log.error('The run could not be started', { cause: thrown });
      body = { ...same, Status: 'FAILED', Reason: `The run could not be started: ${describeThrown(thrown)}` };
    }
    await answer(ResponseURL, JSON.stringify(body));
  };

  async function start({ RequestType, ResourceProperties }: CustomResourceEvent): Promise<{ Execution?: string }> {
    if (RequestType === 'Delete') return {}; // what runs goes on; only the setting was taken back
    const { ExecutionName } = ResourceProperties;
    if (ExecutionName === undefined) {
      throw new OdinError({ code: 'BadPayload', source: 'system', what: 'The resource has no ExecutionName.' });
    }
    const { execution, existed } = await executions.start(ExecutionName, {});
    log.info(existed ? `Was started before: ${execution}` : `Started: ${execution}`);
    return { Execution: execution };
  }
}
