import { describe, expect, it, vi } from 'vitest';
import { failureOf, isSlowDown } from '../../authoring/objects/failures.ts';
import { isPassing } from '../../authoring/objects/retries.ts';
import { asOdinError, isOdinError, OdinError } from '../../core/errors.ts';
import { errorSummary } from '../../core/ledger/summaries.ts';
import { describeThrown } from '../../core/thrown.ts';
import { inLambdasWords } from '../../lambdas/run-migration/user-code/read-only.ts';

describe('OdinError', () => {
  const cause = new TypeError('the cause');
  const made = () =>
    new OdinError({
      code: 'OutOfOrder',
      source: 'user',
      what: 'Found 0002.',
      why: 'It is late.',
      next: 'Rename it.',
      cause,
    });

  it('has its code as its name, so that Lambda and Step Functions report it as the type', () => {
    const error = made();
    expect(error.name).toBe('OutOfOrder');
    expect(error.code).toBe('OutOfOrder');
    expect(String(error)).toBe('OutOfOrder: Found 0002. It is late. Rename it.');
    expect(error).toBeInstanceOf(Error);
  });

  it('keeps its parts, its source and its cause', () => {
    expect(made()).toMatchObject({
      source: 'user',
      what: 'Found 0002.',
      why: 'It is late.',
      next: 'Rename it.',
      cause,
    });
  });

  it('leaves out what is not there', () => {
    const short = new OdinError({ code: 'Internal', source: 'system', what: 'What.', next: 'Next.' });
    expect(short.message).toBe('What. Next.');
    expect(short.why).toBeUndefined();
    expect('cause' in short).toBe(false);
  });
});

it('is told from a proxy that was revoked, and from errors of others', () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  for (const other of [proxy, new Error('m'), undefined, 'text']) expect(isOdinError(other)).toBe(false);
  expect(isOdinError(new OdinError({ code: 'Internal', source: 'system', what: 'What.' }))).toBe(true);
});

describe('asOdinError', () => {
  it('gives an OdinError back as it is', () => {
    const error = new OdinError({ code: 'BadPayload', source: 'user', what: 'What.' });
    expect(asOdinError(error)).toBe(error);
  });

  it.each([
    [new RangeError('too much'), 'RangeError: too much'],
    ['text', 'text'],
    [undefined, 'undefined'],
    [null, 'null'],
    [{ a: 1 }, '{"a":1}'],
  ])('makes an Internal error of anything else (%s), which is its cause', (thrown, what) => {
    const error = asOdinError(thrown);
    expect(error).toMatchObject({ code: 'Internal', source: 'system', what });
    expect(error.cause).toBe(thrown);
  });
});

describe('of an error with a name', () => {
  it('no stack is read to know whether it passes, since each is made when it is read', () => {
    const stack = vi.fn(() => 'NotFound: nothing is there');
    const error = Object.defineProperty(new Error('nothing is there'), 'stack', { get: stack });
    error.name = 'NotFound';
    expect(isPassing(error)).toBe(false);
    expect(describeThrown(error)).toBe('NotFound: nothing is there');
    expect(stack).not.toHaveBeenCalled();
  });
});

describe('describeThrown', () => {
  const circular: Record<string, unknown> = {};
  circular['self'] = circular;
  const getter = (part: string): Error =>
    Object.defineProperty(new Error('message'), part, {
      get: () => {
        throw new Error('a getter');
      },
    });

  it.each([
    [new Error('message'), 'Error: message'],
    [new Error(''), 'Error'],
    [new SyntaxError(), 'SyntaxError'],
    ['', ''],
    [0, '0'],
    [10n, '10'],
    [Symbol('s'), 'Symbol(s)'],
    [() => 1, '() => 1'],
    [[1, 'two'], '[1,"two"]'],
    [circular, '[object Object]'],
    [Number.NaN, 'NaN'],
    [['a', new TypeError('within')], '["a","TypeError: within"]'],
    [{ error: new Error('within'), n: 1 }, '{"error":"Error: within","n":1}'],
    [new Map([['a', 1]]), 'Map {}'],
    [new Response(), 'Response {}'],
    [/x/, '/x/'],
    [{}, '{}'],
    [Object.assign(new Error(''), { code: 42 }), 'Error: code 42'],
    [new Error('outer', { cause: '' }), 'Error: outer'],
    [Object.assign(new Error('of AWS'), { $metadata: null }), 'Error: of AWS'],
    [Object.assign(new Error(''), { message: Symbol('s') }), 'Error: Symbol(s)'],
    [{ name: 'SlowDown', $metadata: { httpStatusCode: 503 } }, 'SlowDown: HTTP 503'],
    [getter('name'), 'Error: message'],
    [getter('message'), 'Error'],
    [getter('stack'), 'Error: message'],
    [getter('code'), 'Error: message'],
    [getter('cause'), 'Error: message'],
    [getter('errors'), 'Error: message'],
    [getter('$metadata'), 'Error: message'],
  ])('%#', (thrown, expected) => {
    expect(describeThrown(thrown)).toBe(expected);
    expect(errorSummary(thrown).message).toBe(
      expected.replace(/^[A-Z]\w*Error: |^Error$|^Error: |^SyntaxError$|^SlowDown: /, ''),
    );
  });

  it('says so where there is nothing to read any more', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(describeThrown(proxy)).toBe('something that cannot be described');
    expect(asOdinError(proxy)).toMatchObject({ code: 'Internal', what: 'something that cannot be described' });
    expect([isPassing(proxy), isSlowDown(proxy), inLambdasWords(proxy) === proxy]).toEqual([false, false, true]);
    expect(failureOf('a', proxy)).toEqual({ key: 'a', reason: 'something that cannot be described', slowed: false });
    expect(errorSummary(proxy)).toEqual({ name: 'Error', message: 'something that cannot be described' });
  });

  it('tells the rest of an error of which a part cannot be read', () => {
    const { proxy, revoke } = Proxy.revocable([], {});
    revoke();
    for (const part of ['errors', 'cause', '$metadata', 'code', 'name']) {
      const error = Object.assign(new Error('message'), { [part]: proxy });
      expect(describeThrown(error), part).toContain('message');
      expect(errorSummary(error).message, part).toContain('message');
      expect([isPassing(error), isSlowDown(error), inLambdasWords(error) === error], part).toEqual([
        false,
        false,
        true,
      ]);
    }
    for (const part of ['code', 'cause', '$metadata', 'errors']) {
      const error = getter(part);
      expect([isPassing(error), isSlowDown(error), inLambdasWords(error) === error], part).toEqual([
        false,
        false,
        true,
      ]);
    }
    const aws = Object.defineProperty({ name: 'NoSuchKey', message: 'm', $metadata: { httpStatusCode: 404 } }, 'Key', {
      get: () => {
        throw new Error('a getter');
      },
    });
    expect(describeThrown(aws)).toBe('NoSuchKey: m (HTTP 404)');
  });

  it('of an error that was caused by itself ends', () => {
    const error: Error & { cause?: unknown } = new Error('round');
    error.cause = new Error('about', { cause: error });
    expect(isSlowDown(error)).toBe(false);
    expect(describeThrown(error)).toBe('Error: round; caused by Error: about');
  });

  it('says nothing secret', () => {
    expect(describeThrown(new Error('login with password=hunter2 failed'))).toBe(
      'Error: login with password=*** failed',
    );
    expect(describeThrown({ token: 'abc123' })).toBe('{"token":"***"}');
  });
});
