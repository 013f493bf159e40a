import { describe, expect, it } from 'vitest';
import { asOdinError, OdinError } from '../../core/errors.ts';
import { describeThrown } from '../../core/thrown.ts';

describe('OdinError', () => {
  const cause = new TypeError('the cause');
  const error = new OdinError({
    code: 'OutOfOrder',
    source: 'user',
    what: 'Found 0002.',
    why: 'It is late.',
    next: 'Rename it.',
    cause,
  });

  it('has its code as its name, so that Lambda and Step Functions report it as the type', () => {
    expect(error.name).toBe('OutOfOrder');
    expect(error.code).toBe('OutOfOrder');
    expect(String(error)).toBe('OutOfOrder: Found 0002. It is late. Rename it.');
    expect(error).toBeInstanceOf(Error);
  });

  it('keeps its parts, its source and its cause', () => {
    expect(error).toMatchObject({
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

describe('describeThrown', () => {
  const circular: Record<string, unknown> = {};
  circular['self'] = circular;

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
  ])('%s', (thrown, expected) => {
    expect(describeThrown(thrown)).toBe(expected);
  });

  it('says nothing secret', () => {
    expect(describeThrown(new Error('login with password=hunter2 failed'))).toBe(
      'Error: login with password=*** failed',
    );
    expect(describeThrown({ token: 'abc123' })).toBe('{"token":"***"}');
  });
});
