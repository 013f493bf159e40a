// The middleware of every function: what is let through to the handler, and what a function fails with.
import type { Context } from 'aws-lambda';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from '../../core/schema.ts';
import { OdinError } from '../../core/errors.ts';
import {
  BaselinePayload,
  BatchPayload,
  CancelPayload,
  TunePayload,
  DecidePayload,
  HaltPayload,
  ManifestPayload,
  NextPayload,
  RecordPayload,
  RunInput,
  RunPayload,
} from '../../core/contract/payloads.ts';
import { errorSummary } from '../../core/ledger/summaries.ts';
import { RUN_FIELD, VARIABLES } from '../../core/names/names.ts';
import { PreviewPayload } from '../../core/preview/preview.ts';
import { lambdaHandler } from '../../lambdas/shared/handler.ts';
import { logLine } from '../../lambdas/run-migration/log-line.ts';
import type { OutputLine } from '../../lambdas/run-migration/user-code/output.ts';
import type { Invocation } from '../../core/contract/ports.ts';
import { pathsOf, replaceAt } from '../support/hostile.ts';
import { logLines } from '../support/structured-log.ts';
import { thrownBy } from '../support/thrown.ts';

const EXECUTION = 'arn:aws:states:eu-west-1:000000000000:execution:odin-migrate-odin-dev:me';

const RECORD = { ask: 'record', execution: EXECUTION, migration: '0004', attempt: 1, turn: 42 };
const RUN = { ...RECORD, ask: 'run', slice: 2 };
const HALT = {
  ...{ ask: 'halt', execution: EXECUTION, input: { a: 1 }, token: 't' },
  at: { migration: '0004', attempt: 1, turn: 42, reason: 'failed', error: { Error: 'E', Cause: '{}' } },
};
const DECIDE = { ask: 'decide', decision: 'skip', reason: 'r', by: 'her', halt: 45, begin: 'start' };

/** Every schema, with one payload that it takes, in full. */
const SCHEMAS: [string, z.ZodMiniType, Record<string, unknown>][] = [
  ['NextPayload', NextPayload, { ask: 'next', execution: EXECUTION, input: { allowOutOfOrder: true, Comment: 'c' } }],
  ['ManifestPayload', ManifestPayload, { ask: 'manifest' }],
  ['RunPayload', RunPayload, RUN],
  [
    'PreviewPayload',
    PreviewPayload,
    { ask: 'preview', migration: '0004', cursor: [1], seconds: 5, endAfterSeconds: 9 },
  ],
  ['RecordPayload', RecordPayload, RECORD],
  ['HaltPayload', HaltPayload, HALT],
  ['DecidePayload', DecidePayload, DECIDE],
  ['CancelPayload', CancelPayload, { ask: 'cancel', by: 'her', reason: 'r' }],
  ['BaselinePayload', BaselinePayload, { ask: 'baseline', through: '0004', reason: 'r', by: 'her' }],
];
const OPTIONAL = ['reason', 'halt', 'begin', 'cursor', 'seconds', 'endAfterSeconds'];

/** The structured log: each line that the logger wrote. */
let lines: Record<string, unknown>[];

