// A run that is longer than one execution's history may be, on the embedded Step Functions: the deployed definition, the
// real functions, the SDK, and a limit of some dozen events in place of thousands.
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Deployment } from '../../client/deployment.ts';
import type { RunEvent } from '../../client/run-events.ts';
import { runEvents, Told } from '../../client/run-events.ts';
import { executionName, resourcePrefix, systemFunctionName } from '../../core/names/names.ts';
import type { HaltPayload, NextPayload, RecordPayload, RunInput, RunPayload } from '../../core/contract/payloads.ts';
import { DEFINITION } from '../../core/contract/payloads.ts';
import { createExecutions } from '../../aws/step-functions.ts';
import { createHalt } from '../../lambdas/halt/halt.ts';
import { createListPending } from '../../lambdas/list-pending/list-pending.ts';
import { createRecordCompletion } from '../../lambdas/record-completion/record-completion.ts';
import { createResume } from '../../lambdas/resume/resume.ts';
import { createRunMigration } from '../../lambdas/run-migration/run-migration.ts';
import type { EmbeddedAws } from '../../local/embedded-aws.ts';
import { startEmbeddedAws } from '../../local/embedded-aws.ts';
import { storedDefinition, storedDefinitions } from '../infra/definitions.ts';
import { runInThisProcess } from '../support/in-process.ts';
import type { World } from '../support/services.ts';
import { CODE, createWorld, ENVIRONMENT, invocation, manifestOf } from '../support/services.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'odin-handover-'));
const MINUTE = 60_000;
/** Far above what the runs here need, but for those that are about it. */
const MANY_EVENTS = 1_000;
/** Listing and a slice are 14 events: so many that a part has four or five slices. */
const LIMIT = 60;

let aws: EmbeddedAws;
let sfn: SFNClient;
let stateMachineArn: string;
let world: World;
/** The numbers that user code wrote, in order. */
let written: number[];
/** Throws before it writes this number, the first time. */
let failsAt: number | undefined;
/** What each listing was asked with. */
let inputs: RunInput[];
let limit: number;
/** Of the machine's definition: what the functions serve. */
let oldest: number | undefined;
/** Why somebody was told to wait. */
let waits: string[];
/** Every answer that hands over gets lost, so that `list-pending` is asked again. */
let loseHandovers: boolean;

const NUMBERS = 10;
const plain = manifestOf('0004');
const manifest = { ...plain, migrations: plain.migrations.map((each) => ({ ...each, checkpointed: true })) };

beforeAll(async () => {
  aws = await startEmbeddedAws({ directory, parentEnvironment: {} });
  const { endpoint, region, credentials } = aws;
  sfn = new SFNClient({ endpoint, region, credentials });
  stateMachineArn = deployDefinition(DEFINITION);
  aws.lambda.invoke = async (name, payload) => {
    try {
      return { requestId: 'r', payload: JSON.stringify(await invoke(name, JSON.parse(payload))) };
    } catch (thrown) {
      const { name: errorType, message: errorMessage } = thrown as Error;
      return { requestId: 'r', payload: JSON.stringify({ errorType, errorMessage }), functionError: 'Unhandled' };
    }
  };
});
afterAll(async () => {
  sfn.destroy();
  await aws.close();
  rmSync(directory, { recursive: true, force: true });
});
beforeEach(() => {
  world = createWorld();
  world.services.executions = createExecutions(sfn, stateMachineArn);
  written = [];
  failsAt = undefined;
  inputs = [];
  waits = [];
  loseHandovers = false;
  limit = LIMIT;
  oldest = undefined;
});

function invoke(name: string, payload: unknown): Promise<unknown> {
  const { services } = world;
  switch (name) {
    case systemFunctionName({ environment: ENVIRONMENT }, 'list-pending'):
      return list(payload as NextPayload);
    case systemFunctionName({ environment: ENVIRONMENT }, 'record-completion'):
      return createRecordCompletion(services)(payload as RecordPayload, invocation(world));
    case systemFunctionName({ environment: ENVIRONMENT }, 'halt'):
      return createHalt(services, manifest)(payload as HaltPayload, invocation(world));
    default:
      return slice(payload as RunPayload);
  }
}

