// The functions as Lambda runs them: each invocation on a machine with a clock of its own, ended when its time is over, and a
// fault possible at each of its requests. The handlers are the real ones.
import type { Invocation } from '../../core/contract/ports.ts';
import type { Fault } from './faults.ts';
import type { Caller, PlannedMigration } from './planned.ts';
import { codeOf, ENVIRONMENT } from './planned.ts';
import { draw, pick, spread } from './random.ts';
import type { Author } from './recorder.ts';
import type { Sandbox } from './sandbox.ts';
import type { Json } from './stepper.ts';
import { TaskFailed } from './stepper.ts';
import { runUserCode } from './user-code.ts';
import type { Whole } from './whole.ts';

/** CDK gives the system functions so long (infra/functions.ts). */
const SYSTEM_TIMEOUT_MS = 90_000;
const MINUTE = 60_000;

/** Those of the system that take part. The dashboard is looked at; its buttons ask `resume`, as a person does. */
export const SYSTEM_FUNCTIONS = [
  'list-pending',
  'record-completion',
  'halt',
  'resume',
  'baseline',
  'watch-halts',
  'start-run',
  'dashboard',
] as const;
type SystemFunction = (typeof SYSTEM_FUNCTIONS)[number];

/** What is thrown by code that is wrong, and by nothing that can go wrong around it. */
const BROKEN_CODE = ['TypeError', 'ReferenceError', 'SyntaxError', 'RangeError', 'ZodError', 'Internal', 'LogBroken'];

/** Runs a function; settles with its answer, or with its error as Step Functions names it. */
export function invoke(sim: Whole, functionName: string, payload: Json, caller: Caller): Promise<Json> {
  const version = sim.deployments.of(functionName);
  if (!version) {
    return Promise.reject(new TaskFailed('Lambda.ResourceNotFoundException', `Function not found: ${functionName}`));
  }
  const { promise, resolve, reject } = Promise.withResolvers<Json>();
  const planned = version.migrations.get(functionName);
  const name = planned?.id ?? SYSTEM_FUNCTIONS.find((one) => functionName.endsWith(`-${one}`)) ?? functionName;
  const sandbox = sim.sandboxes.take(functionName, name, version);
  const preview = (payload as { ask?: string }).ask === 'preview';
  const requestId = `request-${sim.recorder.nextRequest()}`;
  const manifest = new Map(version.manifest.migrations.map(({ id, codeSha256 }) => [id, codeSha256]));
  const { pruned = [] } = version.manifest;
  const author: Author = {
    name,
    requestId,
    manifest,
    pruned,
    allowOutOfOrder: caller.allowOutOfOrder,
    preview,
    since: sim.world.now,
  };
  sim.recorder.invocationBegins(author, payload);
  sim.recorder.delivered((payload as { by?: unknown }).by);
  const timeoutMs = planned?.timeoutMs ?? SYSTEM_TIMEOUT_MS;
  const endsAt = sim.world.now + timeoutMs;
  const invoked = { author, caller, endsAt, over: false, die: reject };
  sandbox.begin(invoked, timeoutMs);
  const invocation: Invocation = {
    requestId,
    functionName,
    functionArn: functionName,
    remainingMs: () => endsAt - sim.world.now,
  };
  const handle = (): Promise<unknown> =>
    planned
      ? runMigration(sim, sandbox, planned, payload, invocation)
      : runSystem(sim, sandbox, name as SystemFunction, payload, invocation);
  const ends = (settle: () => void) => {
    sandbox.end();
    if (name === 'list-pending') caller.listed = [...manifest.keys(), ...pruned];
    settle();
  };
  Promise.resolve()
    .then(handle)
    .then(
      (answer) =>
        sandbox.request('return', `answers ${JSON.stringify(answer)}`, () =>
          ends(() => resolve((answer ?? null) as Json)),
        ),
      (thrown: unknown) => {
        const error = sim.code.asOdinError(thrown);
        if (error.name !== 'HaltNotNeeded') sim.recorder.invocationFailed(name);
        const kind = error.name === 'Internal' && thrown instanceof Error ? thrown.name : error.name;
        if (BROKEN_CODE.includes(kind)) sim.recorder.violated(0, `${name} threw ${kind}: ${messageOf(thrown)}`);
        return sandbox.request('return', `fails with ${error.name}: ${error.message}`, () =>
          ends(() =>
            reject(new TaskFailed(error.name, JSON.stringify({ errorType: error.name, errorMessage: error.message }))),
          ),
        );
      },
    );
  return promise;
}

const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

