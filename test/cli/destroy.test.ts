// What `destroy` stops: every execution that lives, unless code of a migration runs. The emulator has no redrive that is pending.
import { SFNClient } from '@aws-sdk/client-sfn';
import { expect, it } from 'vitest';
import type { Deployment } from '../../client/deployment.ts';
import { destroy, runningOf } from '../../client/destroy.ts';
import { ledgerBefore } from '../support/ledger.ts';
import { createWorld } from '../support/services.ts';
import { thrownBy } from '../support/thrown.ts';

const MACHINE = 'arn:aws:states:eu-west-1:111122223333:stateMachine:odin-migrate-odin-dev';

/** @param answer what ListExecutions answers to a filter and a token */
function clientOf(answer: (statusFilter: string, nextToken: string | undefined) => object): SFNClient {
  const sfn = new SFNClient({ region: 'eu-west-1' });
  sfn.middlewareStack.add(
    () => (args) => {
      const { statusFilter = '', nextToken } = args.input as { statusFilter?: string; nextToken?: string };
      return Promise.resolve({ response: {}, output: { $metadata: {}, ...answer(statusFilter, nextToken) } });
    },
    { step: 'initialize' },
  );
  return sfn;
}

it('is what runs, on every page, and what a redrive is about to begin again', async () => {
  const pages: Record<string, object> = {
    RUNNING: { executions: [{ executionArn: 'a' }], nextToken: 'more' },
    'RUNNING more': { executions: [{ executionArn: 'b' }] },
    PENDING_REDRIVE: { executions: [{ executionArn: 'c' }, { executionArn: 'b' }] },
  };
  const sfn = clientOf((filter, token) => pages[[filter, token].filter(Boolean).join(' ')] ?? {});
  expect(await runningOf({ sfn, stateMachineArn: MACHINE })).toEqual(['a', 'b', 'c']);
});

it('is nothing of a machine that is gone', async () => {
  const sfn = clientOf(() => {
    throw Object.assign(new Error('gone'), { name: 'StateMachineDoesNotExist' });
  });
  expect(await runningOf({ sfn, stateMachineArn: MACHINE })).toEqual([]);
});

it('is not done when a migration has begun while the question stood', async () => {
  const world = createWorld();
  const before = ledgerBefore(world);
  await before.claim(await before.allow('0002'));
  const sfn = clientOf(() => {
    throw new Error('nothing is to be stopped');
  });
  const deployment = { environment: 'odin-dev', ledger: world.ledger, options: {}, sfn } as unknown as Deployment;
  const shown = {
    is: 'deployed',
    stack: undefined,
    within: 'ours',
    deployment,
    running: ['a'],
    ledgerGoes: false,
  } as const;
  const refused = await thrownBy(destroy({ ...shown, running: [...shown.running] }));
  expect(refused.code).toBe('StillRunning');
  expect(refused.what).toContain('0002 of odin-dev is running');
});
