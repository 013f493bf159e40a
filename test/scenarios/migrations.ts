// The migrations that the scenarios deploy, as source text. Each start of user code leaves one object of its own under
// `effects/<environment>/<id>/`: effects are counted in S3 and not in logs.
import { DATA_BUCKET } from './platform.ts';

/** @param seconds its function may run for; Lambda's longest when absent */
export const works = (description = 'Works', seconds?: number): string =>
  source(`await effect();`, { description, timeoutMinutes: seconds === undefined ? undefined : seconds / 60 });

export const fails = (message = 'the disk of the past is full'): string =>
  source(`await effect(); throw new Error(${JSON.stringify(message)});`);

/** Prints in every way, and in one that would act on a terminal. */
export const prints = (): string =>
  source(`await effect();
    console.log('moved \\u001b[2J7 of 7\\nand counted them');
    console.warn('slow');
    console.log(JSON.stringify({ level: 'error', message: 'structured', migration: 'orders', attempt: 9 }));`);

/** Fails in a call of the SDK: an object that is not there. */
export const readsNothing = (): string => `
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
export const permissions = ${permissions()};
const s3 = new S3Client({});

export async function migration(): Promise<void> {
  await s3.send(new GetObjectCommand({ Bucket: process.env['DATA_BUCKET'], Key: 'effects/nothing' }));
}
`;

/** Runs for so many seconds after its effect. */
export const takes = (seconds: number): string =>
  source(`await effect(); await new Promise((resolve) => setTimeout(resolve, ${seconds * 1000}));`);

/** Prints and throws this text the first time, as everything that an error has, its stack 5 MB long; then works. */
export const throwsAtFirst = (
  text: string,
  exports: { description: string; variables: Record<string, string> },
  message = text,
): string =>
  source(
    `if ((await effect()) === 1) {
    const text = ${JSON.stringify(text)};
    const message = ${JSON.stringify(message)};
    console.log(text);
    throw Object.assign(new Error(message), { name: text, stack: message + '\\n    at ' + text.padEnd(5_000_000, 'x') });
  }`,
    exports,
  );

/** Does `fault` the first time that its code runs, and works the second time. */
const faultyAtFirst = (fault: string, seconds = 120): string =>
  source(`if ((await effect()) === 1) { ${fault} }`, { timeoutMinutes: seconds / 60, memoryMB: 256 });

/**
 * How long a function may run whose end leaves its outcome unknown. Its code is ended four seconds before, as a failure that is known.
 * A process that begins after that, on a machine that is busy with something else as well, would end as another failure than the one
 * that the scenario is about.
 */
export const UNKNOWN_SECONDS = 30;

export const exitsAtFirst = (): string => faultyAtFirst('process.exit(0);');
export const crashesAtFirst = (): string =>
  faultyAtFirst("setTimeout(() => { throw new Error('in a timer'); }, 1); await hang();");
/** Its function dies with what it knew: the process that user code has is another. */
export const killsItsFunctionAtFirst = (): string =>
  faultyAtFirst("process.kill(process.ppid, 'SIGKILL'); await hang();", UNKNOWN_SECONDS);
/** One of three fails, and the others would go on leaving objects under `late/<environment>/` for ever. */
export const leavesWritesPendingAtFirst = (): string =>
  faultyAtFirst(`
    const write = async (name: string) => { for (let n = 0; ; n += 1) await put(\`late/\${environment}/\${name}\${n}\`); };
    const fail = () => new Promise((_, reject) => setTimeout(() => reject(new Error('one of three')), 500));
    await Promise.all([write('a'), write('b'), fail()]);
  `);
export const hangsAtFirst = (): string => faultyAtFirst('await hang();', 6);
/** Leaves the number of its function's process at `process/<environment>`, and hangs. */
export const waitsToBeKilledAtFirst = (): string =>
  faultyAtFirst('await put(`process/${environment}`, String(process.ppid)); await hang();', UNKNOWN_SECONDS);
export const exhaustsMemoryAtFirst = (): string =>
  faultyAtFirst(
    'const hoard: unknown[] = []; for (;;) hoard.push(Array.from({ length: 100_000 }, (_, i) => ({ i })));',
  );

/** Appends each number to an object `list/<environment>`, yields after each; kills its function once, at `crashAfter`. */
export const checkpointed = (numbers: number, crashAfter: number): string => `
${HEADER}
export const permissions = ${permissions()};
export const timeoutMinutes = ${UNKNOWN_SECONDS / 60};

export async function* migration(resume?: number): AsyncGenerator<{ cursor: number; done: number; total: number }> {
  await effect();
  for (let number = (resume ?? 0) + 1; number <= ${numbers}; number += 1) {
    await put(\`list/\${environment}/\${String(number).padStart(4, '0')}\`, String(number));
    if (number === ${crashAfter} && (await put(\`crash/\${environment}\`, '', '*'))) {
      process.kill(process.ppid, 'SIGKILL');
      await hang();
    }
    yield { cursor: number, done: number, total: ${numbers} };
  }
}
`;

