// The middleware of every function: what is let through to the handler, and what a function fails with.
import type { Context } from 'aws-lambda';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type * as z from 'zod';
import { OdinError } from '../../core/errors.ts';
import {
  HaltPayload,
  ListPendingPayload,
  RecordPayload,
  ResumePayload,
  RunInput,
  RunPayload,
} from '../../core/contract/payloads.ts';
import { lambdaHandler } from '../../lambdas/shared/handler.ts';
import { logLine } from '../../lambdas/run-migration/log-line.ts';
import type { OutputLine } from '../../lambdas/run-migration/user-code/output.ts';
import type { Invocation } from '../../core/contract/ports.ts';
import { pathsOf, replaceAt } from '../support/hostile.ts';
import { thrownBy } from '../support/thrown.ts';

const EXECUTION = 'arn:aws:states:eu-west-1:000000000000:execution:odin-migrate-odin-dev:me';

/** Every schema, with one payload that it takes, in full. */
const SCHEMAS: [string, z.ZodType, Record<string, unknown>][] = [
  ['ListPendingPayload', ListPendingPayload, { execution: EXECUTION, input: { allowOutOfOrder: true, Comment: 'c' } }],
  ['RunPayload', RunPayload, { execution: EXECUTION, migration: '0004', attempt: 1, slice: 2, gitCommit: null }],
  ['RecordPayload', RecordPayload, { execution: EXECUTION, migration: '0004', attempt: 1 }],
  [
    'HaltPayload',
    HaltPayload,
    {
      execution: EXECUTION,
      input: { a: 1 },
      token: 't',
      at: { migration: '0004', attempt: 1, error: { Error: 'E', Cause: '{}' } },
    },
  ],
  [
    'ResumePayload',
    ResumePayload,
    { decision: 'skip', reason: 'r', by: 'her', halt: { migration: '0004', attempt: 1 } },
  ],
];

/** The structured log: each line that the logger wrote. */
let lines: Record<string, unknown>[];

beforeEach(() => {
  lines = [];
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((line: unknown) => {
      lines.push(JSON.parse(String(line)) as Record<string, unknown>);
      return true;
    });
  }
});
afterEach(() => {
  vi.restoreAllMocks();
});

const CONTEXT = {
  awsRequestId: 'request-1',
  functionName: 'odin-migrate-odin-dev-halt',
  getRemainingTimeInMillis: () => 4_200,
} as Context;

const invoke = (schema: z.ZodType, payload: unknown, handle: (payload: unknown, of: Invocation) => Promise<unknown>) =>
  lambdaHandler(schema, handle)(payload, CONTEXT);

describe.each(SCHEMAS)('%s', (_, schema, good) => {
  it('lets its payload through as it is, with the invocation', async () => {
    const seen: unknown[] = [];
    const answer = await invoke(schema, good, (payload, invocation) => {
      seen.push(payload, invocation.requestId, invocation.functionName, invocation.remainingMs());
      return Promise.resolve('answer');
    });
    expect(answer).toBe('answer');
    expect(seen).toEqual([good, 'request-1', 'odin-migrate-odin-dev-halt', 4_200]);
  });

  /** Changes one thing about the payload, at any depth. */
  const changed = fc
    .tuple(fc.constantFrom(...pathsOf(good)), fc.oneof(fc.jsonValue(), fc.constant(undefined)))
    .map(([path, value]) => replaceAt(good, path, value));

  it('takes any other JSON or answers BadPayload before the handler is called, and never anything else', async () => {
    const outcomes = { accepted: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.jsonValue(), changed), async (payload) => {
        let handled: unknown[] = [];
        const result = await invoke(schema, payload, (parsed) => {
          handled = [parsed];
          return Promise.resolve('accepted');
        }).catch((thrown: unknown) => thrown);
        if (result === 'accepted') {
          outcomes.accepted += 1;
          expect(schema.parse(handled[0])).toEqual(handled[0]);
          return;
        }
        outcomes.refused += 1;
        expect(result).toBeInstanceOf(OdinError);
        expect(result).toMatchObject({ name: 'BadPayload', code: 'BadPayload', source: 'user' });
        expect((result as OdinError).message).toMatch(
          /^The payload of odin-migrate-odin-dev-halt is not what it expects: /,
        );
        expect(handled).toEqual([]);
      }),
      { numRuns: 150 },
    );
    expect(outcomes.refused).toBeGreaterThan(10);
  });

  it.each([undefined, null, [], '', 'text', 0, true])('refuses %j', async (payload) => {
    const error = await thrownBy(invoke(schema, payload, () => Promise.resolve()));
    expect(error.code).toBe('BadPayload');
  });

  it('names each field that is missing', async () => {
    const error = await thrownBy(invoke(schema, {}, () => Promise.resolve()));
    const required = Object.keys(good).filter((field) => !['reason', 'halt'].includes(field));
    // What a run was started with may be missing from a halt.
    for (const field of required.filter((name) => !(schema === HaltPayload && name === 'input'))) {
      expect(error.what).toContain(`${field}: `);
    }
    expect(error.next).toContain('Nothing was done');
  });
});

