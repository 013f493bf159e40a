// What a deployment would take away although it may be needed: that has to be said twice. `check --deployed` finds it before a deployment,
// and the stack refuses it while it is deployed.
import { OdinError } from '../errors.ts';
import type { LogState, TurnState } from '../ledger/fold.ts';
import { idsText, numberOf } from '../text/format.ts';

/** Which migrations have a function, and which completed.json names. */
export interface Functions {
  migrations: readonly { id: string }[];
  pruned?: readonly string[] | undefined;
}

/** The context of CDK with which a removal is said twice: `cdk deploy -c allow-removed=0004,0005`. */
export const ALLOW_REMOVED = 'allow-removed';
/** Stands for every id there. */
const EVERY_ID = 'all';

/** @returns what is meant; undefined when it is neither four digits, several of them with commas between, nor `all` */
export function parseAllowed(said: string): string[] | undefined {
  const ids = said.split(',').map((id) => id.trim());
  return ids.every((id) => id === EVERY_ID || /^\d{4}$/.test(id)) ? ids : undefined;
}

export const mayBeRemoved = (allowed: readonly string[], id: string): boolean =>
  allowed.includes(id) || allowed.includes(EVERY_ID);

/** The ids whose functions the next deployment removes, but for those that are allowed. */
export function removedBy(deployed: Functions, next: Functions, allowed: readonly string[]): string[] {
  const stays = new Set(next.migrations.map(({ id }) => id));
  return deployed.migrations.map(({ id }) => id).filter((id) => !stays.has(id) && !mayBeRemoved(allowed, id));
}

/**
 * The function of an open turn, and all functions at once, as an empty folder or a wrong one would remove them. What the ledger has as
 * completed needs none; that an empty folder is meant is said by `prune`, in git.
 * @param removed as `removedBy` says
 * @returns FunctionsRemoved, one for each; none when the removal is safe
 */
export function refusedRemovals(
  removed: readonly string[],
  {
    environment,
    deployed,
    next,
    state,
  }: { environment: string; deployed: Functions; next: Functions; state: LogState },
): OdinError[] {
  const { turn } = state;
  const open = turn && removed.includes(turn.allowed.migration) && needsItsFunction(turn) ? [turn] : [];
  const pruned = new Set(next.pruned);
  const left = new Set(next.migrations.map(({ id }) => id));
  const lost = removed.filter((id) => !state.migrations[id]?.completion || (left.size === 0 && !pruned.has(id)));
  return [
    ...open.map((each) => openError(each, environment)),
    ...(lost.length === 0 || deployed.migrations.some(({ id }) => left.has(id))
      ? []
      : [allError(lost, left.size === 0, environment)]),
  ];
}

/** A decision that needs no code settles it; after an abort nothing runs before another decision. */
const needsItsFunction = ({ halt, verdict }: TurnState): boolean =>
  verdict === undefined && halt?.decided?.decision !== 'abort';

function openError({ allowed: { migration: id, attempt }, halt }: TurnState, environment: string): OdinError {
  const state = halt && !halt.decided ? 'is halted' : 'has not ended';
  return new OdinError({
    code: 'FunctionsRemoved',
    source: 'user',
    what: `${id} ${state} (attempt ${attempt}), and its file is not here: to deploy like this would be to remove its function, and a retry could not run.`,
    next: {
      words: `Put the file back, or decide mark-applied, skip or abort first; or, if it is meant, deploy with -c ${ALLOW_REMOVED}=${id}. What is open`,
      verb: 'status',
      environment,
    },
  });
}

const allError = (lost: readonly string[], isEmpty: boolean, environment: string): OdinError =>
  new OdinError({
    code: 'FunctionsRemoved',
    source: 'user',
    what: `To deploy like this would be to remove every function of ${environment} that is deployed, and ${numberOf(lost.length, 'migration')} of those ${lost.length === 1 ? 'is' : 'are'} not ${isEmpty ? 'completed and pruned' : 'completed'}: ${idsText(lost)}.`,
    why: 'An empty folder, a wrong one and another branch look like this.',
    next: {
      words: `Deploy from where the files are; or, if this is meant, deploy with -c ${ALLOW_REMOVED}=${lost.length > 5 ? EVERY_ID : lost.join(',')}. What is completed is pruned by`,
      verb: 'prune',
      environment,
    },
  });
