// Takes columns out of a parquet file without decoding it: the chunks of the other columns are copied as they are, and the footer, which
// says where each chunk lies, is written anew. So types, encodings and compression survive, and little memory is used.
import type { ColumnChunk, FileMetaData, SchemaElement } from 'hyparquet';
import { parquetMetadataAsync } from 'hyparquet';
import { ByteWriter } from 'hyparquet-writer';
import { writeMetadata } from 'hyparquet-writer/src/metadata.js';

/** Where the file is read at will, for its footer. */
export interface ParquetSource {
  byteLength: number;
  /** `end` is not read. */
  slice: (start: number, end?: number) => Promise<ArrayBuffer>;
}

const MAGIC = Buffer.from('PAR1');

/**
 * @param body all of the file, from its beginning
 * @param columns names of columns at the top; what is nested in one goes with it
 * @returns the new file
 * @throws Error when the file lacks one of them, or has its chunks in other files
 */
export async function withoutColumns(
  source: ParquetSource,
  body: AsyncIterable<Uint8Array>,
  columns: readonly string[],
): Promise<AsyncGenerator<Uint8Array>> {
  const metadata = await parquetMetadataAsync(source);
  const { kept, chunks } = footerWithout(metadata, columns);
  return newFile(body, kept, chunks);
}

interface Chunk {
  from: number;
  bytes: number;
}

function footerWithout(metadata: FileMetaData, columns: readonly string[]): { kept: FileMetaData; chunks: Chunk[] } {
  const gone = new Set(columns);
  const isKept = ({ meta_data: meta }: ColumnChunk) => !gone.has(meta?.path_in_schema[0] ?? '');
  const chunks: Chunk[] = [];
  let offset = MAGIC.length;
  const row_groups = metadata.row_groups.map((before) => {
    const group = { ...before };
    delete group.sorting_columns; // by the numbers of columns
    const start = offset;
    const kept = group.columns.filter(isKept).sort((a, b) => fromOf(a) - fromOf(b)); // as the body has them
    const moved = new Map<ColumnChunk, ColumnChunk>();
    for (const chunk of kept) {
      const bytes = Number(chunk.meta_data?.total_compressed_size ?? 0);
      chunks.push({ from: fromOf(chunk), bytes });
      moved.set(chunk, movedBy(chunk, offset - fromOf(chunk)));
      offset += bytes;
    }
    const sum = (field: 'total_compressed_size' | 'total_uncompressed_size') =>
      kept.reduce((all, { meta_data: meta }) => all + (meta?.[field] ?? 0n), 0n);
    return {
      ...group,
      columns: group.columns.flatMap((chunk) => moved.get(chunk) ?? []),
      total_byte_size: sum('total_uncompressed_size'),
      total_compressed_size: sum('total_compressed_size'),
      file_offset: BigInt(start),
    };
  });
  return {
    kept: {
      ...metadata,
      schema: schemaWithout(metadata.schema, gone),
      row_groups,
      // What other tools keep of the schema names the columns that are gone: they read the schema itself then.
      key_value_metadata: (metadata.key_value_metadata ?? []).filter(({ key }) => !/^(ARROW:schema|pandas)$/.test(key)),
    },
    chunks,
  };
}

/** Of its first page, which is that of the dictionary where it has one. */
function fromOf({ file_path: elsewhere, meta_data: meta }: ColumnChunk): number {
  if (!meta || elsewhere !== undefined) throw new Error('expected the chunks of all columns in the file itself');
  const dictionary = meta.dictionary_page_offset ?? 0n;
  return Number(dictionary > 0n && dictionary < meta.data_page_offset ? dictionary : meta.data_page_offset);
}

/** Indexes of pages and filters lie elsewhere in the file, and are left out: readers do without. */
function movedBy({ meta_data: meta }: ColumnChunk, by: number): ColumnChunk {
  if (!meta) throw new Error('expected the chunks of all columns in the file itself');
  const moved = { ...meta, data_page_offset: meta.data_page_offset + BigInt(by) };
  delete moved.index_page_offset;
  delete moved.bloom_filter_offset;
  delete moved.bloom_filter_length;
  if (meta.dictionary_page_offset) moved.dictionary_page_offset = meta.dictionary_page_offset + BigInt(by);
  return { file_offset: 0n, meta_data: moved };
}

/** A schema is a tree, written out in depth: each element says how many follow that are its own. */
function schemaWithout([root, ...elements]: SchemaElement[], gone: Set<string>): SchemaElement[] {
  if (!root) throw new Error('expected a schema, found none');
  const missing = new Set(gone);
  const kept: SchemaElement[] = [];
  let columns = 0;
  for (let at = 0; at < elements.length;) {
    let end = at;
    for (let open = 1; open > 0; end += 1) open += (elements[end]?.num_children ?? 0) - 1;
    const column = elements.slice(at, end);
    at = end;
    if (missing.delete(column[0]?.name ?? '')) continue;
    kept.push(...column);
    columns += 1;
  }
  if (missing.size > 0) throw new Error(`expected the columns ${[...missing].join(', ')}, found none of these names`);
  return [{ ...root, num_children: columns }, ...kept];
}

async function* newFile(
  body: AsyncIterable<Uint8Array>,
  metadata: FileMetaData,
  chunks: readonly Chunk[],
): AsyncGenerator<Uint8Array> {
  yield MAGIC;
  let at = 0;
  let next = 0;
  for await (const bytes of body) {
    const end = at + bytes.length;
    for (let chunk = chunks[next]; chunk && chunk.from < end; chunk = chunks[next]) {
      const upTo = chunk.from + chunk.bytes;
      const part = bytes.subarray(Math.max(0, chunk.from - at), Math.min(bytes.length, upTo - at));
      if (part.length > 0) yield part;
      if (upTo > end) break;
      next += 1;
    }
    at = end;
    if (next === chunks.length) break;
  }
  if (next < chunks.length)
    throw new Error(`expected ${chunks.length} chunks of columns, found ${next}: the file is cut`);
  const footer = new ByteWriter();
  writeMetadata(footer, metadata);
  yield new Uint8Array(footer.getBuffer());
  yield MAGIC;
}
