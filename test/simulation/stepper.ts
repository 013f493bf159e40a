// A stepping of the state machine's own definition, under whatever clock: the states and fields that it uses, and an
// error for any other. stepper.test.ts holds it to what the embedded engine does with the same definition.

export type Json = null | boolean | number | string | Json[] | { [field: string]: Json };

export interface Retrier {
  ErrorEquals: string[];
  IntervalSeconds?: number;
  BackoffRate?: number;
  MaxDelaySeconds?: number;
  MaxAttempts?: number;
  JitterStrategy?: string;
}

interface State {
  Type: string;
  Next?: string;
  Resource?: string;
  Parameters?: Json;
  ResultPath?: string | null;
  OutputPath?: string;
  TimeoutSeconds?: number;
  Retry?: Retrier[];
  Catch?: { ErrorEquals: string[]; ResultPath?: string | null; Next: string }[];
  Choices?: { Variable: string; StringEquals: string; Next: string }[];
  Default?: string;
  SecondsPath?: string;
  Error?: string;
  ErrorPath?: string;
  Cause?: string;
  CausePath?: string;
  End?: boolean;
  ItemsPath?: string;
  MaxConcurrencyPath?: string;
  ItemSelector?: Json;
  ItemProcessor?: Definition & { ProcessorConfig: { Mode: string; ExecutionType: string } };
}

export interface Definition {
  StartAt: string;
  States: Record<string, State>;
}

const KNOWN_FIELDS = new Set(
  (
    'Type Comment Next Resource Parameters ResultPath OutputPath TimeoutSeconds Retry Catch Choices Default ' +
    'SecondsPath Error ErrorPath Cause CausePath End ItemsPath MaxConcurrencyPath ItemSelector ItemProcessor'
  ).split(' '),
);

/** How a task fails: Step Functions' name of the error, and its cause. */
export class TaskFailed extends Error {
  override readonly name: string;
  constructor(error: string, cause: string) {
    super(cause);
    this.name = error;
  }
}

export interface TaskRequest {
  state: string;
  functionName: string;
  payload: Json;
  /** Set: the task is over when this token is answered. */
  token: string | undefined;
  timeoutSeconds: number;
}

export interface Host {
  /** What `$$.Execution.Id` and `$$.Execution.Input` are. */
  execution: { id: string; input: Json };
  newToken: () => string;
  /**
   * The function's answer, or what the token was answered with.
   * @throws TaskFailed with the error's name as Step Functions has it, `States.Timeout` too
   */
  task: (request: TaskRequest) => Promise<Json>;
  sleep: (seconds: number) => Promise<void>;
  /** How many children of a Distributed Map begin before it fails by itself; Infinity: it does not. */
  mapBreaksAfter: () => number;
  /** In [0, 1), for the jitter of retries. */
  random: () => number;
  entered: (state: string, input: Json) => void;
  exited: (state: string, output: Json) => void;
}

export type Ended = { status: 'SUCCEEDED'; output: Json } | { status: 'FAILED'; error: string; cause: string };

/** Steps from a state, with that state's input, to the end. */
export async function step(definition: Definition, host: Host, from: { state: string; input: Json }): Promise<Ended> {
  let { state: name, input } = from;
  for (;;) {
    const state = definition.States[name];
    if (!state) return failed('States.Runtime', `no state is called ${name}`);
    for (const field of Object.keys(state))
      if (!KNOWN_FIELDS.has(field)) throw new Error(`${field} is not stepped here`);
    host.entered(name, input);
    let next: string | undefined = state.Next;
    let output: Json = input;
    switch (state.Type) {
      case 'Succeed':
        host.exited(name, output);
        return { status: 'SUCCEEDED', output };
      case 'Fail':
        return failed(state.Error ?? text(at(input, state.ErrorPath)), state.Cause ?? text(at(input, state.CausePath)));
      case 'Wait':
        await host.sleep(Number(at(input, state.SecondsPath)));
        break;
      case 'Choice':
        next =
          state.Choices?.find(({ Variable, StringEquals }) => at(input, Variable) === StringEquals)?.Next ??
          state.Default;
        break;
      case 'Pass':
        output = at(input, state.OutputPath);
        break;
      case 'Map':
      case 'Task': {
        const result = await (state.Type === 'Map' ? map(name, state, host, input) : task(name, state, host, input));
        if ('failed' in result) return result.failed;
        ({ next, output } = result);
        break;
      }
      default:
        throw new Error(`${state.Type} is not stepped here`);
    }
    if (next === undefined && !state.End) throw new Error(`${name} leads nowhere`);
    host.exited(name, output);
    if (next === undefined) return { status: 'SUCCEEDED', output };
    name = next;
    input = output;
  }
}

