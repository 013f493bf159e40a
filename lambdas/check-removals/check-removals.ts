// `check-removals`: the custom resource that a deployment makes before it changes what runs, and that refuses to take away functions which
// may be needed (core/decision/removals.ts). CloudFormation then rolls back, before anything was removed.
//
// Another set of functions is another resource (infra/check-removals.ts): it is asked when it is made, and never in a rollback, which
// has to go through.
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from '../../core/schema.ts';
import { asOdinError, errorLines, OdinError } from '../../core/errors.ts';
import type { Manifest } from '../../core/contract/manifest.ts';
import type { Invocation, LedgerServices } from '../../core/contract/ports.ts';
import { ALLOW_REMOVED, refusedRemovals, removedBy } from '../../core/decision/removals.ts';
import { idsText } from '../../core/text/format.ts';
import type { Answer, Patience } from '../shared/custom-resource.ts';
import { answerCloudFormation, CustomResourceEvent, patiently } from '../shared/custom-resource.ts';

export const RemovalsEvent = z.extend(CustomResourceEvent, {
  ResourceProperties: z.optional(z.object({ AllowRemoved: z.optional(z.array(z.string())) })),
});
export type RemovalsEvent = z.infer<typeof RemovalsEvent>;

/** CloudFormation takes 4,096 bytes of an answer. */
const MOST_OF_A_REASON = 1500;

export interface RemovalsServices {
  /** The manifest that the stack runs by now; undefined when it runs none. */
  askDeployed: () => Promise<Manifest | undefined>;
  answer: Answer;
  /** Waits so many milliseconds. */
  pause?: ((ms: number) => Promise<void>) | undefined;
}

/**
 * @param manifest of this deployment
 * @throws when the answer could not be given; Lambda then calls again
 */
export function createCheckRemovals(
  { ledger, log, app, environment }: LedgerServices,
  manifest: Manifest,
  { askDeployed, answer, pause = sleep }: RemovalsServices,
) {
  return async (event: RemovalsEvent, { remainingMs }: Invocation): Promise<void> => {
    const allowed = event.ResourceProperties?.AllowRemoved ?? [];
    const refused = event.RequestType === 'Create' ? await refusedOf(allowed, { remainingMs, pause, log }) : [];
    const Reason = refused.flatMap((error) => errorLines(error, { app })).join(' ');
    if (Reason !== '') log.error('The deployment is refused', { reason: Reason });
    await answerCloudFormation(event, answer, {
      PhysicalResourceId: 'check-removals',
      Status: Reason === '' ? 'SUCCESS' : 'FAILED',
      Reason: Reason === '' ? undefined : Reason.slice(0, MOST_OF_A_REASON),
    });
  };

  async function refusedOf(allowed: readonly string[], patience: Patience): Promise<OdinError[]> {
    const deployed = await deployedManifest(patience);
    const removed = deployed ? removedBy(deployed, manifest, allowed) : [];
    if (!deployed || removed.length === 0) return [];
    try {
      const state = await patiently('To read the ledger', () => ledger.log.look(), patience);
      const refused = refusedRemovals(removed, { environment, deployed, next: manifest, state });
      if (refused.length === 0) log.info('Functions are removed that are not needed any more', { removed });
      return refused;
    } catch (thrown) {
      return [notKnown(removed, thrown)];
    }
  }

  /** What cannot be asked may be what this deployment mends: it goes on, unguarded. */
  async function deployedManifest(patience: Patience): Promise<Manifest | undefined> {
    try {
      return await patiently('To ask what is deployed', askDeployed, patience);
    } catch (thrown) {
      log.warn('What is deployed is not known, so what this deployment removes is not checked', { cause: thrown });
      return undefined;
    }
  }
}

const notKnown = (removed: readonly string[], cause: unknown): OdinError =>
  new OdinError({
    code: 'FunctionsRemoved',
    source: 'system',
    what: `This deployment removes the functions of ${idsText(removed)}, and the ledger, which says whether they are needed, could not be read.`,
    why: asOdinError(cause).message,
    next: `Deploy again; or, if none of them is needed, deploy with -c ${ALLOW_REMOVED}=all.`,
    cause,
  });
