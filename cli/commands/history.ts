// `odin-migrate history`: the audit trail of an environment or of one migration, oldest first (core/views/history.ts).
import { OdinError } from '../../core/errors.ts';
import type { Entry } from '../../core/ledger/entries.ts';
import { idsOf, readHistory, told } from '../../core/views/history.ts';
import { assertMigrationId } from '../../core/names/identifiers.ts';
import type { Place } from '../../client/environment.ts';
import { lookAtEnvironment } from '../../client/environment.ts';
import type { ExitCode } from '../terminal/exit-codes.ts';
import { EXIT } from '../terminal/exit-codes.ts';
import { sourceLineOf } from '../terminal/halts.ts';
import { colour, errorText, PAINT, plain, print, printJson, textLines, utc, whileBusy } from '../terminal/output.ts';

export interface HistoryOptions {
  json?: boolean;
}

export async function history(
  place: Place,
  environment: string,
  id: string | undefined,
  { json }: HistoryOptions,
): Promise<ExitCode> {
  if (id !== undefined) assertMigrationId(id);
  const entries = await whileBusy(`Reading the ledger of ${environment}`, async () => {
    await using seen = await lookAtEnvironment(environment, place);
    const found = await readHistory(seen.ledger, id);
    if (id !== undefined && found.length === 0 && !seen.manifest.migrations.some((entry) => entry.id === id)) {
      throw new OdinError({
        code: 'BadUsage',
        source: 'user',
        what: `${environment} has no migration ${id}: neither its manifest nor its ledger knows it.`,
        next: { words: 'See those that there are', verb: 'status', environment },
      });
    }
    return found;
  });
  if (json) printJson(entries);
  else if (entries.length === 0)
    print(`Nothing has happened ${id === undefined ? `in ${environment}` : `to ${id}`} yet.`);
  else entries.forEach(printEntry);
  return EXIT.done;
}

function printEntry(entry: Entry): void {
  const { tone, word, text, details, error } = told(entry);
  const attempt = entry.kind === 'completed' ? '' : `  attempt ${entry.attempt}`;
  const ids = idsOf(entry);
  const about = ids.length > 3 ? `${ids[0] ?? ''} … ${ids.at(-1) ?? ''}` : ids.join(', ');
  // A reason may have several lines; the colon keeps what is before the first one's words.
  const [said = '', ...more] = textLines(`:${text}`);
  const line = `${PAINT[tone](word)}${said.slice(1)}`;
  print(
    `${colour.dim(`${String(entry.number).padStart(4)}  ${utc(entry.time)}`)}  ${colour.bold(about)}${attempt}  ${line}`,
  );
  const place = sourceLineOf(error);
  const below = [
    ...more,
    ...(error ? errorText(error) : []),
    ...(place === '' ? [] : [`at ${place}`]),
    ...details.map(plain),
  ];
  for (const each of below) print(`${' '.repeat(27)}${colour.dim(each)}`);
}
