// The simulation's stepping of the definition and the embedded engine visit the same states, with the same inputs and
// outputs: that is what allows the simulation to speak for the machine.
import { afterEach, describe, expect, it } from 'vitest';
import { stateMachineDefinition } from '../../core/contract/machine-definition.ts';
import type { LambdaAnswer } from '../../local/lambda/host.ts';
import { StepFunctions } from '../../local/step-functions/step-functions.ts';
import type { Ended, Host, Json } from './stepper.ts';
import { step, TaskFailed } from './stepper.ts';

type Scripted = { answer: Json } | { error: string; message: string } | { decide: Json } | { abort: string };

const turn = { migration: '0001', attempt: 1, slice: 1, turn: 1 };
const run = { step: 'run', ...turn, functionName: 'f-0001' };
const finished = { step: 'finished', completed: 1, summary: 'Nothing is pending.' };
const halted = { answer: { migration: '0001', attempt: 1, halt: 2 } };
const done = { answer: { outcome: 'finished', ...turn } };

/** What each function answers, one call after the other. A halt's `decide` answers its token. */
const HISTORIES: Record<string, Record<string, Scripted[]>> = {
  'a run without trouble': {
    'list-pending': [{ answer: run }, { answer: finished }],
    'f-0001': [done],
    'record-completion': [{ answer: null }],
  },
  'a failure, a halt and a retry': {
    'list-pending': [{ answer: run }, { answer: { ...run, attempt: 2, turn: 4 } }, { answer: finished }],
    'f-0001': [{ error: 'MigrationFailed', message: 'user code threw' }, done],
    halt: [{ decide: { decision: 'retry', by: 'her' } }],
    'record-completion': [{ answer: null }],
  },
  'a halt that is aborted': {
    'list-pending': [{ answer: { step: 'halt', ...turn, reason: 'failed' } }],
    halt: [{ abort: 'she aborted it' }],
  },
  'a halt that is not needed': {
    'list-pending': [{ answer: { step: 'halt', ...turn, reason: 'failed' } }, { answer: finished }],
    halt: [{ error: 'HaltNotNeeded', message: 'it is completed' }],
  },
  'a refusal': { 'list-pending': [{ answer: { step: 'refuse', error: 'OutOfOrder', cause: '0001.ts is late' } }] },
  'a wait': {
    'list-pending': [{ answer: { step: 'wait', seconds: 1, why: 'it runs' } }, { answer: finished }],
  },
  'more slices': {
    'list-pending': [{ answer: run }, { answer: { ...run, slice: 2, turn: 2 } }, { answer: finished }],
    'f-0001': [{ answer: { outcome: 'more', ...turn } }, done],
    'record-completion': [{ answer: null }],
  },
  'a handover': {
    'list-pending': [{ answer: { step: 'handed over', execution: 'arn:of-part-2', summary: 'It goes on in part 2.' } }],
  },
  'a slice that is claimed elsewhere': {
    'list-pending': [{ answer: run }, { answer: { step: 'record', ...turn } }, { answer: finished }],
    'f-0001': [{ answer: { outcome: 'claimed elsewhere', ...turn } }],
    'record-completion': [{ answer: null }],
  },
  'a list that is retried': {
    'list-pending': [{ error: 'LedgerUnavailable', message: 'no answer' }, { answer: finished }],
  },
  'a list that no retry can help': { 'list-pending': [{ error: 'RecordUnreadable', message: 'it is no entry' }] },
  'a step that the definition does not know': { 'list-pending': [{ answer: { step: 'dance' } }] },
  'a completion that cannot be recorded': {
    'list-pending': [{ answer: run }, { answer: finished }],
    'f-0001': [done],
    'record-completion': [{ error: 'NothingToRecord', message: 'denied' }],
    halt: [{ decide: { decision: 'mark-applied', by: 'him' } }],
  },
};

interface Visited {
  states: { state: string; input: Json; output?: Json }[];
  calls: { name: string; payload: Json }[];
  ended: Ended;
}

const definition = stateMachineDefinition({ environment: 'odin-dev' });
const INPUT = { allowOutOfOrder: true };
const NAME = 'the-run';
const shortName = (name: string) => name.replace('odin-migrate-odin-dev-', '');
/** A token is another one each time. */
const withoutToken = (payload: Json): Json =>
  typeof payload === 'object' && payload !== null && 'token' in payload ? { ...payload, token: 'a token' } : payload;

