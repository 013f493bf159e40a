// Asks a migration's function for previews, slice after slice, until its code has ended or the time is over.
import { OdinError } from '../core/errors.ts';
import type { ManifestEntry } from '../core/contract/manifest.ts';
import type { PendingBefore, Previewed, PreviewPayload, PreviewReport } from '../core/preview/preview.ts';
import { mergeReports, parseAnswer, previewed } from '../core/preview/preview.ts';
import { previewStart } from '../core/preview/start.ts';
import { invokeFunction } from '../aws/invoke.ts';
import type { Deployment } from './deployment.ts';

/** What the pending migrations before one have handed on, and how much of each. */
interface Earlier {
  known: PendingBefore[];
  handedOn?: string | undefined;
}

/**
 * Previews one after the other. A pending one sees the data with what the pending ones before it would have written, as far as
 * they were previewed here; a completed one sees it as it is.
 * @param entries in order
 * @param pending ids of all that are pending, in order
 * @param limitSeconds stops each at the first checkpoint after so many seconds in all
 * @throws OdinError NoReadOnlySession, and NotDeployed for a function that knows of no previews
 */
export async function* previewMigrations(
  deployment: Deployment,
  entries: readonly ManifestEntry[],
  pending: readonly string[],
  limitSeconds?: number,
): AsyncGenerator<Previewed, void, undefined> {
  let earlier: Earlier = { known: [] };
  for (const entry of entries) {
    const before = pending.filter((id) => id < entry.id).map((id) => knownOf(id, earlier));
    if (pending.includes(entry.id)) {
      const [previewed, after] = await previewSlices(deployment, entry, { ...earlier, known: before }, limitSeconds);
      earlier = after;
      yield previewed;
    } else yield await previewMigration(deployment, entry, limitSeconds);
  }
}

/** One that sees the data as it is. */
export async function previewMigration(
  deployment: Deployment,
  entry: ManifestEntry,
  limitSeconds?: number,
): Promise<Previewed> {
  const [previewed] = await previewSlices(deployment, entry, { known: [] }, limitSeconds);
  return previewed;
}

const knownOf = (migration: string, { known }: Earlier): PendingBefore =>
  known.find((before) => before.migration === migration) ?? { migration, seen: 'not previewed' };

/** @returns what it did, and what the next one goes on from */
async function previewSlices(
  { environment, ledger, lambda }: Deployment,
  entry: ManifestEntry,
  earlier: Earlier,
  limitSeconds = Infinity,
): Promise<[Previewed, Earlier]> {
  const checkpoint = await previewStart(ledger.store, entry);
  let cursor = checkpoint?.cursor;
  let { handedOn } = earlier;
  let report: PreviewReport | undefined;
  let ownKnown: PendingBefore['seen'] = 'all';
  let slicesApart: true | undefined;
  do {
    if (report && ownKnown !== 'all') slicesApart = true;
    const seconds = limitSeconds - (report?.durationMs ?? 0) / 1000;
    const payload: PreviewPayload = {
      ask: 'preview',
      migration: entry.id,
      cursor,
      before: handedOn,
      seconds: Number.isFinite(seconds) ? Math.max(seconds, 0.001) : undefined,
    };
    const answer = parseAnswer(environment, await invokeFunction(lambda, entry.functionName, payload));
    const { report: slice, handedOn: next } = answer;
    report = report ? mergeReports(report, slice) : slice;
    cursor = slice.checkpoint?.cursor;
    handedOn = next ?? handedOn;
    if (next === undefined)
      ownKnown = slice.outcome === 'cut off' || slice.outcome === 'ended' ? 'cut off' : 'too much';
    else if (slicesApart) ownKnown = 'part';
  } while (report.outcome === 'more' && report.durationMs < limitSeconds * 1000);
  if (ownKnown === 'all' && report.outcome !== 'finished') ownKnown = 'part';
  const done = { ...previewed(report, entry, earlier.known, checkpoint?.done), slicesApart };
  return [done, { known: [...earlier.known, { migration: entry.id, seen: ownKnown }], handedOn }];
}

/**
 * Before a preview on the embedded AWS.
 * @throws OdinError BadUsage when the migrations' own S3 is elsewhere
 */
export function assertPreviewsStayHere(): void {
  if (!process.env['AWS_ENDPOINT_URL'] && !process.env['AWS_ENDPOINT_URL_S3']) return;
  throw new OdinError({
    code: 'BadUsage',
    source: 'user',
    what: 'A local preview looks at the S3 on this machine, and AWS_ENDPOINT_URL leads the migrations elsewhere.',
    why: 'Credentials for that place cannot be narrowed to reading from here.',
    next: 'Unset AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_S3, or leave out --local.',
  });
}
