// DescribeStacks of the embedded AWS, as the SDK sees it.
import { CloudFormationClient, DescribeStacksCommand, ListStacksCommand } from '@aws-sdk/client-cloudformation';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Started } from './support.ts';
import { start } from './support.ts';

let started: Started;
let cloudFormation: CloudFormationClient;

beforeAll(async () => {
  started = await start();
  const { endpoint, region, credentials } = started.aws;
  cloudFormation = new CloudFormationClient({ endpoint, region, credentials, maxAttempts: 1 });
  started.aws.stacks.deployed('One', { Name: 'a <b> & "c"' });
  started.aws.stacks.deployed('Two', {});
});
afterAll(async () => {
  cloudFormation.destroy();
  await started.stop();
});

it('answers with the outputs of one stack, by its name or its ARN', async () => {
  const { Stacks: [one] = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName: 'One' }));
  expect(one).toMatchObject({
    StackName: 'One',
    StackStatus: 'CREATE_COMPLETE',
    Outputs: [{ OutputKey: 'Name', OutputValue: 'a <b> & "c"' }],
  });
  expect(one?.CreationTime).toBeInstanceOf(Date);
  const byId = await cloudFormation.send(new DescribeStacksCommand({ StackName: one?.StackId }));
  expect(byId.Stacks?.map(({ StackName }) => StackName)).toEqual(['One']);
});

it('lists all, and says that one was updated', async () => {
  started.aws.stacks.deployed('Two', { A: 'b' });
  const { Stacks = [] } = await cloudFormation.send(new DescribeStacksCommand({}));
  expect(Stacks.map(({ StackName, StackStatus }) => [StackName, StackStatus])).toEqual([
    ['One', 'CREATE_COMPLETE'],
    ['Two', 'UPDATE_COMPLETE'],
  ]);
});

it("refuses what is not there with AWS's words, and what it does not support", async () => {
  await expect(cloudFormation.send(new DescribeStacksCommand({ StackName: 'Three' }))).rejects.toMatchObject({
    name: 'ValidationError',
    message: 'Stack with id Three does not exist',
  });
  await expect(cloudFormation.send(new ListStacksCommand({}))).rejects.toMatchObject({ name: 'InvalidAction' });
});
