// Chance without a stream: each draw is a function of the seed and of what it is for, so that leaving out one fault of a
// schedule (to shorten it) leaves the other draws as they were.

/** In [0, 1). */
export function draw(seed: number, purpose: string, ...numbers: number[]): number {
  let hash = mix(seed ^ 0x9e3779b9);
  for (let at = 0; at < purpose.length; at += 1) hash = mix(hash ^ purpose.charCodeAt(at));
  for (const number of numbers) hash = mix(hash ^ (number | 0));
  return hash / 2 ** 32;
}

/** One of the items. */
export const pick = <T>(items: readonly T[], drawn: number): T => items[Math.floor(drawn * items.length)]!;

/** In [from, to), small ones as likely as large ones by their order of magnitude. */
export const spread = (from: number, to: number, drawn: number): number => from * (to / from) ** drawn;

/** The finaliser of MurmurHash3, after Austin Appleby, with a step of Weyl's sequence in front of it. */
function mix(value: number): number {
  let hash = (value + 0x6d2b79f5) | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
