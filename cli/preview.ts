// Asks a migration's function for previews, slice after slice, until its code has come to its end or the time is over.
import { z } from 'zod';
import type { ManifestEntry } from '../core/manifest.ts';
import type { PreviewPayload } from '../core/preview.ts';
import { mergeReports, PreviewReport, shareOfWhole } from '../core/preview.ts';
import { OdinError } from '../core/errors.ts';
import { stackName } from '../core/names.ts';
import type { Previewed } from './commands/preview.ts';
import type { Deployment } from './deployment.ts';
import { invokeFunction } from '../lambdas/aws/invoke.ts';

/**
 * @param limitSeconds stops at the first checkpoint after so many seconds in all
 * @throws OdinError NoReadOnlySession, and NotDeployed for a function that knows of no previews
 */
export async function previewMigration(
  deployment: Deployment,
  { id, functionName, description }: ManifestEntry,
  limitSeconds = Infinity,
): Promise<Previewed> {
  const checkpoint = await deployment.ledger.checkpoint(id);
  let cursor = checkpoint?.cursor;
  let report: PreviewReport | undefined;
  do {
    const seconds = limitSeconds - (report?.durationMs ?? 0) / 1000;
    const payload: PreviewPayload = {
      preview: {
        migration: id,
        ...(cursor !== undefined && { cursor }),
        ...(Number.isFinite(seconds) && { seconds: Math.max(seconds, 0.001) }),
      },
    };
    const slice = parsed(deployment, await invokeFunction(deployment.lambda, functionName, payload));
    report = report ? mergeReports(report, slice) : slice;
    cursor = slice.checkpoint?.cursor;
  } while (report.outcome === 'more' && report.durationMs < limitSeconds * 1000);
  const share = shareOfWhole(report, checkpoint?.done);
  return { ...report, ...(description !== undefined && { description }), ...(share !== undefined && { share }) };
}

function parsed({ environment }: Deployment, answer: unknown): PreviewReport {
  const report = PreviewReport.safeParse(answer);
  if (report.success) return report.data;
  throw new OdinError({
    code: 'NotDeployed',
    source: 'user',
    what: `The function did not answer with a preview (${z.prettifyError(report.error).split('\n')[0] ?? ''}).`,
    why: 'It was deployed by another version of odin-migrate.',
    next: `Deploy it again: npx cdk deploy ${stackName(environment)}`,
  });
}
