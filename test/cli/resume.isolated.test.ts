// A decision is of the halt that was looked at: another one, which is open by the time that it arrives, is not decided by it.
import { beforeEach, expect, it, vi } from 'vitest';
import { resume } from '../../cli/commands/resume.ts';
import { EXIT } from '../../cli/terminal/exit-codes.ts';
import { OdinError } from '../../core/errors.ts';
import type { DecidePayload } from '../../core/contract/payloads.ts';
import { ledgerBefore } from '../support/ledger.ts';
import type { World } from '../support/services.ts';
import { createWorld, manifestOf } from '../support/services.ts';
import { thrownBy } from '../support/thrown.ts';

const sent: DecidePayload[] = [];
/** Those that the decision lets go on, and by which deployment they were followed. */
let executions: string[];
let followedBy: string[];

vi.mock('../../client/environment.ts', async (original) => ({
  ...(await original<object>()),
  openEnvironment: () =>
    Promise.resolve({
      deployment: { environment: 'odin-dev', local: false },
      manifest: manifestOf('0001'),
      ledger: world.ledger,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
}));
vi.mock('../../client/deployment.ts', async (original) => ({
  ...(await original<object>()),
  operatorOf: () => Promise.resolve('arn:her'),
  sendDecision: (_: unknown, payload: DecidePayload) => {
    sent.push(payload);
    return Promise.resolve({ message: 'Recorded.', executions, decision: payload.decision });
  },
  findDeployment: () => Promise.resolve({ environment: 'odin-dev', local: false, sfn: 'renewed' }),
}));
vi.mock('../../cli/terminal/run-to-end.ts', async (original) => ({
  ...(await original<object>()),
  runToEnd: ({ deployment }: { deployment: { sfn?: string } }) => {
    followedBy.push(deployment.sfn ?? 'first');
    if (deployment.sfn === 'renewed') return Promise.resolve({ exitCode: EXIT.done });
    return Promise.reject(new OdinError({ code: 'NoCredentials', source: 'user', what: 'They have expired.' }));
  },
}));

let world: World;
beforeEach(() => {
  world = createWorld();
  sent.length = 0;
  executions = [];
  followedBy = [];
});

it('names the halt that is open now, unless another one is typed', async () => {
  const before = ledgerBefore(world);
  const { number } = await before.halt(await before.allow('0001'));
  await resume({}, 'odin-dev', 'retry', { yes: true });
  await resume({}, 'odin-dev', 'retry', { yes: true, halt: number + 5 });
  expect(sent.map(({ halt }) => halt)).toEqual([number, number + 5]);
});

it('names the one that is decided, too: to say it again is not to decide on the next one', async () => {
  const before = ledgerBefore(world);
  const halted = await before.halt(await before.allow('0001'));
  await before.decide(halted, 'retry');
  await resume({}, 'odin-dev', 'retry', { yes: true });
  expect(sent.map(({ halt }) => halt)).toEqual([halted.number]);
});

it('an abort that is waited for has failed, and one that is only said is done', async () => {
  const before = ledgerBefore(world);
  await before.halt(await before.allow('0001'));
  expect(await resume({}, 'odin-dev', 'abort', { yes: true, wait: true })).toBe(EXIT.failed);
  expect(await resume({}, 'odin-dev', 'abort', { yes: true })).toBe(EXIT.done);
});

it('where nothing is halted says nothing: one that opens a moment later was not seen', async () => {
  await ledgerBefore(world).allow('0001');
  const refused = await thrownBy(resume({}, 'odin-dev', 'skip', { yes: true, reason: 'not needed' }));
  expect(refused.code).toBe('NothingHalted');
  expect(refused.what).toBe('No migration of odin-dev is halted, so there is nothing to decide.');
  expect(sent).toEqual([]);
});

it('with --wait, follows on with the credentials that are there when the first ones have expired', async () => {
  const before = ledgerBefore(world);
  await before.halt(await before.allow('0001'));
  executions = ['arn:run'];
  expect(await resume({}, 'odin-dev', 'retry', { yes: true, wait: true })).toBe(EXIT.done);
  expect(followedBy).toEqual(['first', 'renewed']);
});
