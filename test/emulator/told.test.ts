// What a team is told of code that went on, and of files that are not what was run under their numbers, after a real `cdk deploy`.
import { rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stackName } from '../../core/names/names.ts';
import type { TemporaryProject } from '../support/project.ts';
import type { Team, TeamAtWork } from './team.ts';
import { startTeam } from './team.ts';

const STACK = stackName({ app: 'shop', environment: 'odin-dev' });
const fileOf = (id: string) => `migrations/odin-dev/${id}.ts`;

const LEAVES_A_TIMER = `export async function migration(): Promise<void> {
  setInterval(() => undefined, 60_000);
}
`;
const PLAIN = `export async function migration(): Promise<void> {
  console.log('plain');
}
`;
/** By its source no generator. Slow enough for somebody who types a command, and stopped at a checkpoint long before its end. */
const WRAPPED = `import { setTimeout as sleep } from 'node:timers/promises';
async function* steps(): AsyncGenerator<{ cursor: number; done: number; total: number }> {
  for (let cursor = 1; cursor <= 300; cursor += 1) {
    await sleep(500);
    yield { cursor, done: cursor, total: 300 };
  }
}
export const migration = () => steps();
`;
/** The server that it asks never answers: a quick answer would come before the end. */
const NOT_AWAITED = `import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
export async function migration(): Promise<void> {
  const silent = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const endpoint = 'http://127.0.0.1:' + String((silent.address() as AddressInfo).port);
  void new S3Client({ endpoint, forcePathStyle: true }).send(new PutObjectCommand({ Bucket: 'shop-orders', Key: 'half', Body: 'done' }));
}
`;

describe('a team', () => {
  let atWork: TeamAtWork;
  let project: TemporaryProject;
  let team: Team;

  beforeAll(async () => {
    const files = [LEAVES_A_TIMER, PLAIN, WRAPPED, NOT_AWAITED];
    atWork = await startTeam(Object.fromEntries(files.map((text, index) => [fileOf(`000${index + 1}`), text])));
    ({ project, team } = atWork);
    await team.deploy(STACK);
  });
  afterAll(() => atWork.close());

  it('sees what a migration had begun and not awaited, in the run and in the status', async () => {
    await team.odin('run', 'odin-dev');
    await until(/^0003 .*running \d/m);
    const { text } = await team.odin('status', 'odin-dev');
    expect(text).toMatch(/^0001: it was over, and what it had begun was not: 1 timer\./m);
  });

  it('cancels a checkpointed migration that its source does not show as one', async () => {
    const cancelled = await team.odin('cancel', 'odin-dev', '--reason', 'too slow');
    expect(cancelled).toMatchObject({ code: 0 });
    await until(/^0003 .*halted \d/m);
    const skipped = await team.odin('resume', 'odin-dev', 'skip', '--reason', 'not needed', '--wait');
    // The next one halts: its only request had no answer.
    expect(skipped).toMatchObject({ code: 2, text: expect.stringMatching(/0004[^]*NotAwaited/) as string });
    const rest = await team.odin('resume', 'odin-dev', 'skip', '--reason', 'not needed', '--wait');
    expect(rest).toMatchObject({ code: 0 });
  });

  it('is refused a completed text under another number, and told of a changed file', async () => {
    rmSync(path.join(project.directory, fileOf('0002')));
    project.write(fileOf('0005'), `// The same work.\n${PLAIN}`);
    project.write(fileOf('0001'), LEAVES_A_TIMER.replace('60_000', '90_000'));
    await team.deploy(STACK);
    const refused = await team.odin('run', 'odin-dev', '--wait');
    expect(refused).toMatchObject({ code: 3, text: expect.stringMatching(/Renumbered[^]*0005/) as string });

    const again = await team.odin('run', 'odin-dev', '--wait', '--allow-renumbered', '0005');
    expect(again).toMatchObject({ code: 0, text: expect.stringContaining('Done: 1 applied.') as string });
    const changed = `${fileOf('0001')}: another text was completed under 0001, and this one does not run.`;
    expect(again.text).toContain(changed);
    expect((await team.odin('run', 'odin-dev', '--wait')).text).toContain(changed);
    expect((await team.odin('run', 'odin-dev', '--wait', '--accept-changed', '0001')).text).not.toContain(changed);
  });

  it('gets a number that the deployed ledger does not know, though the file of its last one is gone', async () => {
    rmSync(path.join(project.directory, fileOf('0005')));
    const { code, text } = await team.odin('new', 'odin-dev');
    expect(code).toBe(0);
    expect(text).toContain(fileOf('0006'));
    expect(text).toMatch(/0006 is above every number of: .*deployed ledger/);
  });

  /** The status, as soon as it says that. */
  async function until(wanted: RegExp): Promise<void> {
    for (;;) {
      const { text } = await team.odin('status', 'odin-dev');
      if (wanted.test(text)) return;
      expect(text).toMatch(/^odin-dev {2}/m);
    }
  }
});
