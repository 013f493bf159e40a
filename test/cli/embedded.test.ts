// The folder of a local environment belongs to one process at a time.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { startEmbedded } from '../../client/embedded.ts';
import { openProject } from '../../project/project.ts';
import { PROJECT } from '../support/project.ts';
import { thrownBy } from '../support/thrown.ts';

const parent = path.join(PROJECT, '.odin-migrate', 'test');
mkdirSync(parent, { recursive: true });
const directory = mkdtempSync(path.join(parent, 'fresh-'));
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

it('--fresh takes nothing away from a process that works with it', async () => {
  const options = { project: openProject(), environment: 'sample', directory, fresh: true };
  const kept = path.join(directory, 'kept');
  writeFileSync(kept, '');
  writeFileSync(path.join(directory, 'process'), String(process.ppid)); // somebody who is alive
  const error = await thrownBy(startEmbedded(options));
  expect(error.code).toBe('BadUsage');
  expect(error.message).toContain(`sample is running locally in another process (${process.ppid})`);
  expect(existsSync(kept)).toBe(true);

  expect(error.next).toContain(path.join(directory, 'process'));

  writeFileSync(path.join(directory, 'process'), '999999999'); // somebody who is gone
  const embedded = await startEmbedded({ ...options, fill: () => Promise.resolve('') });
  await embedded.close();
  expect(existsSync(kept)).toBe(false);
});

it.each([
  ['is empty, as a full disk makes one', ''],
  ['names no process', 'x'],
  ['is of a process that was started at another time: its number is used again', `${process.ppid} 1`],
])("a lock that %s is nobody's", async (_, lock) => {
  writeFileSync(path.join(directory, 'process'), lock);
  const options = { project: openProject(), environment: 'sample', directory, fill: () => Promise.resolve('') };
  const embedded = await startEmbedded(options);
  const [pid, start] = readFileSync(path.join(directory, 'process'), 'utf8').split(' ');
  expect(pid).toBe(String(process.pid));
  expect(readFileSync(`/proc/${process.pid}/stat`, 'utf8')).toContain(` ${start} `);
  await embedded.close();
});
