// Every function against any JSON that somebody may send it: it answers, or fails with an error that names what is wrong;
// what it refuses leaves no trace in the ledger, nor does anything that fails.
import type { Context } from 'aws-lambda';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from '../../core/schema.ts';
import { OdinError } from '../../core/errors.ts';
import type { SystemFunction } from '../../core/names/names.ts';
import { SYSTEM_FUNCTIONS } from '../../core/names/names.ts';
import {
  BaselinePayload,
  CancelPayload,
  DecidePayload,
  HaltPayload,
  ManifestPayload,
  NextPayload,
  RecordPayload,
  RunPayload,
} from '../../core/contract/payloads.ts';
import { PreviewPayload } from '../../core/preview/preview.ts';
import { lambdaHandler } from '../../lambdas/shared/handler.ts';
import { createBaseline } from '../../lambdas/baseline/baseline.ts';
import { createDashboard } from '../../lambdas/dashboard/dashboard.ts';
import { WidgetEvent } from '../../lambdas/dashboard/event.ts';
import { createHalt } from '../../lambdas/halt/halt.ts';
import { createListPending } from '../../lambdas/list-pending/list-pending.ts';
import { createRecordCompletion } from '../../lambdas/record-completion/record-completion.ts';
import { createCancel } from '../../lambdas/resume/cancel.ts';
import { createResume } from '../../lambdas/resume/resume.ts';
import { createPreview } from '../../lambdas/run-migration/preview/preview.ts';
import { createRunMigration } from '../../lambdas/run-migration/run-migration.ts';
import type { Invocation } from '../../core/contract/ports.ts';
import { CustomResourceEvent } from '../../lambdas/shared/custom-resource.ts';
import { createCheckRemovals, RemovalsEvent } from '../../lambdas/check-removals/check-removals.ts';
import { createStartRun } from '../../lambdas/start-run/start-run.ts';
import { createTellEndedBadly } from '../../lambdas/watch-halts/ended-badly.ts';
import { WatchEvent } from '../../lambdas/watch-halts/event.ts';
import { createWatchHalts } from '../../lambdas/watch-halts/watch-halts.ts';
import { executionArn } from '../support/fake-executions.ts';
import { changed, HOSTILE_TEXT, hostileJson, nested } from '../support/hostile.ts';
import type { World } from '../support/services.ts';
import { runInThisProcess } from '../support/in-process.ts';
import { ledgerBefore } from '../support/ledger.ts';
import { CODE, createWorld, invocation, manifestOf } from '../support/services.ts';
import { thrownBy } from '../support/thrown.ts';

const EXECUTION = executionArn('me');
/** That the turn was allowed for. */
const RUNS = executionArn('runs');
const AT = { migration: '0002', attempt: 1, turn: 2 };
/** Number of the halt's entry. */
const HALT = 3;
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
  schema: z.ZodMiniType<Payload>,
  handle: (payload: Payload, invocation: Invocation) => Promise<Answer>,
) => {
  const handler = lambdaHandler(schema, handle);
  return async (payload: unknown): Promise<unknown> => await handler(payload as Payload, CONTEXT);
};

/** Of a custom resource that CloudFormation makes. */
const CREATED = {
  RequestType: 'Create',
  ResponseURL: 'https://answer.example',
  StackId: 's',
  RequestId: 'r',
  LogicalResourceId: 'l',
};

