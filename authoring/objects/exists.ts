// What there is: one object, and the folders under a prefix.
import type { ListObjectsV2CommandOutput, S3Client } from '@aws-sdk/client-s3';
import { HeadObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { listedKey } from '../../core/text/listed-key.ts';
import { reasonOf, refused, statusOf } from './failures.ts';
import type { ListFrom } from './listing.ts';
import { BUCKET, CLIENT, TEXT, checkOptions } from './options.ts';
import { Retries } from './retries.ts';

export interface ObjectPlace {
  s3: S3Client;
  bucket: string;
  key: string;
}

/**
 * Whether an object is there. Needs `s3:GetObject`, and `s3:ListBucket`, without which S3 does not say that there is none.
 * @throws ObjectsFailed when it cannot be told; OdinError BadArgument
 */
export async function exists(place: ObjectPlace): Promise<boolean> {
  checkOptions('exists', place, { required: { s3: CLIENT, bucket: BUCKET, key: BUCKET } });
  const { s3, bucket, key } = place;
  const what = `HeadObject of s3://${bucket}/${key}`;
  try {
    await new Retries().again(what, () => s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key })));
    return true;
  } catch (thrown) {
    if (statusOf(thrown) === 404) return false;
    const hint =
      statusOf(thrown) === 403
        ? ': grant s3:ListBucket of the bucket too, without which a 403 may mean that there is none'
        : '';
    throw refused(`${what}: ${reasonOf(thrown)}${hint}`, thrown);
  }
}

export interface Folders {
  s3: S3Client;
  bucket: string;
  /** With the slash at its end; the folders at the top of the bucket without it. */
  prefix?: string | undefined;
  /** The last folder that is done with, as it was given. */
  resume?: string | undefined;
}

/**
 * The folders right under a prefix, ascending, each as the prefix that its objects have: `data/afc/`, `data/bfc/`. A folder is what
 * stands before the next slash of some key: none is empty. Needs `s3:ListBucket`.
 * @throws OdinError BadArgument
 */
export function folders(options: Folders): AsyncGenerator<string, void, undefined> {
  checkOptions('folders', options, {
    required: { s3: CLIENT, bucket: BUCKET },
    optional: { prefix: TEXT, resume: TEXT },
  });
  return foldersOf(options);
}

async function* foldersOf({ s3, bucket, prefix = '', resume }: Folders): AsyncGenerator<string, void, undefined> {
  const retries = new Retries();
  const where = { Bucket: bucket, Prefix: prefix, Delimiter: '/', EncodingType: 'url' } as const;
  const ask = (from: ListFrom): Promise<ListObjectsV2CommandOutput> =>
    retries.again(`ListObjectsV2 of s3://${bucket}/${prefix}`, () =>
      s3.send(new ListObjectsV2Command({ ...where, ...from })),
    );
  for (let from: ListFrom | undefined = { StartAfter: resume }; from;) {
    const { CommonPrefixes = [], EncodingType, IsTruncated, NextContinuationToken: token } = await ask(from);
    for (const { Prefix = '' } of CommonPrefixes) {
      const folder = EncodingType === 'url' ? listedKey(Prefix) : Prefix;
      // The keys in the folder that is done with come after its name.
      if (folder !== resume) yield folder;
    }
    from = IsTruncated && token !== undefined ? { ContinuationToken: token } : undefined;
  }
  retries.tell();
}
