// The rows of a text object, from any of them on, as long as it may be: what was lost with a connection is read again.
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { OdinError } from '../../core/errors.ts';
import { Readable, pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Access, ObjectAddress } from './beside.ts';
import { uriOf } from './beside.ts';
import { statusOf } from './failures.ts';

/** A line with something in it, or the fields of one of CSV, and the number of its line. */
export interface TextRow {
  fields: string[];
  line: number;
}

/** Whoever wrote it has to mend it. */
export const badFile = (place: ObjectAddress, what: string, next?: string, cause?: unknown): OdinError =>
  new OdinError({ code: 'BadPlan', source: 'user', what: `${uriOf(place)}${what}`, next, cause });

export interface RowsOf {
  place: ObjectAddress;
  /** That it has to have: rows that were counted in another text would be others. */
  etag: string | undefined;
  csv: boolean;
}

export class Rows {
  readonly #access: Access;
  readonly #of: RowsOf;
  #row: number;
  #open: AsyncGenerator<TextRow[], void, undefined> | undefined;

  /** @param row how many rows to leave out */
  constructor(access: Access, of: RowsOf, row: number) {
    this.#access = access;
    this.#of = of;
    this.#row = row;
  }

  /** @returns some, or undefined at the end */
  async next(): Promise<TextRow[] | undefined> {
    const rows = await this.#access.retries.again(`GetObject of ${uriOf(this.#of.place)}`, async () => {
      this.#open ??= rowsOf(this.#access, this.#of, this.#row);
      try {
        const { value } = await this.#open.next();
        return value ?? undefined;
      } catch (thrown) {
        this.#open = undefined;
        throw thrown;
      }
    });
    this.#row += rows?.length ?? 0;
    return rows;
  }

  /** Of what is not read to its end. */
  async close(): Promise<void> {
    await this.#open?.return();
  }
}

async function* rowsOf(access: Access, of: RowsOf, skipped: number): AsyncGenerator<TextRow[], void, undefined> {
  const rows = of.csv ? new CsvRows() : new LineRows();
  const decoder = new TextDecoder('utf-8', { fatal: true }); // it leaves out a byte order mark
  let skip = skipped;
  const left = (some: TextRow[]): TextRow[] => {
    if (rows.rest > MAX_ROW)
      throw badFile(of.place, `, line ${rows.line}: it has no end within ${MAX_ROW} characters.`);
    const rest = skip === 0 ? some : some.slice(skip);
    skip -= some.length - rest.length;
    return rest;
  };
  try {
    for await (const bytes of await bodyOf(access, of)) {
      const rest = left(rows.push(decoder.decode(bytes as Uint8Array, { stream: true })));
      if (rest.length > 0) yield rest;
    }
    const rest = left([...rows.push(decoder.decode()), ...rows.end()]);
    if (rest.length > 0) yield rest;
  } catch (thrown) {
    const { code = '' } = thrown as { code?: unknown };
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') throw badFile(of.place, ' is not UTF-8.', undefined, thrown);
    if (/^Z_/.test(String(code))) throw badFile(of.place, ' cannot be unpacked: it is damaged.', undefined, thrown);
    throw thrown;
  }
}

async function bodyOf({ s3 }: Access, { place, etag }: RowsOf): Promise<Readable> {
  try {
    const { Body } = await s3.send(new GetObjectCommand({ ...place, IfMatch: etag }));
    if (!(Body instanceof Readable)) return Readable.from([]);
    // What a broken connection ends is ended with its error.
    return place.Key.endsWith('.gz') ? pipeline(Body, createGunzip(), () => undefined) : Body;
  } catch (thrown) {
    if (statusOf(thrown) !== 412) throw thrown;
    throw badFile(
      place,
      ' was put anew after a part of it was planned.',
      'Plan anew: odin-migrate retry with --from-start.',
      thrown,
    );
  }
}

/** A key has 1,024 bytes; what has no end is no text, or CSV with a quotation mark too many. */
const MAX_ROW = 1024 ** 2;

/** Lines, without those of white space alone. */
class LineRows {
  #rest = '';
  #line = 0;

  get rest(): number {
    return this.#rest.length;
  }

  get line(): number {
    return this.#line + 1;
  }

  push(text: string): TextRow[] {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    return lines.flatMap((line) => this.#row(line));
  }

  end(): TextRow[] {
    return this.#row(this.#rest);
  }

  #row(line: string): TextRow[] {
    this.#line += 1;
    const text = line.endsWith('\r') ? line.slice(0, -1) : line;
    return text.trim() === '' ? [] : [{ fields: [text], line: this.#line }];
  }
}

/** Of RFC 4180, with any number of fields: in quotation marks a field may hold commas, line breaks, and two marks for one. */
class CsvRows {
  #rest = '';
  #line = 1;

  get rest(): number {
    return this.#rest.length;
  }

  get line(): number {
    return this.#line;
  }

  push(text: string): TextRow[] {
    return this.#rows(this.#rest + text, false);
  }

  end(): TextRow[] {
    return this.#rows(this.#rest, true);
  }

  #rows(text: string, isAll: boolean): TextRow[] {
    const rows: TextRow[] = [];
    let from = 0;
    for (;;) {
      const end = endOfRow(text, from);
      if (end < 0 && !(isAll && from < text.length)) break;
      const row = text.slice(from, end < 0 ? undefined : end);
      if (row.trim() !== '')
        rows.push({ fields: fieldsOf(row.endsWith('\r') ? row.slice(0, -1) : row), line: this.#line });
      if (end < 0) {
        from = text.length;
        break;
      }
      this.#line += row.split('\n').length;
      from = end + 1;
    }
    this.#rest = text.slice(from);
    return rows;
  }
}

/** The first line break outside of quotation marks. */
function endOfRow(text: string, from: number): number {
  for (let end = text.indexOf('\n', from); end >= 0; end = text.indexOf('\n', end + 1)) {
    const marks = text.slice(from, end).split('"').length - 1;
    if (marks % 2 === 0) return end;
  }
  return -1;
}

function fieldsOf(row: string): string[] {
  if (!row.includes('"')) return row.split(',');
  const fields: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^,]*))(,|$)/gy;
  for (;;) {
    const [, quoted, bare = '', separator] = field.exec(row) ?? [];
    fields.push(quoted?.replaceAll('""', '"') ?? bare);
    if (separator !== ',') return fields;
  }
}
