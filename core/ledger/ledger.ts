// The ledger of an environment: its log, and the store where that is, with the keys beside it.
import type { LedgerLog } from './log.ts';
import type { Store } from './store.ts';

export interface Ledger {
  log: LedgerLog;
  /** Of turns, checkpoints, waiters and copies, beside the log. */
  store: Store;
}
