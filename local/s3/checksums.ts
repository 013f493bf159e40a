// The checksums that S3 keeps of an object, and of each part of an upload (docs/aws-facts.md).

import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { notImplemented } from './answers.ts';

export type Algorithm = 'crc32' | 'crc64nvme' | 'sha1' | 'sha256';

/** `FULL_OBJECT` is of all bytes; `COMPOSITE` is of the checksums of the parts. */
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE';

/** Each big endian, as S3 has it, but not yet in Base64. */
export type Checksums = Partial<Record<Algorithm, Buffer>>;

/** What S3 takes for an upload that comes without one. */
export const DEFAULT_ALGORITHM: Algorithm = 'crc64nvme';

const ALGORITHMS: readonly string[] = ['crc32', 'crc64nvme', 'sha1', 'sha256'];

/** @param name as in `x-amz-checksum-algorithm`, or the end of a header's name */
export function algorithmOf(name: string): Algorithm {
  const lower = name.toLowerCase();
  if (ALGORITHMS.includes(lower)) return lower as Algorithm;
  throw notImplemented(`the checksum algorithm ${name}`);
}

interface Digest {
  update: (chunk: Buffer) => void;
  digest: () => Buffer;
}

export function digests(algorithms: readonly Algorithm[]): {
  update: (chunk: Buffer) => void;
  digest: () => Checksums;
} {
  const running = algorithms.map((algorithm): [Algorithm, Digest] => [algorithm, DIGESTS[algorithm]()]);
  return {
    update: (chunk) => {
      for (const [, digest] of running) digest.update(chunk);
    },
    digest: () => Object.fromEntries(running.map(([algorithm, digest]) => [algorithm, digest.digest()])),
  };
}

/** Of the checksums of an upload's parts, with their number. */
export function compositeOf(algorithm: Algorithm, parts: readonly string[]): string {
  const all = digests([algorithm]);
  for (const part of parts) all.update(Buffer.from(part, 'base64'));
  return `${all.digest()[algorithm]?.toString('base64') ?? ''}-${parts.length}`;
}

export const checksumHeaders = (algorithm: Algorithm, value: string, type: ChecksumType): Record<string, string> => ({
  [`x-amz-checksum-${algorithm}`]: value,
  'x-amz-checksum-type': type,
});

const DIGESTS: Record<Algorithm, () => Digest> = {
  crc32: () => {
    let crc = 0;
    return {
      update: (chunk) => {
        crc = crc32(chunk, crc);
      },
      digest: () => {
        const bytes = Buffer.alloc(4);
        bytes.writeUInt32BE(crc);
        return bytes;
      },
    };
  },
  crc64nvme,
  sha1: () => hash('sha1'),
  sha256: () => hash('sha256'),
};

function hash(name: string): Digest {
  const running = createHash(name);
  return { update: (chunk) => void running.update(chunk), digest: () => running.digest() };
}

/** Of NVM Express: reflected, and inverted before and after. As two halves of 32 bits, which JavaScript can shift. */
const POLYNOMIAL = 0x9a6c9329ac4bc9b5n;
const [HIGH, LOW] = crc64Table();

function crc64Table(): [Uint32Array, Uint32Array] {
  const [high, low] = [new Uint32Array(256), new Uint32Array(256)];
  for (let byte = 0; byte < 256; byte += 1) {
    let value = BigInt(byte);
    for (let bit = 0; bit < 8; bit += 1) value = value & 1n ? (value >> 1n) ^ POLYNOMIAL : value >> 1n;
    high[byte] = Number(value >> 32n);
    low[byte] = Number(value & 0xffff_ffffn);
  }
  return [high, low];
}

function crc64nvme(): Digest {
  let high = 0xffff_ffff;
  let low = 0xffff_ffff;
  return {
    update: (chunk) => {
      for (const byte of chunk) {
        const at = (low ^ byte) & 0xff;
        low = ((low >>> 8) | (high << 24)) ^ (LOW[at] ?? 0);
        high = (high >>> 8) ^ (HIGH[at] ?? 0);
      }
    },
    digest: () => {
      const bytes = Buffer.alloc(8);
      bytes.writeUInt32BE(~high >>> 0, 0);
      bytes.writeUInt32BE(~low >>> 0, 4);
      return bytes;
    },
  };
}
