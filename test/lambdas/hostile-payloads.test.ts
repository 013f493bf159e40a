// Every function against any JSON that somebody may send it: it answers, or fails with an error that names what is wrong;
// what it refuses leaves no trace in the ledger, nor does anything that fails.
import type { Context } from 'aws-lambda';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { OdinError } from '../../core/errors.ts';
import type { SystemFunction } from '../../core/names/names.ts';
import { SYSTEM_FUNCTIONS } from '../../core/names/names.ts';
import {
  BaselinePayload,
  HaltPayload,
  ListPendingPayload,
  ManifestQuestion,
  RecordPayload,
  ResumePayload,
  RunPayload,
} from '../../core/contract/payloads.ts';
import { lambdaHandler } from '../../lambdas/shared/handler.ts';
import { createBaseline } from '../../lambdas/baseline/baseline.ts';
import { createDashboard } from '../../lambdas/dashboard/dashboard.ts';
import { WidgetEvent } from '../../lambdas/dashboard/event.ts';
import { createHalt } from '../../lambdas/halt/halt.ts';
import { createListPending } from '../../lambdas/list-pending/list-pending.ts';
import { createRecordCompletion } from '../../lambdas/record-completion/record-completion.ts';
import { createResume } from '../../lambdas/resume/resume.ts';
import { createRunMigration } from '../../lambdas/run-migration/run-migration.ts';
import type { Invocation } from '../../core/contract/ports.ts';
import { createStartRun, CustomResourceEvent } from '../../lambdas/start-run/start-run.ts';
import { createWatchHalts } from '../../lambdas/watch-halts/watch-halts.ts';
import { executionArn } from '../support/fake-executions.ts';
import { changed, HOSTILE_TEXT, hostileJson, nested } from '../support/hostile.ts';
import type { World } from '../support/services.ts';
import { runInThisProcess } from '../support/in-process.ts';
import { createWorld, HASH, invocation, manifestOf } from '../support/services.ts';
import { thrownBy } from '../support/thrown.ts';

const EXECUTION = executionArn('me');
const AT = { migration: '0002', attempt: 1 };
const MANIFEST = manifestOf('0001', '0002', '0003');

/** As in the handlers of lambdas/: the schema and the handler; and a payload that is taken, in full. */
interface Deployed {
  handler: (world: World) => (payload: unknown) => Promise<unknown>;
  good: Record<string, unknown>;
  /** Of the same function, another kind of payload. */
  alsoGood?: Record<string, unknown>;
}

const CONTEXT = {
  awsRequestId: 'request-1',
  functionName: 'odin-migrate-odin-dev-some',
  invokedFunctionArn: 'arn:aws:lambda:eu-west-1:111122223333:function:odin-migrate-odin-dev-some',
  getRemainingTimeInMillis: () => 4_200,
} as Context;

const served = <Payload, Answer>(
  schema: z.ZodType<Payload>,
  handle: (payload: Payload, invocation: Invocation) => Promise<Answer>,
) => {
  const handler = lambdaHandler(schema, handle);
  return async (payload: unknown): Promise<unknown> => await handler(payload as Payload, CONTEXT);
};

const FUNCTIONS: Record<SystemFunction | 'run-migration', Deployed> = {
  'list-pending': {
    handler: ({ services }) => {
      const listPending = createListPending(services, MANIFEST);
      return served(z.union([ManifestQuestion, ListPendingPayload]), async (payload) =>
        'describe' in payload ? MANIFEST : await listPending(payload),
      );
    },
    good: { execution: EXECUTION, input: { allowOutOfOrder: true, Comment: 'c' } },
    alsoGood: { describe: 'manifest' },
  },
  'run-migration': {
    handler: ({ services, timing }) => {
      const run = createRunMigration(
        {
          migration: '0003',
          predecessor: '0002',
          sourceSha256: HASH,
          codeSha256: HASH,
          clockMarginMs: 1,
          sliceMs: undefined,
        },
        services,
        runInThisProcess(() => Promise.resolve({ migration: () => Promise.resolve() }), timing),
      );
      return served(RunPayload, run);
    },
    good: { execution: EXECUTION, migration: '0003', attempt: 1, slice: 1, gitCommit: null },
  },
  'record-completion': {
    handler: ({ services }) => served(RecordPayload, createRecordCompletion(services)),
    good: { execution: EXECUTION, ...AT },
  },
  halt: {
    handler: ({ services }) => served(HaltPayload, createHalt(services, MANIFEST)),
    good: { execution: EXECUTION, input: {}, token: 't', at: { ...AT, error: { Error: 'E', Cause: '{}' } } },
  },
  resume: {
    handler: ({ services }) => served(ResumePayload, createResume(services)),
    good: { decision: 'skip', reason: 'r', by: 'her', halt: AT },
  },
  baseline: {
    handler: ({ services }) => served(BaselinePayload, createBaseline(services, MANIFEST)),
    good: { through: '0002', reason: 'r', by: 'her' },
  },
  dashboard: {
    handler: ({ services }) => {
      const resume = createResume(services);
      const send = (payload: ResumePayload) => resume(payload, invocation(createWorld()));
      const previewNothing = () => Promise.reject(new Error('nothing was previewed'));
      return served(WidgetEvent, createDashboard(services, MANIFEST, send, previewNothing));
    },
    good: {
      decide: { decision: 'abort', ...AT, halt: 1 },
      page: 1,
      widgetContext: { theme: 'dark', timezone: { offsetISO: '+02:00' }, forms: { all: { reason: 'r' } }, params: {} },
    },
    alsoGood: { describe: true },
  },
  'watch-halts': {
    handler: ({ services }) => served(z.unknown(), createWatchHalts(services)),
    good: { time: 'any' },
  },
  'start-run': {
    handler: ({ services }) =>
      served(
        CustomResourceEvent,
        createStartRun(services, () => Promise.resolve()),
      ),
    good: {
      RequestType: 'Create',
      ResponseURL: 'https://answer.example',
      StackId: 's',
      RequestId: 'r',
      LogicalResourceId: 'l',
      ResourceProperties: { ExecutionName: 'deploy-1' },
    },
  },
};
const NAMES = Object.keys(FUNCTIONS) as (keyof typeof FUNCTIONS)[];