const FUNCTIONS: Record<SystemFunction | 'run-migration', Deployed> = {
  'list-pending': {
    handler: ({ services }) => {
      const listPending = createListPending(services, MANIFEST);
      return served(z.discriminatedUnion('ask', [ManifestPayload, NextPayload]), async (payload, of) =>
        payload.ask === 'manifest' ? MANIFEST : await listPending(payload, of),
      );
    },
    good: { ask: 'next', execution: EXECUTION, input: { allowOutOfOrder: true, run: 'run-1', Comment: 'c' } },
    alsoGood: { ask: 'manifest' },
  },
  'run-migration': {
    handler: ({ services, timing }) => {
      const inProcess = runInThisProcess(() => Promise.resolve({ migration: () => Promise.resolve() }), timing);
      const run = createRunMigration({ migration: '0002', codeSha256: CODE, sliceMs: undefined }, services, inProcess);
      const preview = createPreview({
        migration: '0002',
        allows: [],
        session: () => Promise.resolve({ accessKeyId: '', secretAccessKey: '', sessionToken: '' }),
        inProcess: () => inProcess,
        onLine: () => undefined,
        now: services.now,
      });
      return served<z.infer<typeof PreviewPayload> | RunPayload, unknown>(
        z.discriminatedUnion('ask', [PreviewPayload, RunPayload]),
        (payload, of) => (payload.ask === 'run' ? run(payload, of) : preview(payload, of)),
      );
    },
    good: { ask: 'run', execution: RUNS, ...AT, slice: 1 },
    alsoGood: { ask: 'preview', migration: '0002', cursor: { a: [1] }, seconds: 1, endAfterSeconds: 2 },
  },
  'record-completion': {
    handler: ({ services }) => served(RecordPayload, createRecordCompletion(services)),
    good: { ask: 'record', execution: EXECUTION, ...AT },
  },
  halt: {
    handler: ({ services }) => served(HaltPayload, createHalt(services, MANIFEST)),
    good: {
      ask: 'halt',
      execution: EXECUTION,
      input: {},
      token: 't',
      at: { ...AT, error: { Error: 'E', Cause: '{}' } },
    },
  },
  resume: {
    handler: ({ services }) => {
      const cancel = createCancel(services, MANIFEST);
      const resume = createResume(services, MANIFEST);
      return served<CancelPayload | DecidePayload, unknown>(
        z.discriminatedUnion('ask', [DecidePayload, CancelPayload]),
        (payload, of) => (payload.ask === 'cancel' ? cancel(payload, of) : resume(payload, of)),
      );
    },
    good: { ask: 'decide', decision: 'skip', reason: 'r', by: 'her', halt: HALT },
    alsoGood: { ask: 'cancel', by: 'her', reason: 'r' },
  },
  baseline: {
    handler: ({ services }) => served(BaselinePayload, createBaseline(services, MANIFEST)),
    good: { ask: 'baseline', through: '0002', reason: 'r', by: 'her' },
  },
  dashboard: {
    handler: ({ services }) => {
      const resume = createResume(services, MANIFEST);
      const acts = {
        sendDecision: (payload: DecidePayload) => resume(payload, invocation(createWorld())),
        askMigration: () => Promise.reject(new Error('nothing was previewed')),
      };
      return served(
        WidgetEvent,
        createDashboard(services, MANIFEST, acts, () => Promise.resolve(undefined)),
      );
    },
    good: {
      decide: { decision: 'abort', halt: HALT },
      page: 1,
      widgetContext: { theme: 'dark', timezone: { offsetISO: '+02:00' }, forms: { all: { reason: 'r' } }, params: {} },
    },
    alsoGood: { describe: true },
  },
  'watch-halts': {
    handler: ({ services }) => {
      const watch = createWatchHalts(services);
      const tell = createTellEndedBadly(services, () => Promise.resolve({}));
      return served<WatchEvent, unknown>(WatchEvent, (event) =>
        event['detail-type'] === 'Scheduled Event' ? watch() : tell(event),
      );
    },
    good: { 'detail-type': 'Scheduled Event' },
    alsoGood: {
      'detail-type': 'Step Functions Execution Status Change',
      detail: { executionArn: executionArn('ended'), status: 'FAILED' },
    },
  },
  'check-removals': {
    handler: ({ services }) =>
      served(
        RemovalsEvent,
        createCheckRemovals(services, MANIFEST, {
          askDeployed: () => Promise.resolve(undefined),
          answer: () => Promise.resolve(),
        }),
      ),
    good: { ...CREATED, ResourceProperties: { AllowRemoved: ['0001'] } },
  },
  'start-run': {
    handler: ({ services }) =>
      served(
        CustomResourceEvent,
        createStartRun(services, () => Promise.resolve()),
      ),
    good: CREATED,
  },
};
const NAMES = Object.keys(FUNCTIONS) as (keyof typeof FUNCTIONS)[];

