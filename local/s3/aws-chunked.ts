// Takes apart the framing in which the AWS SDK sends a streamed body: `<hex size>[;signature]\r\n<bytes>\r\n … 0\r\n
// <trailing headers>\r\n\r\n`. The trailing headers hold the checksum.

import { AwsError } from '../http.ts';

export async function* decodeAwsChunked(
  body: AsyncIterable<Buffer>,
  trailers: Record<string, string>,
): AsyncGenerator<Buffer> {
  let buffer: Buffer = Buffer.alloc(0);
  let state = 'size' as 'size' | 'data' | 'trailers';
  let left = 0;
  for await (const chunk of body) {
    buffer = buffer.length === 0 ? chunk : Buffer.concat([buffer, chunk]);
    while (true) {
      if (state === 'data') {
        const taken = buffer.subarray(0, left);
        if (taken.length > 0) yield taken;
        buffer = buffer.subarray(taken.length);
        left -= taken.length;
        if (left > 0 || buffer.length < 2) break;
        buffer = buffer.subarray(2);
        state = 'size';
      }
      const end = buffer.indexOf('\r\n');
      if (end < 0) break;
      const line = buffer.subarray(0, end).toString('latin1');
      buffer = buffer.subarray(end + 2);
      if (state === 'trailers') {
        const colon = line.indexOf(':');
        if (colon > 0) trailers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
        continue;
      }
      const size = /^[0-9a-f]+(?=;|$)/i.exec(line)?.[0];
      if (size === undefined) throw new AwsError('IncompleteBody', `Not a chunk size: ${line.slice(0, 40)}`);
      left = Number.parseInt(size, 16);
      state = left === 0 ? 'trailers' : 'data';
    }
  }
  if (state !== 'trailers') throw new AwsError('IncompleteBody', 'The body ended before its last chunk');
}
