// `check` on work that nobody awaits, and on what runs at the end of a slice: each line that is to be found says so.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Finding } from '../../cli/check/finding.ts';
import { checkEnvironment } from '../../cli/commands/check.ts';
import type { TestProject } from './project.ts';
import { testProject } from './project.ts';

const PROMISES = `
import { exec, spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { Worker } from 'node:worker_threads';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
const s3 = new S3Client({});
const get = new GetObjectCommand({ Bucket: 'b', Key: 'k' });
const work = async (n = 0): Promise<number> => await Promise.resolve(n);
const log = (thrown: unknown): void => { console.error(thrown); };
async function* steps(): AsyncGenerator<number> { yield await work(); }
const lazy = { then: (_: (n: number) => void): void => { /* a query, say */ } };

export async function bad(flag: boolean): Promise<void> {
  work(); // error
  void work(); // error
  work().catch(log); // error
  work().then(log, log); // error
  work().then(log).catch(log).finally(() => { log(1); }); // error
  flag && work(); // error
  flag ? void work() : log(0); // error
  (log(1), work()); // error
  [work(), work()]; // error
  [1, 2].map((n) => work(n)); // error
  await [1, 2].map((n) => work(n)); // error
  lazy; // error
  steps(); // error
  await steps(); // error
  const forgotten = work(); // error
  const all = [1, 2].map((n) => work(n)); // error
  const grown: Promise<number>[] = []; // error
  grown.push(work());
  [1].forEach(async () => { await work(); }); // error
  process.on('exit', async () => { await work(); }); // error
  setTimeout(() => { log(1); }, 1_000); // warning
  setInterval(log, 1_000, 1); // warning
  setImmediate(() => { void work(); }); // warning error
  process.nextTick(log, 1); // warning
  globalThis.setTimeout(log, 1); // warning
  const timer = setInterval(log, 1_000); // warning
  fs.writeFile('a', 'b', () => undefined); // warning
  fs.unlink('a', log); // warning
  s3.send(get, () => undefined); // warning
  exec('true'); // warning
  spawn('true', []); // warning
  const child = spawn('true'); // warning
  child.on('exit', log);
  new Worker('a.js'); // warning
  http.get('http://localhost', () => undefined); // warning
  await work();
}

export async function good(): Promise<number[]> {
  await work();
  const later = work();
  const progress = setInterval(log, 1_000, 'still at it');
  const guard = setTimeout(() => { log('slow'); }, 1_000).unref();
  setTimeout(log, 1_000).unref();
  await new Promise((resolve) => setTimeout(resolve, 10));
  await new Promise<void>((resolve) => {
    setTimeout(() => { resolve(); }, 10);
    fs.unlink('a', () => { resolve(); });
    const child = spawn('true');
    child.on('exit', () => { resolve(); });
  });
  const socket = net.connect(1);
  socket.setTimeout(5_000);
  clearInterval(progress);
  clearTimeout(guard);
  await Promise.all([later, ...[1, 2].map((n) => work(n))]);
  for await (const n of steps()) log(n);
  const grown: Promise<number>[] = [];
  grown.push(work());
  let last: Promise<number> | undefined;
  last = work();
  await last;
  await sleep(1);
  await work().catch(log);
  work.name;
  return await Promise.all(grown);
}
export const handedOn = work();
export const returned = (): Promise<number> => work();
`;

