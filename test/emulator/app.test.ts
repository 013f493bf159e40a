// The life of an environment of an app: deployed by `odin-migrate synth`, found by its registration, its stack destroyed, a second
// and empty ledger refused, and begun when somebody says so. How the old one is brought back is in own-app.test.ts.
import { GetBucketTaggingCommand, PutBucketTaggingCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stackName } from '../../core/names/names.ts';
import type { Team, TeamAtWork } from './team.ts';
import { bucketOf, loseStack, startTeam } from './team.ts';

const STACK = stackName({ app: 'shop', environment: 'odin-dev' });

describe('an environment of an app', () => {
  let atWork: TeamAtWork;
  let team: Team;

  beforeAll(async () => {
    atWork = await startTeam({
      'migrations/odin-dev/0001.ts': 'export async function migration(): Promise<void> {}\n',
    });
    ({ team } = atWork);
  });
  afterAll(() => atWork.close());

  it('is deployed, and found from its project and, with --app, from anywhere', async () => {
    await team.deploy(STACK);
    const ran = await team.odin('run', 'odin-dev', '--wait');
    expect(ran.text).toContain('Done: 1 applied.');
    expect((await team.odinElsewhere('status', 'odin-dev', '--app', 'shop')).text).toContain('1 of 1 completed');
    const elsewhere = await team.odinElsewhere('status', 'odin-dev');
    expect(elsewhere.code).toBe(1);
    expect(elsewhere.text).toContain('Found there: shop/odin-dev.');
  });

  it('is not adopted while it is deployed', async () => {
    const refused = await team.odin('adopt', 'odin-dev', '--yes');
    expect(refused).toMatchObject({ code: 3, text: expect.stringContaining(`by the stack ${STACK}`) as string });
  });

  it('gets no second, empty ledger after its stack was destroyed, until somebody says so, with a reason', async () => {
    const bucket = await bucketOf(team, STACK, 'Ledger');
    await loseStack(team, { selector: STACK, stack: STACK });

    const TagSet = [{ Key: 'team', Value: 'shop' }];
    await team.s3.send(new PutBucketTaggingCommand({ Bucket: bucket, Tagging: { TagSet } }));
    const left = await team.odin('start-over', 'odin-dev', '--yes', '--reason', 'the data was thrown away');
    expect(left.code).toBe(0);
    expect(left.text).toContain(`The stack ${STACK} is left of a refused deployment.`);
    expect(left.text).toContain('begins a new ledger');
    const tagged = await team.s3.send(new GetBucketTaggingCommand({ Bucket: bucket }));
    expect(Object.fromEntries((tagged.TagSet ?? []).map(({ Key = '', Value }) => [Key, Value]))).toMatchObject({
      team: 'shop',
      'odin-migrate:left-because': 'the data was thrown away',
    });
    await team.deployAgain(STACK);
    expect((await team.odin('status', 'odin-dev')).text).toContain('0 of 1 completed');
  });
});
