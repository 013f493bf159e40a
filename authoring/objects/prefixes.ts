// The order of keys, which is that of their UTF-8 bytes, and prefixes of them.

/** JavaScript compares UTF-16 units, in which a key of an emoji stands before one of a full-width letter. */
export const compareKeys = (one: string, other: string): number => Buffer.compare(Buffer.from(one), Buffer.from(other));

/** In their order, without those that lie within another. */
export const withoutInner = (prefixes: readonly string[]): string[] =>
  prefixes
    .toSorted(compareKeys)
    .reduce<string[]>((outer, prefix) => (isInner(prefix, outer.at(-1)) ? outer : [...outer, prefix]), []);

const isInner = (prefix: string, outer: string | undefined): boolean => outer !== undefined && prefix.startsWith(outer);
