// Errors and other people's texts, as records and messages may hold them: cut to their limits, and without secrets.
import type { AskedOf, Link } from '../thrown.ts';
import { describeOne, isError, linksOf, messageOf, nameOf, partOf } from '../thrown.ts';
import { withoutControls } from '../text/plain.ts';
import { withoutSecrets } from '../text/secrets.ts';
import type { Commits } from './entries.ts';
import type { ErrorSummary } from './error-records.ts';

/** UTF-16 units. */
export const MAX_SUMMARY = { name: 200, message: 4_000, stack: 16_000 };

/** Of an error that has others behind it: room for them too. */
const MAX_LINK = { first: 2_000, further: 400 };

/**
 * What is kept of anything that user code threw. Its length is bounded, whatever was thrown. The message has a line for each error
 * that it was caused by.
 * @param askedOf what was asked of AWS, which an error of AWS does not say
 */
export function errorSummary(thrown: unknown, askedOf?: AskedOf): ErrorSummary {
  try {
    const links = linksOf(thrown);
    if (!isError(thrown)) return { name: 'Error', message: keptText(describeOne(thrown), MAX_SUMMARY.message) };
    const causes = links
      .slice(1)
      .map(({ label, thrown: each }) => keptText(label + describeOne(each, askedOf), MAX_LINK.further));
    const message = keptText(messageOf(thrown, askedOf), causes.length > 0 ? MAX_LINK.first : MAX_SUMMARY.message);
    return {
      name: keptText(nameOf(thrown), MAX_SUMMARY.name),
      message: cut([message, ...causes].filter((line) => line !== '').join('\n'), MAX_SUMMARY.message),
      stack: typeof partOf(thrown, 'stack') === 'string' ? keptText(stacksOf(links), MAX_SUMMARY.stack) : undefined,
    };
  } catch {
    // A getter of it, or a proxy, throws. That it was thrown must be recorded all the same.
    return { name: 'Error', message: 'something that cannot be described was thrown' };
  }
}

/** What is looked at of a text that will be cut. */
const MOST_LOOKED_AT = 100_000;

/** Other people's text as it may stay for good: `cut`, with what looks like a credential masked before that. */
export const keptText = (text: string, length: number): string =>
  cut(withoutSecrets(text.slice(0, MOST_LOOKED_AT)), length);

/** At most `length` UTF-16 units, well formed, with a mark where something was left out. */
export function cut(text: string, length: number): string {
  const wellFormed = text.toWellFormed();
  return wellFormed.length <= length ? wellFormed : `${wellFormed.slice(0, length - 1).toWellFormed()}…`;
}

/** Other people's text as part of a line: without line ends, terminal escapes, what turns the direction of text, and secrets. */
export const plainLine = (text: string, length: number): string => keptText(withoutControls(text), length);

/** `name: message` as linesOf has it. */
export const linesOfError = (
  { name, message }: Pick<ErrorSummary, 'name' | 'message'>,
  most: number,
  length: number,
): string[] => linesOf(`${name}: ${message}`, most, length);

/** At the end of an error is what caused it. */
const LAST_LINES = 3;

/** Other people's text as lines, each without what plainLine leaves out: so many of them, the last among them, of so many characters. */
export function linesOf(text: string, most: number, length: number): string[] {
  const lines = text
    .split(/\r\n|[\n\r\u2028\u2029]/)
    .map((line) => plainLine(line, length).trimEnd())
    .filter((line) => line !== '');
  if (lines.length <= most) return lines;
  const first = lines.slice(0, most - 1 - LAST_LINES);
  return [
    ...first,
    `… ${lines.length - first.length - LAST_LINES} more lines, which the ledger has …`,
    ...lines.slice(-LAST_LINES),
  ];
}

/** `347f0f0dc3`, or `347f0f0dc3-dirty` when what was deployed was not all committed. */
export const shortCommit = (commit: string): string => commit.replace(/^([0-9a-f]{10})[0-9a-f]+/, '$1');

/** Of an attempt that halted: `began with commit 347f0f0dc3, and 9b1c21f0aa is deployed`; undefined when no commit is known. */
export function commitsText({ began, deployed }: Commits = {}): string | undefined {
  if (began === undefined && deployed === undefined) return undefined;
  const name = (commit: string) => plainLine(shortCommit(commit), 100);
  const first = `began with ${began === undefined ? 'an unknown commit' : `commit ${name(began)}`}`;
  return deployed === undefined || deployed === began ? first : `${first}, and ${name(deployed)} is deployed`;
}

/** What runs user code (project/bundle.ts). */
const USER_PROCESS = '/user-process.mjs:';

/**
 * `migrations/odin-dev/0004.ts:12:9` of a stack that has such a frame, else the place in its first frame. Empty where that is of what
 * runs user code: its author has no such file.
 */
export function firstSourceLine(stack: string): string {
  const inMigration = /migrations\/[\w-]+\/\d{4}\.ts:\d+:\d+/.exec(stack);
  if (inMigration) return inMigration[0];
  const frame = /^\s+at (.*)/m.exec(stack)?.[1] ?? '';
  if (frame.includes(USER_PROCESS)) return '';
  return /(?:lambdas|core|node_modules)\/[^\s()]+:\d+:\d+/.exec(frame)?.[0] ?? frame;
}

/** Each link's own, five in all. */
const stacksOf = (links: readonly Link[]): string =>
  links
    .slice(0, 5)
    .map(({ label, thrown }) => {
      const stack = isError(thrown) ? partOf(thrown, 'stack') : undefined;
      return label + (typeof stack === 'string' ? stack : describeOne(thrown));
    })
    .join('\n');
