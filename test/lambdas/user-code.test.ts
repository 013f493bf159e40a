// The process of user code: what it prints, how it may end, and that nothing of it goes on.
import { once } from 'node:events';
import type { Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startUserProcess, userEnvironment } from '../../lambdas/run-migration/user-code/fork.ts';
import type { OutputLine } from '../../lambdas/run-migration/user-code/output.ts';
import type {
  StartProcess,
  Timing,
  UserCodeEnd,
  UserCodeOptions,
} from '../../lambdas/run-migration/user-code/supervise.ts';
import { superviseUserCode } from '../../lambdas/run-migration/user-code/supervise.ts';
import { CASES } from '../contract/user-code-cases.ts';
import { describeUserCode } from '../contract/user-code.ts';
import { runInThisProcess } from '../support/in-process.ts';
import { stateOf } from '../support/processes.ts';

const SDK_URL = import.meta.resolve('@aws-sdk/client-s3');
const ENTRY = fileURLToPath(new URL('../contract/user-code-entry.ts', import.meta.url));

describeUserCode('in a process of its own', (name, clock) =>
  superviseUserCode(startUserProcess({ file: ENTRY, env: { ...process.env, CASE: name } }), clock, () => undefined),
);
describeUserCode('in the process of a test', (name, clock) =>
  runInThisProcess(() => Promise.resolve().then(() => CASES[name]!()), clock),
);

let folder: string;
let lines: OutputLine[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'odin-user-code-'));
  lines = [];
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

interface Settings extends Partial<UserCodeOptions> {
  env?: NodeJS.ProcessEnv;
  /** Its time is over as soon as this holds. */
  endWhen?: () => boolean;
}

const clockUntil = (endWhen: () => boolean): Timing => ({
  now: () => Date.now(),
  after: (_, work) => {
    const timer = setInterval(() => {
      if (endWhen()) work();
    }, 20);
    return () => {
      clearInterval(timer);
    };
  },
});

/** Runs a module of this text. Its environment says where it may leave a trace of what it does. */
function runModule(source: string, { env, endWhen = () => false, ...options }: Settings = {}): Promise<UserCodeEnd> {
  const file = join(folder, 'module.mjs');
  writeFileSync(file, source);
  const bundleEnv = { ...userEnvironment(), MODULE: pathToFileURL(file).href, DID: join(folder, 'did'), ...env };
  const run = superviseUserCode(startUserProcess({ file: ENTRY, env: bundleEnv }), clockUntil(endWhen), (line) =>
    lines.push(line),
  );
  return run({
    migration: '0004',
    attempt: 1,
    slice: 1,
    cursor: undefined,
    sliceMs: 60_000,
    endAfterMs: 60_000,
    saveEveryMs: 0,
    save: () => Promise.resolve('go on'),
    ...options,
  });
}

const HEADER = `import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
const did = (what) => fs.appendFileSync(process.env.DID, what + '\\n');
`;
const run = (body: string, settings?: Settings): Promise<UserCodeEnd> =>
  runModule(`${HEADER}export async function migration() { ${body} }`, settings);
const did = (): string[] => {
  try {
    return readFileSync(join(folder, 'did'), 'utf8').trimEnd().split('\n');
  } catch {
    return []; // it did nothing
  }
};
const texts = (level?: OutputLine['level']): string[] =>
  lines.filter((line) => level === undefined || line.level === level).map(({ text }) => text);

const FINISHED = { outcome: 'finished', checkpoints: 0 };

