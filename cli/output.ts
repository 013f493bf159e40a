// How the command line prints: one place for marks, colours and durations. Colour only on a terminal that wants it.
import { stripVTControlCharacters } from 'node:util';
import pc from 'picocolors';
import type { OdinError } from '../core/errors.ts';

export const colour = pc;

export const print = (line = ''): void => {
  process.stdout.write(`${line}\n`);
};

/** What, why and what to type next, each on a line of its own. */
export function printError({ code, what, why, next }: OdinError): void {
  const lines = [`${pc.red(code)}: ${plain(what)}`, ...[why, next].filter((text) => text !== undefined).map(plain)];
  process.stderr.write(`${lines.join('\n  ')}\n`);
}

/** Other people's text on our terminal: without escape sequences, control characters and line breaks. */
export const plain = (text: string): string =>
  stripVTControlCharacters(text)
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .trim();

/** `0.4 s`, `12.3 s`, `4 min 05 s`, `2 h 07 min` */
export function duration(ms: number): string {
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  const padded = (value: number) => String(value).padStart(2, '0');
  if (minutes < 60) return `${minutes} min ${padded(Math.floor(ms / 1000) % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${padded(minutes % 60)} min`;
}
