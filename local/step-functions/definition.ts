// A state machine's definition as the embedded engine needs it: unchanged, but for what the interpreter would get wrong.

import { AwsError } from '../http.ts';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface State {
  readonly Type: string;
  readonly Resource?: string | undefined;
  readonly TimeoutSeconds?: number | undefined;
  readonly Seconds?: number | undefined;
  readonly Branches?: readonly Definition[] | undefined;
  readonly ItemProcessor?: Definition | undefined;
  readonly Iterator?: Definition | undefined;
  readonly [other: string]: unknown;
}

export type TaskState = State & { readonly Resource: string };

export interface Definition {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
  readonly TimeoutSeconds?: number | undefined;
  readonly [other: string]: unknown;
}

/** The interpreter waits with setTimeout, which fires at once when asked for more than 2^31 - 1 ms (24.8 days). */
export const MAX_TIMER_SECONDS = 2_147_483;

const STATE_TYPES = ['Task', 'Parallel', 'Map', 'Pass', 'Wait', 'Choice', 'Succeed', 'Fail'];

/**
 * Parses a definition and changes only this: a timeout or a wait of more than 24.8 days becomes 24.8 days (longer than
 * a process lives), and a Task without a timeout gets that one too (the interpreter's own default is 60 s, AWS's is none).
 * Refuses what the interpreter would silently do otherwise than Step Functions.
 */
export function parseDefinition(text: string): Definition {
  let definition: Definition;
  try {
    definition = JSON.parse(text) as Definition;
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error));
  }
  if (definition['QueryLanguage'] === 'JSONata') throw invalid('JSONata is not supported here, only JSONPath');
  return forInterpreter(definition);
}

/** Every Task by its name, also inside Map and Parallel. Step Functions wants state names unique in a machine. */
export function taskStates(definition: Definition): [string, TaskState][] {
  return Object.entries(definition.States).flatMap(([name, state]) => [
    ...(state.Type === 'Task' ? [[name, state] as [string, TaskState]] : []),
    ...nested(state).flatMap(taskStates),
  ]);
}

/** The names of the states of child executions: a Distributed Map has their events in histories of their own. */
export const childStates = (definition: Definition): string[] =>
  Object.values(definition.States).flatMap(({ ItemProcessor }) =>
    ItemProcessor && isDistributed(ItemProcessor) ? Object.keys(ItemProcessor.States) : [],
  );

/** The Distributed Maps, by their states' names: `$.field` of a state's input says how many children run at once, or a number does. */
export const distributedMaps = (definition: Definition): Map<string, State> =>
  new Map(
    Object.entries(definition.States).filter(([, { ItemProcessor }]) => ItemProcessor && isDistributed(ItemProcessor)),
  );

/** @param input of the state. @returns 0: all */
export function mostAtOnce({ childrenAtOnce }: State, input: Json): number {
  const most =
    typeof childrenAtOnce === 'string' ? (input as Record<string, Json>)[childrenAtOnce.slice(2)] : childrenAtOnce;
  return typeof most === 'number' ? most : 0;
}

const isDistributed = ({ ProcessorConfig }: Definition): boolean =>
  (ProcessorConfig as { Mode?: unknown } | undefined)?.Mode === 'DISTRIBUTED';

/** The definition that begins at one of its states, with that state's input; `$$.Execution.Input` stays the first one. */
export function redriveFrom(definition: Definition, from: { name: string; input: Json }, start: string): Definition {
  const entry: State = { Type: 'Pass', Result: from.input, Next: from.name };
  return { ...definition, StartAt: start, States: { ...definition.States, [start]: entry } };
}

function forInterpreter(definition: Definition): Definition {
  const { StartAt, States, TimeoutSeconds } = definition;
  if (States?.[StartAt] === undefined) throw invalid(`StartAt names no state: ${StartAt}`);
  const states = Object.entries(States).map(([name, state]) => [name, stateForInterpreter(name, state, States)]);
  return {
    ...definition,
    States: Object.fromEntries(states) as Record<string, State>,
    TimeoutSeconds: TimeoutSeconds === undefined ? undefined : clip(TimeoutSeconds),
  };
}

function stateForInterpreter(name: string, state: State, siblings: Readonly<Record<string, State>>): State {
  if (!STATE_TYPES.includes(state.Type)) throw invalid(`State '${name}' has an unknown Type: ${state.Type}`);
  for (const next of nextStates(state)) {
    if (siblings[next] === undefined) throw invalid(`State '${name}' leads to '${next}', which does not exist`);
  }
  for (const field of ['ErrorPath', 'CausePath']) {
    const path = state[field];
    if (typeof path === 'string' && !path.startsWith('$')) throw invalid(`${field} of '${name}' must be a path here`);
  }
  if (state['HeartbeatSeconds'] !== undefined) throw invalid(`HeartbeatSeconds of '${name}' is not watched here`);
  for (const field of [
    'ItemReader',
    'ItemBatcher',
    'ResultWriter',
    'ToleratedFailurePercentage',
    'ToleratedFailureCount',
  ]) {
    if (state[field] !== undefined) throw invalid(`${field} of '${name}' is not supported here`);
  }
  // Its value is known when the state is entered, too late to be clipped here, and our own timer of a task does not read it.
  if (state['TimeoutSecondsPath'] !== undefined) throw invalid(`TimeoutSecondsPath of '${name}' is not supported here`);
  if (state.Type === 'Task') return { ...state, TimeoutSeconds: taskTimeout(name, state) };
  const { Branches, ItemProcessor, Iterator, Seconds } = state;
  return {
    ...(ItemProcessor && isDistributed(ItemProcessor) ? tunable(name, state) : state),
    Seconds: Seconds === undefined ? undefined : clip(Seconds),
    Branches: Branches?.map(forInterpreter),
    ItemProcessor: ItemProcessor && forInterpreter(ItemProcessor),
    Iterator: Iterator && forInterpreter(Iterator),
  };
}

/**
 * How many of its children run is changed while it goes on (map-run.ts), and the interpreter cannot do that. So it has as many in its
 * hands as an inline Map may have (40), and these wait for one another.
 */
function tunable(name: string, { MaxConcurrency, MaxConcurrencyPath, ...state }: State): State {
  const path = MaxConcurrencyPath;
  if (path !== undefined && !(typeof path === 'string' && /^\$\.\w+$/.test(path))) {
    throw invalid(`MaxConcurrencyPath of '${name}' is supported here as '$.field'`);
  }
  return { ...state, Type: state.Type, MaxConcurrency: 40, childrenAtOnce: path ?? MaxConcurrency };
}

function taskTimeout(name: string, state: State): number {
  if (!/:states:::lambda:invoke(\.waitForTaskToken)?$/.test(state.Resource ?? '')) {
    const supported = 'only lambda:invoke, also with .waitForTaskToken';
    throw invalid(`Task '${name}' has a Resource that is not supported here (${supported}): ${state.Resource}`);
  }
  return clip(state.TimeoutSeconds ?? MAX_TIMER_SECONDS);
}

function nextStates(state: State): string[] {
  const choices = ['Choices', 'Catch'].flatMap((field) => (state[field] ?? []) as { Next?: unknown }[]);
  const named = [state['Next'], state['Default'], ...choices.map((choice) => choice.Next)];
  return named.filter((next) => typeof next === 'string');
}

function nested(state: State): Definition[] {
  return [...(state.Branches ?? []), state.ItemProcessor, state.Iterator].filter((inner) => inner !== undefined);
}

function clip(seconds: number): number {
  return Math.min(seconds, MAX_TIMER_SECONDS);
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidDefinition', `Invalid State Machine Definition: '${message}'`);
}