describe('the time that its process takes to start', () => {
  /** @returns what a slice of a minute is told at a checkpoint that came a second after its code began */
  async function answerAfterStart(startMs: number, says: readonly object[]): Promise<unknown> {
    let now = 0;
    const sent: unknown[] = [];
    const start: StartProcess = ({ message }) => ({
      send: (told) => {
        sent.push(told);
        if (told.type !== 'start') message({ type: 'end', outcome: told.answer === 'stop' ? 'stopped' : 'finished' });
        else {
          now += startMs;
          for (const said of says) message(said);
          now += 1_000;
          message({ type: 'checkpoint', checkpoint: { cursor: 1 } });
        }
      },
      kill: () => undefined,
      gone: Promise.resolve({ code: 0, signal: null }),
    });
    const run = superviseUserCode(start, { now: () => now, after: () => () => undefined }, () => undefined);
    await run({
      ...{ migration: '0004', attempt: 1, slice: 1, cursor: undefined, sliceMs: 60_000, endAfterMs: 60_000 },
      saveEveryMs: 0,
      save: () => Promise.resolve('go on'),
    });
    return sent.at(-1);
  }

  it('is no step of the migration: a slice does not end at its first checkpoint because the machine was busy', async () => {
    expect(await answerAfterStart(40_000, [{ type: 'begins' }])).toEqual({ type: 'answer', answer: 'go on' });
  });

  it('leaves less for it: what does not fit any more is left to the next slice', async () => {
    expect(await answerAfterStart(53_000, [{ type: 'begins' }])).toEqual({ type: 'answer', answer: 'stop' });
  });
});

describe('what it prints', () => {
  it('comes with the level of the console, each call in one piece, in order with what else is on the stream', async () => {
    await run(`
      console.log('moved %d files', 7, { a: 1 });
      process.stdout.write('raw\\nhalf a line');
      console.info('two\\nlines');
      console.debug('detail');
      process.stdout.write('JSON follows\\n' + JSON.stringify({ level: 30, msg: 'pino' }) + '\\r\\n\\n');
      console.table([{ a: 1 }]);
      console.warn('careful');
      process.stderr.write('to stderr\\n');
      console.error(new RangeError('seen').message);
      console.group('group'); console.log('inside'); console.groupEnd();
    `);
    const printed = lines.map(({ level, text }) => `${level}: ${text}`);
    const [toStdout, toStderr] = [/^(info|debug)/, /^(warn|error)/].map((levels) =>
      printed.filter((line) => levels.test(line)),
    );
    expect(toStdout).toEqual([
      'info: moved 7 files { a: 1 }',
      'info: raw',
      'info: half a line',
      'info: two\nlines',
      'debug: detail',
      'info: JSON follows',
      'info: {"level":30,"msg":"pino"}',
      'info: ',
      expect.stringMatching(/^info: ┌[\s\S]*a[\s\S]*┘$/),
      'info: group',
      'info: inside',
    ]);
    expect(toStderr).toEqual(['warn: careful', 'warn: to stderr', 'error: seen']);
  });

  it.each([
    ['an exit', 'process.exit(0);'],
    ['a crash', `setImmediate(() => { throw new Error('x'); }); await sleep(60_000);`],
    ['an abort', 'process.abort();'],
    ['its end by another', `process.kill(process.pid, 'SIGKILL'); await sleep(60_000);`],
    ['its return', ''],
  ])('just before %s is not lost, however much it is', async (_, end) => {
    await run(`
      process.stdout.write('a'.repeat(3_000_000));
      process.stdout.write('\\n' + 'b\\n'.repeat(1_000));
      process.stderr.write('c'.repeat(2_000_000));
      console.log('d'.repeat(1_000_000));
      ${end}
    `);
    const all = texts().join('');
    const count = (letter: string) => [...all.matchAll(new RegExp(`${letter}{50,}|^${letter}$`, 'gm'))].join('').length;
    expect([count('a'), count('c'), count('d')]).toEqual([3_000_000, 2_000_000, 1_000_000]);
    expect(texts().filter((text) => text === 'b')).toHaveLength(1_000);
    expect(Math.max(...texts().map(({ length }) => length))).toBeLessThan(33_000);
  });

  it('need not be UTF-8, and may be cut anywhere', async () => {
    await run(`
      process.stdout.write(Buffer.from([0x61, 0xff, 0xc3, 0x0a, 0x00, 0x1b, 0x1e, 0x0a]));
      for (const byte of Buffer.from('Grüße 👋')) fs.writeSync(1, Buffer.from([byte]));
      process.stdout.write('\\n\\u001e["info",7]\\n\\u2028');
    `);
    expect(texts()).toEqual(['a\uFFFD\uFFFD', '\u0000\u001b\u001e', 'Grüße 👋', '\u001e["info",7]', '\u2028']);
  });

  it('may be printed by what it starts, and by none of its own streams any more', async () => {
    const end = await run(`
      const { execFileSync } = await import('node:child_process');
      execFileSync(process.execPath, ['-e', 'console.log("of another")'], { stdio: 'inherit' });
      process.stdout.end();
      console.log('nobody hears this');
      console.error('last');
    `);
    expect(end).toEqual(FINISHED);
    expect(texts()).toEqual(['of another', 'last']);
  });

  it('after it has ended is nothing', async () => {
    await run(`setInterval(() => console.log('later'), 1).unref(); console.log('first');`);
    const count = lines.length;
    expect(texts()[0]).toBe('first');
    await sleep(50);
    expect(lines).toHaveLength(count);
  });
});

