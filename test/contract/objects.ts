// What the helpers for objects lean on, of whatever speaks S3: the embedded one, and an emulator.
import type { S3 } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import { deleteObjects, moveObjects, ObjectsFailed, pages } from '../../authoring/s3.ts';

const Bucket = 'objects-contract';

/** @param open a client of an account in which this bucket is not there yet */
export function objectsContract(name: string, open: () => Promise<S3>): void {
  describe(`objects on ${name}`, () => {
    let s3: S3;
    const put = (Key: string, more: object = {}) => s3.putObject({ Bucket, Key, Body: 'content', ...more });
    const head = (Key: string) => s3.headObject({ Bucket, Key });
    const keys = async (Prefix: string) =>
      ((await s3.listObjectsV2({ Bucket, Prefix })).Contents ?? []).map(({ Key }) => Key);
    const move = async (from: string, to: string) => {
      for await (const { objects } of pages({ s3, bucket: Bucket, prefix: from })) {
        await moveObjects({ s3, bucket: Bucket, objects, to: (key) => to + key.slice(from.length) });
      }
    };

    beforeAll(async () => {
      s3 = await open();
      await s3.createBucket({ Bucket, CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' } });
    });

    it('a delete has a condition, alone and of many', async () => {
      const { ETag } = await put('delete/a');
      const other = '"00000000000000000000000000000000"';
      const failed = { $metadata: expect.objectContaining({ httpStatusCode: 412 }) as unknown };
      await expect(s3.deleteObject({ Bucket, Key: 'delete/a', IfMatch: other })).rejects.toMatchObject(failed);
      const Objects = [
        { Key: 'delete/a', ETag: other },
        { Key: 'delete/missing', ETag },
      ];
      const { Errors } = await s3.deleteObjects({ Bucket, Delete: { Objects } });
      expect(Errors?.map(({ Key, Code }) => [Key, Code])).toEqual([
        ['delete/a', 'PreconditionFailed'],
        ['delete/missing', 'NoSuchKey'],
      ]);
      expect(await keys('delete/')).toEqual(['delete/a']);
      await s3.deleteObject({ Bucket, Key: 'delete/a', IfMatch: ETag });
      expect(await keys('delete/')).toEqual([]);
    });

    it('a move keeps what is beside the bytes, and any key', async () => {
      const OWN = {
        ContentType: 'text/x',
        CacheControl: 'no-store',
        Metadata: { a: '1' },
        WebsiteRedirectLocation: '/there',
        StorageClass: 'STANDARD_IA',
      } as const;
      await put('move/rich', { ...OWN, Tagging: 'a=1' });
      await put('move/p +ü/%2B');
      await move('move/', 'moved/');
      expect(await keys('move')).toEqual(['moved/p +ü/%2B', 'moved/rich']);
      expect(await head('moved/rich')).toMatchObject(OWN);
      const { TagSet } = await s3.getObjectTagging({ Bucket, Key: 'moved/rich' });
      expect(TagSet).toEqual([{ Key: 'a', Value: '1' }]);
    });

    it('an object in parts is moved, and its bytes are what they were', async () => {
      const upload = { Bucket, Key: 'parts/a' };
      const bodies = [Buffer.alloc(5 * 1024 ** 2, 'x'), Buffer.from('end')];
      const { UploadId } = await s3.createMultipartUpload({ ...upload, ContentType: 'text/x' });
      const Parts = [];
      for (const [index, Body] of bodies.entries()) {
        const { ETag } = await s3.uploadPart({ ...upload, UploadId, PartNumber: index + 1, Body });
        Parts.push({ PartNumber: index + 1, ETag });
      }
      await s3.completeMultipartUpload({ ...upload, UploadId, MultipartUpload: { Parts } });
      await move('parts/', 'whole/');
      const { Body, ContentType } = await s3.getObject({ Bucket, Key: 'whole/a' });
      expect(ContentType).toBe('text/x');
      expect(Buffer.concat(bodies).equals((await Body?.transformToByteArray()) ?? Buffer.alloc(0))).toBe(true);
      expect(await keys('parts/')).toEqual([]);
    });

    it('a target with other bytes or headers is refused, and one that is the same is the copy', async () => {
      for (const key of ['from/a', 'from/b', 'from/c', 'to/c']) await put(key);
      await put('to/a', { Body: 'CONTENT' });
      await put('to/b', { ContentType: 'text/x' });
      await expect(move('from/', 'to/')).rejects.toBeInstanceOf(ObjectsFailed);
      expect(await keys('from/')).toEqual(['from/a', 'from/b']);
    });

    it('what was put anew since it was listed is not deleted', async () => {
      for (const key of ['anew/a', 'anew/b']) await put(key);
      for await (const { objects } of pages({ s3, bucket: Bucket, prefix: 'anew/' })) {
        await put('anew/a', { Body: 'new' });
        await expect(deleteObjects({ s3, bucket: Bucket, objects })).rejects.toThrow('anew/a: it was put anew');
      }
      expect(await keys('anew/')).toEqual(['anew/a']);
    });
  });
}