/** 0001 is completed, 0002 has failed and is halted, 0003 is pending. */
async function createHaltedWorld(): Promise<World> {
  const world = createWorld();
  const prepared = ledgerBefore(world);
  const execution = world.executions.run('waits');
  await prepared.complete('0001', 'baseline');
  const turn = await prepared.allow('0002', { execution: RUNS });
  await prepared.claim(turn);
  await prepared.close(turn, 'failed', { error: { name: 'Error', message: 'the disk is full' } });
  const halted = await prepared.halt(turn);
  await prepared.wait(halted, execution, world.executions.wait(execution));
  expect([turn.number, halted.number]).toEqual([AT.turn, HALT]);
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
        fc.oneof(
          { weight: 1, arbitrary: hostileJson },
          { weight: 3, arbitrary: changed(good) },
          { weight: 1, arbitrary: changed(alsoGood ?? good) },
        ),
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
  [
    'list-pending',
    { ask: 'next', execution: EXECUTION, input: { allowOutOfOrder: 'true' } },
    'input.allowOutOfOrder: ',
  ],
  ['list-pending', { ask: 'next', execution: EXECUTION, input: { allowoutoforder: true } }, 'input: '],
  ['list-pending', { ask: 'next' }, 'execution: '],
  ['list-pending', {}, "ask: Invalid discriminator value. Expected 'manifest' | 'next'"],
  ['list-pending', { ask: 'next', execution: EXECUTION, input: { [HOSTILE_TEXT.repeat(2_000)]: 1 } }, 'input: '],
  [
    'watch-halts',
    {
      'detail-type': 'Step Functions Execution Status Change',
      detail: { executionArn: HOSTILE_TEXT.repeat(2_000), status: 'FAILED' },
    },
    'detail.executionArn: ',
  ],
  ['run-migration', { ask: 'decide' }, "ask: Invalid discriminator value. Expected 'preview' | 'run'"],
  ['run-migration', { ask: 'run', execution: EXECUTION, ...AT, turn: 0, slice: 1 }, 'turn: '],
  ['run-migration', { ask: 'preview', ...AT }, 'Unrecognized keys: "attempt", "turn"'],
  ['resume', { ask: 'decide', decision: 'retry', by: 'her', halt: { migration: '0002', attempt: 1 } }, 'halt: '],
  ['resume', { decision: 'retry', by: 'her' }, 'ask: '],
  ['baseline', { ask: 'baseline', through: '0002', by: 'her', reason: ' ' }, 'reason: expected a reason'],
  ['dashboard', { decide: { decision: 'retry' } }, 'decide.halt: '],
  ['dashboard', { decide: { decision: 'retry', halt: HALT, attempt: 1 } }, 'decide: Unrecognized key: "attempt"'],
  ['start-run', { RequestType: 'Create' }, 'ResponseURL: '],
])('%s: %.100j is told by the name of its field', async (name, payload, said) => {
  const error = await thrownBy(FUNCTIONS[name].handler(createWorld())(payload));
  expect(error).toMatchObject({ code: 'BadPayload', source: 'user' });
  expect(error.what).toContain(said);
});

it.each(NAMES)('%s: a payload of 50,000 levels is refused, or not looked into', async (name) => {
  const deep: unknown = JSON.parse(nested(50_000));
  const { handler, good, alsoGood = good } = FUNCTIONS[name];
  const deepIn = (of: object) => Object.keys(of).map((field) => ({ ...of, [field]: deep }));
  for (const payload of [deep, ...deepIn(good), ...deepIn(alsoGood)]) {
    const world = await createHaltedWorld();
    const { error } = await outcomeOf(handler(world)(payload));
    if (error) expect(error.code).toBe('BadPayload');
    else expect(['dashboard', 'watch-halts', 'halt']).toContain(name);
  }
});

it('what an operator says is well formed when it is recorded, and when Step Functions hears of it', async () => {
  const world = await createHaltedWorld();
  await FUNCTIONS.resume.handler(world)({ ask: 'decide', decision: 'abort', by: 'h\ud800er', reason: 'w\udc00hy' });
  expect(await world.ledger.log.entry(HALT + 1)).toMatchObject({ by: 'h\ufffder', reason: 'w\ufffdhy' });
  expect(world.executions.sent).toMatchObject([{ answer: { error: 'Aborted' } }]);
  expect(JSON.stringify(world.executions.sent)).not.toMatch(/\\u[d-f]/i);
});
