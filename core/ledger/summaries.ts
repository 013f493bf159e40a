// Errors and other people's texts, cut to what a record, a message and an AWS limit can hold.
import { describeThrown } from '../errors.ts';
import type { ErrorSummary } from './error-records.ts';

/** UTF-16 units. */
export const MAX_SUMMARY = { name: 200, message: 4_000, stack: 16_000 };

/** What is kept of anything that user code threw. Its length is bounded, whatever was thrown. */
export function errorSummary(thrown: unknown): ErrorSummary {
  try {
    if (!(thrown instanceof Error)) return { name: 'Error', message: cut(describeThrown(thrown), MAX_SUMMARY.message) };
    const { name, message, stack } = thrown as { name: unknown; message: unknown; stack?: unknown };
    return {
      name: cut(textOf(name) || 'Error', MAX_SUMMARY.name),
      message: cut(textOf(message), MAX_SUMMARY.message),
      stack: typeof stack === 'string' ? cut(stackWithCauses(thrown), MAX_SUMMARY.stack) : undefined,
    };
  } catch {
    // A getter of it, or a proxy, throws. That it was thrown must be recorded all the same.
    return { name: 'Error', message: 'something that cannot be described was thrown' };
  }
}

/** Types promise that names and messages are text; libraries put other things there. */
const textOf = (value: unknown): string => (typeof value === 'string' ? value : describeThrown(value));

/** At most `length` UTF-16 units, well formed, with a mark where something was left out. */
export function cut(text: string, length: number): string {
  const wellFormed = text.toWellFormed();
  return wellFormed.length <= length ? wellFormed : `${wellFormed.slice(0, length - 1).toWellFormed()}…`;
}

/** Other people's text as part of a line: without line ends, terminal escapes and what turns the direction of text. */
export const plainLine = (text: string, length: number): string =>
  cut(text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' '), length);

/** `347f0f0dc3`, or `347f0f0dc3-dirty` when what was deployed was not all committed. */
export const shortCommit = (commit: string): string => commit.replace(/^([0-9a-f]{10})[0-9a-f]+/, '$1');

/** `migrations/odin-dev/0004.ts:12:9` of a stack that has such a frame, else the place in its first frame. */
export function firstSourceLine(stack: string): string {
  const inMigration = /migrations\/[\w-]+\/\d{4}\.ts:\d+:\d+/.exec(stack);
  if (inMigration) return inMigration[0];
  const frame = /^\s+at (.*)$/m.exec(stack)?.[1] ?? '';
  return /(?:lambdas|core|node_modules)\/[^\s()]+:\d+:\d+/.exec(frame)?.[0] ?? frame;
}

function stackWithCauses(error: Error): string {
  const lines: string[] = [];
  let current: unknown = error;
  for (let depth = 0; current instanceof Error && depth < 5; depth += 1) {
    lines.push(`${depth > 0 ? 'caused by ' : ''}${current.stack ?? describeThrown(current)}`);
    current = current.cause;
  }
  return lines.join('\n');
}
