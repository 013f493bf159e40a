// How a preview is printed: what the migration would do, in one table, and what of it is not certain.
import type { CallGroup, Occurrence } from '../core/preview.ts';
import { firstSourceLine } from '../core/summaries.ts';
import { bytesText } from './bytes.ts';
import type { Previewed } from './commands/preview.ts';
import type { Cell } from './output.ts';
import { colour, duration, plain, print, table } from './output.ts';

const HEADINGS = ['', 'CALL', 'CALLS', 'ITEMS', 'SIZE', 'TARGET'];
/** The last line, after all previews. */
export const NOTHING_CHANGED = 'Nothing was changed: what is marked WRITE was held back.';

/** Of what the migration printed, so many lines; JSON output has more. */
const LINES = 10;

export function printPreview(previewed: Previewed, { isFirst }: { isFirst: boolean }): void {
  const { migration, description, calls, output, omitted, outcome, error } = previewed;
  if (!isFirst) print();
  print(`${colour.cyan('▷')} ${colour.bold(migration)}  ${plain(description ?? '')}`);
  for (const line of output.slice(0, LINES)) print(`         ${colour.dim(plain(line))}`);
  const more = Math.max(0, output.length - LINES) + omitted.lines;
  if (more > 0) print(`         ${colour.dim(`… and ${count(more)} lines more`)}`);

  const ordered = [...calls.filter(({ sent }) => !sent), ...calls.filter(({ sent }) => sent)];
  if (ordered.length > 0) for (const line of table(HEADINGS, ordered.map(row))) print(`  ${line}`);
  else print('  It makes no call to AWS.');
  if (omitted.calls > 0) print(`  … and ${count(omitted.calls)} calls on more targets than can be listed`);

  print(`  ${MARKS[outcome]} ${ended(previewed)}`);
  if (error) {
    print(`    ${colour.red(plain(`${error.name}: ${error.message}`))}`);
    const line = error.stack === undefined ? '' : firstSourceLine(error.stack);
    if (line !== '') print(`    ${colour.dim(`at ${plain(line)}`)}`);
  }
  for (const sentence of caveats(previewed, isFirst)) print(`  ${colour.yellow('!')} ${plain(sentence)}`);
}

function row({ sent, service, operation, calls, items, bytes, unsized, target }: CallGroup): Cell[] {
  const paint = sent ? colour.dim : (text: string) => text;
  const size = unsized === 0 ? bytesText(bytes) : bytes === 0 ? 'not known' : `over ${bytesText(bytes)}`;
  const where = calls > 1 || items > 1 ? target.slice(0, target.lastIndexOf('/') + 1) || target : target;
  return [
    { text: sent ? 'read' : 'WRITE', paint: sent ? colour.dim : colour.yellow },
    { text: service === 'S3' ? operation : `${service} ${operation}`, paint },
    { text: count(calls), paint },
    { text: sent ? '' : count(items), paint },
    { text: sent || (bytes === 0 && unsized === 0) ? '' : size, paint },
    { text: plain(where), paint },
  ];
}

const MARKS: Record<Previewed['outcome'], string> = {
  finished: colour.green('✔'),
  more: colour.cyan('…'),
  threw: colour.red('✖'),
  'cut off': colour.red('✖'),
  ended: colour.red('✖'),
};

function ended({ outcome, durationMs, checkpoints, slices, checkpoint, share }: Previewed): string {
  const took = duration(durationMs);
  const through = checkpoints > 0 ? `, ${number(checkpoints, 'checkpoint')} in ${number(slices, 'slice')}` : '';
  switch (outcome) {
    case 'finished':
      return `it would run to its end; the preview took ${took}${through}`;
    case 'more': {
      const { done, total } = checkpoint ?? {};
      const seen = done === undefined ? '' : ` at ${count(done)}${total === undefined ? '' : ` of ${count(total)}`}`;
      const whole =
        share === undefined
          ? ''
          : `; the whole would be ${share.toFixed(1)} times this, ${duration(durationMs * share)} and its writes`;
      return `stopped by --limit${seen}, after ${took}${through}${whole}`;
    }
    case 'threw':
      return `it threw after ${took}${through}`;
    case 'cut off':
      return `the function's time was over after ${took}, before ${checkpoints > 0 ? 'the next' : 'a'} checkpoint${through}`;
    case 'ended':
      return `its process ended after ${took}${through}`;
  }
}

/** What may be otherwise in a run. */
const caveats = ({ simulated, stale, refused, slices }: Previewed, isFirst: boolean): string[] => [
  ...stale.map(({ what, target, count: times }) => `${what} of ${target} (${times}×) did not see an earlier write`),
  ...refused.map(({ what, target, count: times }) => `it was not let ${what}: ${target} (${times}×)`),
  ...(simulated.length > 0 ? [`${sum(simulated)} reads were answered as if its own writes had been made`] : []),
  ...(slices > 1 ? ['each slice saw the data without the writes of the slices before it'] : []),
  ...(isFirst ? [] : ['it saw the data without what the migrations before it would change']),
];

const sum = (occurrences: readonly Occurrence[]): string =>
  count(occurrences.reduce((total, { count: times }) => total + times, 0));

/** `1 slice`, `2 slices` */
const number = (value: number, noun: string): string => `${count(value)} ${noun}${value === 1 ? '' : 's'}`;

/** `11,204` */
const count = (value: number): string => value.toLocaleString('en-US');
