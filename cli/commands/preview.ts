// `odin-migrate preview`: runs the pending migrations' code against real data, held back from changing anything.
import { OdinError } from '../../core/errors.ts';
import type { ManifestEntry } from '../../core/contract/manifest.ts';
import { assertMigrationId } from '../../core/names/identifiers.ts';
import type { Previewed } from '../../core/preview/preview.ts';
import { promise } from '../../core/preview/words.ts';
import type { OpenEnvironment, Place } from '../../client/environment.ts';
import { isLocal, openEnvironment } from '../../client/environment.ts';
import type { ExitCode } from '../terminal/exit-codes.ts';
import { EXIT } from '../terminal/exit-codes.ts';
import { busyWith, keepStdoutForJson, print, printJson, whileBusy } from '../terminal/output.ts';
import { assertPreviewsStayHere, previewMigrations } from '../../client/preview.ts';
import { printPreview } from '../terminal/preview-output.ts';

export interface PreviewOptions {
  limit?: number;
  json?: boolean;
}

/** 4 when one of them threw, was cut off, or ended its process. */
export async function preview(
  place: Place,
  environment: string,
  ids: readonly string[],
  { limit, json = false }: PreviewOptions,
): Promise<ExitCode> {
  if (json) keepStdoutForJson();
  ids.forEach(assertMigrationId);
  if (isLocal(place)) assertPreviewsStayHere();
  const previews = await whileBusy(`Looking at ${environment}`, async () => {
    await using opened = await openEnvironment(environment, place, { usersOwnS3: false });
    const done: Previewed[] = [];
    const { entries, pending } = await choose(opened, ids);
    const previews = previewMigrations(opened.deployment, entries, pending, limit);
    for (const { id } of entries) {
      busyWith(`Previewing ${id}`);
      const { value: previewed } = await previews.next();
      if (!previewed) break;
      printPreview(previewed, { isFirst: done.length === 0 });
      done.push(previewed);
    }
    return done;
  });
  if (previews.length === 0) print(`Nothing is pending in ${environment}.`);
  else {
    print();
    print(promise(previews));
  }
  if (json) printJson(previews);
  return previews.every(({ outcome }) => outcome === 'finished' || outcome === 'more') ? EXIT.done : EXIT.failed;
}

/** Those that are named, completed or not; without a name, those that are pending. */
async function choose(
  { ledger, manifest }: OpenEnvironment,
  ids: readonly string[],
): Promise<{ entries: ManifestEntry[]; pending: string[] }> {
  const { environment, migrations, pruned } = manifest;
  const unknown = ids.find((id) => !migrations.some((entry) => entry.id === id));
  if (unknown !== undefined) {
    throw new OdinError({
      code: 'BadUsage',
      source: 'user',
      what: pruned?.includes(unknown)
        ? `${unknown} of ${environment} was pruned: it is completed, and has no function to preview.`
        : `${environment} has no migration ${unknown}.`,
      why: `It has: ${migrations.map(({ id }) => id).join(', ') || 'none'}.`,
    });
  }
  const known = (await ledger.log.look()).migrations;
  const pending = migrations.filter(({ id }) => !known[id]?.completion);
  return {
    entries: ids.length > 0 ? migrations.filter(({ id }) => ids.includes(id)) : pending,
    pending: pending.map(({ id }) => id),
  };
}