beforeEach(() => {
  lines = logLines();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const CONTEXT = {
  awsRequestId: 'request-1',
  functionName: 'odin-migrate-odin-dev-halt',
  invokedFunctionArn: 'arn:aws:lambda:eu-west-1:111122223333:function:odin-migrate-odin-dev-halt',
  getRemainingTimeInMillis: () => 4_200,
} as Context;

const invoke = (
  schema: z.ZodMiniType,
  payload: unknown,
  handle: (payload: unknown, of: Invocation) => Promise<unknown>,
) => lambdaHandler(schema, handle)(payload, CONTEXT);

describe.each(SCHEMAS)('%s', (_, schema, good) => {
  it('lets its payload through as it is, with the invocation', async () => {
    const seen: unknown[] = [];
    const answer = await invoke(schema, good, (payload, invocation) => {
      seen.push(payload, { ...invocation, remainingMs: invocation.remainingMs() });
      return Promise.resolve('answer');
    });
    expect(answer).toBe('answer');
    expect(seen).toEqual([
      good,
      {
        requestId: 'request-1',
        functionName: CONTEXT.functionName,
        functionArn: CONTEXT.invokedFunctionArn,
        remainingMs: 4_200,
      },
    ]);
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
          /^(The payload of odin-migrate-odin-dev-halt is not what it expects|This execution was started with an input that is not understood): /,
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
    const { ask } = good;
    expect((await thrownBy(invoke(schema, {}, () => Promise.resolve()))).what).toContain('ask: ');
    // What a run was started with may be missing from a halt.
    const optional = schema === HaltPayload ? ['input'] : schema === BaselinePayload ? [] : OPTIONAL;
    const required = Object.keys(good).filter((field) => field !== 'ask' && !optional.includes(field));
    if (required.length === 0) return;
    const error = await thrownBy(invoke(schema, { ask }, () => Promise.resolve()));
    for (const field of required) expect(error.what).toContain(`${field}: `);
    expect(error.next).toBe(
      'Nothing was done. The state machine sends the right payload; docs/runbook.md shows what a person sends to resume.',
    );
    expect(error.cause).toHaveProperty('issues');
  });
});

describe('fields that are nearly right are refused', () => {
  const OF: Record<string, [z.ZodMiniType, object]> = {
    run: [RunPayload, RUN],
    preview: [PreviewPayload, { ask: 'preview', migration: '0004' }],
    decide: [DecidePayload, DECIDE],
    cancel: [CancelPayload, { ask: 'cancel', by: 'her' }],
    tune: [TunePayload, { ask: 'tune', concurrency: 50, by: 'her' }],
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
    ['run', 'ask', 'preview'],
    ['run', 'ask', undefined],
    ['run', 'turn', 0],
    ['run', 'turn', '42'],
    ['run', 'turn', undefined],
    ['run', 'execution', ''],
    ['run', 'execution', 'x'.repeat(2_049)],
    ['decide', 'decision', 'Retry'],
    ['decide', 'decision', 'constructor'],
    ['decide', 'by', ''],
    ['decide', 'by', 'x'.repeat(513)],
    ['decide', 'reason', 'x'.repeat(4_001)],
    ['decide', 'halt', { migration: '0004', attempt: 1 }],
    ['decide', 'halt', '45'],
    ['decide', 'begin', 'checkpoints'],
    ['decide', 'decision', 'cancel'],
    ['decide', 'force', true],
    ['cancel', 'decision', 'retry'],
    ['tune', 'concurrency', 0],
    ['tune', 'concurrency', 1_001],
    ['tune', 'concurrency', '50'],
    ['tune', 'toleratedFailures', 3],
    ['preview', 'attempt', 1],
    ['preview', 'seconds', 0],
    ['input', 'run', 'x'.repeat(81)],
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

  it.each<[object, string]>([
    [{ allowOutOfOrder: 'true' }, 'input.allowOutOfOrder: '],
    [{ allow_out_of_order: true }, 'input: Unrecognized key: "allow_out_of_order"'],
    [{ acceptChanged: '0004' }, 'input.acceptChanged: '],
    [['0004'], 'input: '],
  ])(
    'and an input that somebody typed in the console, %j, is told as theirs, with what may stand there',
    async (input, said) => {
      const next = { ask: 'next', definition: 3, execution: RUN.execution, input };
      const error = await thrownBy(invoke(z.union([ManifestPayload, NextPayload]), next, () => Promise.resolve()));
      expect(error.code).toBe('BadPayload');
      expect(error.what).toContain('This execution was started with an input that is not understood: ');
      expect(error.what).toContain(said);
      expect(error.why).toContain('"allowOutOfOrder": true, "allowRenumbered": ["0006"] or "acceptChanged": ["0004"]');
    },
  );

  it('and what the console and a parent of the execution add to an input is none of them', () => {
    const added = { Comment: 'Insert your JSON here', AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID: 'arn:aws:states:x' };
    expect(RunInput.safeParse({ ...added, allowOutOfOrder: true }).success).toBe(true);
  });

  it('and at most five of them are named', async () => {
    const bad = { ask: 1, decision: 1, reason: 1, by: 1, halt: 'x', begin: 1, other: 1 };
    const error = await thrownBy(invoke(DecidePayload, bad, () => Promise.resolve()));
    expect(error.what.split('; ')).toHaveLength(5);
  });

  it('and a key that is as long as a payload is cut', async () => {
    const error = await thrownBy(invoke(DecidePayload, { ...DECIDE, ['k'.repeat(9_000)]: 1 }, () => Promise.resolve()));
    expect(error.what).toMatch(/is not what it expects: payload: Unrecognized key: "k+…\.$/);
    expect(error.what.length).toBeLessThan(400);
  });

  it('and what lies deeper is named by its path', async () => {
    const error = await thrownBy(
      invoke(HaltPayload, { ...HALT, at: { ...HALT.at, attempt: 0 } }, () => Promise.resolve()),
    );
    expect(error.what).toMatch(/is not what it expects: at\.attempt: [^;]+\.$/);
  });

  it('and of several that it may be it is told what the last one lacks, which is the one that is usually sent', async () => {
    const several = z.union([
      z.object({ one: z.string() }),
      z.object({ two: z.string() }),
      z.object({ three: z.string(), four: z.string() }),
    ]);
    const error = await thrownBy(invoke(several, {}, () => Promise.resolve()));
    expect(error.what).toMatch(/is not what it expects: three: [^;]+; four: [^;]+\.$/);
  });

  it('and what is no object is named as a whole', async () => {
    const error = await thrownBy(invoke(RecordPayload, 'text', () => Promise.resolve()));
    expect(error.what).toContain('is not what it expects: payload: Invalid input');
  });
});

describe('what a handler throws', () => {
  const failing = (thrown: unknown) =>
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- anything may be thrown
    thrownBy(invoke(RecordPayload, RECORD, () => Promise.reject(thrown)));

  it('is what the function fails with, when it has a code', async () => {
    const error = new OdinError({ code: 'NothingToRecord', source: 'system', what: 'What.', next: 'Next.' });
    expect(await failing(error)).toBe(error);
    expect(lines.at(-1)).toMatchObject({
      level: 'ERROR',
      service: 'odin-migrate',
      function_request_id: 'request-1',
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
    expect(lines.at(-1)).toMatchObject({ level: 'ERROR', code: 'Internal', error: errorSummary(thrown) });
  });

  it('is Internal too when the handler throws before it is asynchronous', async () => {
    const error = await thrownBy(
      invoke(RecordPayload, RECORD, () => {
        throw new RangeError('at once');
      }),
    );
    expect(error).toMatchObject({ code: 'Internal', what: 'RangeError: at once' });
  });
});

describe('the log', () => {
  it('names execution, migration and attempt on the lines of a halt, whose payload has them deeper', async () => {
    await thrownBy(invoke(HaltPayload, HALT, () => Promise.reject(new Error('x'))));
    expect(lines.at(-1)).toMatchObject({ execution: EXECUTION, migration: '0004', attempt: 1 });
  });

  it('names the environment, the slice and the batch, where there are some', async () => {
    vi.stubEnv(VARIABLES.environment, 'odin-dev');
    const of = { ...RUN, ask: 'batch', batch: 7 };
    await thrownBy(invoke(BatchPayload, of, () => Promise.reject(new Error('x'))));
    vi.unstubAllEnvs();
    expect(lines.at(-1)).toMatchObject({
      ...{ environment: 'odin-dev', execution: EXECUTION, migration: '0004', attempt: 1, slice: 2, batch: 7 },
    });
  });

  it.each(['execution', 'migration', 'attempt', 'slice', 'batch'])(
    'names what is right of a payload of which something is not: %s',
    async (wrong) => {
      const of = { execution: EXECUTION, migration: '0004', attempt: 1, slice: 2, batch: 7 };
      await thrownBy(invoke(BatchPayload, { ...of, [wrong]: [], at: [] }, () => Promise.resolve()));
      const right = Object.fromEntries(Object.entries(of).filter(([name]) => name !== wrong));
      expect(lines.at(-1)).toMatchObject(right);
      expect(lines.at(-1)).not.toHaveProperty(wrong);
    },
  );

  it('never has a task token', async () => {
    const payload = { ...HALT, token: 'SECRET-TOKEN', at: 'not an object' };
    await thrownBy(invoke(HaltPayload, payload, () => Promise.resolve()));
    expect(lines.length).toBeGreaterThan(0);
    expect(JSON.stringify(lines)).not.toContain('SECRET-TOKEN');
  });

  it('forgets what an earlier invocation in the same process was about', async () => {
    await thrownBy(invoke(RecordPayload, RECORD, () => Promise.reject(new Error('x'))));
    const next = { ...CONTEXT, awsRequestId: 'request-2' };
    await thrownBy(lambdaHandler(RecordPayload, () => Promise.resolve())({} as never, next));
    expect(lines.map((line) => line['function_request_id'])).toEqual(['request-1', 'request-2']);
    expect(lines.at(-1)).not.toHaveProperty('migration');
    expect(lines.at(-1)).not.toHaveProperty('execution');
  });

  describe('of what user code prints', () => {
    const printed = (line: OutputLine) =>
      invoke(RecordPayload, RECORD, () => {
        logLine(line, 'migration');
        return Promise.resolve();
      });
    const WHOSE = { from: 'migration', migration: '0004', attempt: 1, function_request_id: 'request-1' };
    /** A line of the function's own logger says this, too. */
    const OWN = { ...WHOSE, function_name: CONTEXT.functionName };

    it.each(['info', 'warn', 'error'] as const)(
      'has its lines with their level, and whose they are: %s',
      async (level) => {
        await printed({ level, text: 'moved 7 files\nof 9' });
        expect(lines).toMatchObject([{ level: level.toUpperCase(), message: 'moved 7 files\nof 9', ...OWN }]);
      },
    );

    it('has what is printed for those who look for a fault, whatever level the function has', async () => {
      await printed({ level: 'debug', text: 'page 3' });
      expect(lines).toMatchObject([{ level: 'DEBUG', message: 'page 3', ...WHOSE }]);
    });

    it('leaves the records of another logger as they are, and adds whose they are', async () => {
      const record = { level: 30, time: 7, msg: 'moved', files: [1], service: 'mine', attempt: 'third' };
      await printed({ level: 'info', text: JSON.stringify(record) });
      const own = { [RUN_FIELD]: { migration: '0004', attempt: 1 } };
      expect(lines).toMatchObject([{ ...WHOSE, ...record, message: JSON.stringify(record), ...own }]);
      lines.length = 0;
      await printed({ level: 'error', text: '{"message":"own"}' });
      expect(lines).toMatchObject([{ ...WHOSE, level: 'ERROR', message: 'own', service: 'odin-migrate' }]);
    });

    it.each(['{not JSON', '[1]', '"text"', '\u0000\u001b[31m'])('has what is no record as text: %j', async (text) => {
      await printed({ level: 'info', text });
      expect(lines).toMatchObject([{ message: text, ...OWN }]);
    });
  });
});
