// Columns are taken out of a parquet file, and rows and types of the others survive.
import { parquetMetadata, parquetReadObjects, parquetSchema } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { expect, it } from 'vitest';
import { withoutColumns } from '../bench/parquet/without-columns.ts';

const ROWS = 1_000;
const all = <T>(of: (n: number) => T): T[] => Array.from({ length: ROWS }, (_, n) => of(n));
const columnData = [
  { name: 'name', data: all((n) => `person ${n}`) },
  { name: 'id', data: all((n) => BigInt(n)), type: 'INT64' as const },
  { name: 'mail', data: all((n) => `${n}@example.com`) },
  { name: 'at', data: all((n) => new Date(1_700_000_000_000 + n)), type: 'TIMESTAMP' as const },
  { name: 'maybe', data: all((n) => (n % 3 === 0 ? null : n / 7)), type: 'DOUBLE' as const, nullable: true },
  { name: 'kind', data: all((n) => ['afc', 'bfc'][n % 2]), type: 'STRING' as const },
  { name: 'json', data: all((n) => ({ n })), type: 'JSON' as const },
];

/** In odd pieces, as a stream may have them. */
async function* pieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}
async function without(file: ArrayBuffer, columns: string[], size = 777, end = file.byteLength): Promise<ArrayBuffer> {
  const source = { byteLength: file.byteLength, slice: (a: number, b?: number) => Promise.resolve(file.slice(a, b)) };
  const parts: Uint8Array[] = [];
  for await (const part of await withoutColumns(source, pieces(new Uint8Array(file, 0, end), size), columns))
    parts.push(part);
  return new Uint8Array(Buffer.concat(parts)).buffer;
}

it.each(['SNAPPY', 'UNCOMPRESSED'] as const)('rows and types survive, in several row groups: %s', async (codec) => {
  const file = parquetWriteBuffer({
    columnData,
    codec,
    rowGroupSize: 300,
    kvMetadata: [
      { key: 'ARROW:schema', value: 'x' },
      { key: 'own', value: 'y' },
    ],
  });
  for (const columns of [['name', 'mail'], ['json'], ['id', 'at', 'maybe', 'kind', 'json', 'name']]) {
    const made = await without(file, columns);
    const before = await parquetReadObjects({ file });
    const rows = before.map((row) =>
      Object.fromEntries(Object.entries(row).filter(([name]) => !columns.includes(name))),
    );
    expect(await parquetReadObjects({ file: made })).toEqual(rows);
    const fields = (of: ArrayBuffer) => parquetSchema(parquetMetadata(of)).children.map(({ element }) => element);
    expect(fields(made)).toEqual(fields(file).filter(({ name }) => !columns.includes(name)));
    const { num_rows, row_groups, key_value_metadata } = parquetMetadata(made);
    expect([num_rows, row_groups.length, key_value_metadata]).toEqual([1000n, 4, [{ key: 'own', value: 'y' }]]);
    expect(Buffer.from(made).includes('person 1')).toBe(codec === 'UNCOMPRESSED' && !columns.includes('name'));
  }
});

it('refuses a column that is not there, and a file that is cut', async () => {
  const file = parquetWriteBuffer({ columnData });
  await expect(without(file, ['nobody'])).rejects.toThrow('expected the columns nobody');
  await expect(without(file.slice(0), ['name'], 50, 100)).rejects.toThrow('the file is cut');
});
