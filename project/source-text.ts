// The text of a source: read as what it has to be, and compared by what it means. White space, comments, line ends and a byte order
// mark mean nothing. No tool says what is left: its next version would say it in another way, and everything would look changed.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { SOURCES_VERSION } from '../core/ledger/sources.ts';
import { OdinError } from '../core/errors.ts';
import { withoutMark } from '../core/text/mark.ts';

/**
 * Without its byte order mark.
 * @param file how it is named in errors
 * @throws OdinError BadMigrationFile for bytes that are not UTF-8, naming file and line: compilers replace them, and the code then runs
 *   on another text than was written
 */
export function readSource(directory: string, file: string): string {
  const bytes = readFileSync(path.resolve(directory, file));
  const wide = WIDE.find(([mark]) => bytes.subarray(0, mark.length).equals(mark));
  if (wide) throw notUtf8(file, 1, `it begins with the byte order mark of ${wide[1]}`);
  const zero = bytes.indexOf(0);
  if (zero >= 0) throw notUtf8(file, lineAt(bytes, zero), 'it has a zero byte, as UTF-16 does');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    const at = firstBad(bytes);
    const byte = (bytes[at] ?? 0).toString(16).toUpperCase().padStart(2, '0');
    throw notUtf8(file, lineAt(bytes, at), `byte ${at + 1} of the file, 0x${byte}, is no part of a character`);
  }
}

const WIDE: [Buffer, string][] = [
  [Buffer.from([0xff, 0xfe]), 'UTF-16'],
  [Buffer.from([0xfe, 0xff]), 'UTF-16'],
];

const notUtf8 = (file: string, line: number, why: string): OdinError =>
  new OdinError({
    code: 'BadMigrationFile',
    source: 'user',
    what: `${file}:${line}: expected UTF-8, and ${why}.`,
    remark: `line ${line}: expected UTF-8, and ${why}.`,
    why: 'It would run with other characters than were written.',
    next: 'Save the file as UTF-8.',
  });

/** From 1. */
const lineAt = (bytes: Buffer, at: number): number => bytes.subarray(0, at).filter((byte) => byte === 0x0a).length + 1;

/** The first byte of what is no character. */
function firstBad(bytes: Buffer): number {
  let good = 0;
  let bad = bytes.length;
  // A prefix is good or bad for ever, but for a character that it cuts in two: a stream waits for the rest of that.
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, middle), { stream: true });
      good = middle;
    } catch {
      bad = middle;
    }
  }
  return good;
}

/** What it says, for comparing: the tokens of code, JSON without its white space, and any other text with one kind of line end. */
export function significantText(file: string, text: string): string {
  const unified = withoutMark(text).replaceAll(/\r\n?/g, '\n');
  if (/\.json$/i.test(file)) return jsonMeaning(unified);
  return /\.[cm]?[jt]s$/i.test(file) ? tokensOf(unified).join('\0') : unified;
}

/** Of what a file says, with the version of how that is told: hashes of two versions are not compared. */
export const significantHash = (file: string): string => {
  const text = significantText(file, readFileSync(file, 'utf8'));
  return `${SOURCES_VERSION}:${createHash('sha256').update(text).digest('hex')}`;
};

function jsonMeaning(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return text; // the compiler says what is wrong with it
  }
}

const SPACE = /(?:\s|\/\/[^\n\u2028\u2029]*|\/\*[\s\S]*?(?:\*\/|$))+/y;
const TEXT = /"(?:\\[\s\S]|[^"\\\n])*"?|'(?:\\[\s\S]|[^'\\\n])*'?/y;
const WORD = /[\p{ID_Continue}$]+/uy;
const REGULAR = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/\w*/y;
const TEMPLATE = /(?:\\[\s\S]|\$(?!\{)|[^`\\$])*(?:`|\$\{|$)/y;
const SIGN = /\+\+|--|[\s\S]/uy;

/** After these an expression begins: a slash there begins a regular expression. */
const BEFORE_EXPRESSION = new Set(
  'return typeof instanceof in of new delete void throw case do else await yield extends default'.split(' '),
);
/** After these a line end ends the statement. */
const RESTRICTED = new Set(['return', 'throw', 'break', 'continue', 'yield']);

/** A bracket that is open: what closes it ends an operand, or begins a statement; a template goes on after it. */
type Open = 'operand' | 'statement' | 'template';

/** The tokens of TypeScript or JavaScript. A comma before a closing bracket is none: it comes and goes with the line ends. */
export function tokensOf(code: string): string[] {
  const tokens: string[] = [];
  const open: Open[] = [];
  /** Whether the token before is the end of an operand: a slash after it divides. */
  let operand = false;
  let at = /^#!.*/.exec(code)?.[0].length ?? 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(code)?.[0];
    if (found === undefined || found === '') return undefined;
    at += found.length;
    return found;
  };
  const template = (begin: string): void => {
    const part = take(TEMPLATE) ?? '';
    tokens.push(begin + part);
    operand = !part.endsWith('${');
    if (!operand) open.push('template');
  };
  while (at < code.length) {
    const before = tokens.at(-1) ?? '';
    const space = take(SPACE);
    if (space !== undefined) {
      const ends = space.includes('\n') && (RESTRICTED.has(before) || /^(\+\+|--)/.test(code.slice(at, at + 2)));
      if (ends && before !== '') tokens.push('\n');
      continue;
    }
    const text = take(TEXT);
    if (text !== undefined) {
      tokens.push(text);
      operand = true;
      continue;
    }
    const word = take(WORD);
    if (word !== undefined) {
      tokens.push(word);
      operand = before === '.' || !BEFORE_EXPRESSION.has(word);
      continue;
    }
    const regular = operand ? undefined : take(REGULAR);
    if (regular !== undefined) {
      tokens.push(regular);
      operand = true;
      continue;
    }
    const sign = take(SIGN) ?? '';
    if (sign === '`') {
      template(sign);
      continue;
    }
    if (sign === '}' && open.at(-1) === 'template') {
      open.pop();
      template(sign);
      continue;
    }
    if (sign === '(') open.push(/^(if|while|for|with)$/.test(before) ? 'statement' : 'operand');
    else if (sign === '[') open.push('operand');
    else if (sign === '{') open.push(/^([=(,:?[&|]|return)$/.test(before) ? 'operand' : 'statement');
    const closes = sign === ')' || sign === ']' || sign === '}';
    if (closes && before === ',' && !/^[,[(]$/.test(tokens.at(-2) ?? '')) tokens.pop();
    tokens.push(sign);
    // What stands after an operand, `i++` and `a!`, leaves it one.
    if (closes) operand = open.pop() !== 'statement';
    else if (sign !== '++' && sign !== '--' && sign !== '!') operand = false;
  }
  return tokens;
}
