// The parquet files of six tables were written with a wrong schema, and a backfill replaces them. Delete them, but only
// when there is a backfill of every table: it would be the only copy left.

import { S3Client } from '@aws-sdk/client-s3';
import type { ListedObject } from 'odin-migrate/s3';
import { deleteObjects, pages } from 'odin-migrate/s3';
import pMap from 'p-map';

export const description = 'Delete the parquet files of six Cubic tables that have a backfill';
export const timeoutMinutes = 5;
export const permissions = [
  { Effect: 'Allow', Action: ['s3:ListBucket'], Resource: ['arn:aws:s3:::odin-sample-data'] },
  {
    Effect: 'Allow',
    Action: ['s3:GetObject', 's3:DeleteObject'], // the first for a delete of what was listed, and nothing newer
    Resource: ['arn:aws:s3:::odin-sample-data/odin/data/cubic/ods/*'],
  },
];

const LIVE = 'odin/data/cubic/ods/';
const BACKFILL = 'odin/data/cubic/ods_backfill/';
const TABLES = [
  'abp_tap',
  'card_dimension',
  'device_dimension',
  'fare_product_dimension',
  'sale_transaction',
  'use_transaction',
];

const s3 = new S3Client({});

export async function migration(): Promise<void> {
  const { DATA_BUCKET: bucket } = process.env;
  if (!bucket) throw new Error('DATA_BUCKET is not set: name the bucket in the variables of this environment');

  const backfills = await pMap(TABLES, (table) => parquetFiles(bucket, `${BACKFILL}${table}/`), { concurrency: 3 });
  const missing = TABLES.filter((_, index) => backfills[index]?.length === 0);
  if (missing.length > 0) {
    throw new Error(`Nothing was deleted: no parquet file under ${BACKFILL} for ${missing.join(', ')}`);
  }
  console.log(`${backfills.flat().length} backfill files found, every table has one`);

  for (const table of TABLES) {
    const objects = await parquetFiles(bucket, `${LIVE}${table}/`);
    await deleteObjects({ s3, bucket, objects });
    console.log(`${table}: ${objects.length} parquet files deleted`);
  }
}

async function parquetFiles(bucket: string, prefix: string): Promise<ListedObject[]> {
  const files: ListedObject[] = [];
  for await (const { objects } of pages({ s3, bucket, prefix })) {
    files.push(...objects.filter(({ key }) => key.endsWith('.parquet')));
  }
  return files;
}
