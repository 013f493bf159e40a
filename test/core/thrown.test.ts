// Whatever was thrown, in words: each part of it that may be missing, of another type, or there twice.
import { describe, expect, it } from 'vitest';
import { describeThrown, isError, linksOf, messageOf, nameOf, partOf } from '../../core/thrown.ts';

const labelsOf = (thrown: unknown) => linksOf(thrown).map(({ label }) => label);
const bare = (stack: unknown, more: object = {}): object => ({ stack, ...more });

describe('an error', () => {
  it('is known by its parts, or by its kind', () => {
    const kind = Object.defineProperty({}, Symbol.toStringTag, { value: 'Error' });
    for (const error of [
      new Error('m'),
      { name: 'E', message: '' },
      { name: 'E', $metadata: {} },
      { stack: 'at x' },
      Object.setPrototypeOf(new Error('m'), null) as object,
    ]) {
      expect(isError(error)).toBe(true);
    }
    expect(isError(kind)).toBe(true);
  });

  it('is nothing else', () => {
    for (const other of [
      ...[undefined, null, 'Error: m', 7, () => 1, {}, [], { name: 'E' }, { message: 'm' }, { name: 1, message: 'm' }],
      ...[{ name: 'E', message: 1 }, { name: 'E', $metadata: null }, { name: 'E', $metadata: 'x' }, { $metadata: {} }],
      ...[{ stack: 7 }, Object.assign(() => 1, { message: 'm' })],
    ]) {
      expect(isError(other)).toBe(false);
    }
  });

  it('has no part that its getter does not give', () => {
    const error = {
      get message(): string {
        throw new Error('a getter');
      },
    };
    expect(partOf(error, 'message')).toBeUndefined();
    expect(partOf({ message: 'm' }, 'message')).toBe('m');
  });
});

describe('the name of an error', () => {
  it.each([
    [{ name: 'E' }, 'E'],
    [{ name: 7 }, '7'],
    [{ name: '' }, 'Error'],
    [{ name: null, stack: 'RangeError: m' }, 'RangeError'],
    [bare('RangeError: m'), 'RangeError'],
    [bare('RangeError'), 'RangeError'],
    [bare('NoSuchKeyException: m'), 'NoSuchKeyException'],
    [bare('_My.$Own2Error: m'), '_My.$Own2Error'],
    [bare('$AError: m'), '$AError'],
    [bare('2Error: m'), 'Error'],
    [bare('RangeErrors: m'), 'Error'],
    [bare('a RangeError: m'), 'Error'],
    [bare('at x\nRangeError: m'), 'Error'],
    [bare('My-Error: m'), 'Error'],
    [bare('Range: m'), 'Error'],
    [bare(['RangeError: m']), 'Error'],
    [{}, 'Error'],
  ])('%j is %s', (error, name) => {
    expect(nameOf(error)).toBe(name);
  });
});

