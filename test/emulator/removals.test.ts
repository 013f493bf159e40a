// What a deployment may not take away, on the emulator with a real `cdk deploy`: the function of an open halt, and all of them.
import { GetFunctionCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrationFunctionName, stackName } from '../../core/names/names.ts';
import type { Team, TeamAtWork } from './team.ts';
import { startTeam } from './team.ts';

const OF = { app: 'shop', environment: 'odin-dev' };
const STACK = stackName(OF);
const WORKS = 'export async function migration(): Promise<void> {}\n';
const FAILS = "export async function migration(): Promise<void> {\n  throw new Error('not yet');\n}\n";

describe('a deployment that takes functions away', () => {
  let atWork: TeamAtWork;
  let team: Team;
  let lambda: LambdaClient;

  beforeAll(async () => {
    atWork = await startTeam({
      '.gitignore': 'node_modules\ncdk.out\n.odin-migrate\n',
      'odin-migrate.json': JSON.stringify({ app: 'shop', environments: { 'odin-dev': {} } }),
      [fileOf('0001')]: WORKS,
      [fileOf('0002')]: FAILS,
    });
    ({ team } = atWork);
    lambda = new LambdaClient(team.options);
    await team.deploy(STACK);
    expect((await team.odin('run', 'odin-dev', '--wait')).code).toBe(2);
  });
  afterAll(() => atWork.close());

  const fileOf = (id: string) => `migrations/odin-dev/${id}.ts`;
  const remove = (id: string) => {
    rmSync(path.join(atWork.project.directory, fileOf(id)));
  };
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args], {
      cwd: atWork.project.directory,
    });

  const isThere = (id: string): Promise<boolean> =>
    lambda.send(new GetFunctionCommand({ FunctionName: migrationFunctionName(OF, id) })).then(
      () => true,
      () => false,
    );

  it('is refused while one of them is halted, as check says before, and nothing has changed', async () => {
    remove('0002');
    const checked = await team.odin('check', 'odin-dev', '--deployed');
    expect(checked.code).toBe(1);
    expect(checked.text).toContain('0002 is halted (attempt 1), and its file is not here: to deploy like this');
    await expect(team.deploy(STACK)).rejects.toThrow(
      /0002 is halted \(attempt 1\)[^]*deploy with -c allow-removed=0002/,
    );
    expect(await isThere('0002')).toBe(true);
    const status = await team.odin('status', 'odin-dev');
    expect(status.code).toBe(2);
    expect(status.text).toContain('1 of 2 completed');
  });

  it('is refused when it takes all of them, for an empty folder', async () => {
    remove('0001');
    await expect(team.deploy(STACK)).rejects.toThrow(/every function of odin-dev that is deployed/);
    expect([await isThere('0001'), await isThere('0002')]).toEqual([true, true]);
    atWork.project.write(fileOf('0001'), WORKS);
  });

  it('goes on when that is said twice', async () => {
    expect((await team.odin('check', 'odin-dev', '--deployed', '--allow-removed', '0002')).code).toBe(0);
    await team.deployWith({ 'allow-removed': '0002' }, STACK);
    expect([await isThere('0001'), await isThere('0002')]).toEqual([true, false]);
    const skipped = await team.odin('resume', 'odin-dev', 'skip', '--reason', 'not needed', '--yes', '--wait');
    expect(skipped).toMatchObject({ code: 0, text: expect.stringContaining('1 skipped') as string });
  });

  it('takes all of them in one step when they are completed and pruned', async () => {
    git('init', '--quiet');
    git('add', '--all');
    git('commit', '--quiet', '--message', 'one');
    expect((await team.odin('prune', 'odin-dev', '--yes')).text).toContain('gets 2 lines: 0001, 0002');
    await team.deploy(STACK);
    expect(await isThere('0001')).toBe(false);
    expect((await team.odin('status', 'odin-dev')).text).toContain('2 of 2 completed');
    expect((await team.odin('run', 'odin-dev', '--wait')).text).toContain('nothing was pending');
  });
});
