// The folder of a local environment belongs to one process at a time.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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

  writeFileSync(path.join(directory, 'process'), '999999999'); // somebody who is gone
  const embedded = await startEmbedded({ ...options, fill: () => Promise.resolve('') });
  await embedded.close();
  expect(existsSync(kept)).toBe(false);
});
