// What is printed, kept and compared: the table, and the ratios of the last accepted run.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Goal, Row, RowName } from './goals.ts';
import { ROWS } from './goals.ts';
import type { Figure } from './subject.ts';

export interface Line extends Figure {
  what: string;
  unit: Row['unit'];
  ratio: number;
  goal: Goal | undefined;
  /** Undefined without a goal. */
  met: boolean | undefined;
}

export interface Failure {
  subject: string;
  message: string;
}

export interface Report {
  node: string;
  cores: number;
  memoryGB: number;
  short: boolean;
  lines: Line[];
  failures: Failure[];
}

export function lineOf(figure: Figure): Line {
  const { what, unit, goal }: Row = ROWS[figure.row];
  const ratio = figure.value / figure.beside.value;
  const { ratio: ofRatio = Infinity, value = Infinity } = goal ?? {};
  // A count is exact; a ratio of two measurements is not known to more than two digits.
  const met = goal === undefined ? undefined : ratio <= ofRatio * 1.005 && figure.value <= value;
  return { ...figure, what, unit, ratio, goal, met };
}

/** In the order of the goals. */
export const inOrder = (lines: readonly Line[]): Line[] => {
  const order = Object.keys(ROWS);
  return lines.toSorted((a, b) => order.indexOf(a.row) - order.indexOf(b.row));
};

const HEADINGS = ['what', 'ours', 'beside it', 'ratio', 'goal', 'met'];

export function cellsOf(line: Line): string[] {
  const { what, unit, value, beside, ratio, met } = line;
  return [
    what,
    number(value, unit),
    `${beside.what}: ${number(beside.value, unit)}`,
    `${digits(ratio)}×`,
    goalText(line),
    met === undefined ? '' : met ? 'yes' : `no: ${digits(awayFrom(line))}× of it`,
  ];
}

/** How many times the goal it is. */
function awayFrom({ goal, ratio, value }: Line): number {
  return Math.max(ratio / (goal?.ratio ?? Infinity), value / (goal?.value ?? Infinity));
}

function goalText({ goal, unit }: Line): string {
  if (goal === undefined) return '';
  if (goal.ratio !== undefined) return `${digits(goal.ratio)}×`;
  return number(goal.value ?? NaN, unit);
}

const number = (value: number, unit: Row['unit']): string => [digits(value), unit].join(' ').trim();

/** Three that count. */
function digits(value: number): string {
  if (value >= 100 || Number.isInteger(value)) return String(Math.round(value));
  return value.toPrecision(value < 1 ? 2 : 3).replace(/\.0+$/, '');
}

export function terminalTable(lines: readonly Line[]): string {
  const rows = [HEADINGS, ...lines.map(cellsOf)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const text = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const notes = lines.flatMap(({ what, note }) => (note === undefined ? [] : [`  ${what}: ${note}`]));
  return [...text, ...notes].join('\n');
}

export function markdownTable(lines: readonly Line[]): string {
  const row = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [
    row(HEADINGS),
    row(HEADINGS.map(() => '---')),
    ...lines.map((line) => row(cellsOf(line))),
    '',
    ...lines.flatMap(({ what, note }) => (note === undefined ? [] : [`- ${what}: ${note}`])),
  ].join('\n');
}

const BASELINE = path.join(import.meta.dirname, 'baseline.json');
/** A ratio that has become worse by more than this has fallen. */
const ALLOWED = 4 / 3;

type Baseline = Partial<Record<RowName, number>>;

const baseline = (): Baseline => (existsSync(BASELINE) ? (JSON.parse(readFileSync(BASELINE, 'utf8')) as Baseline) : {});

/** Keeps the ratios of what was measured, and leaves the others as they are. */
export function record(lines: readonly Line[]): void {
  const measured = Object.fromEntries(lines.map(({ row, ratio }) => [row, Number(ratio.toPrecision(3))]));
  const kept = { ...baseline(), ...measured };
  const ordered = Object.keys(ROWS).flatMap((row) => {
    const ratio = kept[row as RowName];
    return ratio === undefined ? [] : [[row, ratio]];
  });
  writeFileSync(BASELINE, `${JSON.stringify(Object.fromEntries(ordered), undefined, 2)}\n`);
}

/** A sentence for each ratio that is worse by more than a third than the recorded one. */
export function fallen(lines: readonly Line[]): string[] {
  const before = baseline();
  return lines.flatMap(({ row, what, ratio }) => {
    const recorded = before[row];
    if (recorded === undefined || ratio <= recorded * ALLOWED) return [];
    return [`${row} (${what}): the ratio is ${digits(ratio)}, and was ${digits(recorded)} when it was recorded.`];
  });
}
