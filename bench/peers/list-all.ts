// Goes through a plan of so many keys, `list-all.ts OBJECTS`, of an S3 that makes them up as it is asked: nobody puts a million objects.
import { S3Client } from '@aws-sdk/client-s3';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { objectsUnder } from '../../authoring/s3.ts';

const count = Number(process.argv[2]);
const keyOf = (n: number) => `data/part-${String(n).padStart(9, '0')}`;

const server = createServer(({ url = '' }, response) => {
  const { searchParams: query } = new URL(url, 'http://localhost');
  const limit = Number(query.get('max-keys'));
  const from = firstAfter(query.get('continuation-token') ?? query.get('start-after') ?? '');
  const end = Math.min(count, from + limit);
  const listed = Array.from(
    { length: end - from },
    (_, index) =>
      `<Contents><Key>${keyOf(from + index)}</Key><ETag>"00000000000000000000000000000000"</ETag><Size>1</Size></Contents>`,
  );
  const token = end < count ? `<NextContinuationToken>${keyOf(end - 1)}</NextContinuationToken>` : '';
  response.setHeader('content-type', 'application/xml');
  response.end(
    `<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>${end < count}</IsTruncated>${token}${listed.join('')}</ListBucketResult>`,
  );
});

/** The number of the first key behind a text. */
function firstAfter(text: string): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (Buffer.compare(Buffer.from(keyOf(middle)), Buffer.from(text)) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address() as AddressInfo;
const s3 = new S3Client({
  endpoint: `http://127.0.0.1:${port}`,
  forcePathStyle: true,
  region: 'eu-west-1',
  credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
});
let planned = 0;
let last = '';
for await (const { items } of objectsUnder({ s3, bucket: 'bench', prefixes: ['data/'] })) {
  planned += items.length;
  last = items.at(-1)?.key ?? last;
}
if (planned !== count) throw new Error(`${planned} of ${count} keys were planned, ${last} the last one.`);
s3.destroy();
server.close();
server.closeAllConnections();