describe('fields that are nearly right are refused', () => {
  const OF: Record<string, [z.ZodType, object]> = {
    run: [RunPayload, SCHEMAS[1]![2]],
    resume: [ResumePayload, SCHEMAS[4]![2]],
    input: [RunInput, {}],
  };
  it.each([
    ['run', 'migration', '4'],
    ['run', 'migration', 4],
    ['run', 'migration', '0004\n'],
    ['run', 'migration', '../4'],
    ['run', 'attempt', 0],
    ['run', 'attempt', -1],
    ['run', 'attempt', 1.5],
    ['run', 'attempt', '1'],
    ['run', 'attempt', Number.MAX_VALUE],
    ['run', 'slice', 0],
    ['run', 'gitCommit', undefined],
    ['run', 'execution', ''],
    ['run', 'execution', 'x'.repeat(2_049)],
    ['resume', 'decision', 'Retry'],
    ['resume', 'decision', 'constructor'],
    ['resume', 'by', ''],
    ['resume', 'by', 'x'.repeat(513)],
    ['resume', 'reason', 'x'.repeat(4_001)],
    ['resume', 'halt', { migration: '0004' }],
    ['resume', 'force', true],
    ['input', 'allowOutOfOrder', 'true'],
    ['input', 'allowoutoforder', true],
    ['input', 'dryRun', true],
  ])('%s: %s %j', async (of, field, value) => {
    const [schema, payload] = OF[of]!;
    let handled = false;
    const error = await thrownBy(
      invoke(schema, { ...payload, [field]: value }, () => {
        handled = true;
        return Promise.resolve();
      }),
    );
    expect(error.code).toBe('BadPayload');
    expect(error.what).toContain(field);
    expect(handled).toBe(false);
  });

  it('and at most five of them are named', async () => {
    const bad = { decision: 1, reason: 1, by: 1, halt: { migration: 1, attempt: 'x', more: 1 }, other: 1 };
    const error = await thrownBy(invoke(ResumePayload, bad, () => Promise.resolve()));
    expect(error.what.split('; ')).toHaveLength(5);
  });
});

describe('what a handler throws', () => {
  const failing = (thrown: unknown) =>
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- anything may be thrown
    thrownBy(invoke(RecordPayload, SCHEMAS[2]![2], () => Promise.reject(thrown)));

  it('is what the function fails with, when it has a code', async () => {
    const error = new OdinError({ code: 'NothingToRecord', source: 'system', what: 'What.', next: 'Next.' });
    expect(await failing(error)).toBe(error);
    expect(lines.at(-1)).toMatchObject({
      level: 'ERROR',
      message: 'What. Next.',
      code: 'NothingToRecord',
      source: 'system',
      execution: EXECUTION,
      migration: '0004',
      attempt: 1,
    });
  });

  it.each([
    [new TypeError('x is not a function'), 'TypeError: x is not a function'],
    ['text', 'text'],
    [{ code: 'ECONNRESET' }, '{"code":"ECONNRESET"}'],
  ])('is Internal when it has none: %s', async (thrown, what) => {
    const error = await failing(thrown);
    expect(error).toMatchObject({ name: 'Internal', code: 'Internal', source: 'system', what });
    expect(error.cause).toBe(thrown);
    expect(lines.at(-1)).toMatchObject({ level: 'ERROR', code: 'Internal' });
  });

  it('is Internal too when the handler throws before it is asynchronous', async () => {
    const error = await thrownBy(
      invoke(RecordPayload, SCHEMAS[2]![2], () => {
        throw new RangeError('at once');
      }),
    );
    expect(error).toMatchObject({ code: 'Internal', what: 'RangeError: at once' });
  });
});

describe('the log', () => {
  it('names execution, migration and attempt on the lines of a halt, whose payload has them deeper', async () => {
    const payload = SCHEMAS[3]![2];
    await thrownBy(invoke(HaltPayload, payload, () => Promise.reject(new Error('x'))));
    expect(lines.at(-1)).toMatchObject({ execution: EXECUTION, migration: '0004', attempt: 1 });
  });

  it('never has a task token', async () => {
    const payload = { ...SCHEMAS[3]![2], token: 'SECRET-TOKEN', at: 'not an object' };
    await thrownBy(invoke(HaltPayload, payload, () => Promise.resolve()));
    expect(lines.length).toBeGreaterThan(0);
    expect(JSON.stringify(lines)).not.toContain('SECRET-TOKEN');
  });

  it('forgets what an earlier invocation in the same process was about', async () => {
    await thrownBy(invoke(RecordPayload, SCHEMAS[2]![2], () => Promise.reject(new Error('x'))));
    await thrownBy(invoke(RecordPayload, {}, () => Promise.resolve()));
    expect(lines.at(-1)).not.toHaveProperty('migration');
    expect(lines.at(-1)).not.toHaveProperty('execution');
  });

  describe('of what user code prints', () => {
    const printed = (line: OutputLine) =>
      invoke(RecordPayload, SCHEMAS[2]![2], () => {
        logLine(line, 'migration');
        return Promise.resolve();
      });
    const WHOSE = { from: 'migration', migration: '0004', attempt: 1, function_request_id: 'request-1' };

    it.each(['info', 'warn', 'error'] as const)(
      'has its lines with their level, and whose they are: %s',
      async (level) => {
        await printed({ level, text: 'moved 7 files\nof 9' });
        expect(lines).toMatchObject([{ level: level.toUpperCase(), message: 'moved 7 files\nof 9', ...WHOSE }]);
      },
    );

    it('leaves the records of another logger as they are, and adds whose they are', async () => {
      const record = { level: 30, time: 7, msg: 'moved', files: [1], service: 'mine', attempt: 'third' };
      await printed({ level: 'info', text: JSON.stringify(record) });
      expect(lines).toMatchObject([{ ...WHOSE, ...record, message: JSON.stringify(record) }]);
      lines = [];
      await printed({ level: 'error', text: '{"message":"own"}' });
      expect(lines).toMatchObject([{ ...WHOSE, level: 'ERROR', message: 'own', service: 'odin-migrate' }]);
    });

    it.each(['{not JSON', '[1]', '"text"', '\u0000\u001b[31m'])('has what is no record as text: %j', async (text) => {
      await printed({ level: 'info', text });
      expect(lines).toMatchObject([{ message: text, ...WHOSE }]);
    });
  });
});
