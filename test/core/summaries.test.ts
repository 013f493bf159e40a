import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ErrorSummary } from '../../core/ledger/error-records.ts';
import {
  commitsText,
  cut,
  errorSummary,
  firstSourceLine,
  keptText,
  linesOf,
  linesOfError,
  plainLine,
  shortCommit,
} from '../../core/ledger/summaries.ts';
import { describeThrown } from '../../core/thrown.ts';
import { caughtSummary } from '../../lambdas/halt/caught-summary.ts';

/** The longest JSON of a summary: 20,200 characters, six bytes each when every one of them has to be escaped. */
const MAX_BYTES = 6 * 20_200 + 100;
const bytes = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('\u0000', '\u001b[2J', '\ud800', '\udc00', '€', '\u{1F9A5}', '\n', '"', '\\') }),
  fc.nat(60_000).map((n) => '\u{1F9A5}'.repeat(n / 2)),
);
const lambdaCause = (cause: unknown) => ({ Error: 'caught', Cause: JSON.stringify(cause) });
const withStack = (error: Error, stack: string | undefined) => Object.assign(error, { stack });

describe('lines of a text', () => {
  const text = (count: number) => Array.from({ length: count }, (_, index) => `line ${index + 1}`).join('\n');

  it('are as many as there are, without those that are empty, each without what acts on a terminal', () => {
    expect(linesOf('a\r\nb\n\n  c  \rd\u2028e\u2029f\n \n', 10, 100)).toEqual(['a', 'b', '  c', 'd', 'e', 'f']);
    expect(linesOf('\u001b[31mred\u001b[0m password=hunter2', 10, 100)).toEqual(['red password=***']);
    expect(linesOf('x'.repeat(11), 10, 10)).toEqual([`${'x'.repeat(9)}…`]);
  });

  it('are the first and the last three of more, and say how many are left out', () => {
    expect(linesOf(text(6), 6, 100)).toEqual(text(6).split('\n'));
    expect(linesOf(text(7), 6, 100)).toEqual([
      ...['line 1', 'line 2', '… 2 more lines, which the ledger has …', 'line 5', 'line 6', 'line 7'],
    ]);
    expect(linesOfError({ name: 'E', message: text(20) }, 5, 100)).toEqual([
      ...['E: line 1', '… 16 more lines, which the ledger has …', 'line 18', 'line 19', 'line 20'],
    ]);
  });
});