describe('the message of an error', () => {
  const metadata = { httpStatusCode: 403, requestId: 'R1' };

  it.each<[object, string]>([
    [{ message: 'm' }, 'm'],
    [{ message: 7 }, '7'],
    [{}, ''],
    [{ message: 'm', code: 'E_NO' }, 'm (E_NO)'],
    [{ message: 'E_NO: m', code: 'E_NO' }, 'E_NO: m'],
    [{ name: 'E_NO', message: 'm', code: 'E_NO' }, 'm'],
    [{ message: 'm', code: '' }, 'm'],
    [{ message: 'm', code: 42 }, 'm'],
    [{ code: 42 }, 'code 42'],
    [{ code: 'E_NO' }, 'E_NO'],
    [{ code: null }, ''],
    [{ code: 42, $metadata: metadata }, 'HTTP 403'],
    [{ code: 'E_NO', $metadata: metadata }, 'E_NO, HTTP 403'],
    [{ message: 'm', $metadata: metadata }, 'm (HTTP 403)'],
    [{ message: 'm', code: 'E_NO', $metadata: metadata }, 'm (E_NO, HTTP 403)'],
    [{ message: 'm', $metadata: {} }, 'm'],
    [{ message: 'm', $metadata: null }, 'm'],
    [{ message: 'm', $metadata: 'x' }, 'm'],
    [{ message: 'm', $metadata: { httpStatusCode: '403' } }, 'm'],
    [{ message: 'm', $metadata: {}, BucketName: 'b', Key: 'k', Resource: '/r' }, 'm (bucket b, key k, resource /r)'],
    [{ message: 'm', $metadata: {}, BucketName: '', Key: 7 }, 'm'],
    [{ message: 'm', BucketName: 'b' }, 'm'],
  ])('%j is %j', (error, message) => {
    expect(messageOf(error)).toBe(message);
  });

  it('has what was asked in place of what AWS says of it', () => {
    const asked: string[] = [];
    const askedOf = (answer: string | undefined) => (requestId: string) => {
      asked.push(requestId);
      return answer;
    };
    const error = { message: 'm', $metadata: metadata, Key: 'k' };
    expect(messageOf(error, askedOf('GET /k'))).toBe('m (HTTP 403, GET /k)');
    expect(messageOf(error, askedOf(''))).toBe('m (HTTP 403)');
    expect(messageOf(error, askedOf(undefined))).toBe('m (HTTP 403, key k)');
    expect(messageOf({ message: 'm', $metadata: { requestId: 7 } }, askedOf('GET /'))).toBe('m (GET /)');
    expect(asked).toEqual(['R1', 'R1', 'R1', '']);
    expect(messageOf({ message: 'm', $metadata: null }, askedOf('GET /'))).toBe('m');
  });
});

describe('what an error was caused by', () => {
  it('is told once, the outermost first, ten in all', () => {
    const cause = new Error('c');
    expect(describeThrown(new AggregateError([cause, 'text'], 'all', { cause }))).toBe(
      'AggregateError: all; 1 of 2: Error: c; 2 of 2: text',
    );
    const many = Array.from({ length: 20 }, (_, index) => index);
    expect(labelsOf(new AggregateError(many, 'all'))).toEqual([
      '',
      ...many.slice(0, 9).map((index) => `${index + 1} of 20: `),
    ]);
    expect(labelsOf(new AggregateError(['a', 'a', 'b'], 'all'))).toHaveLength(4);
  });

  it('is nothing where there is none, and no list is no list of errors', () => {
    for (const cause of [undefined, null, '']) expect(labelsOf({ name: 'E', message: 'm', cause })).toEqual(['']);
    expect(labelsOf({ name: 'E', message: 'm', errors: 'abc' })).toEqual(['']);
    expect(labelsOf({ errors: ['a'], cause: 'b' })).toEqual(['']);
    const { proxy, revoke } = Proxy.revocable([], {});
    revoke();
    expect(labelsOf({ name: 'E', message: 'm', errors: proxy })).toEqual(['']);
    expect(labelsOf({ name: 'E', message: 'm', cause: 0 })).toEqual(['', 'caused by ']);
    expect(labelsOf({ name: 'E', message: 'm', error: 'a', suppressed: 'b' })).toEqual(['']);
  });

  it('is both of a SuppressedError', () => {
    const suppressed = { name: 'SuppressedError', message: 'm', error: 'a', suppressed: 'b' };
    expect(describeThrown(suppressed)).toBe('SuppressedError: m; thrown last: a; thrown before: b');
  });
});

it.each<[unknown, string]>([
  [Object.create(null), '{}'],
  [Object.create({ constructor: 5 }), '{}'],
  [{ a: { b: new Error('within') } }, '{"a":{"b":"Error: within"}}'],
  [new WeakSet(), 'WeakSet {}'],
  [new URLSearchParams('a=1'), 'a=1'],
  [true, 'true'],
])('%#: what is no error is described as far as it can be', (thrown, text) => {
  expect(describeThrown(thrown)).toBe(text);
});
