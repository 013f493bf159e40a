// What other processes of this machine are doing.
import { execFileSync } from 'node:child_process';

/** One that has ended, and that nobody has asked for its exit code, is `gone` too. */
export function stateOf(pid: number): 'runs' | 'frozen' | 'gone' {
  try {
    const state = execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return state === '' || state.startsWith('Z') ? 'gone' : state.startsWith('T') ? 'frozen' : 'runs';
  } catch {
    return 'gone'; // ps finds nothing
  }
}
