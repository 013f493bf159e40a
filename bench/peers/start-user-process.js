// Starts a process of user code as a migration's function does (lambdas/run-migration/user-code/fork.ts), with as little around
// it as can be: `start-user-process.js [OPTIONS OF NODE] MODULE`.
import { spawn } from 'node:child_process';

const child = spawn(process.execPath, process.argv.slice(2), {
  stdio: ['ignore', 'ignore', 'inherit', 'pipe', 'pipe'],
});
let said = '';
child.stdio[3].on('data', (chunk) => (said += chunk));
child.stdio[4].on('error', () => undefined); // a bare process reads nothing
child.stdio[4].write('{"type":"start"}\n');
child.on('close', (code) => {
  const played = said.includes('"finished"');
  // A bare process says nothing.
  process.exitCode = code === 0 && (said === '' || played) ? 0 : 1;
});
