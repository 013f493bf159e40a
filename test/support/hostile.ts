// Input as nobody means it: values with one thing changed, texts that no line, page or limit was made for.
import fc from 'fast-check';

/** HTML, terminal escapes, line ends, bidirectional overrides, halves of pairs, and code fences of chats. */
export const HOSTILE_TEXT =
  '<script>alert(1)</script><img src=x onerror="a()"> \u001b[2J\u001b]0;title\u0007\u009b31m\r\n' +
  'Execution: forged\u2028\u2029\u202egnp.exe\u202c \u0000\u0008 `<!channel>` ${jndi:x} \ud800 \udc00 \u{1F9A5}';

const PIECES = [...HOSTILE_TEXT.split(' '), '__proto__', 'constructor', '../../', '\n', '"', '\\', '٣', 'ä'];
export const hostileText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.constantFrom(...PIECES), { maxLength: 6 }).map((pieces) => pieces.join('')),
  fc.integer({ min: 1, max: 300_000 }).map((length) => HOSTILE_TEXT.repeat(Math.ceil(length / 200)).slice(0, length)),
);

/** So deep that a recursive reader runs out of stack. */
export const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

export const hostileJson = fc.oneof(
  fc.jsonValue(),
  hostileText,
  fc.dictionary(hostileText, fc.jsonValue(), { maxKeys: 4 }),
);

/** The path to every value in it, itself and its parts. */
export function pathsOf(value: unknown): string[][] {
  if (typeof value !== 'object' || value === null) return [[]];
  return [[], ...Object.entries(value).flatMap(([key, inner]) => pathsOf(inner).map((path) => [key, ...path]))];
}

export function replaceAt(value: unknown, [key, ...rest]: string[], by: unknown): unknown {
  if (key === undefined) return by;
  const of = value as Record<string, unknown>;
  const replaced = replaceAt(of[key], rest, by);
  return Array.isArray(of) ? of.with(Number(key), replaced) : { ...of, [key]: replaced };
}

/** The value with one thing of it replaced or left out, at any depth. */
export const changed = (good: unknown): fc.Arbitrary<unknown> =>
  fc
    .tuple(fc.constantFrom(...pathsOf(good)), fc.oneof(hostileJson, fc.constant(undefined)))
    .map(([path, value]) => replaceAt(good, path, value));