describe('an end that is none of its own making', () => {
  it.each<[string, string, string, RegExp]>([
    ['an exit', 'process.exit(3);', 'ProcessExited', /exit code 3 before migration\(\) had returned/],
    ['an exit that says all is well', 'process.exit(0);', 'ProcessExited', /exit code 0 before/],
    [
      'an error in a timer',
      `setTimeout(() => { throw new RangeError('in a timer'); }, 1); await sleep(60_000);`,
      'Crashed',
      /RangeError: in a timer\. Await all/,
    ],
    [
      'a promise that nobody awaits',
      `void Promise.reject(new TypeError('forgotten')); await sleep(60_000);`,
      'Crashed',
      /TypeError: forgotten/,
    ],
    ['a rejection that is no error', `void Promise.reject('words'); await sleep(60_000);`, 'Crashed', /words/],
    ['an abort', 'process.abort();', 'Crashed', /the signal SIGABRT/],
    ['a signal', `process.kill(process.pid, 'SIGSEGV'); await sleep(60_000);`, 'Crashed', /the signal SIGSEGV/],
    ['a kill', `process.kill(process.pid, 'SIGKILL'); await sleep(60_000);`, 'OutOfMemory', /not by odin-migrate/],
    ['a promise that nothing can settle', 'await new Promise(() => undefined);', 'NeverReturned', /nothing is left/],
    [
      'an error after it took the listeners away',
      `process.removeAllListeners(); setTimeout(() => { throw new Error('x'); }, 1); await sleep(60_000);`,
      'ProcessExited',
      /exit code 1/,
    ],
  ])('%s is a known failure, and says what to do', async (_, body, name, said) => {
    const end = await run(body);
    expect(end).toMatchObject({ outcome: 'ended', error: { name, message: expect.stringMatching(said) as unknown } });
    expect(end.error?.message).toMatch(/retry\.$|memoryMB \(10240 at most\)\.$/);
  });

  it('keeps the stack of what was thrown', async () => {
    const end = await run(`setTimeout(function later() { throw new Error('x'); }, 1); await sleep(60_000);`);
    expect(end).toMatchObject({ error: { stack: expect.stringMatching(/later.*module\.mjs/) as unknown } });
  });

  it('may be a lack of memory, of objects, long before the function has none left', async () => {
    vi.stubEnv('AWS_LAMBDA_FUNCTION_MEMORY_SIZE', '256');
    const end = await run('const hoard = []; for (;;) hoard.push(Array.from({ length: 1_000 }, (_, i) => ({ i })));');
    expect(end).toMatchObject({
      outcome: 'ended',
      error: { name: 'OutOfMemory', message: expect.stringMatching(/no memory left for its objects/) as unknown },
    });
    expect(texts('warn').join('\n')).toContain('JavaScript heap out of memory');
  });

  it('may be the end of its time, whatever it is doing', async () => {
    const end = await run(`did('spins'); for (;;);`, { endWhen: () => did().length > 0 });
    expect(end).toMatchObject({ outcome: 'out of time', error: { name: 'OutOfTime' } });
  });

  it('may be that it never began', async () => {
    const end = await run('', { env: { HUGE: 'x'.repeat(4_000_000) } });
    expect(end).toMatchObject({
      outcome: 'ended',
      error: { name: 'NotStarted', message: expect.stringMatching(/E2BIG.*Nothing of it has run/) as unknown },
    });
  });
});

