// Every function against any JSON that somebody may send it: it answers, or fails with an error that names what is wrong;
// what it refuses leaves no trace in the ledger, nor does anything that fails.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SYSTEM_FUNCTIONS } from '../../core/names/names.ts';
import {
  AT,
  createHaltedWorld,
  EXECUTION,
  expectServed,
  FUNCTIONS,
  HALT,
  NAMES,
  outcomeOf,
  payloadFor,
} from '../support/deployed.ts';
import { HOSTILE_TEXT, nested } from '../support/hostile.ts';
import { createWorld } from '../support/services.ts';
import { thrownBy } from '../support/thrown.ts';

beforeEach(() => {
  for (const stream of [process.stdout, process.stderr]) vi.spyOn(stream, 'write').mockImplementation(() => true);
});
afterEach(() => {
  vi.restoreAllMocks();
});

it('each function that is deployed is here', () => {
  expect(new Set(NAMES)).toEqual(new Set([...SYSTEM_FUNCTIONS, 'run-migration']));
});

describe.each(NAMES)('%s', (name) => {
  const { handler, good, alsoGood } = FUNCTIONS[name];

  it('takes the payloads that are meant for it', async () => {
    for (const payload of alsoGood ? [good, alsoGood] : [good]) {
      const { error } = await outcomeOf(handler(await createHaltedWorld())(payload));
      // Some of them come too early for this ledger; none is misunderstood.
      expect(error?.code).not.toBe('BadPayload');
    }
  });

  it('answers any other one, or says what is wrong with it; what fails writes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(payloadFor(name), (payload) => expectServed(name, payload)),
      { numRuns: 120 },
    );
  });
});

it.each<[keyof typeof FUNCTIONS, object, string]>([
  [
    'list-pending',
    { ask: 'next', execution: EXECUTION, input: { allowOutOfOrder: 'true' } },
    'input.allowOutOfOrder: ',
  ],
  ['list-pending', { ask: 'next', execution: EXECUTION, input: { allowoutoforder: true } }, 'input: '],
  ['list-pending', { ask: 'next' }, 'execution: '],
  ['list-pending', {}, "ask: Invalid discriminator value. Expected 'manifest' | 'next'"],
  ['list-pending', { ask: 'next', execution: EXECUTION, input: { [HOSTILE_TEXT.repeat(2_000)]: 1 } }, 'input: '],
  [
    'watch-halts',
    {
      'detail-type': 'Step Functions Execution Status Change',
      detail: { executionArn: HOSTILE_TEXT.repeat(2_000), status: 'FAILED' },
    },
    'detail.executionArn: ',
  ],
  ['run-migration', { ask: 'decide' }, "ask: Invalid discriminator value. Expected 'preview' | 'run'"],
  ['run-migration', { ask: 'run', execution: EXECUTION, ...AT, turn: 0, slice: 1 }, 'turn: '],
  ['run-migration', { ask: 'preview', ...AT }, 'Unrecognized keys: "attempt", "turn"'],
  ['resume', { ask: 'decide', decision: 'retry', by: 'her', halt: { migration: '0002', attempt: 1 } }, 'halt: '],
  ['resume', { decision: 'retry', by: 'her' }, 'ask: '],
  ['baseline', { ask: 'baseline', through: '0002', by: 'her', reason: ' ' }, 'reason: expected a reason'],
  ['dashboard', { decide: { decision: 'retry' } }, 'decide.halt: '],
  ['dashboard', { decide: { decision: 'retry', halt: HALT, attempt: 1 } }, 'decide: Unrecognized key: "attempt"'],
  ['start-run', { RequestType: 'Create' }, 'ResponseURL: '],
])('%s: %.100j is told by the name of its field', async (name, payload, said) => {
  const error = await thrownBy(FUNCTIONS[name].handler(createWorld())(payload));
  expect(error).toMatchObject({ code: 'BadPayload', source: 'user' });
  expect(error.what).toContain(said);
});

it.each(NAMES)('%s: a payload of 50,000 levels is refused, or not looked into', async (name) => {
  const deep: unknown = JSON.parse(nested(50_000));
  const { handler, good, alsoGood = good } = FUNCTIONS[name];
  const deepIn = (of: object) => Object.keys(of).map((field) => ({ ...of, [field]: deep }));
  for (const payload of [deep, ...deepIn(good), ...deepIn(alsoGood)]) {
    const world = await createHaltedWorld();
    const { error } = await outcomeOf(handler(world)(payload));
    if (error) expect(error.code).toBe('BadPayload');
    else expect(['dashboard', 'watch-halts', 'halt']).toContain(name);
  }
});

it('what an operator says is well formed when it is recorded, and when Step Functions hears of it', async () => {
  const world = await createHaltedWorld();
  await FUNCTIONS.resume.handler(world)({ ask: 'decide', decision: 'abort', by: 'h\ud800er', reason: 'w\udc00hy' });
  expect(await world.ledger.log.entry(HALT + 1)).toMatchObject({ by: 'h\ufffder', reason: 'w\ufffdhy' });
  expect(world.executions.sent).toMatchObject([{ answer: { error: 'Aborted' } }]);
  expect(JSON.stringify(world.executions.sent)).not.toMatch(/\\u[d-f]/i);
});
