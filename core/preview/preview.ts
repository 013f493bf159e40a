// What a preview is asked, what it answers, and how the answers of several slices become one (docs/preview.md).
import * as z from '../schema.ts';
import { OdinError } from '../errors.ts';
import { MigrationId } from '../names/identifiers.ts';
import { JsonValue } from '../ledger/json.ts';
import type { ManifestEntry } from '../contract/manifest.ts';
import { ErrorSummary } from '../ledger/error-records.ts';
import { LeftOver } from '../ledger/entries.ts';
import { withoutSecrets } from '../text/secrets.ts';

/**
 * In characters, of what was held back until now. With a report, it is well below the 6 MB of a function's answer, and of
 * the payload of the next one.
 */
export const MAX_HANDED_ON = 3_000_000;
/** Packed by a preview for the next one (lambdas/run-migration/preview/handed-on.ts). Who carries it does not look into it. */
const HandedOn = z.string().check(z.maxLength(MAX_HANDED_ON));

/** Asks a migration's function for a preview of one slice. It begins after `cursor`, as a run would. */
export const PreviewPayload = z.strictObject({
  ask: z.literal('preview'),
  migration: MigrationId,
  cursor: z.optional(JsonValue),
  /** What earlier slices and migrations have handed on: it sees the data with that. */
  before: z.optional(HandedOn),
  /** Stops at the first checkpoint after so many seconds; without it, when the function's time runs short. */
  seconds: z.optional(z.number().check(z.positive())),
  /** Ends its process after so many seconds, at a checkpoint or not; without it, when the function's time is over. */
  endAfterSeconds: z.optional(z.number().check(z.positive())),
});
export type PreviewPayload = z.infer<typeof PreviewPayload>;

/** `addons` (native ones), `child_process`, `worker_threads`, or `network:db.example.com`. */
export const PreviewAllows = z.array(
  z.string().check(
    z.regex(/^(addons|child_process|worker_threads|network:[\w.:-]+)$/, {
      error: 'expected "addons", "child_process", "worker_threads" or "network:<host>"',
    }),
  ),
  'expected a list, e.g. ["network:db.example.com"]',
);
export type PreviewAllows = z.infer<typeof PreviewAllows>;

const Count = z.int().check(z.minimum(0));

/** Calls of one operation on one bucket, table, queue, …, together. */
export const CallGroup = z.object({
  /** Whether the calls were sent: reads are, writes are only recorded. */
  sent: z.boolean(),
  /** As the SDK names it: `S3`, `DynamoDB`. */
  service: z.string(),
  operation: z.string(),
  /** What all their targets begin with: `s3://bucket/prefix/`, a table's name. */
  target: z.string(),
  calls: Count,
  /** Objects, items or messages: 900 for a DeleteObjects of 900 keys. */
  items: Count,
  /** Of those items whose size is known: of objects in S3, else of what would have been sent. */
  bytes: Count,
  /** Items whose size is not known. */
  unsized: Count,
  /** The first few targets. */
  examples: z.array(z.string()),
});
export type CallGroup = z.infer<typeof CallGroup>;

/** How often something happened to one target. `of`: because of what an earlier migration would have written, and not itself. */
export const Occurrence = z.object({
  what: z.string(),
  target: z.string(),
  count: Count,
  of: z.optional(MigrationId),
});
export type Occurrence = z.infer<typeof Occurrence>;

export const PreviewReport = z.object({
  migration: MigrationId,
  /**
   * `finished`: its code returned. `more`: it stopped at a checkpoint, `cursor` leads on. `threw`. `cut off`: its time was
   * over before a checkpoint. `ended`: its process ended by itself.
   */
  outcome: z.enum(['finished', 'more', 'threw', 'cut off', 'ended']),
  error: z.optional(ErrorSummary),
  /** What its file lets it do besides (`previewAllows`), which nothing holds back. */
  allows: z.optional(z.array(z.string())),
  durationMs: Count,
  slices: Count,
  checkpoints: Count,
  /** The latest time for which it would wait at a checkpoint; a preview goes on at once. Absent: it would wait for none. */
  waitsUntil: z.optional(z.iso.datetime()),
  /** The last one. */
  checkpoint: z.optional(
    z.object({
      cursor: JsonValue,
      done: z.optional(z.number()),
      total: z.optional(z.number()),
      note: z.optional(z.string()),
    }),
  ),
  calls: z.array(CallGroup),
  /** Reads of what an earlier held-back write would have changed, answered as if it had. */
  simulated: z.array(Occurrence),
  /** The same, answered with what is really there: from here on the preview may differ from a run. */
  stale: z.array(Occurrence),
  /** What is no call of the SDK, and was refused. */
  refused: z.array(Occurrence),
  /** What it had begun, and was still alive when it was over. */
  leftOver: z.optional(LeftOver),
  /** What it printed, without what looks like a credential: whoever may look at a dashboard sees it. */
  output: z.array(z.string().check(z.overwrite(withoutSecrets))),
  /** What is left out above, because the answer of a function has a limit. */
  omitted: z.object({ calls: Count, occurrences: Count, lines: Count }),
});
export type PreviewReport = z.infer<typeof PreviewReport>;

export const PreviewAnswer = z.extend(PreviewReport, {
  /** What it held back, and what was handed to it. Absent when that is too much, or its process did not get to say it. */
  handedOn: z.optional(HandedOn),
});
export type PreviewAnswer = z.infer<typeof PreviewAnswer>;

/**
 * A migration that is pending before a previewed one, and how much of what it would write the preview saw: `all`, `part` (its own
 * preview saw no more of it), or nothing, because it was `not previewed`, was `cut off`, or wrote `too much` to be handed on.
 */