/** 0001 is completed, 0002 has failed and is halted, 0003 is pending. */
async function createHaltedWorld(): Promise<World> {
  const world = createWorld();
  const { ledger, writer } = world;
  const execution = world.executions.run('waits');
  const subject = (migration: string) => ({ migration, attempt: 1, execution });
  const deadline = new Date(world.clock.now() + 60_000).toISOString();
  await ledger.createCompletion(subject('0001'), writer, { completion: 'applied' });
  await ledger.createClaim(subject('0002'), writer, { slice: 1, nonce: 'n', deadline });
  await ledger.createFinished(subject('0002'), writer, { outcome: 'failed', durationMs: 1, slices: 1 });
  await ledger.updateHalt(subject('0002'), writer, () => ({
    halt: 1,
    outcome: 'failed',
    waiting: [{ execution, token: world.executions.wait(execution), since: deadline, allowOutOfOrder: false }],
  }));
  world.store.calls.length = 0;
  return world;
}

/** What it came to; what was thrown must be an OdinError. */
async function outcomeOf(work: Promise<unknown>): Promise<{ answer?: unknown; error?: OdinError }> {
  try {
    return { answer: await work };
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(OdinError);
    return { error: thrown as OdinError };
  }
}

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
      fc.asyncProperty(
        fc.oneof({ weight: 1, arbitrary: hostileJson }, { weight: 3, arbitrary: changed(good) }),
        async (payload) => {
          const world = await createHaltedWorld();
          const { answer, error } = await outcomeOf(handler(world)(structuredClone(payload)));
          if (error === undefined) {
            // Step Functions takes 256 KiB; a function that answers nothing answers null.
            expect(Buffer.byteLength(JSON.stringify(answer ?? null))).toBeLessThan(256 * 1024);
            return;
          }
          expect(error.code).not.toBe('Internal');
          // Step Functions keeps 32,768 characters of a cause.
          expect(JSON.stringify(error.message).length).toBeLessThan(32_768);
          expect(world.store.writes()).toEqual([]);
          expect([world.executions.sent, world.executions.started, world.published, world.sentEvents].flat()).toEqual(
            [],
          );
          if (error.code === 'BadPayload') {
            expect(world.store.calls).toEqual([]);
            expect(error.what).not.toMatch(/: Invalid input(;|\.$)/);
          }
        },
      ),
      { numRuns: 120 },
    );
  });
});

it.each<[keyof typeof FUNCTIONS, object, string]>([
  ['list-pending', { execution: EXECUTION, input: { allowOutOfOrder: 'true' } }, 'input.allowOutOfOrder: '],
  ['list-pending', { execution: EXECUTION, input: { allowoutoforder: true } }, 'input: '],
  ['list-pending', {}, 'execution: '],
  ['list-pending', { execution: EXECUTION, input: { [HOSTILE_TEXT.repeat(2_000)]: 1 } }, 'input: '],
  ['resume', { decision: 'retry', by: 'her', halt: { migration: '2', attempt: 1 } }, 'halt.migration: '],
  ['baseline', { through: '0002', by: 'her', reason: ' ' }, 'reason: expected a reason'],
  ['dashboard', { decide: { decision: 'retry', ...AT } }, 'decide.halt: '],
  ['start-run', { RequestType: 'Create' }, 'ResponseURL: '],
])('%s: %.100j is told by the name of its field', async (name, payload, said) => {
  const error = await thrownBy(FUNCTIONS[name].handler(createWorld())(payload));
  expect(error).toMatchObject({ code: 'BadPayload', source: 'user' });
  expect(error.what).toContain(said);
});

it.each(NAMES)('%s: a payload of 50,000 levels is refused, or not looked into', async (name) => {
  const deep: unknown = JSON.parse(nested(50_000));
  const { handler, good } = FUNCTIONS[name];
  for (const payload of [deep, ...Object.keys(good).map((field) => ({ ...good, [field]: deep }))]) {
    const world = await createHaltedWorld();
    const { error } = await outcomeOf(handler(world)(payload));
    if (error) expect(error.code).toBe('BadPayload');
    else expect(['dashboard', 'watch-halts', 'halt', 'list-pending']).toContain(name);
  }
});

it('what an operator says is well formed when it is recorded, and when Step Functions hears of it', async () => {
  const world = await createHaltedWorld();
  await FUNCTIONS.resume.handler(world)({ decision: 'abort', by: 'h\ud800er', reason: 'w\udc00hy' });
  expect(await world.ledger.decision('0002', 1, 1)).toMatchObject({ by: 'h\ufffder', reason: 'w\ufffdhy' });
  expect(world.executions.sent).toMatchObject([{ answer: { error: 'Aborted' } }]);
  expect(JSON.stringify(world.executions.sent)).not.toMatch(/\\u[d-f]/i);
});