describe('what it cannot do', () => {
  const SAY = `const say = (message) => fs.writeSync(3, (typeof message === 'string' ? message : JSON.stringify(message)) + '\\n');`;

  it.each([
    ['says what is no JSON', `say('garbage');`],
    ['says what is no message', `say({ type: 'end', outcome: 'succeeded' });`],
    [
      'says what is far too long',
      `say({ type: 'end', outcome: 'threw', error: { name: 'x'.repeat(100_000), message: '' } });`,
    ],
    ['says without an end', `for (;;) fs.writeSync(3, 'x'.repeat(1_000_000));`],
    ['says what is nested deep', `say('['.repeat(100_000) + ']'.repeat(100_000));`],
    ['says that it stopped where nobody told it to', `say({ type: 'end', outcome: 'stopped' });`],
    [
      'makes a checkpoint of more than 64 KB',
      `say({ type: 'checkpoint', checkpoint: { cursor: 'x'.repeat(70_000) } });`,
    ],
    ['makes two at once', `for (const cursor of [1, 2]) say({ type: 'checkpoint', checkpoint: { cursor } });`],
    ['closes the channel', 'fs.closeSync(3);'],
  ])('to the function, when it %s: that is a known failure', async (_, body) => {
    const save = () => sleep(1_000, 'go on' as const); // what it says next is there by then
    const end = await run(`${SAY} ${body} await sleep(60_000);`, { save });
    expect(end).toMatchObject({ outcome: 'ended', error: { name: 'ChannelBroken' } });
  });

  it('take away what is not there: the channel is not that of process.send', async () => {
    const end = await run(`
      did(String([process.send, process.disconnect, process.connected]));
      process.removeAllListeners('message');
      process.send = () => { throw new Error('mine'); };
      process.exit = () => undefined;
      process.stdout.write = () => { throw new Error('mine'); };
      process.on('exit', () => { throw new Error('on exit'); });
    `);
    expect(end).toEqual(FINISHED);
    expect(did()).toEqual([',,']);
  });

  it('keep the channel to its end: whoever closes its other side is not answered, and is ended', async () => {
    const source = `${HEADER}export async function* migration() { fs.closeSync(4); did('closed'); yield { cursor: 1 }; did('after it'); }`;
    const end = await runModule(source, { endWhen: () => did().includes('closed') });
    expect(['ended', 'out of time']).toContain(end.outcome);
    expect(did()).toEqual(['closed']);
  });

  // Whoever sets out to say so may: it is the same as returning.
  it('is not to claim that it has finished', async () => {
    expect(await run(`${SAY} say({ type: 'end', outcome: 'finished' }); await sleep(60_000);`)).toEqual(FINISHED);
  });
});

