// How a preview is printed: what the migration would do, in one table, and what of it is not certain.
import { countText } from '../../core/text/format.ts';
import type { Previewed } from '../../core/preview/preview.ts';
import type { CallRow } from '../../core/preview/words.ts';
import { CALL_HEADINGS, callRows, caveats, endText, notCertain } from '../../core/preview/words.ts';
import { firstSourceLine } from '../../core/ledger/summaries.ts';
import type { Cell } from './output.ts';
import { colour, errorText, plain, print, table, textLines } from './output.ts';

const COLUMNS = ['', ...CALL_HEADINGS].map((heading) => ({ heading: heading.toUpperCase() }));
const LIMIT = { stopped: 'stopped by --limit', cutOff: "the function's time was over" };

/** So many lines of what the migration printed are shown; JSON output has more. */
const LINES = 10;

export function printPreview(previewed: Previewed, { isFirst }: { isFirst: boolean }): void {
  const { migration, description, calls, output, omitted, outcome, error } = previewed;
  if (!isFirst) print();
  print(`${colour.cyan('▷')} ${colour.bold(migration)}${description === undefined ? '' : `  ${plain(description)}`}`);
  const doubt = notCertain(previewed);
  if (doubt !== undefined) print(`  ${colour.yellow('!')} ${plain(doubt)}`);
  for (const line of output.slice(0, LINES)) for (const text of textLines(line)) print(`         ${colour.dim(text)}`);
  const more = Math.max(0, output.length - LINES) + omitted.lines;
  if (more > 0) print(`         ${colour.dim(`… and ${countText(more)} lines more`)}`);

  if (calls.length > 0) for (const line of table(COLUMNS, callRows(calls).map(cells)).lines) print(`  ${line}`);
  else print('  It makes no call to AWS.');
  if (omitted.calls > 0) print(`  … and ${countText(omitted.calls)} calls on more targets than can be listed`);

  print(`  ${MARKS[outcome]} ${endText(previewed, LIMIT)}`);
  if (error) {
    for (const text of errorText(error)) print(`    ${colour.red(text)}`);
    const line = error.stack === undefined ? '' : firstSourceLine(error.stack);
    if (line !== '') print(`    ${colour.dim(`at ${plain(line)}`)}`);
  }
  for (const sentence of caveats(previewed)) print(`  ${colour.yellow('!')} ${plain(sentence)}`);
}

function cells({ sent, call, calls, items, size, target }: CallRow): Cell[] {
  const paint = sent ? colour.dim : (text: string) => text;
  return [
    { text: sent ? 'read' : 'WRITE', paint: sent ? colour.dim : colour.yellow },
    ...[call, calls, items, size, plain(target)].map((text) => ({ text, paint })),
  ];
}

const MARKS: Record<Previewed['outcome'], string> = {
  finished: colour.green('✔'),
  more: colour.cyan('…'),
  threw: colour.red('✖'),
  'cut off': colour.red('✖'),
  ended: colour.red('✖'),
};
