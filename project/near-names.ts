// Which name a misspelt one may be meant for: of an export, which nothing reads and nobody would see, and of what IAM has.

/** How the exports are usually misspelt: `timeout`, `memoryMb`, `permission`, `env`. */
const STEMS: [RegExp, string][] = [
  [/^desc/i, 'description'],
  [/^permission/i, 'permissions'],
  [/^timeout/i, 'timeoutMinutes'],
  [/^memory/i, 'memoryMB'],
  [/^(variable|env(ironment)?$)/i, 'variables'],
  [/^access/i, 'access'],
  [/^previewallow/i, 'previewAllows'],
];

/** @param fields the names that there are */
export function meantBy(name: string, fields: readonly string[]): string | undefined {
  const [, meant] = STEMS.find(([stem]) => stem.test(name)) ?? [];
  return meant ?? nearName(name, fields);
}

/** One that differs in a letter, or in two when it is long. */
export const nearName = (name: string, names: readonly string[]): string | undefined =>
  names.find((each) => distance(name.toLowerCase(), each.toLowerCase()) <= (each.length < 8 ? 1 : 2));

/** How many letters have to be added, left out, changed, or changed places with the next one. */
function distance(a: string, b: string): number {
  let [before, last] = [[] as number[], Array.from({ length: b.length + 1 }, (_, n) => n)];
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      const turned = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(
        Math.min(
          (last[j] ?? 0) + 1,
          (row[j - 1] ?? 0) + 1,
          (last[j - 1] ?? 0) + (same ? 0 : 1),
          turned ? (before[j - 2] ?? 0) + 1 : Infinity,
        ),
      );
    }
    [before, last] = [last, row];
  }
  return last[b.length] ?? 0;
}
