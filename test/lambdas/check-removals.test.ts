// The custom resource that is made before a deployment changes what runs: what it refuses, and what CloudFormation hears of it.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Manifest } from '../../core/contract/manifest.ts';
import { createCheckRemovals, RemovalsEvent } from '../../lambdas/check-removals/check-removals.ts';
import { putAnswer } from '../../lambdas/shared/custom-resource.ts';
import { ledgerBefore } from '../support/ledger.ts';
import type { World } from '../support/services.ts';
import { createWorld, invocation, manifestOf } from '../support/services.ts';
import { thrownBy } from '../support/thrown.ts';

const IDENTITY = { StackId: 'stack', RequestId: 'request-1', LogicalResourceId: 'Removals1234' };
const PASSED = { ...IDENTITY, PhysicalResourceId: 'check-removals', Status: 'SUCCESS' };

let world: World;
/** What the function that is deployed answers, in turn; the last one again and again. */
let deployed: (Manifest | undefined | Error)[];
let asked: number;
let answers: unknown[];
beforeEach(() => {
  world = createWorld();
  deployed = [manifestOf('0001', '0002')];
  asked = 0;
  answers = [];
});

function call(manifest: Manifest, more: Partial<RemovalsEvent> = {}): Promise<void> {
  return createCheckRemovals(world.services, manifest, {
    askDeployed: () => {
      const answer = deployed[Math.min(asked++, deployed.length - 1)];
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
    answer: (_, body) => {
      answers.push(JSON.parse(body));
      return Promise.resolve();
    },
    pause: (ms) => {
      world.clock.advance(ms);
      return Promise.resolve();
    },
  })(
    { ...IDENTITY, RequestType: 'Create', ResponseURL: 'https://answer.example', ...more },
    invocation(world, { minutes: 1.5 }),
  );
}

async function halt(): Promise<void> {
  const ledger = ledgerBefore(world);
  await ledger.halt(await ledger.allow('0002'));
}

const refusal = (Reason: string) => [
  { ...PASSED, Status: 'FAILED', Reason: expect.stringContaining(Reason) as string },
];

describe('check-removals', () => {
  it('lets a deployment pass that removes nothing, without a look at the ledger', async () => {
    await call(manifestOf('0001', '0002', '0003'));
    expect(answers).toEqual([PASSED]);
    expect(world.store.calls).toEqual([]);
  });

  it('refuses one that removes the function of an open halt, and says how it is said twice', async () => {
    await halt();
    await call(manifestOf('0001'));
    expect(answers).toEqual(refusal('0002 is halted (attempt 1)'));
    expect(answers).toEqual(refusal('deploy with -c allow-removed=0002'));
    const [{ Reason = '' } = {}] = answers as { Reason?: string }[];
    expect(Reason).toMatch(/^[^\n]+\. [^\n]+$/);
    expect(world.logs).toEqual([{ level: 'error', message: 'The deployment is refused', fields: { reason: Reason } }]);
    answers = [];
    await call(manifestOf('0001'), { ResourceProperties: { AllowRemoved: ['0002'] } });
    expect(answers).toEqual([PASSED]);
  });

  it('says no more than CloudFormation takes, whatever went wrong', async () => {
    world.store.inner.list = () => Promise.reject(new Error('no '.repeat(5_000)));
    await call(manifestOf('0001'));
    const [{ Reason = '' } = {}] = answers as { Reason?: string }[];
    expect(Reason).toContain('the functions of 0002');
    expect(Reason).toHaveLength(1_500);
  });

  it('refuses an empty folder, and lets a pruned one pass', async () => {
    const ledger = ledgerBefore(world);
    await ledger.complete(['0001', '0002'], 'baseline');
    await call(manifestOf());
    expect(answers).toEqual(refusal('every function of odin-dev'));
    answers = [];
    world.logs.length = 0;
    await call({ ...manifestOf(), pruned: ['0001', '0002'] });
    expect(answers).toEqual([PASSED]);
    expect(world.logs).toEqual([
      {
        level: 'info',
        message: 'Functions are removed that are not needed any more',
        fields: { removed: ['0001', '0002'] },
      },
    ]);
  });

  it.each(['Update', 'Delete'] as const)(
    'looks at nothing at %s: in a rollback it must not stand in the way',
    async (RequestType) => {
      await halt();
      await call(manifestOf(), { RequestType });
      expect(answers).toEqual([PASSED]);
      expect(asked).toBe(0);
    },
  );

  it('lets a first deployment pass: nothing is deployed', async () => {
    deployed = [undefined];
    await call(manifestOf());
    expect(answers).toEqual([PASSED]);
  });

  it('waits for permissions that are seconds old', async () => {
    await halt();
    deployed = [Object.assign(new Error('not yet'), { name: 'AccessDeniedException' }), manifestOf('0001', '0002')];
    await call(manifestOf('0001'));
    expect(asked).toBe(2);
    expect(answers).toEqual(refusal('0002 is halted'));
  });

  it('lets one pass when nobody says what is deployed: it may be what mends that', async () => {
    await halt();
    deployed = [new Error('broken')];
    const began = world.clock.now();
    await call(manifestOf());
    expect(answers).toEqual([PASSED]);
    expect(world.clock.now() - began).toBeLessThanOrEqual(70_000);
    expect(world.logs[0]).toMatchObject({ level: 'warn', message: 'To ask what is deployed failed' });
    expect(world.logs.at(-1)).toEqual({
      level: 'warn',
      message: 'What is deployed is not known, so what this deployment removes is not checked',
      fields: { cause: new Error('broken') },
    });
  });

  it('refuses one that removes something while the ledger cannot be read', async () => {
    world.store.before = () => Promise.reject(new Error('down'));
    await call(manifestOf('0001'));
    expect(answers).toEqual(refusal('This deployment removes the functions of 0002, and the ledger'));
    expect(world.logs[0]).toMatchObject({ level: 'warn', message: 'To read the ledger failed' });
    expect(answers).toEqual(refusal('-c allow-removed=all'));
  });

  it('says no more than CloudFormation takes', async () => {
    const many = Array.from({ length: 220 }, (_, n) => String(n + 1).padStart(4, '0'));
    deployed = [manifestOf(...many)];
    await call(manifestOf());
    expect(JSON.stringify(answers[0]).length).toBeLessThan(4000);
    expect(answers).toEqual(refusal('-c allow-removed=all'));
  });
});

it('reads what CloudFormation sends, with the ids that may be removed', () => {
  const event = { ...IDENTITY, RequestType: 'Create', ResponseURL: 'https://answer.example/' };
  const ResourceProperties = { AllowRemoved: ['0002'] };
  expect(RemovalsEvent.parse(event)).toEqual(event);
  expect(RemovalsEvent.parse({ ...event, ResourceProperties: { ...ResourceProperties, Version: '1' } })).toEqual({
    ...event,
    ResourceProperties,
  });
  expect(RemovalsEvent.safeParse({ ...event, ResourceProperties: { AllowRemoved: '0002' } }).success).toBe(false);
});

describe('the answer to CloudFormation', () => {
  it.each([
    [200, undefined],
    [403, 'CloudFormation did not take the answer: HTTP 403.'],
  ])(
    'is put without a content type, for which its URL is not signed, and a %i is an error unless it was taken',
    async (status, why) => {
      const came: unknown[] = [];
      const server = createServer((request, response) => {
        came.push([request.method, request.headers['content-type']]);
        response.writeHead(status).end();
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const put = putAnswer(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, '{}');
      if (why === undefined) await put;
      else expect(await thrownBy(put)).toMatchObject({ code: 'Internal', source: 'system', what: why });
      expect(came).toEqual([['PUT', '']]);
      server.closeAllConnections();
      server.close();
    },
  );
});