/** Each child has an execution of its own, whose events are not in the history of this one. It goes on when the map has failed. */
async function map(name: string, state: State, host: Host, input: Json): Promise<Result> {
  const { ItemProcessor, ItemSelector = null } = state;
  if (ItemProcessor?.ProcessorConfig.Mode !== 'DISTRIBUTED' || state.ResultPath !== null) {
    throw new Error(`${name} is not stepped`);
  }
  const child: Host = { ...host, entered: () => undefined, exited: () => undefined };
  const waiting = [...(at(input, state.ItemsPath) as Json[])];
  const breaksAfter = host.mapBreaksAfter();
  let begun = 0;
  const work = async (): Promise<void> => {
    for (;;) {
      if (begun >= breaksAfter) throw new TaskFailed('States.ExceedToleratedFailureThreshold', 'The map run failed');
      const [item] = waiting.splice(0, 1);
      if (item === undefined) return;
      begun += 1;
      const selected = template(ItemSelector, input, { ...contextOf(host), Map: { Item: { Value: item } } });
      const ended = await step(ItemProcessor, child, { state: ItemProcessor.StartAt, input: selected });
      if (ended.status === 'FAILED') throw new TaskFailed('States.ExceedToleratedFailureThreshold', ended.cause);
    }
  };
  try {
    await Promise.all(Array.from({ length: Number(at(input, state.MaxConcurrencyPath)) }, work));
    return { next: state.Next, output: input };
  } catch (thrown) {
    if (!(thrown instanceof TaskFailed)) throw thrown;
    begun = Infinity; // no further child begins
    return caughtBy(state, thrown, input);
  }
}

type Result = { next: string | undefined; output: Json } | { failed: Ended };

function caughtBy(state: State, thrown: TaskFailed, input: Json): Result {
  const catcher = state.Catch?.find(({ ErrorEquals }) => matches(ErrorEquals, thrown.name));
  if (!catcher) return { failed: failed(thrown.name, thrown.message) };
  const caught = { Error: thrown.name, Cause: thrown.message };
  return {
    next: catcher.Next,
    output: catcher.ResultPath === null ? input : put(input, catcher.ResultPath ?? '$', caught),
  };
}

const contextOf = (host: Host) => ({ Execution: { Id: host.execution.id, Input: host.execution.input } });

async function task(name: string, state: State, host: Host, input: Json): Promise<Result> {
  const retried = new Map<Retrier, number>();
  for (;;) {
    try {
      const callback = state.Resource?.endsWith(':lambda:invoke.waitForTaskToken') ?? false;
      if (!callback && !state.Resource?.endsWith(':lambda:invoke')) throw new Error(`${state.Resource} is not stepped`);
      const token = callback ? host.newToken() : undefined;
      const context = { ...contextOf(host), Task: { Token: token ?? '' } };
      const { FunctionName, Payload } = template(state.Parameters ?? null, input, context) as Record<string, Json>;
      const answer = await host.task({
        state: name,
        functionName: text(FunctionName),
        payload: Payload ?? null,
        token,
        timeoutSeconds: state.TimeoutSeconds ?? Infinity,
      });
      const result: Json = callback ? answer : { ExecutedVersion: '$LATEST', Payload: answer, StatusCode: 200 };
      return { next: state.Next, output: at(state.ResultPath === null ? input : result, state.OutputPath) };
    } catch (thrown) {
      if (!(thrown instanceof TaskFailed)) throw thrown;
      // The first retrier that matches is the one that counts, also when it is used up.
      const retrier = state.Retry?.find(({ ErrorEquals }) => matches(ErrorEquals, thrown.name));
      const times = retrier ? (retried.get(retrier) ?? 0) : 0;
      if (retrier && times < (retrier.MaxAttempts ?? 3)) {
        retried.set(retrier, times + 1);
        const seconds = (retrier.IntervalSeconds ?? 1) * (retrier.BackoffRate ?? 2) ** times;
        const delay = Math.min(seconds, retrier.MaxDelaySeconds ?? Infinity);
        await host.sleep(retrier.JitterStrategy === 'FULL' ? delay * host.random() : delay);
        continue;
      }
      return caughtBy(state, thrown, input);
    }
  }
}

const failed = (error: string, cause: string): Ended => ({ status: 'FAILED', error, cause });

/** `States.ALL` matches neither of the errors that Step Functions calls terminal. */
const matches = (names: string[], error: string): boolean =>
  names.includes(error) ||
  (names.includes('States.ALL') && error !== 'States.DataLimitExceeded' && error !== 'States.Runtime');

function template(value: Json, input: Json, context: Json): Json {
  if (Array.isArray(value)) return value.map((item) => template(item, input, context));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([field, inner]) => {
      if (!field.endsWith('.$')) return [field, template(inner, input, context)];
      const path = text(inner);
      return [field.slice(0, -2), path.startsWith('$$') ? at(context, path.slice(1)) : at(input, path)];
    }),
  );
}

/** What is at `$`, `$.a` or `$.a.b`. */
function at(value: Json, path = '$'): Json {
  let found: Json | undefined = value;
  for (const field of path.split('.').slice(1)) {
    found = found !== null && typeof found === 'object' && !Array.isArray(found) ? found[field] : undefined;
  }
  if (found === undefined) throw new TaskFailed('States.Runtime', `The path ${path} finds nothing`);
  return found;
}

function put(value: Json, path: string, inner: Json): Json {
  if (path === '$') return inner;
  const field = /^\$\.(\w+)$/.exec(path)?.[1];
  if (field === undefined) throw new Error(`the ResultPath ${path} is not stepped here`);
  return { ...(value as Record<string, Json>), [field]: inner };
}

const text = (value: Json | undefined): string => (typeof value === 'string' ? value : JSON.stringify(value));