let close: (() => void) | undefined;
afterEach(() => close?.());

async function embedded(script: Record<string, Scripted[]>): Promise<Visited> {
  const left = structuredClone(script);
  const calls: Visited['calls'] = [];
  const invoke = (functionName: string, payload: string): Promise<LambdaAnswer> => {
    const name = shortName(functionName);
    const body = JSON.parse(payload) as Record<string, Json>;
    calls.push({ name, payload: withoutToken(body) });
    const next = left[name]!.shift()!;
    const token = body['token'] as string;
    if ('decide' in next) service.sendTaskSuccess(token, JSON.stringify(next.decide));
    if ('abort' in next) service.sendTaskFailure(token, { error: 'Aborted', cause: next.abort });
    const failure = 'error' in next ? { errorType: next.error, errorMessage: next.message } : undefined;
    const answer = failure ?? ('answer' in next ? next.answer : halted.answer);
    const functionError = failure && 'Unhandled';
    return Promise.resolve({ requestId: 'r', payload: JSON.stringify(answer), functionError });
  };
  const service = new StepFunctions({ lambda: { invoke } });
  close = () => service.close();
  const { stateMachineArn } = service.createStateMachine('machine', JSON.stringify(definition));
  const { executionArn } = service.startExecution({ stateMachineArn, name: NAME, input: JSON.stringify(INPUT) });
  const { status, output, error, cause } = await service.waitFor(executionArn);
  const states: Visited['states'] = [];
  for (const event of service.getExecutionHistory(executionArn)) {
    const details = (event['stateEnteredEventDetails'] ?? event['stateExitedEventDetails']) as
      { name: string; input?: string; output?: string } | undefined;
    if (details?.input !== undefined) states.push({ state: details.name, input: JSON.parse(details.input) as Json });
    if (details?.output !== undefined) states.at(-1)!.output = JSON.parse(details.output) as Json;
  }
  const ended: Ended =
    status === 'SUCCEEDED'
      ? { status, output: JSON.parse(output ?? 'null') as Json }
      : { status: 'FAILED', error: error ?? '', cause: cause ?? '' };
  return { states, calls, ended };
}

async function stepped(script: Record<string, Scripted[]>): Promise<Visited> {
  const left = structuredClone(script);
  const states: Visited['states'] = [];
  const calls: Visited['calls'] = [];
  const host: Host = {
    execution: { id: `arn:aws:states:eu-west-1:000000000000:execution:machine:${NAME}`, input: INPUT },
    newToken: () => 'a token',
    task: ({ functionName, payload }) => {
      const name = shortName(functionName);
      calls.push({ name, payload: withoutToken(payload) });
      const next = left[name]!.shift()!;
      if ('decide' in next) return Promise.resolve(next.decide);
      if ('abort' in next) return Promise.reject(new TaskFailed('Aborted', next.abort));
      if ('answer' in next) return Promise.resolve(next.answer);
      const cause = JSON.stringify({ errorType: next.error, errorMessage: next.message });
      return Promise.reject(new TaskFailed(next.error, cause));
    },
    sleep: () => Promise.resolve(),
    mapBreaksAfter: () => Infinity,
    random: () => 0.5,
    entered: (state, input) => states.push({ state, input }),
    exited: (_, output) => {
      states.at(-1)!.output = output;
    },
  };
  const ended = await step(definition, host, { state: definition.StartAt, input: INPUT });
  return { states, calls, ended };
}

describe('the stepper and the embedded engine agree on', () => {
  it.each(Object.keys(HISTORIES))('%s', async (name) => {
    const script = HISTORIES[name]!;
    const real = await embedded(script);
    expect(real.states.length).toBeGreaterThan(0);
    expect(await stepped(script)).toEqual(real);
  });
});

it('a field that it does not know is not stepped over in silence', async () => {
  const unknown = { StartAt: 'A', States: { A: { Type: 'Succeed', InputPath: '$.a' } } };
  await expect(step(unknown, {} as Host, { state: 'A', input: {} })).rejects.toThrow('InputPath is not stepped here');
});