describe('errorSummary', () => {
  it('has no line for a message that is empty, and words for a cause that is no error', () => {
    const error = withStack(new Error('', { cause: withStack(new Error('c', { cause: 'text' }), undefined) }), 'stack');
    expect(errorSummary(error)).toEqual({
      name: 'Error',
      message: 'caused by Error: c\ncaused by text',
      stack: 'stack\ncaused by Error: c\ncaused by text',
    });
  });

  it('is one also when nobody can say what was asked', () => {
    const error = { name: 'AccessDenied', message: 'no', $metadata: { httpStatusCode: 403 } };
    const askedOf = () => {
      throw new Error('of this test');
    };
    expect(errorSummary(error, askedOf)).toEqual({
      name: 'Error',
      message: 'something that cannot be described was thrown',
    });
  });

  it('keeps the name, the message and the stack of an error', () => {
    const error = withStack(new RangeError('too much'), 'RangeError: too much\n    at migration (x.ts:1:2)');
    expect(errorSummary(error)).toEqual({
      name: 'RangeError',
      message: 'too much',
      stack: 'RangeError: too much\n    at migration (x.ts:1:2)',
    });
  });

  it('keeps the stacks of the causes too, five in all', () => {
    let error = withStack(new Error('cause 0'), 'stack 0');
    for (let n = 1; n < 8; n += 1) error = withStack(new Error(`cause ${n}`, { cause: error }), `stack ${n}`);
    expect(errorSummary(error).stack).toBe(
      'stack 7\ncaused by stack 6\ncaused by stack 5\ncaused by stack 4\ncaused by stack 3',
    );
  });

  it('names each error once, also of a circle', () => {
    const error = withStack(new Error('mine'), 'stack');
    error.cause = withStack(new Error('other', { cause: error }), 'other stack');
    expect(errorSummary(error)).toEqual({
      name: 'Error',
      message: 'mine\ncaused by Error: other',
      stack: 'stack\ncaused by other stack',
    });
  });

  it('knows an error by its shape: of another realm, without its prototype, as plain data', () => {
    const foreign: unknown = runInNewContext("new TypeError('of another realm')");
    expect(foreign).not.toBeInstanceOf(Error);
    expect(errorSummary(foreign)).toMatchObject({ name: 'TypeError', message: 'of another realm' });
    const bare: unknown = Object.setPrototypeOf(withStack(new Error('bare'), 'RangeError: bare\n    at x'), null);
    expect(errorSummary(bare)).toMatchObject({ name: 'RangeError', message: 'bare' });
    expect(errorSummary({ name: 'Remote', message: 'sent', details: 1 })).toEqual({ name: 'Remote', message: 'sent' });
  });

  it('says the code where it has no words, or other words', () => {
    expect(errorSummary(Object.assign(new Error(''), { code: 'ECONNREFUSED' })).message).toBe('ECONNREFUSED');
    expect(errorSummary(Object.assign(new Error('no'), { code: 'E_NO' })).message).toBe('no (E_NO)');
    expect(errorSummary(Object.assign(new Error('ENOENT: gone'), { code: 'ENOENT' })).message).toBe('ENOENT: gone');
  });

  it('says what it was caused by, and what it gathers', () => {
    const cause = new AggregateError([new TypeError('one'), 'two'], '');
    expect(errorSummary(new Error('could not delete', { cause })).message).toBe(
      'could not delete\ncaused by AggregateError\n1 of 2: TypeError: one\n2 of 2: two',
    );
    const gathered = Array.from({ length: 1_000 }, (_, n) => new Error(`${n}`));
    expect(errorSummary(new AggregateError(gathered, 'all')).message.split('\n')).toHaveLength(10);
    const suppressed = {
      name: 'SuppressedError',
      message: 'x',
      error: new Error('last'),
      suppressed: new Error('first'),
    };
    expect(errorSummary(suppressed).message).toBe('x\nthrown last: Error: last\nthrown before: Error: first');
  });

  it('has room for the causes of an error of many words', () => {
    const error = new Error('m'.repeat(10_000), { cause: new Error('c'.repeat(10_000)) });
    const { message } = errorSummary(error);
    expect(message.length).toBeLessThanOrEqual(4_000);
    expect(message).toMatch(/^m+…\ncaused by Error: c+…$/);
  });

  it('says of an error of AWS what was answered, and what was asked', () => {
    const denied = {
      name: 'AccessDenied',
      message: 'Access Denied',
      $metadata: { httpStatusCode: 403, requestId: 'R1' },
    };
    expect(errorSummary(denied).message).toBe('Access Denied (HTTP 403)');
    const asked = (id: string) => (id === 'R1' ? 'DELETE https://bucket.s3.amazonaws.com/a key' : undefined);
    expect(errorSummary(new Error('no', { cause: denied }), asked).message).toBe(
      'no\ncaused by AccessDenied: Access Denied (HTTP 403, DELETE https://bucket.s3.amazonaws.com/a key)',
    );
    const gone = { ...denied, name: 'NoSuchKey', message: 'It is gone.', Key: 'a/b', BucketName: 'bucket' };
    expect(describeThrown(gone)).toBe('NoSuchKey: It is gone. (HTTP 403, bucket bucket, key a/b)');
  });

  it('says something of an error without a name, a message or a stack', () => {
    const error = withStack(new Error(''), undefined);
    error.name = '';
    expect(errorSummary(error)).toEqual({ name: 'Error', message: '' });
  });

  it.each([
    ['text', 'text'],
    [undefined, 'undefined'],
    [null, 'null'],
    [{ code: 7 }, '{"code":7}'],
    [10n, '10'],
  ])('takes what is no error (%s) as a message', (thrown, message) => {
    expect(errorSummary(thrown)).toEqual({ name: 'Error', message });
  });

  it('bounds a stack and a message of 5 MB, and keeps their beginnings', () => {
    const error = withStack(new Error(`message ${'m'.repeat(5_000_000)}`), `stack ${'\u{1F9A5}'.repeat(2_500_000)}`);
    error.name = 'n'.repeat(5_000_000);
    const summary = errorSummary(error);
    expect([summary.name.length, summary.message.length, summary.stack?.length]).toEqual([200, 4_000, 16_000]);
    expect(summary.message).toMatch(/^message m+…$/);
    expect(summary.stack).toMatch(/^stack \u{1F9A5}+\ufffd?…$/u);
    expect(errorSummary('x'.repeat(5_000_000)).message).toHaveLength(4_000);
  });

  it('is bounded, well formed and a valid record, whatever the texts are', () => {
    fc.assert(
      fc.property(anyText, anyText, anyText, anyText, (name, message, stack, causes) => {
        const error = withStack(new Error(message, { cause: withStack(new Error('c'), causes) }), stack);
        error.name = name;
        const summary = errorSummary(error);
        expect(ErrorSummary.parse(JSON.parse(JSON.stringify(summary)))).toEqual(summary);
        for (const text of [summary.name, summary.message, summary.stack ?? '']) expect(text.isWellFormed()).toBe(true);
        expect(bytes(summary)).toBeLessThan(MAX_BYTES);
      }),
    );
  });

  it('is a valid record for any plain value that is thrown', () => {
    fc.assert(
      fc.property(fc.anything({ maxDepth: 2, key: fc.stringMatching(/^k\d$/) }), (thrown) => {
        const summary = errorSummary(thrown);
        expect(ErrorSummary.parse(summary)).toEqual(summary);
      }),
    );
  });
});

