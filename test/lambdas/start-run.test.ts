// The custom resource behind `runOnDeploy`: what it starts, and what CloudFormation hears of it.
import { beforeEach, describe, expect, it } from 'vitest';
import { threadId } from '../../core/contract/chat.ts';
import { CustomResourceEvent } from '../../lambdas/shared/custom-resource.ts';
import { createStartRun } from '../../lambdas/start-run/start-run.ts';
import { executionArn } from '../support/fake-executions.ts';
import { ledgerBefore } from '../support/ledger.ts';
import type { World } from '../support/services.ts';
import { createWorld, invocation } from '../support/services.ts';

const IDENTITY = { StackId: 'stack', LogicalResourceId: 'RunOnDeploy' };
let world: World;
let answers: { url: string; body: unknown }[];
let answerFailure: Error | undefined;
beforeEach(() => {
  world = createWorld();
  answers = [];
  answerFailure = undefined;
});

const call = (RequestType: CustomResourceEvent['RequestType'], RequestId = 'request-1') =>
  createStartRun(
    world.services,
    (url, body) => {
      if (answerFailure) return Promise.reject(answerFailure);
      answers.push({ url, body: JSON.parse(body) as unknown });
      return Promise.resolve();
    },
    (ms) => {
      world.clock.advance(ms);
      return Promise.resolve();
    },
  )(
    { ...IDENTITY, RequestId, RequestType, ResponseURL: 'https://answer.example' },
    invocation(world, { minutes: 1.5 }),
  );

const success = (Outcome: string, RequestId = 'request-1') => ({
  url: 'https://answer.example',
  body: { ...IDENTITY, RequestId, PhysicalResourceId: 'run-on-deploy', Status: 'SUCCESS', Data: { Outcome } },
});

const refusal = (name: string): Error => Object.assign(new Error('not yours'), { name });

