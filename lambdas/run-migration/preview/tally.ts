// Counts what a migration does in a preview, in bounded space.
import type { CallGroup, Occurrence, PreviewReport } from '../../../core/preview/preview.ts';
import { commonPrefix, groupKey, LIMITS, mergeGroups, occurrenceKey } from '../../../core/preview/preview.ts';
import { cut } from '../../../core/ledger/summaries.ts';
import type { Call, CallListener } from './call.ts';

type Occurrences = 'simulated' | 'stale' | 'refused';

export class Tally implements CallListener {
  readonly #groups = new Map<string, CallGroup>();
  readonly #occurrences: Record<Occurrences, Map<string, Occurrence>> = {
    simulated: new Map(),
    stale: new Map(),
    refused: new Map(),
  };
  readonly #omitted = { calls: 0, occurrences: 0, lines: 0 };

  call(call: Call): void {
    const group = groupOf(call);
    const key = groupKey(group);
    const known = this.#groups.get(key);
    if (!known && this.#groups.size >= LIMITS.groups) this.#omitted.calls += 1;
    else this.#groups.set(key, known ? mergeGroups(known, group) : group);
  }

  occurrence(kind: Occurrences, what: string, target: string, of?: string): void {
    const found = this.#occurrences[kind];
    const occurrence: Occurrence = { what, target: cut(target, LIMITS.lineLength), count: 1, of };
    const key = occurrenceKey(occurrence);
    const known = found.get(key);
    if (known) known.count += 1;
    else if (found.size < LIMITS.occurrences) found.set(key, occurrence);
    else this.#omitted.occurrences += 1;
  }

  /** What was counted until now. */
  snapshot(): Pick<PreviewReport, 'calls' | 'omitted' | Occurrences> {
    const occurrences = (kind: Occurrences) => [...this.#occurrences[kind].values()];
    return {
      calls: [...this.#groups.values()],
      simulated: occurrences('simulated'),
      stale: occurrences('stale'),
      refused: occurrences('refused'),
      omitted: { ...this.#omitted },
    };
  }
}

const groupOf = ({ sent, service, operation, targets, bytes, unsized }: Call): CallGroup => ({
  sent,
  service,
  operation,
  target: targets.length === 0 ? '' : targets.reduce(commonPrefix),
  calls: 1,
  items: Math.max(1, targets.length),
  bytes,
  unsized,
  examples: targets.slice(0, LIMITS.examples),
});
