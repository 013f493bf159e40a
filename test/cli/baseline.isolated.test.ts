// `baseline` asks before it records what cannot be undone, and says what.
import { beforeEach, expect, it, vi } from 'vitest';
import type { BaselineOptions } from '../../cli/commands/baseline.ts';
import { baseline } from '../../cli/commands/baseline.ts';
import type { LedgerBefore } from '../support/ledger.ts';
import { ledgerBefore } from '../support/ledger.ts';
import type { World } from '../support/services.ts';
import { createWorld, manifestOf } from '../support/services.ts';
import { thrownBy } from '../support/thrown.ts';

let world: World;
let before: LedgerBefore;
const manifest = { ...manifestOf('0002', '0011', '0012', '0013'), pruned: ['0000', '0001'] };

let answer: boolean;
let asked: [question: string, said: boolean | undefined][];
let sent: object[];

vi.mock('../../cli/terminal/questions.ts', async (original) => ({
  ...(await original<object>()),
  agreed: (question: string, said: boolean | undefined) => {
    asked.push([question, said]);
    return Promise.resolve(answer);
  },
}));
vi.mock('../../client/environment.ts', async (original) => ({
  ...(await original<object>()),
  openEnvironment: () =>
    Promise.resolve({
      deployment: {},
      manifest,
      ledger: world.ledger,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
}));
vi.mock('../../client/deployment.ts', async (original) => ({
  ...(await original<object>()),
  operatorOf: () => Promise.resolve('arn:her'),
  sendBaseline: (_: unknown, payload: object) => {
    sent.push(payload);
    return Promise.resolve({ message: 'Recorded as baseline: 0001 to 0012.' });
  },
}));

beforeEach(() => {
  world = createWorld();
  before = ledgerBefore(world);
  answer = true;
  asked = [];
  sent = [];
});

async function type(options: Omit<BaselineOptions, 'reason'>) {
  const printed: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
  const typed = baseline({}, 'odin-dev', { ...options, reason: 'ran before' }, {});
  const code = await typed.finally(() => {
    write.mockRestore();
  });
  return { code, printed: printed.join('') };
}

it.each<[Omit<BaselineOptions, 'reason'>, string, string[]]>([
  [{ through: '0012' }, '0012', ['0000', '0001', '0002', '0011', '0012']],
  [{ pruned: true }, 'pruned', ['0000', '0001']],
])('names what it would record, and says so of that and nothing else: %j', async (options, through, shown) => {
  await before.complete('0001', 'baseline');
  expect(await type({ ...options, yes: true })).toEqual({ code: 0, printed: 'Recorded as baseline: 0001 to 0012.\n' });
  const pending = shown.filter((id) => id !== '0001').join(', ');
  expect(asked).toEqual([[`Record ${pending} of odin-dev as done elsewhere? This cannot be undone.`, true]]);
  expect(sent).toEqual([{ ask: 'baseline', through, shown, reason: 'ran before', by: 'arn:her' }]);
});

it('asks nothing where there is nothing to record', async () => {
  await before.complete(['0000', '0001'], 'baseline');
  expect((await type({ pruned: true })).code).toBe(0);
  expect(asked).toEqual([]);
  expect(sent).toHaveLength(1); // which says what was completed before
});

it('asks nothing about a number that is not deployed', async () => {
  expect((await thrownBy(type({ through: '0010' }))).message).toContain('If everything up to 0002 is meant');
  expect([asked, sent]).toEqual([[], []]);
});

it('records nothing when the answer is no', async () => {
  answer = false;
  expect(await type({ through: '0012' })).toEqual({ code: 0, printed: 'Nothing was recorded.\n' });
  expect(asked.map(([, said]) => said)).toEqual([undefined]);
  expect(sent).toEqual([]);
});

it.each<Omit<BaselineOptions, 'reason'>>([
  {},
  { through: '0012', pruned: true },
  { through: '0012', from: 's3://bucket/prefix/' },
  { from: 's3://bucket/prefix/', pruned: true },
])('asks nothing when it is not said, or said twice, how far: %j', async (options) => {
  expect((await thrownBy(type(options))).message).toContain('Expected one of --through 0012');
  expect([asked, sent]).toEqual([[], []]);
});

it('asks nothing about what is no migration', async () => {
  expect((await thrownBy(type({ through: '12' }))).message).toContain("Expected a migration's four digits");
  expect([asked, sent]).toEqual([[], []]);
});
