// The texts in what is JSON: a file's exports, statements of IAM.

/** Every text with its path, keys of objects among them (`isKey`): the path of a key is that of its object. */
export function textsOf(
  value: unknown,
  field: PropertyKey[] = [],
): [field: PropertyKey[], text: string, isKey: boolean][] {
  if (typeof value === 'string') return [[field, value, false]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) => {
    const below = [...field, Array.isArray(value) ? Number(key) : key];
    return [
      ...(Array.isArray(value) ? [] : [[field, key, true] as [PropertyKey[], string, boolean]]),
      ...textsOf(each, below),
    ];
  });
}