/**
 * Yields numbers, one in so many seconds at first, so that there is time for somebody to say stop, and fast in each later slice. Twice
 * the longest step is kept in reserve: with ten seconds of thirty the slice ends after one number, and has fifteen to spare.
 * @param seconds its function may run for; Lambda's longest when absent
 */
export const slowly = (numbers: number, stepSeconds = 1, seconds = 900): string => `
${HEADER}
export const permissions = ${permissions()};
export const timeoutMinutes = ${seconds / 60};

export async function* migration(resume = 0): AsyncGenerator<{ cursor: number; done: number; total: number }> {
  const ms = (await effect()) === 1 ? ${stepSeconds * 1000} : 10;
  for (let number = resume + 1; number <= ${numbers}; number += 1) {
    await new Promise((resolve) => setTimeout(resolve, ms));
    yield { cursor: number, done: number, total: ${numbers} };
  }
}
`;

/** Stops at a checkpoint after which nothing begins before so many seconds are over. */
export const waits = (seconds: number): string => `
${HEADER}
export const permissions = ${permissions()};

export async function* migration(resume = 0): AsyncGenerator<{ cursor: number; notBefore: Date }> {
  await effect();
  if (resume === 0) yield { cursor: 1, notBefore: new Date(Date.now() + ${seconds * 1000}) };
}
`;

/** Moves every object under `from/<environment>/` to `to/<environment>/`, in pages of so many, and verifies each copy. */
export const moves = (page: number): string => `
import {
  CopyObjectCommand, DeleteObjectsCommand, HeadObjectCommand, ListObjectsV2Command, S3Client,
} from '@aws-sdk/client-s3';
export const description = 'Moves what is under from/';
export const permissions = [
  { Effect: 'Allow', Action: ['s3:ListBucket'], Resource: ['arn:aws:s3:::${DATA_BUCKET}'] },
  { Effect: 'Allow', Action: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'], Resource: ['arn:aws:s3:::${DATA_BUCKET}/*'] },
];
const s3 = new S3Client({});
const Bucket = process.env['DATA_BUCKET'];
const Prefix = \`from/\${process.env['ODIN_ENVIRONMENT']}/\`;

export async function* migration(resume = 0): AsyncGenerator<{ cursor: number; done: number }> {
  for (let done = resume; ; ) {
    const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix, MaxKeys: ${page} }));
    if (!Contents) return;
    for (const { Key = '', ETag } of Contents) {
      const target = Key.replace('from/', 'to/');
      await s3.send(new CopyObjectCommand({ Bucket, Key: target, CopySource: \`\${Bucket}/\${Key}\` }));
      const copy = await s3.send(new HeadObjectCommand({ Bucket, Key: target }));
      if (copy.ETag !== ETag) throw new Error('The copy differs');
    }
    const Objects = Contents.map(({ Key }) => ({ Key }));
    await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    console.log(\`\${Objects.length} objects moved\`);
    done += Objects.length;
    yield { cursor: done, done };
  }
}
`;

/**
 * Moves every object under `<from>/<environment>/` to `to/<from>/<environment>/` in parallel batches of so many: copies of the SDK, and
 * deletes of what was listed. In the middle of a batch it does `fault`, which knows its `number`, and `once(name)`, true the first time.
 */
export const movesInBatches = (from: string, itemsPerBatch: number, fault = '', seconds = 120): string => `
${HEADER}
import { CopyObjectCommand } from '@aws-sdk/client-s3';
import { deleteObjects, objectsUnder } from 'odin-migrate/s3';
import pMap from 'p-map';
export const permissions = [
  { Effect: 'Allow', Action: ['s3:ListBucket'], Resource: ['arn:aws:s3:::${DATA_BUCKET}'] },
  { Effect: 'Allow', Action: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'], Resource: ['arn:aws:s3:::${DATA_BUCKET}/*'] },
];
export const timeoutMinutes = ${seconds / 60};
export const memoryMB = 512;
export const parallel = { itemsPerBatch: ${itemsPerBatch}, concurrency: 4, toleratedFailures: '100%' };
const prefix = \`${from}/\${environment}/\`;
const once = (name: string) => put(\`once/\${environment}/\${name}\`, '', '*');

export async function* plan(resume: any) {
  yield* objectsUnder({ s3, bucket: Bucket ?? '', prefixes: [prefix], resume, itemsPerYield: ${4 * itemsPerBatch} });
}

export async function migration(objects: any[], { number }: { number: number }): Promise<void> {
  await effect();
  const half = Math.ceil(objects.length / 2);
  await move(objects.slice(0, half));
  ${fault}
  await move(objects.slice(half));
}

/** What an earlier start of this batch has moved is gone. */
async function move(objects: any[]): Promise<void> {
  await pMap(
    objects,
    async ({ key, etag }) => {
      try {
        await s3.send(
          new CopyObjectCommand({ Bucket, Key: \`to/\${key}\`, CopySource: encodeURI(\`\${Bucket}/\${key}\`).replaceAll('+', '%2B'), CopySourceIfMatch: etag }),
        );
      } catch (thrown) {
        if (!(thrown instanceof Error) || thrown.name !== 'NoSuchKey') throw thrown;
      }
    },
    { concurrency: 16 },
  );
  await deleteObjects({ s3, bucket: Bucket ?? '', objects });
}
`;