it('a commit is shortened, and still says that not all was committed', () => {
  expect(shortCommit('347f0f0dc3a1b2c3d4e5f60718293a4b5c6d7e8f')).toBe('347f0f0dc3');
  expect(shortCommit('347f0f0dc3a1b2c3d4e5f60718293a4b5c6d7e8f-dirty')).toBe('347f0f0dc3-dirty');
  expect(shortCommit('commit-1')).toBe('commit-1');
  expect(shortCommit('x347f0f0dc3a1b2c3')).toBe('x347f0f0dc3a1b2c3');
});

it('the commits of a halt are those that are known, the same one once', () => {
  const [began, deployed] = ['a'.repeat(40), 'b'.repeat(40)];
  expect(commitsText({ began, deployed })).toBe('began with commit aaaaaaaaaa, and bbbbbbbbbb is deployed');
  expect(commitsText({ began, deployed: began })).toBe('began with commit aaaaaaaaaa');
  expect(commitsText({ began })).toBe('began with commit aaaaaaaaaa');
  expect(commitsText({ deployed })).toBe('began with an unknown commit, and bbbbbbbbbb is deployed');
  expect([commitsText({}), commitsText()]).toEqual([undefined, undefined]);
});

describe('caughtSummary', () => {
  it("is Lambda's own error, when the cause is its JSON", () => {
    const trace = ['TypeError: no', '    at migration (/var/task/migrations/odin-dev/0004.ts:12:9)'];
    expect(caughtSummary(lambdaCause({ errorType: 'TypeError', errorMessage: 'no', trace }))).toEqual({
      name: 'TypeError',
      message: 'no',
      stack: trace.join('\n'),
    });
    expect(caughtSummary(lambdaCause({ errorType: 'E', errorMessage: 'm', trace: 'one text' })).stack).toBe('one text');
  });

  it('falls back to what Step Functions says, field by field', () => {
    expect(caughtSummary(lambdaCause({ errorMessage: 'only this' }))).toEqual({ name: 'caught', message: 'only this' });
    expect(caughtSummary({ Error: 'States.Timeout', Cause: 'plain text' })).toEqual({
      name: 'States.Timeout',
      message: 'plain text',
    });
    expect(caughtSummary({ Error: 'States.Timeout' })).toEqual({
      name: 'States.Timeout',
      message: 'no cause was given',
    });
    expect(caughtSummary({})).toEqual({ name: 'Error', message: 'no cause was given' });
  });

  it.each(['null', '7', '"text"', '[]', '{"errorType":7}', '{"trace":{}}', '{'])(
    'shows a cause as it is when it is not an error of Lambda: %s',
    (Cause) => {
      const { message } = caughtSummary({ Error: 'E', Cause });
      expect(message).toBe(Cause);
    },
  );

  it('is bounded and a valid record for a cause of 5 MB, and for any text', () => {
    const large = 'x'.repeat(5_000_000);
    const summary = caughtSummary(lambdaCause({ errorType: large, errorMessage: large, trace: [large, large] }));
    expect([summary.name.length, summary.message.length, summary.stack?.length]).toEqual([200, 4_000, 16_000]);
    fc.assert(
      fc.property(fc.option(anyText, { nil: undefined }), fc.oneof(anyText, fc.json()), (error, cause) => {
        const found = caughtSummary({ Error: error, Cause: cause });
        expect(ErrorSummary.parse(JSON.parse(JSON.stringify(found)))).toEqual(found);
        expect(bytes(found)).toBeLessThan(MAX_BYTES);
      }),
    );
  });
});

