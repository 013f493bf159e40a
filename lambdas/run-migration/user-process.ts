// The other side of a migration's bundle: the process that its function starts for user code. It has files of its own, and none of
// what only the function needs.
import type { LoadClient } from './preview/hold-back.ts';
import { runUserProcess } from './user-code/child.ts';
import type { LoadMigration } from './user-code/user-module.ts';

export interface Parts {
  load: LoadMigration;
  /** The clients of the AWS SDK that the migration imports. A preview stands before each of them. */
  clients: readonly LoadClient[];
}

// V8's ten frames of an error in an SDK call are all the SDK's: the migration's own line, which operators look for, is below.
Error.stackTraceLimit = 100;

export function runMigration({ load, clients }: Parts): void {
  runUserProcess(load, async (preview, leftOver) => {
    const { holdBack } = await import('./preview/hold-back.ts');
    return holdBack(preview, leftOver, clients);
  });
}
