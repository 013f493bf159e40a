// `odin-migrate doctor --ledger`: looks at everything that the ledger holds, and says in words what is wrong (core/ledger/examine.ts).
import type { Examination, FindingName, LedgerFinding } from '../../core/ledger/examine.ts';
import { examineLedger, isWrong } from '../../core/ledger/examine.ts';
import { numberOf } from '../../core/text/format.ts';
import type { Place } from '../../client/environment.ts';
import { lookAtEnvironment } from '../../client/environment.ts';
import type { ExitCode } from '../terminal/exit-codes.ts';
import { EXIT } from '../terminal/exit-codes.ts';
import { colour, plain, print, printJson, whileBusy } from '../terminal/output.ts';

export interface DoctorOptions {
  ledger: true;
  json?: boolean;
}

/** 1 when something is wrong. It changes nothing: the ledger is never mended, only read. */
export async function doctor(place: Place, environment: string, { json }: DoctorOptions): Promise<ExitCode> {
  const examination = await whileBusy(`Examining the ledger of ${environment}`, async () => {
    await using seen = await lookAtEnvironment(environment, place);
    return await examineLedger(seen.ledger, seen.identity);
  });
  const wrong = examination.findings.filter(isWrong);
  if (json) printJson(examination);
  else printExamination(environment, examination, wrong.length);
  return wrong.length > 0 ? EXIT.wrong : EXIT.done;
}

function printExamination(environment: string, { findings, ...looked }: Examination, wrong: number): void {
  for (const finding of findings) printFinding(finding);
  if (findings.length > 0) print();
  const verdict = wrong === 0 ? 'the ledger holds together' : `${numberOf(wrong, 'thing')} wrong with the ledger`;
  print(
    `${wrong === 0 ? colour.green('✔') : colour.red('✘')} ${colour.bold(environment)}  ${verdict}  ` +
      colour.dim(
        `${numberOf(looked.objects, 'object')}, ${numberOf(looked.entries, 'entry', 'entries')}, ` +
          `${numberOf(looked.turns, 'turn')}, ${numberOf(looked.references, 'reference')}, ` +
          numberOf(looked.copies, 'completion'),
      ),
  );
  if (wrong > 0)
    print('Run nothing in this environment before it is understood. docs/runbook.md says who may mend what.');
}

function printFinding(finding: LedgerFinding): void {
  const mark = isWrong(finding) ? colour.red('✘') : colour.dim('·');
  print(`${mark} ${colour.bold(plain(finding.key))}: ${plain(wordsOf(finding))}`);
}

/** What each finding means, to somebody who has not read docs/records.md. */
const WORDS: Record<FindingName, string> = {
  'missing-entry': 'this entry is missing, and the log stops before it',
  'unreadable-entry': 'this entry cannot be read, and the log stops before it',
  'broken-log': 'this entry does not follow from those before it',
  'other-ledger': 'it says that this ledger is of another app, environment, account or region',
  'missing-object': 'an entry rests on it, and it is not there',
  'changed-object': 'an entry rests on it, and it is not what it was then',
  spoiled: 'no reader accepts it',
  contradiction: 'this cannot be true beside the rest',
  'unclosed-turn': 'the log has gone on from a turn whose code may still run',
  'missing-copy': 'the log says completed, and the copy of that entry is not there',
  'changed-copy': 'the log says completed, and the copy is not of that entry',
  'stray-object': 'the log has no entry for it',
  'wrong-state': 'it says something else than the log',
  'ignored-state': 'readers pass over it and read the log instead, which only takes longer',
  'foreign-key': "this key is none of the ledger's, and nothing reads it",
};

function wordsOf({ finding, entry, why }: LedgerFinding): string {
  const of = entry === undefined ? '' : ` (entry ${entry})`;
  return `${WORDS[finding]}${of}${why === undefined ? '' : `: ${why}`}`;
}