describe('afterwards nothing goes on', () => {
  it('of what it left pending when one of several failed', async () => {
    const end = await run(`
      let written = 0;
      const write = async (name) => { for (let n = 0; ; n += 1) { await sleep(1); did(name + n); written += 1; } };
      const fail = async () => { while (written < 5) await sleep(10); throw new Error('one of them'); };
      await Promise.all([write('a'), write('b'), fail()]);
    `);
    expect(end).toMatchObject({ outcome: 'threw', error: { message: 'one of them' } });
    const before = did();
    expect(before.length).toBeGreaterThan(2);
    await sleep(100);
    expect(did()).toEqual(before);
  });

  it.each([
    ['returns', ''],
    ['exits', 'process.exit(0);'],
    ['is out of time', 'for (;;);'],
  ])('of itself and of the processes that it started, when it %s', async (_, ends) => {
    await run(
      `
      const { spawn } = await import('node:child_process');
      did(process.pid);
      for (const stdio of ['ignore', 'inherit']) did(spawn('sleep', ['60'], { stdio }).pid);
      ${ends}
    `,
      { endWhen: () => ends === 'for (;;);' && did().length === 3 },
    );
    expect(did()).toHaveLength(3);
    expect(did().map((pid) => stateOf(Number(pid)))).toEqual(['gone', 'gone', 'gone']);
  });

  it('of one that left its group, but to hold the answer back', async () => {
    await run(`
      const { spawn } = await import('node:child_process');
      did(spawn('sleep', ['60'], { stdio: 'inherit', detached: true }).pid);
      console.log('printed');
    `);
    expect(texts('info')).toEqual(['printed']);
    process.kill(Number(did()[0]), 'SIGKILL');
  });

  it('and nothing is there at the next turn: a module is evaluated anew', async () => {
    const source = `${HEADER}
      let turns = 0;
      globalThis.seen = (globalThis.seen ?? 0) + 1;
      if (!fs.existsSync(process.env.DID)) { did('first'); throw new Error('at the top level'); }
      export async function migration() { did([++turns, globalThis.seen]); }`;
    expect(await runModule(source)).toMatchObject({ outcome: 'threw', error: { message: 'at the top level' } });
    expect(await runModule(source)).toEqual(FINISHED);
    expect(await runModule(source)).toEqual(FINISHED);
    expect(did()).toEqual(['first', '1,1', '1,1']);
  });
});

it('has the variables of its function, and none that are between Lambda, the function and the ledger', async () => {
  vi.stubEnv('ODIN_ENVIRONMENT', 'odin-dev');
  vi.stubEnv('ODIN_MIGRATION', '0004');
  vi.stubEnv('ODIN_LEDGER_BUCKET', 'ledger');
  vi.stubEnv('AWS_LAMBDA_RUNTIME_API', '127.0.0.1:9001');
  vi.stubEnv('_LAMBDA_TELEMETRY_LOG_FD', '5');
  vi.stubEnv('AWS_SESSION_TOKEN', 'token');
  vi.stubEnv('OWN', 'mine');
  await run(`did(JSON.stringify(process.env)); did(JSON.stringify(process.execArgv));`);
  const [env = '', execArgv = ''] = did();
  const seen = JSON.parse(env) as Record<string, string>;
  expect(seen).toMatchObject({ AWS_SESSION_TOKEN: 'token', OWN: 'mine' });
  expect(Object.keys(seen).filter((name) => /ODIN|RUNTIME_API|TELEMETRY/.test(name))).toEqual([
    'ODIN_ENVIRONMENT',
    'ODIN_MIGRATION',
  ]);
  expect(execArgv).toContain('--max-old-space-size=');
});

