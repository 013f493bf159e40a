// Who writes to the ledger: said by everything that is written there.
import type { Invocation, LedgerServices } from '../../core/contract/ports.ts';
import type { LogWriter } from '../../core/ledger/log.ts';
import { VERSION } from '../../core/names/version.ts';

/** @param name of a system function, or a migration's four digits */
export const writerOf = (
  { now, nonce }: Pick<LedgerServices, 'now' | 'nonce'>,
  name: string,
  { requestId }: Pick<Invocation, 'requestId'>,
): LogWriter => ({ function: name, requestId, version: VERSION, now, nonce });
