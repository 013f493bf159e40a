// What user code prints, as lines: those of its console with their level and whole (console.ts frames them), everything else
// as it was written. Nothing is left out; a line of any length comes in pieces.
import { StringDecoder } from 'node:string_decoder';

export type Level = 'debug' | 'info' | 'warn' | 'error';

export interface OutputLine {
  level: Level;
  /** Of the console it may have several lines. */
  text: string;
}

/** Begins a frame, also in the middle of a line: the control character for records (RFC 7464). */
export const FRAME = '\u001e';

/** In UTF-16 units: as JSON and UTF-8 it stays below the 256 KB of a log event. */
export const MAX_PIECE = 32_000;

/** A frame of `MAX_PIECE` control characters. */
const MAX_LINE = 6 * MAX_PIECE + 1_000;

/** @param level of what is no frame */
export class OutputReader {
  readonly #decoder = new StringDecoder('utf8');
  readonly #level: Level;
  readonly #onLine: (line: OutputLine) => void;
  #rest = '';

  constructor(level: Level, onLine: (line: OutputLine) => void) {
    this.#level = level;
    this.#onLine = onLine;
  }

  write(chunk: Buffer): void {
    this.#take(this.#decoder.write(chunk));
  }

  /** What it ended with need not be a whole line. */
  end(): void {
    this.#take(this.#decoder.end());
    if (this.#rest !== '') this.#line(this.#rest);
    this.#rest = '';
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line.endsWith('\r') ? line.slice(0, -1) : line);
    if (this.#rest.length > MAX_LINE) {
      this.#line(this.#rest);
      this.#rest = '';
    }
  }

  #line(line: string): void {
    const at = line.indexOf(FRAME);
    const framed = at < 0 ? undefined : unframed(line.slice(at + 1));
    if (!framed || at > 0) this.#plain(framed ? line.slice(0, at) : line);
    if (framed) this.#onLine(framed);
  }

  #plain(line: string): void {
    for (const text of piecesOf(line)) this.#onLine({ level: this.#level, text });
  }
}

/** At least one, each of at most `MAX_PIECE`. */
export function piecesOf(text: string): string[] {
  const count = Math.max(1, Math.ceil(text.length / MAX_PIECE));
  return Array.from({ length: count }, (_, index) => text.slice(index * MAX_PIECE, (index + 1) * MAX_PIECE));
}

export const framed = ({ level, text }: OutputLine): string => `${FRAME}${JSON.stringify([level, text])}`;

const LEVELS: readonly unknown[] = ['debug', 'info', 'warn', 'error'] satisfies Level[];

function unframed(json: string): OutputLine | undefined {
  try {
    const [level, text] = JSON.parse(json) as unknown[];
    return LEVELS.includes(level) && typeof text === 'string' ? { level: level as Level, text } : undefined;
  } catch {
    return undefined; // not ours
  }
}
