// Who says what a function is told: as STS knows the caller, or as the caller says of itself.
import type { Said } from '../../core/ledger/entries.ts';
import type { Proof } from '../../core/contract/proof.ts';
import { saidIn, stsHost } from '../../core/contract/proof.ts';
import { accountOf } from '../../core/names/names.ts';
import type { Identified, Invocation, Services } from '../../core/contract/ports.ts';

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
  const { identity } = ledger.log;
  const found = ofAccount(identity.account, await callers.identify(proof, host, saidIn(identity, payload), now()));
  if (found.identity.is === 'claimed') log.warn(`Who says it is claimed: ${found.identity.why}`, { by });
  return { by, ...found };
}

/** Who may invoke these functions is of their account. In another one, the names are given by whoever owns that. */
function ofAccount(account: string, found: Identified): Identified {
  if (!('by' in found) || accountOf(found.by) === account) return found;
  const why = `its proof is of account ${accountOf(found.by)}, and this is ${account}`;
  return { identity: { is: 'claimed', why } };
}
