// The custom resource behind `runOnDeploy`: what it starts, and what CloudFormation hears of it.
import { beforeEach, describe, expect, it } from 'vitest';
import type { CustomResourceEvent } from '../../lambdas/shared/custom-resource.ts';
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
  });

  it('does not fail the deployment when it cannot start a run: the output and the operators say so', async () => {
    world.executions.failures.push(...Array.from({ length: 20 }, () => refusal('AccessDeniedException')));
    await call('Create');
    expect(answers).toEqual([success('WARNING: no run was started: AccessDeniedException: not yours')]);
    expect(world.published).toMatchObject([
      {
        subject: 'odin-migrate odin-dev: deployed, and no run was started',
        message: expect.stringContaining(
          'In a project that has odin-migrate installed, start it with:\n  npx --no-install odin-migrate run odin-dev',
        ) as string,
      },
    ]);
  });

  it('has time left for the answer when it gives up', async () => {
    world.executions.failures.push(...Array.from({ length: 20 }, () => refusal('AccessDeniedException')));
    const began = world.clock.now();
    await call('Create');
    expect(world.clock.now() - began).toBeLessThanOrEqual(70_000);
    expect(world.clock.now() - began).toBeGreaterThanOrEqual(50_000);
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
