// 200 functions in one environment, on the emulator after a real `cdk deploy`; and what becomes of them when they are pruned. All but
// ten are adopted: to run 200 there would take minutes, and shows nothing that ten do not.
import { ListFunctionsCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stackName } from '../../core/names/names.ts';
import type { TemporaryProject } from '../support/project.ts';
import type { Team, TeamAtWork } from './team.ts';
import { startTeam } from './team.ts';

const STACK = stackName({ app: 'shop', environment: 'odin-dev' });
const COUNT = 200;
const idOf = (n: number) => String(n).padStart(4, '0');
const fileOf = (id: string) => `migrations/odin-dev/${id}.ts`;

/** It asks for what migrations ask for. */
const MIGRATION = `export const permissions = [
  { Effect: 'Allow', Action: ['s3:ListBucket'], Resource: ['arn:aws:s3:::shop-orders'] },
  { Effect: 'Allow', Action: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'], Resource: ['arn:aws:s3:::shop-orders/*'] },
];
export async function migration(): Promise<void> {}
`;

describe('an environment with 200 functions', () => {
  let atWork: TeamAtWork;
  let project: TemporaryProject;
  let team: Team;

  beforeAll(async () => {
    atWork = await startTeam({
      '.gitignore': 'node_modules\ncdk.out\n.odin-migrate\n',
      ...Object.fromEntries(Array.from({ length: COUNT }, (_, n) => [fileOf(idOf(n + 1)), MIGRATION])),
    });
    ({ project, team } = atWork);
    git('init', '--quiet');
    commit();
  });
  afterAll(() => atWork.close());

  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args], { cwd: project.directory });
  const commit = () => {
    git('add', '--all');
    git('commit', '--quiet', '--message', 'one');
  };

  async function functionsOfMigrations(): Promise<string[]> {
    const lambda = new LambdaClient(team.options);
    const names: string[] = [];
    for (let Marker: string | undefined, first = true; first || Marker !== undefined; first = false) {
      const { Functions = [], NextMarker } = await lambda.send(new ListFunctionsCommand({ Marker }));
      names.push(...Functions.map(({ FunctionName = '' }) => FunctionName));
      Marker = NextMarker;
    }
    return names.filter((name) => /--\d{4}$/.test(name)).sort();
  }

  it('is deployed, and runs', async () => {
    await team.deploy(STACK);
    expect(await functionsOfMigrations()).toHaveLength(COUNT);
    const adopted = await team.odin('baseline', 'odin-dev', '--through', '0190', '--reason', 'ran elsewhere', '--yes');
    expect(adopted).toMatchObject({ code: 0, text: expect.stringContaining('and 180 more, up to 0190') as string });
    const ran = await team.odin('run', 'odin-dev', '--wait');
    expect(ran).toMatchObject({ code: 0, text: expect.stringContaining('Done: 10 applied.') as string });
  });

  it('is pruned by its ledger, and what is left is deployed without those functions', async () => {
    const pruned = await team.odin('prune', 'odin-dev', '--through', '0198', '--yes');
    expect(pruned.text).toContain('migrations/odin-dev/completed.json gets 198 lines: 0001, 0002,');
    expect(pruned).toMatchObject({ code: 0, text: expect.stringContaining('deleted: 198 files') as string });
    // The text of a completed one would be refused.
    project.write(fileOf('0201'), `export const description = 'Of the new year';\n${MIGRATION}`);
    commit();
    await team.deploy(STACK);
    expect((await functionsOfMigrations()).map((name) => name.slice(-4))).toEqual(['0199', '0200', '0201']);

    expect((await team.odin('run', 'odin-dev', '--wait')).text).toContain('Done: 1 applied.');
    const status = await team.odin('status', 'odin-dev');
    expect(status.text).toContain('201 of 201 completed');
    expect(status.text).toContain('0001 to 0198: 198 migrations completed and pruned');
    expect((await team.odin('new', 'odin-dev')).text).toContain(fileOf('0202'));
  });

  it('refuses to run when completed.json names what its ledger lacks, before an execution is started', async () => {
    rmSync(path.join(project.directory, fileOf('0202')));
    const completed = path.join(project.directory, 'migrations/odin-dev/completed.json');
    execFileSync('sed', ['-i', 's/^  "0198": "/  "0202": "applied 2026-11-02T10:11:12.123Z",\\n&/', completed]);
    await team.deploy(STACK);
    const refused = await team.odin('run', 'odin-dev', '--wait');
    expect(refused).toMatchObject({ code: 3, text: expect.stringContaining('names 0202 as completed') as string });
    expect((await team.odin('status', 'odin-dev')).text).toContain('refused: completed.json of odin-dev names 0202');
    const adopted = await team.odin('baseline', 'odin-dev', '--pruned', '--reason', 'ran elsewhere', '--yes');
    expect(adopted.text).toContain('Recorded as baseline: 0202.');
    expect((await team.odin('run', 'odin-dev', '--wait')).text).toContain('nothing was pending');
  });
});
