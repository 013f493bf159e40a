// What user code prints, in the function's structured log.
import { logger, logRecord } from '../shared/logger.ts';
import type { OutputLine } from './user-code/output.ts';

/** A line that is a JSON object comes from a structured logger of user code, and stays one. */
export function logLine({ level, text }: OutputLine, from: 'migration' | 'preview'): void {
  const record = recordOf(text);
  if (record) logRecord({ ...record, from }, { level: level.toUpperCase(), message: text });
  // Whatever level the function's own lines have: what a migration prints is printed.
  else if (level === 'debug') logRecord({ from }, { level: 'DEBUG', message: text });
  else logger[level](text, { from });
}

function recordOf(text: string): Record<string, unknown> | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined; // it only looks like one
  }
}
