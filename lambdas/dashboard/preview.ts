// A press on Preview: asks the migration's function for a preview that is short enough for somebody who waits before a page.
import type { Ledger } from '../../core/ledger/ledger.ts';
import { previewStart } from '../../core/preview/start.ts';
import type { Manifest } from '../../core/contract/manifest.ts';
import type { Previewed, PreviewPayload } from '../../core/preview/preview.ts';
import { parseAnswer, previewed } from '../../core/preview/preview.ts';
import type { Notice } from './frame.ts';
import { PREVIEW_SECONDS } from './frame.ts';

/** Sends a preview's payload to a migration's function (the role allows any payload, this type does not), and gives its answer. */
export type AskMigration = (functionName: string, payload: PreviewPayload) => Promise<unknown>;

/** @throws OdinError what the function failed with, and what cannot be read of the ledger */
export async function previewForPage(
  migration: string,
  ledger: Ledger,
  { environment, migrations }: Manifest,
  ask: AskMigration,
): Promise<Previewed | Notice> {
  const entry = migrations.find(({ id }) => id === migration);
  const known = (await ledger.log.look()).migrations;
  const isCompleted = (id: string) => known[id]?.completion !== undefined;
  if (!entry || isCompleted(migration)) return notPending(migration);
  const checkpoint = await previewStart(ledger.store, entry);
  const answer = await ask(entry.functionName, {
    ask: 'preview',
    migration,
    cursor: checkpoint?.cursor,
    endAfterSeconds: PREVIEW_SECONDS,
  });
  const { report } = parseAnswer(environment, answer);
  const before = migrations.filter(({ id }) => id < migration && !isCompleted(id));
  return previewed(
    report,
    entry,
    before.map(({ id }) => ({ migration: id, seen: 'not previewed' })),
    checkpoint?.done,
  );
}

const notPending = (migration: string): Notice => ({
  tone: 'warn',
  title: `${migration} is not pending`,
  lines: ['Nothing was previewed. What you see now is the newest.'],
});
