// How the command line prints: one place for marks, colours, spinners and durations. Colour only on a terminal that wants it.
import pc from 'picocolors';
import type { OdinError } from '../../core/errors.ts';
import type { ErrorSummary } from '../../core/ledger/error-records.ts';
import { errorSummary, linesOfError } from '../../core/ledger/summaries.ts';
import { describeThrown } from '../../core/thrown.ts';
import { UNSEEN, withoutControls } from '../../core/text/plain.ts';
import { typedError } from './commands.ts';
import type { Tone } from '../../core/views/words.ts';
import { canBeDrawnOn, Spinner, takesLinks, wantsColour } from './drawing.ts';

export { duration, utc } from '../../core/text/format.ts';

/** Whether somebody sits there, who can be asked. */
export const atTerminal = (): boolean => process.stdin.isTTY && process.stdout.isTTY;

/** Whether a list to choose from can be drawn for them. */
export const canBeShown = (): boolean => atTerminal() && canBeDrawnOn(process.stdout);

let out: NodeJS.WriteStream = process.stdout;
let spinner: Spinner | undefined;

const palettes = { plain: pc.createColors(false), coloured: pc.createColors(true) };
const paletteOf = (stream: NodeJS.WriteStream) => (wantsColour(stream) ? palettes.coloured : palettes.plain);
type Paint = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** For what `print` prints, wherever that goes. */
const painted =
  (paint: Paint) =>
  (text: string): string =>
    paletteOf(out)[paint](text);
export const colour: Readonly<Record<Paint, (text: string) => string>> = {
  bold: painted('bold'),
  dim: painted('dim'),
  red: painted('red'),
  green: painted('green'),
  yellow: painted('yellow'),
  cyan: painted('cyan'),
};

/** From now on, what people read goes to stderr: stdout belongs to `printJson`. */
export function keepStdoutForJson(): void {
  out = process.stderr;
}

let isOver = false;

/** One line, whoever's text is in it: beside our own colours nothing in it acts on a terminal, and nothing begins another line. */
export const print = (line = ''): void => {
  if (!isOver) write(line);
};

/** Nothing but these lines is printed from now on. What goes wrong while they are found is one of them. */
export async function lastWords(find: () => Promise<string[]>): Promise<void> {
  isOver = true;
  spinner?.stop();
  const lines = await find().catch((thrown: unknown) => [describeThrown(thrown)]);
  write('');
  lines.forEach(write);
}

const write = (line: string): void => {
  spinner?.clear();
  const pieces = line.split(OURS);
  const shown = pieces.map((piece, index) => (index % 2 === 1 && isOurs(piece) ? piece : withoutControls(piece)));
  out.write(`${withoutCommands(shown.join(''))}\n`);
};

/**
 * A line of which no CI service thinks that it tells it something (actions/runner, ActionCommand.cs;
 * microsoft/azure-pipelines-agent, Command.cs): `::name::` at its beginning, `##[name]`, `##vso[name]` and the like anywhere in it.
 */
export const withoutCommands = (line: string): string => line.replace(/^(\s*):(?=:)/, '$1: ').replace(COMMAND, '# #');

const COMMAND = /##(?=\w{0,20}\[)/g;

const isOurs = (piece: string): boolean => (piece.startsWith(LINK) ? ourLinks.has(piece) : wantsColour(out));

const LINK = '\u001b]8;;';
const ENDS = '\u001b\\';
/** The beginnings and ends of links that `link` has made: of nobody else. */
const ourLinks = new Set([LINK + ENDS]);
/** What the paints of `colour` begin and end with, and links. */
// eslint-disable-next-line no-control-regex -- they are what is looked for
const OURS = /(\u001b\[(?:1|2|22|3[1236]|39)m|\u001b\]8;;[!-~]*?\u001b\\)/;

