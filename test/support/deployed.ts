// Each deployed function as its handler serves it, on a ledger with a halt, and what it must do with any payload: answer, or name
// what is wrong; and leave no trace of what it refuses.
import type { Context } from 'aws-lambda';
import fc from 'fast-check';
import { expect } from 'vitest';
import * as z from '../../core/schema.ts';
import { OdinError } from '../../core/errors.ts';
import type { SystemFunction } from '../../core/names/names.ts';
import {
  BaselinePayload,
  CancelPayload,
  TunePayload,
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
import { createTune } from '../../lambdas/resume/tune.ts';
import { createPreview } from '../../lambdas/run-migration/preview/preview.ts';
import { createRunMigration } from '../../lambdas/run-migration/run-migration.ts';
import type { Invocation } from '../../core/contract/ports.ts';
import { CustomResourceEvent } from '../../lambdas/shared/custom-resource.ts';
import { createCheckRemovals, RemovalsEvent } from '../../lambdas/check-removals/check-removals.ts';
import { createStartRun } from '../../lambdas/start-run/start-run.ts';
import { createTellEndedBadly } from '../../lambdas/watch-halts/ended-badly.ts';
import { WatchEvent } from '../../lambdas/watch-halts/event.ts';
import { createWatchHalts } from '../../lambdas/watch-halts/watch-halts.ts';
import { executionArn } from './fake-executions.ts';
import { changed, hostileJson } from './hostile.ts';
import { runInThisProcess } from './in-process.ts';
import { ledgerBefore } from './ledger.ts';
import type { World } from './services.ts';
import { CODE, createWorld, invocation, manifestOf } from './services.ts';

export const EXECUTION = executionArn('me');
/** That the turn was allowed for. */
const RUNS = executionArn('runs');
export const AT = { migration: '0002', attempt: 1, turn: 2 };
/** Number of the halt's entry. */
export const HALT = 3;
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

export const FUNCTIONS: Record<SystemFunction | 'run-migration', Deployed> = {
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
      const tune = createTune(services);
      return served<CancelPayload | DecidePayload | TunePayload, unknown>(
        z.discriminatedUnion('ask', [DecidePayload, CancelPayload, TunePayload]),
        (payload, of) => {
          if (payload.ask === 'cancel') return cancel(payload, of);
          return payload.ask === 'tune' ? tune(payload, of) : resume(payload, of);
        },
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
        sendTune: () => Promise.reject(new Error('nothing was tuned')),
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
export const NAMES = Object.keys(FUNCTIONS) as (keyof typeof FUNCTIONS)[];

/** 0001 is completed, 0002 has failed and is halted, 0003 is pending. */
export async function createHaltedWorld(): Promise<World> {
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
export async function outcomeOf(work: Promise<unknown>): Promise<{ answer?: unknown; error?: OdinError }> {
  try {
    return { answer: await work };
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(OdinError);
    return { error: thrown as OdinError };
  }
}

/** Any payload, most of them nearly one that the function takes. */
export const payloadFor = (name: keyof typeof FUNCTIONS): fc.Arbitrary<unknown> => {
  const { good, alsoGood } = FUNCTIONS[name];
  return fc.oneof(
    { weight: 1, arbitrary: hostileJson },
    { weight: 3, arbitrary: changed(good) },
    { weight: 1, arbitrary: changed(alsoGood ?? good) },
  );
};

/** It answers, or says what is wrong; what fails writes nothing and tells nobody. */
export async function expectServed(name: keyof typeof FUNCTIONS, payload: unknown): Promise<void> {
  const world = await createHaltedWorld();
  const { answer, error } = await outcomeOf(FUNCTIONS[name].handler(world)(structuredClone(payload)));
  if (error === undefined) {
    // Step Functions takes 256 KiB; a function that answers nothing answers null.
    expect(Buffer.byteLength(JSON.stringify(answer ?? null))).toBeLessThan(256 * 1024);
    return;
  }
  expect(error.code).not.toBe('Internal');
  // Step Functions keeps 32,768 characters of a cause.
  expect(JSON.stringify(error.message).length).toBeLessThan(32_768);
  expect(world.store.writes()).toEqual([]);
  expect([world.executions.sent, world.executions.started, world.published, world.sentEvents].flat()).toEqual([]);
  if (error.code === 'BadPayload') {
    expect(world.store.calls).toEqual([]);
    expect(error.what).not.toMatch(/: Invalid input(;|\.$)/);
  }
}