async function runMigration(
  sim: Whole,
  sandbox: Sandbox,
  planned: PlannedMigration,
  payload: Json,
  invocation: Invocation,
): Promise<unknown> {
  const { code } = sim;
  if ((payload as { ask?: string }).ask === 'preview') return preview(sim, sandbox, planned, invocation);
  const self = { migration: planned.id, codeSha256: codeOf(planned), sliceMs: planned.sliceMs };
  const runFor = (number: number) => runUserCode(sim, sandbox, planned, { number, requestId: invocation.requestId });
  if ((payload as { ask?: string }).ask === 'batch') {
    const asked = code.BatchPayload.parse(payload);
    const answer = await code.createRunBatch(self, sandbox.services, runFor(asked.turn))(asked, invocation);
    if (answer.outcome === 'failed') sim.recorder.batchAnswered(asked.turn, asked.batch);
    return answer;
  }
  const asked = code.RunPayload.parse(payload);
  return code.createRunMigration(self, sandbox.services, runFor(asked.turn))(asked, invocation);
}

/** User code under the real supervisor, with every write held back. Its session and its report are not simulated. */
function preview(
  sim: Whole,
  sandbox: Sandbox,
  planned: PlannedMigration,
  { remainingMs }: Invocation,
): Promise<unknown> {
  return runUserCode(
    sim,
    sandbox,
    planned,
    undefined,
  )({
    migration: planned.id,
    attempt: 1,
    slice: 1,
    cursor: undefined,
    sliceMs: 20_000,
    saveEveryMs: 0,
    endAfterMs: Math.min(20_000, remainingMs() - 5_000),
    save: () => Promise.resolve('go on'),
    preview: { allows: [], onSeen: () => undefined, onHandedOn: () => undefined },
  });
}

async function runSystem(
  sim: Whole,
  { services, version }: Sandbox,
  name: SystemFunction,
  payload: Json,
  invocation: Invocation,
): Promise<unknown> {
  const { code, scenario } = sim;
  const { manifest } = version;
  switch (name) {
    case 'list-pending':
      return code.createListPending(
        services,
        manifest,
        scenario.handoverEvents,
        sim.oldestDefinition,
      )(code.NextPayload.parse(payload), invocation);
    case 'record-completion':
      return code.createRecordCompletion(services)(code.RecordPayload.parse(payload), invocation);
    case 'halt':
      return code.createHalt(services, manifest)(code.HaltPayload.parse(payload), invocation);
    case 'resume':
      return (payload as { ask?: string }).ask === 'cancel'
        ? code.createCancel(services, manifest)(code.CancelPayload.parse(payload), invocation)
        : code.createResume(services, manifest)(code.DecidePayload.parse(payload), invocation);
    case 'baseline':
      return code.createBaseline(services, manifest)(code.BaselinePayload.parse(payload), invocation);
    case 'watch-halts':
      return code.createWatchHalts(services)();
    case 'dashboard':
      return code.readView(services.ledger, manifest);
    case 'start-run': {
      // CloudFormation's own bucket takes the answer.
      const answer = () => Promise.resolve();
      const pause = (ms: number) => new Promise<void>((resolve) => sim.world.after(ms, resolve));
      return code.createStartRun(services, answer, pause)(code.CustomResourceEvent.parse(payload), invocation);
    }
  }
}

export const systemFunction = (name: SystemFunction): string => `odin-migrate-${ENVIRONMENT}-${name}`;

/** Starts a function as Step Functions does, with what can go wrong on the way there and back. */
export function dispatch(sim: Whole, functionName: string, payload: Json, caller: Caller): Promise<Json> {
  const { world, recorder, faults, seed } = sim;
  const at = { who: 'Step Functions', what: `invokes ${functionName}` };
  const fault: Fault | undefined = faults.next({ place: 'invoke', ...at });
  const point = faults.points - 1;
  if (fault) sim.around(fault, caller.execution);
  recorder.trace('Step Functions', `invokes ${functionName} [${point}${fault ? `: ${fault.kind}` : ''}]`);
  const { promise, resolve, reject } = Promise.withResolvers<Json>();
  const run = () => invoke(sim, functionName, payload, caller);
  const again = () => {
    run().catch(() => undefined); // nobody waits for the answer
  };
  const ambiguous = () => {
    const names = [
      'Lambda.ServiceException',
      'Lambda.SdkClientException',
      'Lambda.Unknown',
      'Lambda.AWSLambdaException',
    ];
    return new TaskFailed(pick(names, draw(seed, 'name', point)), 'Lambda did not say what happened');
  };
  const ms = (from: number, to: number) => fault?.ms ?? spread(from, to, fault?.size ?? 0);
  world.after(sim.latency(point), () => {
    sim.passed(at);
    switch (fault?.kind) {
      case 'throttled':
        return reject(new TaskFailed('Lambda.TooManyRequestsException', 'Rate Exceeded.'));
      case 'refused':
        return reject(ambiguous());
      case 'error while it runs':
        again();
        return world.after(ms(1, 5 * MINUTE), () => reject(ambiguous()));
      case 'answer lost':
        return void run().then(
          () => reject(ambiguous()),
          () => reject(ambiguous()),
        );
      case 'late start':
        return world.after(ms(1_000, 30 * MINUTE), () => void run().then(resolve, reject));
      case 'duplicate':
        again();
        break;
      case 'late duplicate':
        world.after(ms(1_000, 60 * MINUTE), again);
        break;
      default:
    }
    return void run().then(resolve, reject);
  });
  return promise;
}
