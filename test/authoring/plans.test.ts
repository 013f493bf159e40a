// What the helpers for `plan()` yield: each object once, whatever its key, and from any cursor on.
import type { S3Client } from '@aws-sdk/client-s3';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Planned } from '../../authoring/s3.ts';
import { within } from '../../authoring/objects/ranges.ts';
import { inventory, manifestKeys, objectsUnder } from '../../authoring/s3.ts';
import type { RequestHook, Verdict } from '../../local/embedded-aws.ts';
import type { Started } from '../local/support.ts';
import { putObjects, start } from '../local/support.ts';
import { thrownBy } from '../support/thrown.ts';

let started: Started;
let s3: S3Client;
let onRequest: RequestHook;
let buckets = 0;

beforeAll(async () => {
  started = await start({ onRequest: (request) => onRequest(request) });
  ({ s3 } = started);
});
afterAll(() => started.stop());
beforeEach(() => {
  onRequest = () => 'pass';
});

async function bucketOf(keys: Iterable<string>): Promise<string> {
  const bucket = `plans-${(buckets += 1)}`;
  await putObjects(
    started.aws.s3.store,
    bucket,
    Array.from(keys, (key) => [key, key.slice(0, 3)] as const),
  );
  return bucket;
}
const sorted = (keys: Iterable<string>): string[] =>
  [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
const keysOf = (items: readonly { key: string }[]): string[] => items.map(({ key }) => key);
const fromJson = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** Goes through a plan, begun anew after every so many steps, with the cursor as it comes back from JSON. */
async function planned<Item, Cursor>(
  open: (resume: never) => AsyncGenerator<Planned<Item, Cursor>>,
  stepsOfASlice = Infinity,
): Promise<{ items: Item[]; steps: Planned<Item, Cursor>[] }> {
  const steps: Planned<Item, Cursor>[] = [];
  for (let resume: Cursor | undefined; ;) {
    let left = stepsOfASlice;
    let ended = true;
    for await (const step of open(resume as never)) {
      steps.push(step);
      resume = fromJson(step.cursor);
      ended = false;
      if ((left -= 1) === 0) break;
      ended = true;
    }
    if (ended) return { items: steps.flatMap(({ items }) => items), steps };
  }
}

const HEX = Array.from('0123456789abcdef');

/** So that they differ early, late, or under a few of many letters; and any Unicode. */
function keysLike(kind: string, count: number): Set<string> {
  let state = 7;
  const below = (limit: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const letters = (length: number, of: string[]) => Array.from({ length }, () => of[below(of.length)]).join('');
  const unicode = [
    '\u0001',
    ' ',
    '"',
    '+',
    '%',
    '/',
    'a',
    '~',
    'ß',
    'ﬀ',
    '\ud7ff',
    '\ue000',
    '\uffff',
    '😀',
    '\u{10ffff}',
  ];
  const make: Record<string, (n: number) => string> = {
    numbered: (n) => `data/part-${String(n).padStart(9, '0')}`,
    hashed: () => `data/${letters(16, HEX)}`,
    'nearly all in one folder': (n) =>
      n % 100 === 0 ? `data/${letters(3, ['a', 'b', 'x', 'y'])}/${n}` : `data/m/2026/11/30/${n}`,
    'each longer than the one before': (n) => `data/${'a'.repeat(n % 900)}${letters(6, ['a', 'b'])}`,
    unicode: () => `data/${letters(6, unicode)}`,
  };
  const keys = new Set<string>();
  for (let n = 0; n < count; n += 1) keys.add(make[kind]?.(n) ?? '');
  return keys;
}

describe('objectsUnder', () => {
  it.each([['numbered'], ['hashed'], ['nearly all in one folder'], ['each longer than the one before'], ['unicode']])(
    'yields each once, of keys that are %s, and from every cursor on',
    async (kind) => {
      const keys = keysLike(kind, 1_500);
      const bucket = await bucketOf([...keys, 'dat', 'data0', 'datb/1']);
      let lists = 0;
      let [atOnce, most] = [0, 0];
      onRequest = async ({ operation }): Promise<Verdict> => {
        if (operation !== 'ListObjectsV2') return 'pass';
        lists += 1;
        most = Math.max(most, (atOnce += 1));
        await new Promise(setImmediate);
        atOnce -= 1;
        return 'pass';
      };
      const options = { s3, bucket, prefixes: ['data/'], pageSize: 50 };
      const whole = await planned((resume) => objectsUnder({ ...options, resume }));
      expect(sorted(keysOf(whole.items))).toEqual(sorted(keys));
      expect(most).toBeGreaterThan(2);
      expect(most).toBeLessThanOrEqual(16);
      expect(lists).toBeLessThan(100); // 30 pages, and what it took to find where to split
      expect(whole.steps).toHaveLength(1);

      const parts = await planned((resume) => objectsUnder({ ...options, resume, itemsPerYield: 170 }), 1);
      expect(sorted(keysOf(parts.items))).toEqual(sorted(keys));
      expect(parts.steps).toHaveLength(Math.ceil(keys.size / 170));
      expect(parts.steps.at(-1)).toMatchObject({ done: keys.size, cursor: { ranges: [], begun: 1 } });
    },
  );

  it('takes those of a page that are in a range by their UTF-8 bytes, and not by UTF-16', () => {
    const page = ['a', '\uffff', '😀', '\u{10ffff}'].map((key) => ({ key, size: 1, etag: '""' }));
    expect(keysOf(within(page, '😀z'))).toEqual(['a', '\uffff', '😀']);
    expect(within(page, undefined)).toBe(page);
  });

  it('gives what pages() gives of an object', async () => {
    const bucket = await bucketOf(['a']);
    const { items } = await planned((resume) => objectsUnder({ s3, bucket, prefixes: [''], resume }));
    expect(items).toEqual([{ key: 'a', size: 1, etag: expect.stringMatching(/^"\w{32}"$/) as unknown }]);
  });

  it('goes through several prefixes, an object once where one lies within another, and through none that is empty', async () => {
    const keys = ['a/1', 'a/b/2', 'b/3', 'c', 'é/4', '😀/5', '\uffff/6'];
    const bucket = await bucketOf(keys);
    const of = async (...prefixes: string[]) =>
      sorted(keysOf((await planned((resume) => objectsUnder({ s3, bucket, prefixes, resume, concurrency: 2 }))).items));
    expect(await of('b/', 'a/', 'a/b/', 'a/', 'nothing/')).toEqual(['a/1', 'a/b/2', 'b/3']);
    expect(await of('😀', '\uffff', 'é', 'c')).toEqual(sorted(['c', 'é/4', '😀/5', '\uffff/6']));
    expect(await of('')).toEqual(sorted(keys));
    expect((await planned((resume) => objectsUnder({ s3, bucket, prefixes: ['nothing/'], resume }))).steps).toEqual([]);
  });

  it('keeps no more than a page of each range: who takes slowly is waited for', async () => {
    const bucket = await bucketOf(keysLike('hashed', 400));
    let lists = 0;
    onRequest = ({ operation }) => {
      if (operation === 'ListObjectsV2') lists += 1;
      return 'pass';
    };
    const options = { s3, bucket, prefixes: ['data/'], itemsPerYield: 10, pageSize: 100, concurrency: 1 };
    const plan = objectsUnder(options);
    for (let n = 0; n < 9; n += 1) await plan.next();
    expect(lists).toBe(1);
    await plan.return();
  });

  it('has a cursor of less than 64 KiB, of twenty ranges with the longest keys that JSON has to escape', async () => {
    const long = (n: number) => `${String(n).padStart(4, '0')}${'\u0001'.repeat(1_000)}`;
    const bucket = await bucketOf(Array.from({ length: 2_000 }, (_, n) => long(n)));
    const { items, steps } = await planned((resume) =>
      objectsUnder({ s3, bucket, prefixes: [''], resume, concurrency: 20, itemsPerYield: 500, pageSize: 10 }),
    );
    expect(new Set(keysOf(items)).size).toBe(2_000);
    expect(Math.max(...steps.map(({ cursor }) => cursor.ranges.length))).toBeGreaterThan(4);
    expect(Math.max(...steps.map(({ cursor }) => Buffer.byteLength(JSON.stringify(cursor))))).toBeLessThan(64 * 1024);
    expect(Math.max(...steps.map((step) => Buffer.byteLength(JSON.stringify(step.items))))).toBeLessThan(1024 ** 2);
  });

  it('throws what S3 refuses, and refuses a cursor of other prefixes', async () => {
    const bucket = await bucketOf(keysLike('hashed', 300));
    const plan = (prefixes: string[], resume?: never) =>
      planned(() => objectsUnder({ s3, bucket, prefixes, resume, pageSize: 100 }));
    const { steps } = await plan(['data/']);
    const resume = steps[0]?.cursor as never;
    expect(await thrownBy(plan(['data/', 'other/'], resume))).toMatchObject({ code: 'BadArgument' });
    expect(await thrownBy(plan([]))).toMatchObject({
      code: 'BadArgument',
      what: expect.stringContaining('at least one') as unknown,
    });
    let asked = 0;
    onRequest = () => ((asked += 1) > 2 ? { status: 403, code: 'AccessDenied' } : 'pass');
    await expect(plan(['data/'])).rejects.toMatchObject({ name: 'AccessDenied' });
  });
});

const put = (Bucket: string, Key: string, Body: string | Buffer) =>
  s3.send(new PutObjectCommand({ Bucket, Key, Body }));

describe('manifestKeys', () => {
  const keys = ['a b+c/ü.csv', 'plain', '"quoted", and more', '100% done', '😀'];
  const encoded = (key: string) => encodeURIComponent(key).replaceAll('%20', '+');
  async function read(name: string, text: string | Buffer, more: object = {}) {
    const bucket = await bucketOf([]);
    await put(bucket, name, text);
    const manifest = `s3://${bucket}/${name}`;
    return (await planned((resume) => manifestKeys({ s3, bucket: 'data', manifest, resume, ...more }))).items;
  }

  it.each([
    ['lines', 'keys.txt', keys.join('\n')],
    ['lines, with a byte order mark, CRLF and empty lines', 'keys', `\ufeff${keys.join('\r\n\r\n')}\r\n \r\n`],
    ['csv', 'keys.csv', keys.map((key) => `data,${encoded(key)}\n`).join('')],
    ['csv in quotation marks, with CRLF', 'keys.csv', keys.map((key) => `"data","${encoded(key)}"\r\n`).join('\r\n')],
    ['packed csv', 'keys.csv.gz', gzipSync(keys.map((key) => `data,${encoded(key)},`).join('\n'))],
    ['json lines', 'keys.jsonl', keys.map((key) => JSON.stringify(key)).join('\n')],
    ['json lines of objects', 'keys.ndjson', keys.map((key) => JSON.stringify({ bucket: 'data', key })).join('\n\n')],
  ])('reads %s', async (_, name, text) => {
    expect(keysOf(await read(name, text))).toEqual(keys);
  });

  it('takes keys that are not encoded, and versions, when it is told so', async () => {
    const text = `data,"a,""b""\n+c"\ndata,d%2B,v1\n`;
    expect(await read('keys', text, { format: 'csv', encoded: false, versions: true })).toEqual([
      { key: 'a,"b"\n+c' },
      { key: 'd%2B', versionId: 'v1' },
    ]);
    expect(keysOf(await read('keys', 'a%20b+c\n', { encoded: true }))).toEqual(['a b c']);
  });

  it.each<[string, string | Buffer, string]>([
    ['keys.csv', 'data,a\n\nother,b\n', 'line 3: expected a key of the bucket data, found "other".'],
    [
      'keys.csv',
      'Bucket,Key\ndata,a\n',
      'line 1: expected a key of the bucket data, found "Bucket". A manifest has no line of headings.',
    ],
    ['keys.csv', 'data,a\ndata\n', 'line 2: expected bucket,key or bucket,key,version, found "data".'],
    ['keys.csv', 'data,"a\nb"\ndata,100% done\n', 'line 3: "100% done" is not URL-encoded.'],
    ['keys.csv', 'data,a,v1\n', 'line 1: it names a version'],
    ['keys.csv', `data,"${'a\n'.repeat(600_000)}`, 'line 1: it has no end within 1048576 characters.'],
    ['keys.jsonl', '"a"\n{"Key":"b"}\n', 'line 2: expected a key as a JSON text'],
    ['keys', `a\n${'ü'.repeat(513)}\n`, 'line 2: a key has 1 to 1,024 bytes, and this one has 1026.'],
    ['keys', Buffer.from([0xff, 0xfe, 0x61, 0]), 'is not UTF-8'],
    ['keys.gz', 'a\nb\n', 'cannot be unpacked'],
  ])('refuses %s by the line, case %#', async (name, text, expected) => {
    const error = await thrownBy(read(name, text));
    expect(error).toMatchObject({ code: 'BadPlan', source: 'user' });
    expect(error.what).toContain(expected);
  });

  it('goes on from every cursor, over lost connections, and not in another text', async () => {
    const bucket = await bucketOf([]);
    const many = Array.from({ length: 30_000 }, (_, n) => `key ${n} ${'x'.repeat(n % 50)}`);
    await put(bucket, 'keys', many.join('\n'));
    let asked = 0;
    onRequest = ({ operation }) => (operation === 'GetObject' && (asked += 1) % 2 === 1 ? 'drop-answer' : 'pass');
    const open = (resume: never) =>
      manifestKeys({ s3, bucket: 'data', manifest: `s3://${bucket}/keys`, resume, itemsPerYield: 4_000 });
    const { items, steps } = await planned(open, 1);
    expect(keysOf(items)).toEqual(many);
    expect(steps).toHaveLength(8);
    await put(bucket, 'keys', 'another');
    const error = await thrownBy(planned(() => open(steps[0]?.cursor as never)));
    expect(error).toMatchObject({ code: 'BadPlan', what: expect.stringContaining('is another one') as unknown });
    expect(error.message).toContain('--from-start');
  });
});

describe('inventory', () => {
  const schema = 'Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag';
  const row = (key: string, size: string, more: { latest?: boolean; marker?: boolean } = {}) =>
    [
      'data',
      encodeURIComponent(key).replaceAll('%20', '+'),
      'v',
      more.latest ?? true,
      more.marker ?? false,
      size,
      '',
      'abc',
    ]
      .map((field) => `"${String(field)}"`)
      .join(',');
  async function report(files: string[][], more: object = {}) {
    const bucket = await bucketOf([]);
    const named = files.map((_, n) => ({ key: `inventory/data/all/data/${n}.csv.gz`, size: 1, MD5checksum: '' }));
    for (const [n, rows] of files.entries()) await put(bucket, named[n]?.key ?? '', gzipSync(`${rows.join('\n')}\n`));
    const manifest = {
      sourceBucket: 'data',
      destinationBucket: `arn:aws:s3:::${bucket}`,
      version: '2016-11-30',
      fileFormat: 'CSV',
      fileSchema: schema,
      files: named,
      ...more,
    };
    await put(bucket, 'inventory/manifest.json', JSON.stringify(manifest));
    return `s3://${bucket}/inventory/manifest.json`;
  }
  const read = async (manifest: string, more: object = {}, slice?: number) =>
    planned((resume) => inventory({ s3, bucket: 'data', manifest, resume, ...more }), slice);

  it('gives the latest version of each object, with size and ETag, from several files, under a prefix', async () => {
    const manifest = await report([
      [row('in/a b', '3'), row('in/a b', '9', { latest: false }), row('in/gone', '', { marker: true })],
      [row('in/ü,"+', '0'), row('out/c', '1')],
    ]);
    const { items } = await read(manifest);
    expect(items).toEqual([
      { key: 'in/a b', size: 3, etag: '"abc"' },
      { key: 'in/ü,"+', size: 0, etag: '"abc"' },
      { key: 'out/c', size: 1, etag: '"abc"' },
    ]);
    expect(keysOf((await read(manifest, { prefix: 'in/' })).items)).toEqual(['in/a b', 'in/ü,"+']);
  });

  it('goes on from every cursor, also between rows that are left out', async () => {
    const rowsOf = (file: number) =>
      Array.from({ length: 100 }, (_, n) => row(`${n % 3 === 0 ? 'out' : 'in'}/${file}/${n}`, String(n)));
    const manifest = await report([0, 1, 2].map(rowsOf));
    const { items, steps } = await read(manifest, { prefix: 'in/', itemsPerYield: 40 }, 1);
    const expected = [0, 1, 2].flatMap((file) =>
      Array.from({ length: 100 }, (_, n) => ({ key: `in/${file}/${n}`, size: n })).filter((_, n) => n % 3 !== 0),
    );
    expect(items.map(({ key, size }) => ({ key, size }))).toEqual(expected);
    expect(steps.map(({ done }) => done)).toEqual([40, 80, 120, 160, 198]);
  });

  it.each([
    [{ fileFormat: 'Parquet' }, 'expected a report in CSV, found one in "Parquet"'],
    [{ fileFormat: 'ORC' }, 'expected a report in CSV, found one in "ORC"'],
    [{ sourceBucket: 'other' }, 'expected a report of the bucket data, found one of "other"'],
    [
      { fileSchema: 'Bucket, Key, Size' },
      'expected a report with the fields Key, Size and ETag, found Bucket, Key, Size',
    ],
    [{ files: [{}] }, 'a file has no key'],
    [{ fileFormat: undefined }, 'it has no sourceBucket and fileFormat'],
  ])('refuses a report of %j', async (more, expected) => {
    const error = await thrownBy(read(await report([[row('a', '1')]], more)));
    expect(error).toMatchObject({ code: 'BadPlan', source: 'user' });
    expect(error.what).toContain(expected);
  });

  it('names file and line of a row that is no object, and says what a URL is', async () => {
    const error = await thrownBy(read(await report([[row('a', '1'), row('b', 'many')]])));
    expect(error.what).toMatch(
      /\/inventory\/data\/all\/data\/0\.csv\.gz, line 2: expected an object with key, size and ETag, found "data,b,/,
    );
    expect(await thrownBy(read('manifest.json'))).toMatchObject({
      code: 'BadArgument',
      what: expect.stringContaining('expected manifest to be s3://<bucket>/<key>') as unknown,
    });
  });
});
