// Who writes to a ledger on this machine without a function: nobody else does then.
import { randomUUID } from 'node:crypto';
import type { LogWriter } from '../core/ledger/log.ts';
import { VERSION } from '../core/names/version.ts';

export const localWriter = (name: string): LogWriter => ({
  function: name,
  requestId: 'local',
  version: VERSION,
  now: () => Date.now(),
  nonce: () => randomUUID(),
});