/** In each fifth batch, the first time, something else: it fails, its process ends, S3 slows it down; of one the function dies. */
export const FAULTS_IN_BATCHES = `
  if (number % 5 === 1 && (await once('throws-' + number))) throw new Error('no room');
  if (number % 5 === 2 && (await once('exits-' + number))) process.exit(0);
  if (number % 5 === 4 && (await once('slow-' + number)))
    throw Object.assign(new Error('S3 asks for fewer requests'), { name: 'SlowedDown' });
  if (number === 3 && (await once('dies'))) { process.kill(process.ppid, 'SIGKILL'); await hang(); }
`;

/**
 * Plans so many items, two pages of them, in batches of two; each batch leaves an object for each of its items under
 * `items/<environment>/`, which is not there yet, and does `batch` before that. Its effects are those of batches.
 */
export const inBatches = (
  items: number,
  batch = '',
  {
    seconds = 120,
    concurrency = 3,
    tolerated = '0%',
  }: { seconds?: number; concurrency?: number; tolerated?: string | number } = {},
): string => `
${HEADER}
export const permissions = ${permissions()};
export const timeoutMinutes = ${seconds / 60};
export const parallel = { itemsPerBatch: 2, concurrency: ${concurrency}, toleratedFailures: ${JSON.stringify(tolerated)} };

export async function* plan(resume = 0): AsyncGenerator<{ items: number[]; cursor: number }> {
  const half = Math.ceil(${items} / 2);
  for (let from = resume; from < ${items}; from += half) {
    const items = Array.from({ length: Math.min(half, ${items} - from) }, (_, index) => from + index + 1);
    yield { items, cursor: from + items.length };
  }
}

export async function migration(items: number[], { number, of }: { number: number; of: number }): Promise<void> {
  const starts = await effect();
  ${batch}
  for (const item of items) {
    if (!(await put(\`items/\${environment}/\${String(item).padStart(4, '0')}\`, String(number), '*'))) {
      throw new Error(\`item \${item} was done before\`);
    }
  }
}
`;

function source(body: string, exports: Record<string, unknown> = {}): string {
  const fields = Object.entries(exports)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `export const ${name} = ${JSON.stringify(value)};`);
  return `
${HEADER}
${fields.join('\n')}
export const permissions = ${permissions()};

export async function migration(): Promise<void> {
  ${body}
}
`;
}

const permissions = (): string =>
  JSON.stringify([
    { Effect: 'Allow', Action: ['s3:ListBucket'], Resource: [`arn:aws:s3:::${DATA_BUCKET}`] },
    { Effect: 'Allow', Action: ['s3:PutObject', 's3:GetObject'], Resource: [`arn:aws:s3:::${DATA_BUCKET}/*`] },
  ]);

const HEADER = `
import { ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { randomUUID } from 'node:crypto';

const s3 = new S3Client({});
const Bucket = process.env['DATA_BUCKET'];
const environment = process.env['ODIN_ENVIRONMENT'];
const id = process.env['ODIN_MIGRATION'];

/** False when IfNoneMatch: '*' was asked for and the object is there. */
async function put(Key: string, Body = '', IfNoneMatch?: string): Promise<boolean> {
  try {
    await s3.send(new PutObjectCommand({ Bucket, Key, Body, IfNoneMatch }));
    return true;
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name === 'PreconditionFailed') return false;
    throw thrown;
  }
}

const hang = () => new Promise((resolve) => setTimeout(resolve, 600_000));

/** Leaves one object, and says how many there are now. */
async function effect(): Promise<number> {
  const Prefix = \`effects/\${environment}/\${id}/\`;
  await put(Prefix + randomUUID());
  return (await s3.send(new ListObjectsV2Command({ Bucket, Prefix }))).KeyCount ?? 0;
}
`;
