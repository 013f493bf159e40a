// What is in the bundle of every migration's function besides the migration. Its `index.mjs` (project/bundle.ts) runs in two roles:
// as the function, and as the process that the function starts for user code. Neither loads what only the other one needs.
import { fileURLToPath } from 'node:url';
import { VARIABLES } from '../../core/names/names.ts';
import type { Practice } from './function.ts';
import type { LoadClient } from './preview/hold-back.ts';
import type { LoadMigration } from './user-code/user-module.ts';

export interface Parts {
  /** `import.meta.url` of what calls. */
  index: string;
  load: LoadMigration;
  /** The clients of the AWS SDK that the migration imports. A preview stands before each of them. */
  clients: readonly LoadClient[];
  practice?: Practice | undefined;
}

// V8's ten frames of an error in an SDK call are all the SDK's: the migration's own line, which operators look for, is below.
Error.stackTraceLimit = 100;

/** @returns the function's handler; undefined in the process of user code, where nobody invokes it */
export async function migrationHandler({ index, load, clients, practice }: Parts) {
  if (process.env[VARIABLES.userProcess] === undefined) {
    const { migrationFunction } = await import('./function.ts');
    return migrationFunction(fileURLToPath(index), practice);
  }
  const { runUserProcess } = await import('./user-code/child.ts');
  runUserProcess(load, async (allows, leftOver) => {
    const { holdBack } = await import('./preview/hold-back.ts');
    return holdBack(allows, leftOver, clients);
  });
  return undefined;
}
