// What this process knows of the AWS inside it, without asking over HTTP as for a deployed one.
import { setTimeout as sleep } from 'node:timers/promises';
import type { LedgerIdentity } from '../core/ledger/entries.ts';
import { CHECKPOINTS_PREFIX, LOG_PREFIX, partsOf, WAITERS_PREFIX } from '../core/ledger/keys.ts';
import { LedgerLog } from '../core/ledger/log.ts';
import type { EmbeddedAws } from '../local/embedded-aws.ts';
import { EmbeddedStore } from '../local/s3/ledger-store.ts';
import type { Deployment } from './deployment.ts';

/** In place of what `deploymentOf` says of these. */
export function nearby(
  aws: EmbeddedAws,
  ledgerBucket: string,
  identity: LedgerIdentity,
): Pick<Deployment, 'ledger' | 'describe' | 'pause'> {
  const store = new EmbeddedStore(aws.s3.store, ledgerBucket);
  return {
    ledger: { log: new LedgerLog(store, identity), store },
    describe: (executionArn) => Promise.resolve(aws.stepFunctions.describeExecution(executionArn)),
    pause: pauseUntilChanged(aws, ledgerBucket),
  };
}

/** What a run is followed by; and by outcomes, because one may say until when the run waits. */
const FOLLOWED = [LOG_PREFIX, CHECKPOINTS_PREFIX, WAITERS_PREFIX];
const isFollowed = (key: string): boolean =>
  FOLLOWED.some((prefix) => key.startsWith(prefix)) || partsOf('outcome', key) !== undefined;

/** For what comes together: an entry, and what its writer does right after it. */
const MOMENT_MS = 20;

function pauseUntilChanged({ s3, stepFunctions }: EmbeddedAws, ledgerBucket: string): Deployment['pause'] {
  let changes = 0;
  let seen = 0;
  let wake = (): void => undefined;
  const changed = () => {
    changes += 1;
    wake();
  };
  s3.store.onPut((bucket, key) => {
    if (bucket === ledgerBucket && isFollowed(key)) changed();
  });
  stepFunctions.onEnd(changed);
  return async () => {
    if (changes === seen) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    await sleep(MOMENT_MS);
    seen = changes; // what comes from now on is for the next pause, also while somebody looks
  };
}
