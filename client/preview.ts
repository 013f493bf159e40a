// Asks a migration's function for previews, slice after slice, until its code has ended or the time is over.
import { OdinError } from '../core/errors.ts';
import type { ManifestEntry } from '../core/contract/manifest.ts';
import type { Previewed, PreviewPayload, PreviewReport } from '../core/preview/preview.ts';
import { mergeReports, parseReport, previewed } from '../core/preview/preview.ts';
import { previewStart } from '../core/preview/start.ts';
import { invokeFunction } from '../aws/invoke.ts';
import type { Deployment } from './deployment.ts';

/**
 * @param limitSeconds stops at the first checkpoint after so many seconds in all
 * @throws OdinError NoReadOnlySession, and NotDeployed for a function that knows of no previews
 */
export async function previewMigration(
  deployment: Deployment,
  entry: ManifestEntry,
  limitSeconds = Infinity,
): Promise<Previewed> {
  const { environment, ledger, lambda } = deployment;
  const checkpoint = await previewStart(ledger.store, entry);
  let cursor = checkpoint?.cursor;
  let report: PreviewReport | undefined;
  do {
    const seconds = limitSeconds - (report?.durationMs ?? 0) / 1000;
    const payload: PreviewPayload = {
      ask: 'preview',
      migration: entry.id,
      cursor,
      seconds: Number.isFinite(seconds) ? Math.max(seconds, 0.001) : undefined,
    };
    const slice = parseReport(environment, await invokeFunction(lambda, entry.functionName, payload));
    report = report ? mergeReports(report, slice) : slice;
    cursor = slice.checkpoint?.cursor;
  } while (report.outcome === 'more' && report.durationMs < limitSeconds * 1000);
  return previewed(report, entry, checkpoint?.done);
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
