// The keys of a manifest file, and the objects of an S3 Inventory report, as the plan of a parallel migration.
import type { S3Client } from '@aws-sdk/client-s3';
import { GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { listedKey } from '../../core/text/listed-key.ts';
import type { Access, ObjectAddress } from './beside.ts';
import type { ListedObject } from './listing.ts';
import {
  addressIn,
  BUCKET,
  CLIENT,
  FLAG,
  oneOf,
  PER_YIELD,
  ROW_CURSOR,
  S3_URL,
  TEXT,
  checkOptions,
} from './options.ts';
import type { Planned, PlannedOptions } from './planned.ts';
import { Gathered } from './planned.ts';
import { Retries } from './retries.ts';
import type { TextRow, RowsOf } from './rows.ts';
import { badFile, Rows } from './rows.ts';

/** Where a manifest or a report goes on. */
export interface RowCursor {
  /** The ETag of the manifest. */
  of: string;
  /** Which of its files, and how many rows of that one are done with. */
  file: number;
  row: number;
  done: number;
}

export interface ManifestFile extends PlannedOptions<RowCursor> {
  s3: S3Client;
  /** Whose keys they are: a manifest that names another bucket is refused. */
  bucket: string;
  /** `s3://<bucket>/<key>`; packed if its name ends with `.gz`. */
  manifest: string;
  /**
   * A key on each line; `csv` as S3 Batch Operations takes it, `bucket,key` or `bucket,key,version`, without a header; or `json-lines`, each
   * a key as a text, or an object with `key`, and perhaps `bucket` and `versionId`. Without it the name tells: `.csv`, `.jsonl`,
   * `.ndjson`, and of anything else lines.
   */
  format?: 'lines' | 'csv' | 'json-lines' | undefined;
  /** Whether the keys are URL-encoded. Without it those of `csv` are, as S3 Batch Operations wants them, and no others. */
  encoded?: boolean | undefined;
  /** Takes rows with a version too, whose items then have it; without it they are refused: the helpers know no versions. */
  versions?: boolean | undefined;
}

export interface ManifestItem {
  key: string;
  /** Of a row that has one. */
  versionId?: string;
}

/**
 * The keys of a manifest, in its order, for `yield*` in `plan()`. A key that it has twice is planned twice. Needs `s3:GetObject` of it.
 * @throws OdinError BadArgument; BadPlan, with the line, for what is no manifest
 */
export function manifestKeys(options: ManifestFile): AsyncGenerator<Planned<ManifestItem, RowCursor>, void, undefined> {
  checkOptions('manifestKeys', options, {
    required: { s3: CLIENT, bucket: BUCKET, manifest: S3_URL },
    optional: {
      format: oneOf('lines', 'csv', 'json-lines'),
      encoded: FLAG,
      versions: FLAG,
      resume: ROW_CURSOR,
      itemsPerYield: PER_YIELD,
    },
  });
  const { manifest, bucket, versions = false } = options;
  const place = addressIn(manifest);
  const format = options.format ?? formatOf(place.Key);
  const read = { place, format, encoded: options.encoded ?? format === 'csv', bucket, versions };
  return planOf(options, async (access) => {
    const { ETag = '' } = await access.retries.again(`HeadObject of ${manifest}`, () =>
      access.s3.send(new HeadObjectCommand(place)),
    );
    return { etag: ETag, files: [{ place, etag: ETag, csv: format === 'csv' }], item: (row) => itemOf(row, read) };
  });
}

type Format = NonNullable<ManifestFile['format']>;

const formatOf = (key: string): Format => {
  const name = key.replace(/\.gz$/, '');
  if (name.endsWith('.csv')) return 'csv';
  return /\.(jsonl|ndjson)$/.test(name) ? 'json-lines' : 'lines';
};

interface Reading {
  place: ObjectAddress;
  format: Format;
  encoded: boolean;
  bucket: string;
  versions: boolean;
}

function itemOf(row: TextRow, { place, format, encoded, bucket, versions }: Reading): ManifestItem {
  const bad = (what: string, next?: string) => badFile(place, `, line ${row.line}: ${what}`, next);
  const found = named(row, format);
  if (!found) throw bad(`expected ${EXPECTED[format]}, found ${JSON.stringify(row.fields.join(',').slice(0, 200))}.`);
  if (found.bucket !== undefined && found.bucket !== bucket) {
    const header = row.line === 1 ? ' A manifest has no line of headings.' : '';
    throw bad(`expected a key of the bucket ${bucket}, found ${JSON.stringify(found.bucket)}.${header}`);
  }
  if (found.versionId && !versions) {
    throw bad(
      `it names a version, and the helpers of odin-migrate/s3 act on what is there now.`,
      'Leave the versions out, or pass versions: true and use them yourself.',
    );
  }
  const key = encoded ? decoded(found.key) : found.key;
  if (key === undefined) {
    throw bad(`${JSON.stringify(found.key)} is not URL-encoded.`, 'Pass encoded: false if no key of it is.');
  }
  const bytes = Buffer.byteLength(key);
  if (bytes < 1 || bytes > 1_024) throw bad(`a key has 1 to 1,024 bytes, and this one has ${bytes}.`);
  return found.versionId ? { key, versionId: found.versionId } : { key };
}

const EXPECTED = {
  lines: 'a key',
  csv: 'bucket,key or bucket,key,version',
  'json-lines': 'a key as a JSON text, or a JSON object with key, and perhaps bucket and versionId',
};

interface Named {
  bucket?: string | undefined;
  key: string;
  versionId?: string | undefined;
}

function named({ fields }: TextRow, format: Format): Named | undefined {
  const [first = '', second, third, ...more] = fields;
  if (format === 'lines') return { key: first };
  if (format === 'json-lines') return ofJson(first);
  return second === undefined || more.length > 0 ? undefined : { bucket: first, key: second, versionId: third };
}

function ofJson(line: string): Named | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value === 'string') return { key: value };
  if (typeof value !== 'object' || value === null) return undefined;
  const { key, bucket, versionId } = value as Record<string, unknown>;
  if (typeof key !== 'string' || !isTextOrNone(bucket) || !isTextOrNone(versionId)) return undefined;
  return { key, bucket, versionId };
}