describe('start-run', () => {
  it.each(['Create', 'Update'] as const)('starts a run at %s, and answers at once', async (type) => {
    await call(type);
    expect(world.executions.started).toEqual([{ name: 'deploy-request-1', input: {} }]);
    expect(answers).toEqual([success(`Started: ${executionArn('deploy-request-1')}`)]);
    expect(await world.executions.isAlive(executionArn('deploy-request-1'))).toBe(true);
  });

  it('starts no second run when CloudFormation asks again, and one for each deployment that asks', async () => {
    await call('Create');
    await call('Create');
    expect(world.executions.started).toHaveLength(1);
    expect(answers.at(-1)).toEqual(success(`Started: ${executionArn('deploy-request-1')}`));
    expect(world.logs.map(({ message }) => message)).toEqual([
      `Started: ${executionArn('deploy-request-1')}`,
      `Was started before: ${executionArn('deploy-request-1')}`,
    ]);
    await call('Update', 'request-2');
    expect(world.executions.started).toHaveLength(2);
  });

  it('starts and stops nothing when the setting is taken back', async () => {
    const running = world.executions.run('deploy-1');
    await call('Delete');
    expect(world.executions.started).toEqual([]);
    expect(await world.executions.isAlive(running)).toBe(true);
    expect(answers).toEqual([success('Nothing was started or stopped.')]);
  });

  it('starts none beside a halt in which an execution waits: that would be refused, and wake whoever deploys the fix', async () => {
    const waiting = await halted();
    await call('Update');
    expect(world.executions.started).toEqual([]);
    expect(answers).toEqual([
      success(`No run was started: migration 0001 is halted in ${waiting}, which goes on when somebody decides.`),
    ]);
    expect(world.published).toEqual([]);
    expect(world.logs).toEqual([
      { level: 'info', message: 'Not started: 0001 is halted', fields: { halt: 2, execution: waiting } },
    ]);
  });

  it('starts one when the execution that was halted has ended: nobody waits any more', async () => {
    world.executions.stop(await halted());
    await call('Update');
    expect(world.executions.started).toHaveLength(1);
  });

  it('waits for permissions that are seconds old', async () => {
    world.executions.failures.push(refusal('AccessDeniedException'), refusal('ThrottlingException'));
    await call('Create');
    expect(answers).toEqual([success(`Started: ${executionArn('deploy-request-1')}`)]);
    expect(world.published).toEqual([]);
    const warned = { level: 'warn', message: 'To start the run failed' };
    expect(world.logs).toMatchObject([
      { ...warned, fields: { cause: { name: 'AccessDeniedException' } } },
      { ...warned, fields: { cause: { name: 'ThrottlingException' } } },
      { level: 'info' },
    ]);
  });

  it('does not fail the deployment when it cannot start a run: the output and the operators say so', async () => {
    world.executions.failures.push(...Array.from({ length: 20 }, () => refusal('AccessDeniedException')));
    await call('Create');
    expect(answers).toEqual([success('WARNING: no run was started: AccessDeniedException: not yours')]);
    const subject = 'odin-migrate odin-dev: deployed, and no run was started';
    const command = 'npx --no-install odin-migrate run odin-dev';
    expect(world.published).toEqual([
      {
        subject,
        message: `odin-dev is deployed. The run that the deployment was to start could not be started; what is pending stays pending.

Error:         AccessDeniedException: not yours
In a project that has odin-migrate installed, start it with:
  ${command}
`,
        chat: {
          version: '1.0',
          source: 'custom',
          content: {
            textType: 'client-markdown',
            title: 'odin-dev: deployed, and no run was started',
            description: 'Error: `AccessDeniedException: not yours`\nWhat is pending stays pending.',
            nextSteps: [`In a project that has odin-migrate installed, start it with: \`${command}\``],
            keywords: ['odin-migrate', 'odin-dev', 'not started'],
          },
          metadata: {
            threadId: threadId('odin-dev', ''),
            summary: subject,
            eventType: 'Run Not Started',
            relatedResources: [],
            additionalContext: { environment: 'odin-dev' },
          },
        },
      },
    ]);
    expect(world.logs.at(-1)).toMatchObject({
      level: 'error',
      message: 'No run was started',
      fields: { cause: { name: 'AccessDeniedException' } },
    });
  });

  it('says no more of that than the output of a stack may hold', async () => {
    world.executions.failures.push(...Array.from({ length: 20 }, () => new Error('no '.repeat(5_000))));
    await call('Create');
    const [{ body } = { body: {} }] = answers;
    expect((body as { Data: { Outcome: string } }).Data.Outcome).toHaveLength(1_000);
  });

  it('has time left for the answer when it gives up', async () => {
    world.executions.failures.push(...Array.from({ length: 20 }, () => refusal('AccessDeniedException')));
    const began = world.clock.now();
    await call('Create');
    expect(world.clock.now() - began).toBe(70_000); // of 90 s
  });

  it('fails when CloudFormation does not take the answer: Lambda calls again, and no second run starts', async () => {
    answerFailure = new Error('HTTP 503');
    await expect(call('Create')).rejects.toThrow('HTTP 503');
    answerFailure = undefined;
    await call('Create');
    expect(world.executions.started).toHaveLength(1);
    expect(answers).toHaveLength(1);
  });
});

/** @returns the ARN of the execution that waits in the halt of 0001 */
async function halted(): Promise<string> {
  const ledger = ledgerBefore(world);
  const execution = world.executions.run('halted');
  const turn = await ledger.allow('0001', { execution });
  await ledger.wait(await ledger.halt(turn), execution, world.executions.wait(execution));
  return execution;
}

describe('what CloudFormation sends', () => {
  const sent = { ...IDENTITY, RequestId: 'request-1', ResponseURL: 'https://answer.example/?signed' };

  it.each(['Create', 'Update', 'Delete'])('is read, with whatever else is in it: %s', (RequestType) => {
    const event = { ...sent, RequestType };
    expect(CustomResourceEvent.parse({ ...event, ResourceProperties: { Version: '1' } })).toEqual(event);
  });

  it.each(['RequestType', 'ResponseURL', 'StackId', 'RequestId', 'LogicalResourceId'])('has to have %s', (name) => {
    expect(CustomResourceEvent.safeParse({ ...sent, RequestType: 'Create', [name]: undefined }).success).toBe(false);
  });
});