async function list(payload: NextPayload): Promise<unknown> {
  inputs.push(payload.input);
  const next = await createListPending(world.services, manifest, limit, oldest)(payload, invocation(world));
  if (next.step === 'handed over' && loseHandovers) {
    return await createListPending(world.services, manifest, limit, oldest)(payload, invocation(world));
  }
  if (next.step === 'wait') waits.push(next.why);
  // By the world's clock, which is ahead, the other has run for minutes, and would be waited for as long.
  return next.step === 'wait' ? { ...next, seconds: 1 } : next;
}

/** One number per slice, and a last slice that finds none left. */
function slice(payload: RunPayload): Promise<unknown> {
  const { migration } = payload;
  const self = { migration, codeSha256: CODE, sliceMs: MINUTE };
  const module = {
    migration: async function* (resume: unknown): AsyncGenerator<unknown, void, undefined> {
      for (let n = Number(resume ?? 0) + 1; n <= NUMBERS; n += 1) {
        if (n === failsAt) {
          failsAt = undefined;
          throw new Error('half way');
        }
        world.clock.advance(MINUTE);
        written.push(n);
        yield await Promise.resolve({ cursor: n, done: n, total: NUMBERS });
      }
    },
  };
  const runUserCode = runInThisProcess(() => Promise.resolve(module), world.timing);
  return createRunMigration(self, world.services, runUserCode)(payload, invocation(world));
}

/** Executions that run keep theirs. */
const deployDefinition = (version: number): string =>
  aws.stepFunctions.createStateMachine(
    resourcePrefix({ environment: ENVIRONMENT }),
    storedDefinition(version, ENVIRONMENT),
  ).stateMachineArn;

let runs = 0;
async function run(input: RunInput = {}): Promise<{ name: string; execution: string }> {
  const name = `run-${(runs += 1)}`;
  const { executionArn = '' } = await sfn.send(
    new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }),
  );
  return { name, execution: executionArn };
}

const range = (to: number) => Array.from({ length: to }, (_, n) => n + 1);

async function followed(execution: string, live: (event: RunEvent) => unknown = () => undefined): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  const deployment: Pick<Deployment, 'describe' | 'ledger' | 'pause'> = {
    describe: (executionArn) => Promise.resolve(aws.stepFunctions.describeExecution(executionArn)),
    ledger: world.ledger,
    pause: (ms) => sleep(ms),
  };
  for await (const event of runEvents(deployment, execution, new Told(), 1)) {
    events.push(event);
    await live(event);
  }
  return events;
}
const continued = () =>
  aws.stepFunctions.listExecutions(stateMachineArn).filter(({ name }) => name.startsWith('continue-'));
const parts = (events: RunEvent[]) =>
  events.filter((event) => event.event === 'handed over').map(({ execution }) => executionName(execution));

describe('a run that needs more events than one execution may have', () => {
  it('is handed over from part to part, and every step of it is done once', async () => {
    const { name, execution } = await run({ allowOutOfOrder: true });
    const events = await followed(execution);
    expect(events.at(-1)).toMatchObject({ event: 'ended', status: 'SUCCEEDED' });
    expect(written).toEqual(range(NUMBERS));
    expect(parts(events).length).toBeGreaterThanOrEqual(2);
    for (const part of parts(events)) expect(part).toMatch(/^continue-\d{8}(-\d+)?$/);
    expect((await world.ledger.log.look()).migrations['0004']?.completion?.completion).toBe('applied');
    // One attempt, in which slice followed on slice, whichever execution ran it; none was void.
    const allowed = (await world.ledger.log.entries()).filter((entry) => entry.kind === 'allowed');
    expect(allowed.map(({ attempt, slice, run: of }) => [attempt, slice, of])).toEqual(
      range(NUMBERS + 1).map((slice) => [1, slice, name]),
    );
    expect(new Set(inputs.map((input) => JSON.stringify(input)))).toEqual(
      new Set(['{"allowOutOfOrder":true}', `{"allowOutOfOrder":true,"run":"${name}"}`]),
    );
    const { output = '' } = aws.stepFunctions.describeExecution(execution);
    expect(JSON.parse(output)).toMatchObject({
      step: 'handed over',
      execution: execution.replace(name, parts(events)[0] ?? ''),
      summary: expect.stringMatching(/^This execution has \d+ events of the 25,000 .* goes on in arn:/) as unknown,
    });
    expect(aws.stepFunctions.getExecutionHistory(execution).length).toBeLessThan(LIMIT + 20);
    const told = world.sentEvents.filter(({ type }) => type === 'Run Completed');
    expect(told.map(({ detail }) => executionName(detail.execution))).toEqual([parts(events).at(-1)]);
  });

  it('starts one execution when the handover is repeated', async () => {
    loseHandovers = true;
    const before = continued().length;
    const { execution } = await run();
    const events = await followed(execution);
    expect(parts(events).length).toBeGreaterThanOrEqual(2);
    expect(new Set(parts(events)).size).toBe(parts(events).length);
    expect(continued().length - before).toBe(parts(events).length);
    expect(written).toEqual(range(NUMBERS));
  });

  it('halts in whichever part it is, goes on from the checkpoint after a retry, and tells of it at the end', async () => {
    failsAt = 7;
    const { execution } = await run();
    const resume = createResume(world.services, manifest);
    let part = 1;
    const events = await followed(execution, async (event) => {
      if (event.event === 'handed over') part += 1;
      if (event.event !== 'halted') return;
      expect(part).toBeGreaterThan(1);
      await resume({ ask: 'decide', decision: 'retry', by: 'alice' }, invocation(world));
    });
    expect(events.at(-1)).toMatchObject({ event: 'ended', status: 'SUCCEEDED' });
    expect(written).toEqual(range(NUMBERS));
    expect(world.published.at(-1)?.message).toContain('0004           applied');
  });
});