const isTextOrNone = (value: unknown): value is string | undefined => value === undefined || typeof value === 'string';

function decoded(key: string): string | undefined {
  try {
    return listedKey(key);
  } catch {
    return undefined;
  }
}

export interface InventoryReport extends PlannedOptions<RowCursor> {
  s3: S3Client;
  /** Whose objects they are: a report of another bucket is refused. */
  bucket: string;
  /** `s3://<bucket>/<prefix>/<bucket>/<configuration>/<date>/manifest.json`. */
  manifest: string;
  /** Only objects under it. */
  prefix?: string | undefined;
}

/**
 * The objects of an S3 Inventory report in CSV, with the fields Size and ETag, for `yield*` in `plan()`: of a report of all versions those
 * that were the latest, and no delete markers. A report is a day old, or a week: whoever is gone or was put anew since is named by
 * the helpers. Needs `s3:GetObject` of the manifest and its files.
 * @throws OdinError BadArgument; BadPlan for what is no such report
 */
export function inventory(options: InventoryReport): AsyncGenerator<Planned<ListedObject, RowCursor>, void, undefined> {
  checkOptions('inventory', options, {
    required: { s3: CLIENT, bucket: BUCKET, manifest: S3_URL },
    optional: { prefix: TEXT, resume: ROW_CURSOR, itemsPerYield: PER_YIELD },
  });
  const { bucket, manifest, prefix = '' } = options;
  const place = addressIn(manifest);
  return planOf(options, async (access) => {
    const { etag, text } = await access.retries.again(`GetObject of ${manifest}`, async () => {
      const { ETag = '', Body } = await access.s3.send(new GetObjectCommand(place));
      return { etag: ETag, text: (await Body?.transformToString()) ?? '' };
    });
    const { files, columns } = reportOf(text, place, bucket);
    return { etag, files, item: (row, file) => objectOf(row, file.place, columns, prefix) };
  });
}

