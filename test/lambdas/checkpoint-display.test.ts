// What a checkpoint says for people: whatever it is, the work goes on.
import { describe, expect, it } from 'vitest';
import { YieldedCheckpoint } from '../../lambdas/run-migration/user-code/yielded.ts';
import { drive } from '../../lambdas/run-migration/user-code/drive.ts';

/** Drives a migration that yields these; what was asked for goes through the schema of the channel. */
async function driven(...yielded: object[]) {
  const asked: YieldedCheckpoint[] = [];
  const warnings: string[] = [];
  const migration = async function* () {
    for (const [at, each] of yielded.entries()) {
      const own = Object.getOwnPropertyDescriptors(each);
      yield await Promise.resolve(Object.defineProperties({ cursor: at }, own));
    }
  };
  const outcome = await drive({ migration }, undefined, {
    ask: (checkpoint) => {
      asked.push(YieldedCheckpoint.parse(JSON.parse(JSON.stringify(checkpoint))));
      return Promise.resolve('go on');
    },
    warn: (sentence) => warnings.push(sentence),
  });
  expect(outcome).toBe('finished');
  return { asked, warnings };
}

const throws = Object.defineProperty({}, 'done', {
  enumerable: true,
  get: () => {
    throw new Error('no');
  },
});

describe('what is shown of a checkpoint stops no work', () => {
  it.each<[string, object, string]>([
    ['done: 0/0', { done: 0 / 0 }, 'done of a checkpoint was left out: expected a number of 0 or more, found NaN'],
    ['done: 1/0', { done: 1 / 0 }, 'found Infinity'],
    ['a negative total', { total: -1 }, 'total of a checkpoint was left out: expected a number of 0 or more, found -1'],
    ['text as a total', { total: '7' }, 'found "7"'],
    ['null', { done: null }, 'found null'],
    ['a bigint', { done: 7n }, 'found 7'],
    ['a list', { done: [1] }, 'found a list'],
    ['a symbol', { total: Symbol('s') }, 'found Symbol(s)'],
    ['what throws', throws, 'found Symbol(what cannot be read)'],
    ['a note that is no text', { note: 42 }, 'note of a checkpoint was left out: expected text, found 42'],
    ['a note that is an object', { note: { a: 1 } }, 'found a Object'],
    ['a note that is a function', { note: () => 'x' }, 'found a function'],
  ])('%s is left out, with a warning', async (_, shown, said) => {
    const { asked, warnings } = await driven(shown);
    expect(asked).toEqual([{ cursor: 0 }]);
    expect(warnings).toEqual([expect.stringContaining(said)]);
  });

  it('a note of more than 500 characters is cut, with a warning', async () => {
    const { asked, warnings } = await driven({ note: 'x'.repeat(500) }, { note: 'x'.repeat(501) });
    expect(asked.map(({ note }) => note)).toEqual(['x'.repeat(500), `${'x'.repeat(499)}…`]);
    expect(warnings).toEqual([
      expect.stringContaining('note of a checkpoint was cut: it has 501 characters, over 500'),
    ]);
  });

  it('half of a surrogate pair in a note becomes the sign for that, also where it is cut', async () => {
    const { asked } = await driven({ note: 'a\ud800b' }, { note: `${'x'.repeat(498)}😀😀` });
    expect(asked[0]?.note).toBe('a\ufffdb');
    expect(asked[1]?.note?.isWellFormed()).toBe(true);
  });

  it('what can be shown is as it is, and 0 and -0 too', async () => {
    const { asked, warnings } = await driven({ done: 0, total: -0, note: '' }, { done: 1e300, total: 0.5, extra: 1n });
    expect(asked).toEqual([
      { cursor: 0, done: 0, total: 0, note: '' },
      { cursor: 1, done: 1e300, total: 0.5 },
    ]);
    expect(warnings).toEqual([]);
  });

  it('is warned of once for each field, and not at each checkpoint', async () => {
    const { warnings } = await driven({ done: NaN }, { done: NaN, note: 7 }, { done: NaN, note: 7 });
    expect(warnings).toHaveLength(2);
  });
});
