// Who says what a function is told: as STS knows the caller, or as the caller says of itself.
import type { Said } from '../../core/ledger/entries.ts';
import type { Proof } from '../../core/contract/proof.ts';
import { saidIn, stsHost } from '../../core/contract/proof.ts';
import type { Invocation, Services } from '../../core/contract/ports.ts';

/** It never fails: what cannot be verified is claimed, and says why. */
export async function saidBy(
  { local, callers, ledger, log, now }: Services,
  payload: { by: string; proof?: Proof | undefined },
  { functionArn }: Pick<Invocation, 'functionArn'>,
): Promise<Said> {
  const { by, proof } = payload;
  if (local) return { by, identity: { is: 'claimed', why: 'on this machine nobody is asked who they are' } };
  if (!proof) return { by, identity: { is: 'claimed', why: 'no proof came with it' } };
  const host = stsHost(functionArn);
  if (host === undefined) return { by, identity: { is: 'claimed', why: `no STS is known beside ${functionArn}` } };
  const found = await callers.identify(proof, host, saidIn(ledger.log.identity, payload), now());
  if (found.identity?.is === 'claimed') log.warn(`Who says it is claimed: ${found.identity.why}`, { by });
  return { by, ...found };
}