type Columns = Record<'Key' | 'Size' | 'ETag', number> & Partial<Record<'IsLatest' | 'IsDeleteMarker', number>>;

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html */
function reportOf(text: string, place: ObjectAddress, bucket: string): { files: RowsOf[]; columns: Columns } {
  const { sourceBucket, destinationBucket, fileFormat, fileSchema, files } = manifestIn(text, place);
  if (sourceBucket !== bucket) {
    throw badFile(place, `: expected a report of the bucket ${bucket}, found one of ${JSON.stringify(sourceBucket)}.`);
  }
  if (fileFormat !== 'CSV') {
    throw badFile(
      place,
      `: expected a report in CSV, found one in ${JSON.stringify(fileFormat)}.`,
      'Have S3 make another inventory, with the format CSV.',
    );
  }
  const names = String(fileSchema)
    .split(',')
    .map((name) => name.trim());
  const at = Object.fromEntries(names.map((name, index) => [name, index])) as Partial<Columns>;
  const { Key, Size, ETag } = at;
  if (Key === undefined || Size === undefined || ETag === undefined) {
    throw badFile(
      place,
      `: expected a report with the fields Key, Size and ETag, found ${names.join(', ')}.`,
      'Add the fields Size and ETag to the inventory.',
    );
  }
  // The bucket of the files is named by its ARN.
  const Bucket = String(destinationBucket).replace(/^arn:[^:]*:s3:::/, '');
  const keys = Array.isArray(files) ? files.map((file) => (file as { key?: unknown } | null)?.key) : [undefined];
  return {
    columns: { ...at, Key, Size, ETag },
    files: keys.map((key) => {
      if (typeof key !== 'string') throw badFile(place, ' is no manifest of S3 Inventory: a file has no key.');
      return { place: { Bucket, Key: key }, etag: undefined, csv: true };
    }),
  };
}

function manifestIn(text: string, place: ObjectAddress): Record<string, unknown> {
  try {
    const value = JSON.parse(text) as Record<string, unknown>;
    if ('fileFormat' in value && 'sourceBucket' in value) return value;
  } catch (thrown) {
    throw badFile(place, ' is no manifest of S3 Inventory: it is no JSON.', undefined, thrown);
  }
  throw badFile(
    place,
    ' is no manifest of S3 Inventory: it has no sourceBucket and fileFormat.',
    'Name the manifest.json of a report.',
  );
}

function objectOf(
  { fields, line }: TextRow,
  place: ObjectAddress,
  columns: Columns,
  prefix: string,
): ListedObject | undefined {
  const { Key, Size, ETag, IsLatest = -1, IsDeleteMarker = -1 } = columns;
  if (fields[IsLatest] === 'false' || fields[IsDeleteMarker] === 'true') return undefined;
  const [key, size, etag] = [decoded(fields[Key] ?? ''), Number(fields[Size] || NaN), fields[ETag]];
  if (!key || !etag || !Number.isInteger(size)) {
    const found = JSON.stringify(fields.join(',').slice(0, 200));
    throw badFile(place, `, line ${line}: expected an object with key, size and ETag, found ${found}.`);
  }
  if (!key.startsWith(prefix)) return undefined;
  // S3 has it in quotation marks everywhere else.
  return { key, size, etag: `"${etag}"` };
}

/** So many rows are read again at most, also where hardly one of them is of the plan. */
const ROWS_PER_YIELD = 500_000;

interface Files<Item> {
  etag: string;
  files: RowsOf[];
  /** Undefined of a row that is left out. */
  item: (row: TextRow, file: RowsOf) => Item | undefined;
}

async function* planOf<Item>(
  { s3, resume, itemsPerYield, manifest }: PlannedOptions<RowCursor> & { s3: S3Client; manifest: string },
  open: (access: Access) => Promise<Files<Item>>,
): AsyncGenerator<Planned<Item, RowCursor>, void, undefined> {
  const access: Access = { s3, retries: new Retries() };
  const { etag, files, item } = await open(access);
  if (resume && resume.of !== etag) {
    throw badFile(
      addressIn(manifest),
      ' is another one than that of which a part was planned.',
      'Plan anew: odin-migrate retry with --from-start.',
    );
  }
  const gathered = new Gathered<Item>(itemsPerYield);
  let { file, row, done } = resume ?? { file: 0, row: 0, done: 0 };
  const planned = (): Planned<Item, RowCursor> => {
    const items = gathered.take();
    done += items.length;
    return { items, cursor: { of: etag, file, row, done }, done };
  };
  let seen = 0;
  for (; file < files.length; file += 1, row = 0) {
    const of = files[file] as RowsOf;
    const rows = new Rows(access, of, row);
    try {
      for (let some = await rows.next(); some; some = await rows.next()) {
        for (const each of some) {
          const found = item(each, of);
          if (seen >= ROWS_PER_YIELD) {
            yield planned();
            seen = 0;
          }
          while (found !== undefined && !gathered.add(found)) {
            yield planned();
            seen = 0;
          }
          row += 1;
          seen += 1;
        }
      }
    } finally {
      await rows.close();
    }
  }
  if (!gathered.isEmpty) yield planned();
  access.retries.tell();
}
