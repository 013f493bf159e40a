// What AWS counts: requests to the ledger's bucket, the machine's state transitions, invocations. Counted on the functions and the
// machine's definition, so that nothing here depends on a machine or on the time.
import { stateMachineDefinition } from '../../core/contract/machine-definition.ts';
import { manifestOf } from '../../test/support/services.ts';
import type { Pass } from '../../test/support/counted-runs.ts';
import {
  allowedEntry,
  completedEntry,
  costAfter,
  costAfterPruned,
  countedWorld,
  deployCounted,
  idsTo,
  total,
  writeLog,
} from '../../test/support/counted-runs.ts';
import type { Row, RowName } from '../goals.ts';
import { ROWS } from '../goals.ts';
import type { Figure, Subject } from '../subject.ts';

const COMPLETED = 3_000;

export const requests: Subject = async function* (bench) {
  bench.tell('requests');
  const idle = await idlePass();
  yield count('idle-requests', total(idle.counted));
  yield count('idle-transitions', transitions(idle));
  yield count('idle-invocations', idle.counted.length);

  const each = await warmPass();
  const own = each.counted.find(([name]) => name === 'run-migration')?.[1] ?? NaN;
  yield count('each-requests', total(each.counted));
  yield count('each-own-requests', own);
  yield count('each-transitions', transitions(each));
  yield count('each-invocations', each.counted.length);

  yield {
    row: 'long-log-requests',
    value: total(await costAfter(15_000)),
    beside: { what: 'after 15', value: total(await costAfter(15)) },
  };
  yield {
    row: 'pruned-requests',
    value: total(await costAfterPruned(4_990)),
    beside: { what: 'after 20', value: total(await costAfterPruned(20)) },
  };
};

/** Nothing is pending; the functions have never run, and the cache is there. */
async function idlePass(): Promise<Pass> {
  const counting = countedWorld();
  const ids = idsTo(COMPLETED);
  const manifest = manifestOf(...ids);
  await writeLog(
    counting,
    ids.flatMap((id) => [allowedEntry(id, 1), completedEntry(id)]),
  );
  await deployCounted(counting, manifest).pass(); // it writes the cache
  counting.morePages = 0;
  return await deployCounted(counting, manifest).pass();
}

/** One migration, after another one by the same processes. */
async function warmPass(): Promise<Pass> {
  const deployment = deployCounted(countedWorld());
  await deployment.pass();
  return await deployment.pass();
}

interface State {
  Type: string;
  Next?: string;
  Default?: string;
  Choices?: { Variable: string; StringEquals: string; Next: string }[];
}

/** The states that the machine enters in one pass of its loop: until it lists again, or ends. */
function transitions({ counted, step }: Pass): number {
  const { StartAt, States } = stateMachineDefinition({ environment: 'bench' });
  const states = States as unknown as Record<string, State>;
  // What the Choice states read: of list-pending, and of the migration's function.
  const recorded = counted.some(([name]) => name === 'record-completion');
  const seen: Record<string, string> = { '$.step': step.step, '$.outcome': recorded ? 'finished' : 'more' };
  const follow = ({ Choices = [], Default, Next }: State): string | undefined =>
    Choices.find(({ Variable, StringEquals }) => seen[Variable] === StringEquals)?.Next ?? Default ?? Next;
  let entered = 0;
  let at: string | undefined = StartAt;
  do {
    const state: State | undefined = states[at];
    entered += 1;
    at = state && follow(state);
  } while (at !== undefined && at !== StartAt);
  return entered;
}

const count = (row: RowName, value: number): Figure => ({
  row,
  value,
  beside: { what: 'the goal', value: (ROWS[row] as Row).goal?.value ?? NaN },
});
