// `baseline` asks before it records what cannot be undone, and says what.
import { beforeEach, expect, it, vi } from 'vitest';
import type { BaselineOptions } from '../../cli/commands/baseline.ts';
import { baseline } from '../../cli/commands/baseline.ts';
import { thrownBy } from '../support/thrown.ts';

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
  openEnvironment: () => Promise.resolve({ deployment: {}, [Symbol.asyncDispose]: () => Promise.resolve() }),
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

it.each<[Omit<BaselineOptions, 'reason'>, string, string]>([
  [{ through: '0012' }, '0012', 'every migration of odin-dev through 0012'],
  [{ pruned: true }, 'pruned', 'what completed.json names of odin-dev'],
])('asks, and records when the answer is yes: %j', async (options, through, what) => {
  expect(await type({ ...options, yes: true })).toEqual({ code: 0, printed: 'Recorded as baseline: 0001 to 0012.\n' });
  expect(asked).toEqual([[`Record ${what} as done elsewhere? This cannot be undone.`, true]]);
  expect(sent).toEqual([{ ask: 'baseline', through, reason: 'ran before', by: 'arn:her' }]);
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