/** The text as a link, where what `print` prints to takes links; as it is elsewhere, and without an address. */
export function link(text: string, url: string | undefined): string {
  if (url === undefined || !takesLinks(out) || !/^https:\/\/[!-~]+$/.test(url)) return text;
  const begins = LINK + url + ENDS;
  ourLinks.add(begins);
  return begins + text + LINK + ENDS;
}

export const hasLinks = (): boolean => takesLinks(out);

/** JSON does not escape every character that a terminal acts on, nor what a CI service does: these are escaped here. */
export const printJson = (value: unknown): void => {
  printJsonText(`${JSON.stringify(value, undefined, 2)}\n`);
};

/** What is JSON already, or lines of it. */
export const printJsonText = (text: string): void => {
  spinner?.clear();
  process.stdout.write(text.replace(ACTED_ON, escaped).replace(COMMAND, '\\u0023#'));
};

/** A character above U+FFFF as its two halves, as JSON has it. */
const escaped = (character: string): string =>
  character
    .split('')
    .map((half) => `\\u${half.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');

/** What, why and what to type next, each on a line of its own. */
export function printError(error: OdinError): void {
  if (isOver) return;
  spinner?.clear();
  const [what = '', ...more] = typedError(error).map(plain);
  const stack = error.code === 'Internal' ? textLines(errorSummary(error.cause).stack ?? '') : [];
  const lines = [`${paletteOf(process.stderr).red(error.code)}: ${what}`, ...more.map((line) => `  ${line}`), ...stack];
  for (const line of lines) process.stderr.write(`${withoutCommands(line)}\n`);
}

/** A spinner while the work goes on, at a terminal; nothing elsewhere. */
export async function whileBusy<T>(text: string, work: () => Promise<T>): Promise<T> {
  const started = startSpinner(text);
  try {
    return await work();
  } finally {
    started?.stop();
    if (spinner === started) spinner = undefined;
  }
}

/** Changes the text of the spinner, if one is shown. */
export function busyWith(text: string): void {
  if (spinner) spinner.text = plain(text);
}

/** A question at the terminal has the line for itself. */
export async function withoutSpinner<T>(work: () => Promise<T>): Promise<T> {
  const paused = spinner;
  paused?.stop();
  try {
    return await work();
  } finally {
    paused?.start();
  }
}

/** Of several that are busy within one another, the outermost shows. */
function startSpinner(text: string): Spinner | undefined {
  if (spinner || !process.stdout.isTTY || !canBeDrawnOn(process.stderr)) return undefined;
  spinner = new Spinner(process.stderr, plain(text), paletteOf(process.stderr).cyan);
  spinner.start();
  return spinner;
}

/** Other people's text as part of a line. */
export const plain = (text: string): string => withoutControls(text).trim();

/** An error as people read it at a terminal: a line for each of its own, no more than a screen. */
export const errorText = (error: Pick<ErrorSummary, 'name' | 'message'>): string[] =>
  linesOfError({ name: plain(error.name), message: textLines(error.message).join('\n') }, 12, 400);

/** Other people's text of several lines; empty ones at its end are none. */
export const textLines = (text: string): string[] => text.trimEnd().split(/\r?\n/).map(lineOf);

/** As `plain`, with its indentation. */
const lineOf = (line: string): string => `${/^[ \t]*/.exec(line)?.[0].replaceAll('\t', '  ') ?? ''}${plain(line)}`;

const ACTED_ON = new RegExp(`[\\u007f-\\u009f\\u2028\\u2029]|${UNSEEN.source}`, 'gu');

/** How a tone of core/views/words.ts looks. */
export const PAINT: Record<Tone, (text: string) => string> = {
  good: colour.green,
  busy: colour.cyan,
  warn: colour.yellow,
  bad: colour.red,
  quiet: colour.dim,
};

/** How what a migration prints looks beside what is said of it. */
export const LINE_PAINT: Record<'debug' | 'info' | 'warn' | 'error', (text: string) => string> = {
  debug: colour.dim,
  info: (text) => text,
  warn: colour.yellow,
  error: colour.red,
};

export interface Cell {
  text: string;
  paint?: ((text: string) => string) | undefined;
}

export interface Column {
  heading: string;
  /** Its texts may be cut to so many characters where room is lacking. */
  least?: number | undefined;
  /** It may be left out where room is lacking; the lowest number goes first. */
  leaveOut?: number | undefined;
}

/** How many characters fit on a line of what `print` prints to; undefined where nobody says, as in a pipe. */
export const screenWidth = (): number | undefined => (out.isTTY && out.columns > 0 ? out.columns : undefined);

/**
 * Columns as wide as their widest cell, each below its heading; of those that have no text nothing.
 * @param room how wide the lines may be; undefined: as wide as they are
 * @returns the lines, and the headings of the columns for which there was no room
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  room = Infinity,
): { lines: string[]; leftOut: string[] } {
  const widthIn = (column: number) => Math.max(...rows.map((row) => widthOf(row[column]?.text ?? '')));
  let shown = columns
    .map((column, index) => ({ ...column, index, width: Math.max(widthOf(column.heading), widthIn(index)) }))
    .filter(({ index }) => widthIn(index) > 0);
  const lacking = () => shown.reduce((sum, { width }) => sum + width + 2, -2) - room;
  const spare = () => shown.reduce((sum, { width, least = width }) => sum + Math.max(0, width - least), 0);
  const leftOut: string[] = [];
  const order = columns.flatMap(({ heading, leaveOut }) => (leaveOut === undefined ? [] : [{ heading, leaveOut }]));
  for (const { heading } of order.sort((a, b) => a.leaveOut - b.leaveOut)) {
    if (lacking() <= spare()) break;
    if (!shown.some((column) => column.heading === heading)) continue;
    shown = shown.filter((column) => column.heading !== heading);
    leftOut.unshift(heading);
  }
  for (const column of shown) {
    const { width, least = width } = column;
    if (lacking() > 0) column.width = Math.max(Math.min(least, width), width - lacking());
  }
  const line = (cells: readonly (Cell | undefined)[]) =>
    shown
      .map(({ index, width }) => {
        const { text = '', paint = (same: string) => same } = cells[index] ?? {};
        const fitting = cutToWidth(text, width);
        return paint(fitting) + ' '.repeat(width - widthOf(fitting));
      })
      .join('  ')
      .trimEnd();
  return {
    lines: [line(columns.map(({ heading }) => ({ text: heading, paint: colour.dim }))), ...rows.map(line)],
    leftOut,
  };
}

/** What a terminal shows on two columns. */
const WIDE =
  /[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u;

const segmenter = new Intl.Segmenter();
const charactersOf = (text: string): string[] => Array.from(segmenter.segment(text), ({ segment }) => segment);

/** In columns of a terminal. */
const widthOf = (text: string): number =>
  charactersOf(text).reduce((sum, character) => sum + (WIDE.test(character) ? 2 : 1), 0);

function cutToWidth(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  const characters = charactersOf(text);
  while (characters.length > 0 && widthOf(characters.join('')) > width - 1) characters.pop();
  return `${characters.join('').trimEnd()}…`;
}

/**
 * A text as lines that fit the screen, those after the first behind so many spaces; where nobody says how wide it is, one line.
 * @param beside how many columns stand before the first
 */
export function hanging(text: string, indent: number, beside = 0): string[] {
  const room = screenWidth();
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    const before = lines.length > 1 ? 0 : beside;
    if (last === undefined) lines.push(word);
    else if (room === undefined || before + widthOf(`${last} ${word}`) < room)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(' '.repeat(indent) + word);
  }
  return lines;
}

/** What can be typed, and what it is for: one line each, below a heading. */
export function printCommands(heading: string, commands: readonly (readonly [command: string, why: string])[]): void {
  const width = Math.max(...commands.map(([command]) => command.length));
  print(heading);
  for (const [command, why] of commands) print(`  ${command.padEnd(width)}  ${colour.dim(why)}`);
}
