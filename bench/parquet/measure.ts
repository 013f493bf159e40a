// `node bench/parquet/measure.ts [MB]`: six columns taken out of a parquet file, with `rewriteObjects` on the embedded S3. Prints a line of JSON.
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { parquetWriteFile } from 'hyparquet-writer';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildSync } from 'esbuild';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { pages, rewriteObjects } from '../../authoring/s3.ts';
import { DEPLOYED } from '../../project/compile.ts';
import { startEmbeddedAws } from '../../local/embedded-aws.ts';
import { withoutColumns } from './without-columns.ts';

const COLUMNS = ['name', 'mail', 'phone', 'street', 'city', 'note'];
const bucket = 'parquet';

/** What the function's process would do, alone in a process: so its memory is its own. */
async function rewrite(client: { endpoint: string; region: string; accessKeyId: string; secretAccessKey: string }) {
  const { endpoint, region, ...credentials } = client;
  const s3 = new S3Client({ endpoint, region, credentials });
  const begun = performance.now();
  let peak = 0;
  const timer = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 20);
  for await (const { objects } of pages({ s3, bucket })) {
    await rewriteObjects({
      ...{ s3, bucket, objects },
      mark: 'without-people',
      transform: (body, { key, size, etag }) => {
        const slice = async (start: number, end = size) => {
          const Range = `bytes=${start < 0 ? size + start : start}-${end - 1}`;
          const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key, Range, IfMatch: etag }));
          const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
          return new Uint8Array(bytes).buffer;
        };
        return withoutColumns({ byteLength: size, slice }, body, COLUMNS);
      },
    });
  }
  clearInterval(timer);
  return { seconds: (performance.now() - begun) / 1000, peakMB: peak / 1024 ** 2 };
}

function rowGroups(MB: number) {
  const rows = Math.ceil((MB * 1024 ** 2) / 180);
  const text = (salt: number) => (_: unknown, n: number) =>
    `${((n * 2654435761 + salt) >>> 0).toString(36)}-${salt}-${n}`;
  const all = { length: rows };
  return {
    codec: 'UNCOMPRESSED' as const,
    rowGroupSize: 200_000,
    columnData: [
      { name: 'id', data: BigInt64Array.from(all, (_: unknown, n: number) => BigInt(n)), type: 'INT64' as const },
      { name: 'price', data: Float64Array.from(all, (_: unknown, n: number) => n / 7), type: 'DOUBLE' as const },
      { name: 'sku', data: Array.from(all, text(1)), type: 'STRING' as const },
      ...COLUMNS.map((name, index) => ({ name, data: Array.from(all, text(index + 2)), type: 'STRING' as const })),
    ],
  };
}

async function measure(MB: number): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'odin-parquet-'));
  const aws = await startEmbeddedAws({ directory: path.join(folder, 'aws'), parentEnvironment: {} });
  try {
    const file = path.join(folder, 'rows.parquet');
    parquetWriteFile({ filename: file, ...rowGroups(MB) });
    aws.s3.createBucket(bucket);
    const { endpoint, region, credentials } = aws;
    const s3 = new S3Client({ endpoint, region, credentials });
    await s3.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: 'rows',
        Body: readFileSync(file),
      }),
    );
    const child = fork(import.meta.filename, ['--rewrite'], { execArgv: ['--max-old-space-size=716'] }); // as of 1,024 MB
    child.send({ endpoint, region, ...credentials });
    const [figures] = (await once(child, 'message')) as [object];
    const { outputFiles } = buildSync({
      ...DEPLOYED,
      entryPoints: [path.join(import.meta.dirname, 'without-columns.ts')],
      write: false,
    });
    const size = async () => (await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: 'rows' }))).ContentLength ?? 0;
    const bundleKB = (outputFiles[0]?.contents.length ?? 0) / 1024;
    console.log(
      JSON.stringify({
        fileMB: statSync(file).size / 1024 ** 2,
        leftMB: (await size()) / 1024 ** 2,
        bundleKB,
        ...figures,
      }),
    );
  } finally {
    await aws.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv.includes('--rewrite')) {
  process.once('message', (client) => {
    void rewrite(client as never).then((figures) => process.send?.(figures, () => process.disconnect()));
  });
} else {
  await measure(Number(process.argv[2] ?? 200));
}