describe('what is kept of an error', () => {
  const secret = 'hunter2hunter2';
  const text = `connect to postgres://app:${secret}@db:5432 refused`;

  it('has no secret: not in its name, its message, its stack and the stacks of its causes', () => {
    const cause = withStack(new Error('c'), `Error: password=${secret}\n    at a (x.ts:1:2)`);
    const error = Object.assign(new Error(text, { cause }), { name: `token=${secret}` });
    expect(JSON.stringify(errorSummary(error))).not.toContain(secret);
    expect(errorSummary(error).message).toBe('connect to postgres://app:***@db:5432 refused\ncaused by Error: c');
    expect(errorSummary(error).stack).toContain('caused by Error: password=***\n    at a (x.ts:1:2)');
    expect(errorSummary({ password: secret }).message).toBe('{"password":"***"}');
    expect(plainLine(text, 100)).toBe('connect to postgres://app:***@db:5432 refused');
  });

  it('has none when Step Functions caught it', () => {
    const error = { errorType: `pwd=${secret}`, errorMessage: text, trace: [text, `at secret=${secret}`] };
    for (const caught of [lambdaCause(error), { Error: `pwd=${secret}`, Cause: text }]) {
      expect(JSON.stringify(caughtSummary(caught))).not.toContain(secret);
    }
  });

  it('is of what is looked at, and of nothing behind it', () => {
    const key = [
      '-----BEGIN ',
      'PRIVATE KEY',
      '-----\n',
      'A'.repeat(100_000),
      '\n-----END ',
      'PRIVATE KEY',
      '----- tail',
    ];
    expect(keptText(key.join(''), 100)).toBe('***');
  });

  it('is masked before it is cut', () => {
    expect(keptText(`postgres://app:${secret}@db`, 20)).toBe('postgres://app:***@…');
    expect(keptText(`${'x'.repeat(3_990)} password=${secret}`, 4_000)).not.toContain('hunt');
  });
});

describe('cut', () => {
  it('is at most so long, well formed, and the text itself when that fits', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 1, max: 300 }), (text, length) => {
        const short = cut(text, length);
        expect(short.length).toBeLessThanOrEqual(length);
        expect(short.isWellFormed()).toBe(true);
        if (text.length <= length) expect(short).toBe(text.toWellFormed());
        else expect(short.endsWith('…')).toBe(true);
      }),
    );
  });

  it('leaves a text as it is that just fits', () => {
    expect([cut('abcd', 4), cut('abcde', 4)]).toEqual(['abcd', 'abc…']);
  });

  it('leaves no half of a pair of surrogates', () => {
    expect(cut('ab\u{1F9A5}cd', 4)).toBe('ab\ufffd…');
    expect(cut('a\ud800b', 10)).toBe('a\ufffdb');
  });
});

describe('firstSourceLine', () => {
  it.each([
    [
      'Error: x\n    at deep (/var/task/node_modules/a.js:1:1)\n    at migration (/var/task/migrations/odin-dev/0004.ts:12:9)',
      'migrations/odin-dev/0004.ts:12:9',
    ],
    ['Error: x\n    at deep (/var/task/a.js:1:1)\n    at b', 'deep (/var/task/a.js:1:1)'],
    ['Error: x\n    at deep (/var/task/lambdas/halt/halt.ts:1:1)\n    at b', 'lambdas/halt/halt.ts:1:1'],
    ['BadCheckpoint: x\n    at badCheckpoint (file:///var/task/user-process.mjs:2:31)\n    at b', ''],
    ['Error: x\n    at c (/x/migrations/odin-dev/0004.ts:12:19)', 'migrations/odin-dev/0004.ts:12:19'],
    ['Error: x\n    at c (/x/core/a.ts:12:19)', 'core/a.ts:12:19'],
    ['Error: look at x.ts:1:1\n    at b', 'b'],
    ['Error: x', ''],
    ['', ''],
  ])('of %j is %j', (stack, line) => {
    expect(firstSourceLine(stack)).toBe(line);
  });
});