describe.each(storedDefinitions().filter((version) => version < DEFINITION))(
  'an execution of definition %i, which the functions of today do not serve',
  (old) => {
    beforeEach(() => {
      limit = MANY_EVENTS;
      deployDefinition(old);
    });
    afterAll(() => {
      deployDefinition(DEFINITION);
    });

    it.each(['retry', 'skip', 'mark-applied'] as const)(
      'that was halted goes on after %s in a fresh execution, which has the definition of today',
      async (decision) => {
        failsAt = 3;
        const { name, execution } = await run({ allowOutOfOrder: true });
        const resume = createResume(world.services, manifest);
        const events = await followed(execution, async ({ event }) => {
          if (event !== 'halted') return;
          deployDefinition(DEFINITION);
          oldest = DEFINITION;
          await resume({ ask: 'decide', decision, by: 'alice', reason: 'seen' }, invocation(world));
        });
        expect(events.at(-1)).toMatchObject({ event: 'ended', status: 'SUCCEEDED' });
        expect(parts(events)).toHaveLength(1);
        expect(written).toEqual(decision === 'retry' ? range(NUMBERS) : range(2));
        expect(inputs.at(-1)).toEqual({ allowOutOfOrder: true, run: name });
        expect(aws.stepFunctions.describeExecution(execution)).toMatchObject({
          status: 'SUCCEEDED',
          output: expect.stringContaining(`has definition ${old} of the state machine`) as unknown,
        });
      },
    );

    it('that was halted ends with an abort, and nothing goes on', async () => {
      failsAt = 3;
      const { execution } = await run();
      const before = continued().length;
      const events = await followed(execution, async ({ event }) => {
        if (event !== 'halted') return;
        deployDefinition(DEFINITION);
        oldest = DEFINITION;
        await createResume(world.services, manifest)(
          { ask: 'decide', decision: 'abort', by: 'alice' },
          invocation(world),
        );
      });
      expect(events.at(-1)).toMatchObject({ event: 'ended', status: 'FAILED' });
      expect([written, continued().length]).toEqual([range(2), before]);
    });

    it('that begins while the deployment goes on waits, and hands over until the machine has its new definition', async () => {
      oldest = DEFINITION;
      const { execution } = await run();
      let handedOver = 0;
      const events = await followed(execution, ({ event }) => {
        if (event === 'handed over' && (handedOver += 1) === 2) deployDefinition(DEFINITION);
      });
      expect(events.at(-1)).toMatchObject({ event: 'ended', status: 'SUCCEEDED' });
      expect(written).toEqual(range(NUMBERS));
      expect(parts(events).length).toBeGreaterThanOrEqual(3);
      // Each execution of the old one waited once before it handed over.
      expect(waits).toHaveLength(parts(events).length);
    });
  },
);