describe('what it has begun, and not awaited', () => {
  let server: Server;
  let url: string;
  /** Lets the requests that wait be answered. */
  let release: () => void;
  beforeEach(async () => {
    const waiting = new Set<ServerResponse>();
    release = () => {
      for (const response of waiting) response.end('late');
    };
    server = createServer((request, response) => {
      if (request.url?.startsWith('/slow')) waiting.add(response);
      else response.end('x'.repeat(request.url === '/big' ? 1_000_000 : 10));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });
  const withServer = (body: string, settings?: Settings) =>
    run(body.replaceAll('URL', url), { ...settings, env: { SDK: SDK_URL, ...settings?.env } });
  const S3 = `
    const { S3Client, PutObjectCommand, GetObjectCommand } = await import(process.env.SDK);
    const s3 = new S3Client({ endpoint: 'URL', region: 'x', forcePathStyle: true, credentials: { accessKeyId: 'a', secretAccessKey: 'b' }, maxAttempts: 1 });
    const put = (Key) => s3.send(new PutObjectCommand({ Bucket: 'slow', Key, Body: 'x' }));`;

  it.each<[string, string, RegExp]>([
    [
      'a call of the SDK',
      `${S3} put('a'); put('b');`,
      /2 requests that it had begun had no answer: PUT http.*\/slow\/a, PUT/,
    ],
    ['a call with a catch', `${S3} put('a').catch(() => undefined);`, /1 request that it had begun/],
    [
      'a call with a callback',
      `${S3} s3.send(new PutObjectCommand({ Bucket: 'slow', Key: 'a' }), () => undefined);`,
      /PUT/,
    ],
    ['a fetch', `void fetch('URL/slow?secret=1');`, /GET http:\/\/127\.0\.0\.1:\d+\/slow\./],
    ['a request of http', `(await import('node:http')).get('URL/slow');`, /GET/],
    ['a request that a chain makes', `void sleep(5).then(() => fetch('URL/fast'));`, /GET http.*\/fast\./],
    [
      'all but the first that is there',
      `await Promise.race([fetch('URL/fast'), fetch('URL/slow', { method: 'PUT' })]);`,
      /PUT/,
    ],
  ])('is a failure when it is %s', async (_, body, said) => {
    const end = await withServer(body);
    expect(end).toMatchObject({
      outcome: 'threw',
      error: { name: 'NotAwaited', message: expect.stringMatching(said) as unknown },
    });
    expect(end.error?.message).not.toContain('secret');
  });

  it.each<[string, string]>([
    ['a promise that is rejected already', `void Promise.reject(new TypeError('late'));`],
    ['a function that throws at once', `(async () => { throw new TypeError('late'); })();`],
    ['a promise that is rejected a little later', `void sleep(200).then(() => { throw new TypeError('late'); });`],
    ['a timer that throws', `setTimeout(() => { throw new TypeError('late'); }, 100);`],
    ['a rejection behind what is on the disk', `void fs.promises.readFile('/no/such/file');`],
  ])('is a failure when it is %s', async (_, body) => {
    expect(await run(body)).toMatchObject({
      outcome: 'ended',
      error: { name: 'Crashed', message: expect.stringMatching(/TypeError: late|ENOENT/) as unknown },
    });
  });

  it('and what is rejected before a slice ends is one, too', async () => {
    const source = `${HEADER}export async function* migration() { void Promise.reject(new TypeError('late')); yield { cursor: 1 }; }`;
    expect(await runModule(source, { sliceMs: 0 })).toMatchObject({ outcome: 'ended', error: { name: 'Crashed' } });
  });

  it.each<[string, string, string[]]>([
    ['timers', 'setTimeout(() => undefined, 60_000); setInterval(() => undefined, 60_000);', ['2 timers']],
    ['a chain that waits', 'void sleep(60_000).then(() => did("never"));', ['1 timer']],
    ['a process', `(await import('node:child_process')).spawn('sleep', ['60'], { stdio: 'ignore' });`, ['1 process']],
    ['a server', `(await import('node:http')).createServer().listen(0);`, ['1 server']],
    [
      'a thread',
      `const { Worker } = await import('node:worker_threads'); new Worker('setInterval(() => 1, 60_000)', { eval: true });`,
      ['something that Node.js does not name'],
    ],
    [
      'an open connection',
      `const socket = (await import('node:net')).connect(Number('URL'.split(':')[2]), '127.0.0.1'); await new Promise((ok) => socket.on('connect', ok));`,
      ['1 connection'],
    ],
  ])('is told of when it is %s', async (_, body, leftOver) => {
    const end = await withServer(body);
    expect(end).toMatchObject({ outcome: 'finished', leftOver });
    expect(texts('warn')).toEqual([expect.stringContaining(`what it had begun was not: ${leftOver.join(', ')}`)]);
    expect(did()).toEqual([]);
  });

  it.each<[string, string]>([
    [
      'a machine that was busy when it returned',
      `let left = 100; const later = () => { if ((left -= 1) > 0) queueMicrotask(later); else for (const until = Date.now() + 150; Date.now() < until;); }; later();`,
    ],
    [
      'connections that are kept for the next request',
      `${S3} s3.config; await Promise.all([1, 2, 3].map((n) => s3.send(new GetObjectCommand({ Bucket: 'b', Key: 'k' + n })).then(({ Body }) => Body.transformToString())));`,
    ],
    ['the same of fetch', `for (let n = 0; n < 3; n += 1) await (await fetch('URL/fast')).text();`],
    [
      'the same of an agent',
      `const http = await import('node:http'); const agent = new http.Agent({ keepAlive: true }); await new Promise((ok) => http.get('URL/big', { agent }, (r) => r.resume().on('end', ok)));`,
    ],
    [
      'a request that it broke off',
      `const stop = new AbortController(); const asked = fetch('URL/slow', { signal: stop.signal }).catch(() => undefined); await sleep(50); stop.abort(); await asked;`,
    ],
    ['a timer that it cleared', 'clearTimeout(setTimeout(() => undefined, 60_000));'],
    ['a timer of which it said that nobody waits for it', 'setInterval(() => undefined, 60_000).unref();'],
    ['a file that it has read', `for await (const line of fs.createReadStream('/etc/hostname')) void line;`],
    [
      'a listener',
      `process.on('SIGTERM', () => undefined); process.on('beforeExit', () => { setTimeout(() => undefined, 60_000); });`,
    ],
    ['no listener of anybody', 'process.removeAllListeners();'],
  ])('is nothing when it is %s', async (_, body) => {
    const end = await withServer(body);
    expect(end).toEqual(FINISHED);
    expect(lines).toEqual([]);
  });

  describe('when a slice ends', () => {
    const slice = (before: string) =>
      runModule(
        `${HEADER}export async function* migration() { ${before.replaceAll('URL', url)} await sleep(20); yield { cursor: 1 }; }`,
        { sliceMs: 0 },
      );

    it('is told of when it only reads ahead', async () => {
      expect(await slice(`void fetch('URL/slow');`)).toMatchObject({
        outcome: 'stopped',
        leftOver: [`GET ${url}/slow`, '1 connection'],
      });
    });

    it('is a failure when it changes something', async () => {
      expect(await slice(`void fetch('URL/slow', { method: 'DELETE' });`)).toMatchObject({
        outcome: 'threw',
        error: { name: 'NotAwaited' },
      });
    });
  });

  it('has an answer in time, and is awaited, when it is slow', async () => {
    const end = withServer(`await (await fetch('URL/slow', { method: 'PUT' })).text();`);
    server.once('request', () => setImmediate(release));
    expect(await end).toEqual(FINISHED);
  });
});

describe('an error of AWS', () => {
  let server: Server;
  beforeEach(async () => {
    server = createServer((request, response) => {
      request.resume();
      response.writeHead(403, { 'content-type': 'application/xml', 'x-amz-request-id': 'R1' });
      response.end('<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => server.close());

  it('says which bucket and key it is about, also as a cause', async () => {
    const { port } = server.address() as AddressInfo;
    const end = await runModule(`
      import { DeleteObjectCommand, S3Client } from '${SDK_URL}';
      const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
      const s3 = new S3Client({ endpoint: 'http://127.0.0.1:${port}', region: 'eu-west-1', forcePathStyle: true, credentials });
      export async function migration() {
        try {
          await s3.send(new DeleteObjectCommand({ Bucket: 'the-bucket', Key: 'the folder/key' }));
        } catch (cause) {
          throw new Error('could not delete', { cause });
        }
      }`);
    const asked = `DELETE http://127.0.0.1:${port}/the-bucket/the folder/key`;
    expect(end).toMatchObject({
      outcome: 'threw',
      error: { message: `could not delete\ncaused by AccessDenied: Access Denied (HTTP 403, ${asked})` },
    });
  });
});
