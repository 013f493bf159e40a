// Objects on disk. Each body is a file of its own, and an SQLite index says which file is the object. So one row is the
// commit point: a reader sees the old object or the new one, never half of either, also after a kill -9, and two
// processes on one directory see the same truth. (After a power loss it may not: bodies are not fsynced.)

import { createHash, randomUUID } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  ReadStream,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import type { Readable } from 'node:stream';
import type { DatabaseSync as Database } from 'node:sqlite';
import { AwsError } from '../http.ts';
import type { Algorithm, Checksums } from './checksums.ts';
import { digests } from './checksums.ts';
import { checkDeleteCondition, checkWriteCondition } from './conditions.ts';
import type { WriteCondition } from './conditions.ts';
import { DatabaseSync } from './sqlite.ts';

/** In the folder of the embedded AWS. */
export const S3_FOLDER = 's3';

export interface KeptObject {
  readonly key: string;
  /** With its quotes, as S3 gives it. */
  readonly etag: string;
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly modified: number;
  /** All that S3 keeps beside the bytes, by the names of headers: content-type, x-amz-meta-…, x-amz-tagging, a checksum. */
  readonly headers: Record<string, string>;
  /** Bytes of each part; absent for an object that was put in one piece. */
  readonly parts: readonly number[] | undefined;
  readonly file: string;
}

/** An object with its open file, which whoever takes it closes. */
export interface Opened {
  readonly object: KeptObject;
  readonly fd: number;
}

/** A body that has arrived whole, and is not yet an object. */
export interface Received {
  readonly file: string;
  readonly size: number;
  readonly md5: Buffer;
  readonly checksums: Checksums;
}

export interface Upload {
  readonly bucket: string;
  readonly key: string;
  readonly headers: Record<string, string>;
}

export interface Part {
  readonly number: number;
  readonly etag: string;
  readonly size: number;
  /** Base64, of the upload's algorithm. */
  readonly checksum: string;
  readonly file: string;
}

/** The objects of all buckets: an index in SQLite, and each body as a file. */
export class ObjectStore {
  readonly #directory: string;
  readonly #db: Database;
  readonly #sql: ReturnType<typeof statementsOf>;
  /** Told of each object that was put, after it is there. */
  readonly #listeners: ((bucket: string, key: string) => void)[] = [];