export interface PendingBefore {
  migration: string;
  seen: 'all' | 'part' | 'not previewed' | 'cut off' | 'too much';
}

/** A report, and how much of the whole it has seen: multiplied by `share`, its numbers are those of a full run. */
export interface Previewed extends PreviewReport {
  description?: string | undefined;
  /** 1 when it was seen to its end; absent when nothing can be said. */
  share?: number | undefined;
  /** Those that run before it, in order. */
  before: PendingBefore[];
  /** Set: some slice saw the data without what the slices before it would have written. */
  slicesApart?: true | undefined;
}

/** Even with the longest keys and lines, all together is far below the 6 MB of a function's answer. */
export const LIMITS = { groups: 200, examples: 3, occurrences: 50, lines: 200, lineLength: 1_000, leftOver: 10 };

/** @param longer another group of the same `groupKey`, seen later */
export const mergeGroups = (group: CallGroup, longer: CallGroup): CallGroup => ({
  ...group,
  target: commonPrefix(group.target, longer.target),
  calls: group.calls + longer.calls,
  items: group.items + longer.items,
  bytes: group.bytes + longer.bytes,
  unsized: group.unsized + longer.unsized,
  examples:
    group.examples.length < LIMITS.examples
      ? [...new Set([...group.examples, ...longer.examples])].slice(0, LIMITS.examples)
      : group.examples,
});

/** Calls of one key are told together: by bucket in S3, by the whole target elsewhere. */
export const groupKey = ({ sent, service, operation, target }: CallGroup): string =>
  JSON.stringify([sent, service, operation, /^s3:\/\/[^/]*/.exec(target)?.[0] ?? target]);

export function commonPrefix(a: string, b: string): string {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length += 1;
  return a.slice(0, length);
}

/** The report of a slice and of the one after it, as one. */
export function mergeReports(first: PreviewReport, next: PreviewReport): PreviewReport {
  const groups = new Map(first.calls.map((group) => [groupKey(group), group]));
  let omittedCalls = first.omitted.calls + next.omitted.calls;
  for (const group of next.calls) {
    const key = groupKey(group);
    const known = groups.get(key);
    if (!known && groups.size >= LIMITS.groups) omittedCalls += group.calls;
    else groups.set(key, known ? mergeGroups(known, group) : group);
  }
  const lines = [...first.output, ...next.output];
  const checkpoint = next.checkpoint ?? first.checkpoint;
  return {
    ...next,
    durationMs: first.durationMs + next.durationMs,
    slices: first.slices + next.slices,
    checkpoints: first.checkpoints + next.checkpoints,
    waitsUntil: [first.waitsUntil, next.waitsUntil]
      .filter((time) => time !== undefined)
      .sort()
      .at(-1),
    checkpoint,
    leftOver:
      first.leftOver || next.leftOver
        ? [...(first.leftOver ?? []), ...(next.leftOver ?? [])].slice(0, LIMITS.leftOver)
        : undefined,
    calls: [...groups.values()],
    simulated: mergeOccurrences(first.simulated, next.simulated),
    stale: mergeOccurrences(first.stale, next.stale),
    refused: mergeOccurrences(first.refused, next.refused),
    output: lines.slice(0, LIMITS.lines),
    omitted: {
      calls: omittedCalls,
      occurrences: first.omitted.occurrences + next.omitted.occurrences,
      lines: first.omitted.lines + next.omitted.lines + Math.max(0, lines.length - LIMITS.lines),
    },
  };
}

export const occurrenceKey = ({ what, target, of = '' }: Occurrence): string => `${what} ${of} ${target}`;

export function mergeOccurrences(first: readonly Occurrence[], next: readonly Occurrence[]): Occurrence[] {
  const merged = new Map<string, Occurrence>();
  for (const occurrence of [...first, ...next]) {
    const key = occurrenceKey(occurrence);
    merged.set(key, { ...occurrence, count: (merged.get(key)?.count ?? 0) + occurrence.count });
  }
  return [...merged.values()].slice(0, LIMITS.occurrences);
}

/**
 * By how much the counts and the time of a report must be multiplied for the whole of the migration, from what its
 * checkpoints say of `done` and `total`. 1 when it was seen to its end, undefined when nothing can be said.
 * @param doneBefore `done` of the checkpoint that the preview began from
 */
export function shareOfWhole({ outcome, checkpoint }: PreviewReport, doneBefore = 0): number | undefined {
  if (outcome === 'finished') return 1;
  const { done, total } = checkpoint ?? {};
  if (done === undefined || total === undefined || done <= doneBefore || total < done) return undefined;
  return (total - doneBefore) / (done - doneBefore);
}

/** @param doneBefore `done` of the checkpoint that the preview began from */
export function previewed(
  report: PreviewReport,
  { description }: Pick<ManifestEntry, 'description'>,
  before: PendingBefore[],
  doneBefore?: number,
): Previewed {
  const share = shareOfWhole(report, doneBefore);
  return { ...report, description, share, before };
}

/**
 * What a migration's function answered to a `PreviewPayload`.
 * @throws OdinError NotDeployed for a function that knows of no previews
 */
export function parseAnswer(
  environment: string,
  answer: unknown,
): { report: PreviewReport; handedOn: string | undefined } {
  const report = PreviewAnswer.safeParse(answer);
  if (report.success) {
    const { handedOn, ...told } = report.data;
    return { report: told, handedOn };
  }
  throw new OdinError({
    code: 'NotDeployed',
    source: 'user',
    what: `The function did not answer with a preview (${z.prettifyError(report.error).split('\n')[0] ?? ''}).`,
    why: 'It was deployed by another version of odin-migrate.',
    next: `Deploy ${environment} again.`,
  });
}
