// An environment is taken down while a run waits for a decision, and deployed again with its ledger; and what a failed first deployment
// leaves is not in the way of the next one. On the emulator, with a real `cdk deploy`.
import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { CreateBucketCommand, GetBucketPolicyCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { DescribeExecutionCommand, ListExecutionsCommand, SFNClient } from '@aws-sdk/client-sfn';
import { DeleteParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parameterName, resourcePrefix, stackName } from '../../core/names/names.ts';
import { account, region } from './ministack.ts';
import type { Team, TeamAtWork } from './team.ts';
import { bucketOf, startTeam } from './team.ts';

const OF = { app: 'shop', environment: 'odin-dev' };
const STACK = stackName(OF);
const EFFECTS = 'shop-effects';
const FILE = 'migrations/odin-dev/0002.ts';

/** Leaves an object of its own whenever it runs. */
const LEAVES = `import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
export const permissions = [{ Effect: 'Allow', Action: 's3:PutObject', Resource: 'arn:aws:s3:::${EFFECTS}/*' }];
export async function migration(): Promise<void> {
  await new S3Client({}).send(new PutObjectCommand({ Bucket: '${EFFECTS}', Key: \`0001/\${crypto.randomUUID()}\`, Body: '' }));
}
`;
const FAILS = "export async function migration(): Promise<void> {\n  throw new Error('not yet');\n}\n";
const WORKS = 'export async function migration(): Promise<void> {}\n';

describe('an environment that is taken down', () => {
  let atWork: TeamAtWork;
  let team: Team;
  let ssm: SSMClient;
  let sfn: SFNClient;
  let ledger: string;

  beforeAll(async () => {
    atWork = await startTeam({ 'migrations/odin-dev/0001.ts': LEAVES, [FILE]: FAILS });
    ({ team } = atWork);
    ssm = new SSMClient(team.options);
    sfn = new SFNClient(team.options);
    const CreateBucketConfiguration = { LocationConstraint: region } as const;
    await team.s3.send(new CreateBucketCommand({ Bucket: EFFECTS, CreateBucketConfiguration }));
  });
  afterAll(() => atWork.close());

  const statusOfStack = () =>
    team.cloudFormation.send(new DescribeStacksCommand({ StackName: STACK })).then(
      ({ Stacks: [stack] = [] }) => stack?.StackStatus,
      () => undefined,
    );

  it('after a first deployment that failed: it is told what is in the way, and the next one goes through', async () => {
    const Name = parameterName(OF, 'ledger'); // made after the bucket that it names
    await ssm.send(new PutParameterCommand({ Name, Value: 'of somebody else', Type: 'String' }));
    await expect(team.deploy(STACK)).rejects.toThrow(/already exists/i);
    await ssm.send(new DeleteParameterCommand({ Name }));
    expect(await statusOfStack()).toBe('ROLLBACK_COMPLETE');

    for (const command of [['status'], ['check', '--deployed'], ['doctor', '--ledger'], ['adopt', '--yes']]) {
      const [verb = '', ...options] = command;
      const told = await team.odin(verb, 'odin-dev', ...options);
      expect(told.text, verb).toContain('npx --no-install odin-migrate destroy odin-dev');
      expect(told.code, verb).not.toBe(0);
    }
    const removed = await team.odin('destroy', 'odin-dev', '--yes');
    expect(removed).toMatchObject({ code: 0, text: expect.stringContaining('It is deleted. Deploy again.') as string });
    await team.deploy(STACK);
    expect((await team.odin('run', 'odin-dev', '--wait')).code).toBe(2);
    ledger = await bucketOf(team, STACK, 'Ledger');
  });

  it('is not, when nobody can be asked', async () => {
    const refused = await team.odin('destroy', 'odin-dev');
    expect(refused).toMatchObject({ code: 1, text: expect.stringContaining('Say --yes') as string });
    expect(refused.text).toContain('1 run that has not ended');
    expect((await team.odin('status', 'odin-dev')).code).toBe(2);
  });

  it('stops the halted run, deletes the stack, and keeps the ledger and its policy', async () => {
    const stateMachineArn = `arn:aws:states:${region}:${account}:stateMachine:${resourcePrefix(OF)}`;
    const { executions = [] } = await sfn.send(new ListExecutionsCommand({ stateMachineArn, statusFilter: 'RUNNING' }));
    expect(executions).toHaveLength(1);
    const destroyed = await team.odin('destroy', 'odin-dev', '--yes');
    expect(destroyed.code).toBe(0);
    const { executionArn } = executions[0]!;
    expect((await sfn.send(new DescribeExecutionCommand({ executionArn }))).status).toBe('ABORTED');
    expect(destroyed.text).toContain(`Kept: the ledger ${ledger}`);
    expect(destroyed.text).toContain('npx --no-install odin-migrate adopt odin-dev');
    expect(await statusOfStack()).toBeUndefined();
    const { Policy = '' } = await team.s3.send(new GetBucketPolicyCommand({ Bucket: ledger }));
    expect(Policy).toContain('NothingIsDeleted');
  });

  it('is deployed again with that ledger: what was halted is halted, and nothing runs twice', async () => {
    expect((await team.odin('adopt', 'odin-dev', '--yes')).code).toBe(0);
    const stack = { existingLedgerBucketName: ledger };
    atWork.project.write('odin-migrate.json', JSON.stringify({ app: 'shop', environments: { 'odin-dev': { stack } } }));
    atWork.project.write(FILE, WORKS);
    await team.deploy(STACK);
    expect((await team.odin('status', 'odin-dev')).code).toBe(2);
    const retried = await team.odin('resume', 'odin-dev', 'retry', '--yes', '--wait');
    expect(retried).toMatchObject({ code: 0, text: expect.stringContaining('1 applied') as string });
    expect((await team.odin('status', 'odin-dev')).text).toContain('2 of 2 completed');
    const { KeyCount } = await team.s3.send(new ListObjectsV2Command({ Bucket: EFFECTS, Prefix: '0001/' }));
    expect(KeyCount).toBe(1);
  });

  it('may be taken down with nothing open, and then a second time there is nothing', async () => {
    const destroyed = await team.odin('destroy', 'odin-dev', '--yes');
    expect(destroyed).toMatchObject({ code: 0, text: expect.stringContaining('is destroyed') as string });
    const again = await team.odin('destroy', 'odin-dev', '--yes');
    expect(again).toMatchObject({ code: 1, text: expect.stringContaining('is not deployed') as string });
  });
});