  /** @param directory holds `index.sqlite`, `.incoming/` and one folder of bodies per bucket, named after their keys. */
  constructor(directory: string) {
    mkdirSync(join(directory, INCOMING), { recursive: true });
    this.#directory = directory;
    this.#db = new DatabaseSync(join(directory, 'index.sqlite'));
    this.#db.exec(SCHEMA);
    addColumns(this.#db);
    removeLeftovers(this.#db, directory);
    this.#sql = statementsOf(this.#db);
  }

  onPut(listener: (bucket: string, key: string) => void): void {
    this.#listeners.push(listener);
  }

  requireBucket(bucket: string): void {
    if (!this.#sql.bucket.get(bucket)) throw new AwsError('NoSuchBucket', 'The specified bucket does not exist', 404);
  }

  get(bucket: string, key: string): KeptObject | undefined {
    const row = this.#sql.object.get(bucket, key);
    return row === undefined ? undefined : toObject(this.#directory, row as unknown as ObjectRow);
  }

  buckets(): { name: string; created: number }[] {
    return this.#sql.buckets.all() as { name: string; created: number }[];
  }

  hasBucket(name: string): boolean {
    return this.#sql.bucket.get(name) !== undefined;
  }

  createBucket(name: string): void {
    mkdirSync(join(this.#directory, name), { recursive: true });
    this.#sql.addBucket.run(name, Date.now());
  }

  deleteBucket(name: string): void {
    this.#transaction(() => {
      this.requireBucket(name);
      if (this.#sql.anyObject.get(name)) {
        throw new AwsError('BucketNotEmpty', 'The bucket you tried to delete is not empty', 409);
      }
      this.#sql.dropBucket.run(name);
    });
    rmSync(join(this.#directory, name), { recursive: true, force: true });
  }

  /** Writes a body to a file of its own. Nothing can see it until `put` or `putPart`. */
  receive(
    body: Buffer | Readable | AsyncIterable<Buffer>,
    algorithms: readonly Algorithm[] = ['crc32'],
  ): Promise<Received> {
    return receiveInto(join(this.#directory, INCOMING, randomUUID()), body, algorithms);
  }

  discard(received: Received): void {
    rmSync(received.file, { force: true });
  }

  /** Makes a received body the object, if the condition holds at that moment: the check and the change are one. */
  put(
    bucket: string,
    key: string,
    received: Received,
    about: {
      headers: Record<string, string>;
      condition?: WriteCondition;
      /** Of an object that was uploaded in parts. */
      multipart?: { etag: string; parts: readonly number[] };
    },
  ): KeptObject {
    const file = join(this.#directory, bucket, bodyFileName(key));
    const object: KeptObject = {
      key,
      etag: about.multipart?.etag ?? `"${received.md5.toString('hex')}"`,
      size: received.size,
      modified: Date.now(),
      headers: about.headers,
      parts: about.multipart?.parts,
      file,
    };
    const before = this.#transaction(() => {
      this.requireBucket(bucket);
      const current = this.get(bucket, key);
      checkWriteCondition(current, about.condition ?? {});
      renameSync(received.file, file);
      const { etag, size, modified, headers, parts } = object;
      const beside = [JSON.stringify(headers), parts ? JSON.stringify(parts) : null];
      this.#sql.putObject.run(bucket, key, etag, size, modified, ...beside, relative(this.#directory, file));
      return current;
    });
    if (before) rmSync(before.file, { force: true });
    for (const listener of this.#listeners) listener(bucket, key);
    return object;
  }

  /** Replaces an object's tags, which changes neither its time nor its ETag. */
  tag(bucket: string, key: string, tagging: string): void {
    this.#transaction(() => {
      const current = this.get(bucket, key);
      if (!current) throw new AwsError('NoSuchKey', 'The specified key does not exist.', 404);
      const others = without(current.headers, 'x-amz-tagging');
      const headers = tagging === '' ? others : { ...others, 'x-amz-tagging': tagging };
      this.#sql.setHeaders.run(JSON.stringify(headers), bucket, key);
    });
  }

  /** @param ifMatch the ETag that it must have, or a star for any; the check and the change are one */
  delete(bucket: string, key: string, ifMatch?: string): void {
    const before = this.#transaction(() => {
      this.requireBucket(bucket);
      const current = this.get(bucket, key);
      checkDeleteCondition(current, ifMatch);
      if (current) this.#sql.deleteObject.run(bucket, key);
      return current;
    });
    if (before) rmSync(before.file, { force: true });
  }

  /** Opens the body at once, so that an overwrite or a delete that comes later cannot cut the read short. */
  open(bucket: string, key: string): Opened | undefined {
    for (let tries = 1; ; tries++) {
      const object = this.get(bucket, key);
      if (!object) return undefined;
      try {
        const fd = openSync(object.file, 'r');
        if (fstatSync(fd).size === object.size) return { object, fd };
        closeSync(fd);
        throw new AwsError('InternalError', `${object.file} is not as long as the object was`, 500);
      } catch (error) {
        // Another process may replace the object between the look into the index and the opening of the file.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || tries >= 10) throw error;
      }
    }
  }

  /** In the order of their keys, read as they are asked for: nothing else may be listed meanwhile. */
  *list(bucket: string, options: { prefix: string; after: string }): Generator<KeptObject, undefined> {
    const { prefix, after } = options;
    for (const row of this.#sql.list.iterate(bucket, after, prefix, prefix + AFTER_ALL)) {
      yield toObject(this.#directory, row as unknown as ObjectRow);
    }
  }

  createUpload(upload: Upload): string {
    const id = randomUUID().replaceAll('-', '');
    this.#sql.addUpload.run(id, upload.bucket, upload.key, JSON.stringify(upload.headers));
    return id;
  }

  upload(id: string, bucket: string, key: string): Upload {
    const row = this.#sql.upload.get(id) as { bucket: string; key: string; headers: string } | undefined;
    if (row?.bucket !== bucket || row.key !== key) {
      throw new AwsError('NoSuchUpload', 'The specified multipart upload does not exist.', 404);
    }
    return { bucket, key, headers: JSON.parse(row.headers) as Record<string, string> };
  }

  /** Of the keys that begin like that, in their order. */
  uploads(bucket: string, prefix: string): (Upload & { id: string })[] {
    const rows = this.#sql.uploads.all(bucket, prefix, prefix + AFTER_ALL) as {
      id: string;
      key: string;
      headers: string;
    }[];
    return rows.map(({ id, key, headers }) => ({ id, bucket, key, headers: JSON.parse(headers) as Upload['headers'] }));
  }

  putPart(upload: string, number: number, received: Received, checksum: string): Part {
    const etag = `"${received.md5.toString('hex')}"`;
    const before = this.parts(upload).find((part) => part.number === number);
    const { size, file } = received;
    this.#sql.putPart.run(upload, number, etag, size, relative(this.#directory, file), checksum);
    if (before) rmSync(before.file, { force: true });
    return { number, etag, size, checksum, file };
  }

  parts(upload: string): Part[] {
    const rows = this.#sql.parts.all(upload) as unknown as Part[];
    return rows.map((part) => ({ ...part, file: join(this.#directory, part.file) }));
  }

  dropUpload(upload: string): void {
    const files = this.parts(upload).map((part) => part.file);
    this.#transaction(() => {
      this.#sql.dropParts.run(upload);
      this.#sql.dropUpload.run(upload);
    });
    for (const file of files) rmSync(file, { force: true });
  }

  close(): void {
    this.#db.close();
  }

  #transaction<T>(work: () => T): T {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#db.exec('COMMIT');
      return result;
    } catch (error) {
      this.#db.exec('ROLLBACK');
      throw error;
    }
  }
}

export const without = (headers: Record<string, string>, ...names: string[]): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));

/** Sorts after every continuation of a prefix: the last code point there is. */
export const AFTER_ALL = '\u{10FFFF}'.repeat(257); // 1,028 bytes, and a key has 1,024 at most

interface ObjectRow {
  key: string;
  etag: string;
  size: number;
  modified: number;
  headers: string;
  parts: string | null;
  /** Relative to the directory, which may be moved. */
  file: string;
}

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA busy_timeout = 10000;
  CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY, created INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT, key TEXT, etag TEXT, size INTEGER, modified INTEGER, headers TEXT, parts TEXT, file TEXT,
    PRIMARY KEY (bucket, key)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS uploads (id TEXT PRIMARY KEY, bucket TEXT, key TEXT, headers TEXT);
  CREATE TABLE IF NOT EXISTS parts (
    upload TEXT, number INTEGER, etag TEXT, size INTEGER, file TEXT, checksum TEXT, PRIMARY KEY (upload, number));
`;

/** What an index that was made before these columns lacks. */
const ADDED = [
  ['objects', 'parts'],
  ['parts', 'checksum'],
] as const;

function addColumns(db: Database): void {
  for (const [table, column] of ADDED) {
    const names = db
      .prepare(`PRAGMA table_info(${table})`)
      .all()
      .map(({ name }) => name);
    if (!names.includes(column)) db.exec(`ALTER TABLE ${table} ADD COLUMN ${column} TEXT`);
  }
}

/** Bodies that are no object yet. */
const INCOMING = '.incoming';

const statementsOf = (db: Database) => ({
  buckets: db.prepare('SELECT name, created FROM buckets ORDER BY name'),
  bucket: db.prepare('SELECT 1 FROM buckets WHERE name = ?'),
  addBucket: db.prepare('INSERT INTO buckets (name, created) VALUES (?, ?)'),
  dropBucket: db.prepare('DELETE FROM buckets WHERE name = ?'),
  anyObject: db.prepare('SELECT 1 FROM objects WHERE bucket = ? LIMIT 1'),
  object: db.prepare('SELECT * FROM objects WHERE bucket = ? AND key = ?'),
  putObject: db.prepare(
    'INSERT OR REPLACE INTO objects (bucket, key, etag, size, modified, headers, parts, file) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  ),
  setHeaders: db.prepare('UPDATE objects SET headers = ? WHERE bucket = ? AND key = ?'),
  deleteObject: db.prepare('DELETE FROM objects WHERE bucket = ? AND key = ?'),
  // The index compares UTF-8 bytes, which is S3's order of keys too.
  list: db.prepare('SELECT * FROM objects WHERE bucket = ? AND key > ? AND key >= ? AND key < ? ORDER BY key'),
  upload: db.prepare('SELECT * FROM uploads WHERE id = ?'),
  uploads: db.prepare('SELECT * FROM uploads WHERE bucket = ? AND key >= ? AND key < ? ORDER BY key, rowid'),
  addUpload: db.prepare('INSERT INTO uploads VALUES (?, ?, ?, ?)'),
  dropUpload: db.prepare('DELETE FROM uploads WHERE id = ?'),
  parts: db.prepare('SELECT * FROM parts WHERE upload = ? ORDER BY number'),
  putPart: db.prepare(
    'INSERT OR REPLACE INTO parts (upload, number, etag, size, file, checksum) VALUES (?, ?, ?, ?, ?, ?)',
  ),
  dropParts: db.prepare('DELETE FROM parts WHERE upload = ?'),
});

async function receiveInto(
  file: string,
  body: Buffer | Readable | AsyncIterable<Buffer>,
  algorithms: readonly Algorithm[],
): Promise<Received> {
  const md5 = createHash('md5');
  const checksums = digests(algorithms);
  let size = 0;
  let fd: number | undefined;
  try {
    fd = openSync(file, 'wx');
    for await (const chunk of (Buffer.isBuffer(body) ? [body] : body) as AsyncIterable<Buffer>) {
      size += chunk.length;
      md5.update(chunk);
      checksums.update(chunk);
      writeFileSync(fd, chunk); // at once: a turn through the thread pool takes several times as long
    }
  } catch (error) {
    if (body instanceof ReadStream) body.destroy(); // its file is open, also when the other one could not be opened
    rmSync(file, { force: true });
    throw error;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
  return { file, size, md5: md5.digest(), checksums: checksums.digest() };
}

function toObject(directory: string, row: ObjectRow): KeptObject {
  const headers = JSON.parse(row.headers) as Record<string, string>;
  const { key, etag, size, modified } = row;
  const parts = row.parts === null ? undefined : (JSON.parse(row.parts) as number[]);
  return { key, etag, size, modified, headers, parts, file: join(directory, row.file) };
}

/** Readable in a file manager, unique, and always one file in the folder: a key may be `../x` or 1,024 bytes long. */
function bodyFileName(key: string): string {
  const name = encodeURIComponent(key);
  const short = name.length <= 200 ? name : `${name.slice(0, 100)}…${name.slice(-90)}`;
  return `${short}~${randomUUID().slice(0, 8)}`;
}

/** A killed process leaves bodies that never became objects. After a day, nobody is writing them any more. */
function removeLeftovers(db: Database, directory: string): void {
  const known = new Set<string>();
  for (const row of db.prepare('SELECT file FROM objects UNION ALL SELECT file FROM parts').iterate()) {
    known.add(join(directory, String(row['file'])));
  }
  const buckets = db.prepare('SELECT name FROM buckets').all();
  for (const folder of [INCOMING, ...buckets.map((row) => String(row['name']))].map((name) => join(directory, name))) {
    mkdirSync(folder, { recursive: true });
    for (const name of readdirSync(folder)) {
      const file = join(folder, name);
      const written = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY;
      if (!known.has(file) && Date.now() - written > 86_400_000) rmSync(file, { force: true });
    }
  }
}