const SLICES = `
type Checkpoint = { cursor: number };
const drop = async (): Promise<void> => { await Promise.resolve(); };
const client = { close: async () => { await Promise.resolve(); }, destroy: () => undefined };
const lock = { [Symbol.asyncDispose]: async () => { await drop(); } };

export async function* cleans(): AsyncGenerator<Checkpoint> {
  try {
    yield { cursor: 1 };
  } finally { // warning
    await drop();
  }
}
export async function* delegates(): AsyncGenerator<Checkpoint> {
  try {
    for (const n of [1, 2]) if (n > 1) yield* cleans();
  } catch (error) {
    await drop();
    throw error;
  } finally { // warning
    await drop();
    await client.close();
  }
}
export const disposes = async function* (): AsyncGenerator<Checkpoint> {
  await using held = lock; // warning
  yield { cursor: Object.keys(held).length };
};
export const iterator = (): AsyncIterable<Checkpoint> => ({
  [Symbol.asyncIterator]: () => ({
    next: async () => await Promise.resolve({ done: false, value: { cursor: 1 } }),
    return: async () => { await drop(); return { done: true, value: undefined }; }, // warning
  }),
});

export async function* closes(): AsyncGenerator<Checkpoint> {
  const timer = setInterval(() => undefined, 1_000);
  try {
    yield { cursor: 1 };
  } finally {
    clearInterval(timer);
    client.destroy();
    await client.close();
    console.log('closed');
  }
  await drop(); // once, at the end of the whole
}
export async function* waits(): AsyncGenerator<Checkpoint> {
  const begun = [drop()];
  try {
    yield { cursor: 1 };
  } finally {
    await Promise.all(begun);
  }
}
export async function* beginsMore(): AsyncGenerator<Checkpoint> {
  try {
    yield { cursor: 1 };
  } finally { // warning
    await Promise.all([drop()]);
  }
}
export async function* asksForAll(): AsyncGenerator<Checkpoint> {
  const database = { all: async (statement: string) => { await Promise.resolve(statement); } };
  try {
    yield { cursor: 1 };
  } finally { // warning
    await database.all('DELETE FROM lock');
  }
}
export async function* within(): AsyncGenerator<Checkpoint> {
  for (const n of [1, 2]) {
    try {
      await drop();
    } finally {
      await drop();
    }
    yield { cursor: n };
  }
}
export async function plain(): Promise<void> {
  try {
    await drop();
  } finally {
    await drop();
  }
}
`;

const JAVASCRIPT = `
const work = async () => {};
export async function inJavaScript() {
  work(); // error
}
`;

const files = {
  'all/0001.ts': PROMISES + 'export async function migration(): Promise<void> { await good(); await bad(true); }\n',
  'all/0002.ts': `
import { bad } from '../shared/promises.ts';
import { cleans } from '../shared/slices.ts';
import { inJavaScript } from '../shared/script.js';
export async function* migration(): AsyncGenerator<{ cursor: number }> {
  await bad(true);
  await inJavaScript();
  yield* cleans();
}
`,
  'all/0003.ts': `
const work = async (n: number): Promise<void> => { console.log(n); await Promise.resolve(); };
export const migration = async (): Promise<Promise<void>[]> => await Promise.resolve(
  [1, 2].map((n) => work(n)),
);
`,
  'all/0004.ts': `
const work = async (n: number): Promise<void> => { console.log(n); await Promise.resolve(); };
export function migration(): Promise<void>[] {
  const all = [1, 2].map((n) => work(n));
  return all; // error
}
`,
  'all/0005.ts': `
import { wrong } from '../shared/wrong.ts';
export async function migration(): Promise<void> { await Promise.resolve(wrong); }
`,
  'shared/promises.ts': PROMISES,
  'shared/slices.ts': SLICES,
  'shared/script.js': JAVASCRIPT,
  'shared/wrong.ts': 'export const wrong: number = "text"; // error\n',
};

let project: TestProject;
let findings: Finding[];
beforeAll(async () => {
  project = testProject(files);
  ({ findings } = await checkEnvironment(project, 'all', undefined));
});
afterAll(() => {
  project.remove();
});

/** `12: error`, of each comment that asks for it. */
const asked = (text: string): string[] =>
  text.split('\n').flatMap((line, index) => {
    const [, severities = ''] = /\/\/ ((?:error|warning)(?: (?:error|warning))*)$/.exec(line) ?? [];
    return severities
      .split(' ')
      .filter(Boolean)
      .map((severity) => `${index + 1}: ${severity}`);
  });
const foundIn = (file: string): string[] =>
  findings
    .filter(
      ({ file: of, rule, message }) =>
        of === `migrations/${file}` && rule !== 'top-level' && !message.includes('TS6133'),
    )
    .map(({ line, severity }) => `${line}: ${severity}`);

it.each(Object.entries(files).filter(([name]) => name !== 'all/0003.ts'))('%s', (name, text) => {
  expect(foundIn(name).sort()).toEqual(asked(text).sort());
});

it('says what is wrong, and what to write', () => {
  const of = (rule: Finding['rule'], line: string) =>
    findings.find(
      (each) => each.rule === rule && files['shared/promises.ts'].split('\n')[each.line! - 1]?.includes(line),
    );
  expect(of('floating-promise', 'work().catch(log);')?.message).toContain('Await it');
  expect(of('floating-promise', 'await steps();')?.message).toContain('None of the code of this generator runs');
  expect(findings.find(({ rule }) => rule === 'slice-end')?.message).toContain('end of every slice');
});
