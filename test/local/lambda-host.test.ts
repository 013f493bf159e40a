// The embedded Lambda: what a function sees, and how its failures are reported.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { functionName } from '../../local/lambda/functions.ts';
import type { LambdaFunctionConfig, LambdaLogLine } from '../../local/lambda/host.ts';
import { LambdaHost } from '../../local/lambda/host.ts';
import { stateOf } from '../support/processes.ts';
import { temporaryFolder, until, writeFunction } from './support.ts';

const folder = temporaryFolder();
const logs: LambdaLogLine[] = [];
const gone: string[] = [];
let host: LambdaHost;

const FUNCTIONS: Record<string, string> = {
  echo: `let calls = 0;
    export const handler = async (event, context) => ({
      event, calls: ++calls, pid: process.pid, env: process.env, cwd: process.cwd(), execArgv: process.execArgv,
      left: context.getRemainingTimeInMillis(), context,
    });`,
  throws: `class Refused extends Error { name = 'Refused' }
    export const handler = async (event) => { throw event.text ?? new Refused('not today'); };`,
  sleeps: `export const handler = async (event) => {
      console.log('sleeping');
      await new Promise((resolve) => setTimeout(resolve, event.ms));
      return process.pid;
    };`,
  spins: `export const handler = async () => { while (true); };`,
  exits: `export const handler = async (event) => process.exit(event.code);`,
  rejects: `export const handler = async () => {
      void Promise.reject(new TypeError('forgotten'));
      await new Promise((resolve) => setTimeout(resolve, 5000));
    };`,
  throwsLater: `export const handler = async () => {
      setTimeout(() => { throw new RangeError('later'); }, 1);
      await new Promise((resolve) => setTimeout(resolve, 5000));
    };`,
  eats: `export const handler = async () => { const all = []; while (true) all.push(new Array(1000).fill(all.length)); };`,
  missing: `import 'no-such-package'; export const handler = async () => 1;`,
  broken: `export const handler = async () => {`,
  failsToLoad: `throw new ReferenceError('at the top'); export const handler = 1;`,
  noHandler: `export const other = 1;`,
  circular: `export const handler = async () => { const a = {}; a.a = a; return a; };`,
  large: `export const handler = async () => 'x'.repeat(7_000_000);`,
  nothing: `export const handler = async () => undefined;`,
  speaks: `export const handler = async (event) => {
      for (let n = 0; n < event.lines; n++) console.log(event.name, n);
      console.error('to stderr');
      process.stdout.write('without an end');
    };`,
  closesItsLog: `export const handler = async () => { process.stdout.end(); return 'done'; };`,
  leavesAChild: `import { spawn } from 'node:child_process';
    export const handler = async () => {
      const child = spawn('sleep', ['20'], { stdio: 'inherit', detached: true });
      console.log('child', child.pid);
      child.unref();
      process.exit(1);
    };`,
  fills: `import { writeFileSync } from 'node:fs';
    import { tmpdir } from 'node:os';
    export const handler = async ({ mb }) => { writeFileSync(tmpdir() + '/large', Buffer.alloc(mb * 2 ** 20)); return mb; };`,
  slowToLoad: `await new Promise((resolve) => setTimeout(resolve, 600)); export const handler = async () => process.pid;`,
  diesAtOnce: `process.on('message', () => process.exit(1)); export const handler = async () => 1;`,
  writes: `import { mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
    import { tmpdir } from 'node:os';
    import { join } from 'node:path';
    export const handler = async ({ file }) => {
      const found = readdirSync(tmpdir());
      writeFileSync(file ?? join(tmpdir(), 'kept'), 'x');
      writeFileSync('/dev/null', 'x');
      return { found, tmp: tmpdir(), pid: process.pid };
    };`,
  startsNode: `import { execFileSync } from 'node:child_process';
    export const handler = async ({ file }) =>
      execFileSync(process.execPath, ['-e', \`require('node:fs').writeFileSync('\${file}', 'x')\`], { stdio: 'pipe' }).toString();`,
  fetches: `export const handler = async (event) => { await (await fetch(event.url)).text(); };`,
};

beforeAll(() => {
  const functions = Object.entries(FUNCTIONS).map(([name, source]) =>
    writeFunction(folder.path, name, source, { timeoutSeconds: name === 'spins' ? 0.4 : 60, memoryMB: 64 }),
  );
  process.env['PARENTS_SECRET'] = 'secret';
  host = new LambdaHost({
    functions: functions.map((config) => {
      if (config.name === 'fills') return { ...config, ephemeralStorageMB: 2 };
      return config.name === 'echo' ? { ...config, environment: { OWN: '1' } } : config;
    }),
    environment: () => ({ AWS_ENDPOINT_URL: 'http://127.0.0.1:1', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' }),
    onLog: (line) => logs.push(line),
    onGone: (requestId) => {
      gone.push(requestId);
      return Promise.resolve();
    },
    asyncRetryDelaysMs: [1, 1],
  });
});
afterEach(() => {
  logs.length = 0;
  gone.length = 0;
});
afterAll(async () => {
  await host.close();
  delete process.env['PARENTS_SECRET'];
  folder.remove();
});

async function invoke(name: string, event: unknown = {}): Promise<Record<string, unknown>> {
  const answer = await host.invoke(name, JSON.stringify(event));
  expect(answer.functionError).toBeUndefined();
  return JSON.parse(answer.payload) as Record<string, unknown>;
}

async function failureOf(name: string, event: unknown = {}) {
  const answer = await host.invoke(name, JSON.stringify(event), 'request-1');
  expect(answer.functionError).toBe('Unhandled');
  return JSON.parse(answer.payload) as { errorType: string; errorMessage: string; trace?: string[] };
}

describe('the file system', () => {
  it('is written below the temporary folder alone, as in Lambda', async () => {
    const outside = join(folder.path, 'outside');
    // What lies among the devices is no device: memory that processes share, which Lambda has not.
    for (const file of ['beside.txt', outside, '/tmp/odin-written-elsewhere', `/dev/shm/odin-${process.pid}`]) {
      expect(await failureOf('writes', { file })).toMatchObject({
        errorMessage: expect.stringContaining('restricted') as string,
      });
      expect(existsSync(file)).toBe(false);
    }
    expect(existsSync(join(folder.path, 'writes', 'beside.txt'))).toBe(false);
    expect(await invoke('writes')).toMatchObject({ found: [] });
  });

  it('has no limit, and what is over that of Lambda is told', async () => {
    await invoke('fills', { mb: 1 });
    expect(logs).toEqual([]);
    await invoke('fills', { mb: 3 });
    expect(logs.map(({ line }) => (JSON.parse(line) as { message: string }).message)).toEqual([
      '3 MB are in the temporary folder, of which this function has 2 MB in Lambda (ephemeralStorageMB): there, writing more fails (ENOSPC).',
    ]);
  });

  it('is not written by a Node.js that the function starts either', async () => {
    const outside = join(folder.path, 'outside');
    expect((await failureOf('startsNode', { file: outside })).errorMessage).toContain('ERR_ACCESS_DENIED');
    expect(existsSync(outside)).toBe(false);
  });

  it('has a temporary folder that is one sandbox’s, and goes with it', async () => {
    const first = await invoke('writes');
    const again = await invoke('writes');
    expect(again).toMatchObject({ tmp: first['tmp'], pid: first['pid'], found: ['kept'] });
    host.killProcesses('writes');
    await until(() => !existsSync(String(first['tmp'])), 'its folder is gone');
    const fresh = await invoke('writes');
    expect(fresh['found']).toEqual([]);
    expect(fresh['tmp']).not.toBe(first['tmp']);
  });
});

describe('an invocation', () => {
  it('sees its event, its context and its time', async () => {
    const seen = await invoke('echo', { a: 'ü' });
    expect(seen['event']).toEqual({ a: 'ü' });
    expect(seen['left']).toBeGreaterThan(1);
    expect(seen['left']).toBeLessThanOrEqual(60_000);
    expect(seen['context']).toMatchObject({
      functionName: 'echo',
      functionVersion: '$LATEST',
      invokedFunctionArn: 'arn:aws:lambda:eu-west-1:000000000000:function:echo',
      memoryLimitInMB: '64',
      logGroupName: '/aws/lambda/echo',
      callbackWaitsForEmptyEventLoop: true,
      awsRequestId: expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown,
    });
    expect(seen['cwd']).toBe(join(folder.path, 'echo'));
    expect(seen['execArgv']).toContain('--max-old-space-size=64');
  });

  it("has Lambda's environment, and not its parent's", async () => {
    const env = (await invoke('echo'))['env'] as Record<string, string>;
    expect(env).toMatchObject({
      OWN: '1',
      AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
      AWS_LAMBDA_FUNCTION_NAME: 'echo',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '64',
      AWS_REGION: 'eu-west-1',
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
      LAMBDA_TASK_ROOT: join(folder.path, 'echo'),
      _HANDLER: 'index.handler',
      TZ: ':UTC',
      PATH: process.env['PATH'],
    });
    expect(env).not.toHaveProperty('PARENTS_SECRET');
    expect(env).not.toHaveProperty('_X_AMZN_TRACE_ID');
    expect(env).not.toHaveProperty('VITEST');
  });

  it('reuses a warm process, and starts more when they are busy', async () => {
    const first = await invoke('echo');
    const second = await invoke('echo');
    expect(second['pid']).toBe(first['pid']);
    expect(second['calls']).toBe((first['calls'] as number) + 1);

    const pids = await Promise.all([1, 2, 3].map(() => invoke('sleeps', { ms: 50 })));
    expect(new Set(pids).size).toBe(3);
    expect(host.processIds('sleeps')).toHaveLength(3);
  });

  it('gets an empty event without a payload, and null for an answer of nothing', async () => {
    expect(JSON.parse((await host.invoke('echo', '')).payload)).toMatchObject({ event: {} });
    expect((await host.invoke('nothing', '{}')).payload).toBe('null');
  });

  it('is refused for a function that does not exist, and for a payload that is no JSON', async () => {
    await expect(host.invoke('none', '{}')).rejects.toMatchObject({ code: 'ResourceNotFoundException', status: 404 });
    await expect(host.invoke('echo', '{')).rejects.toMatchObject({ code: 'InvalidRequestContentException' });
  });

  it.each(['f', 'arn:aws:lambda:eu-west-1:000000000000:function:f', 'f:$LATEST', '000000000000:function:f:1'])(
    'finds a function by %s',
    (name) => expect(functionName(name)).toBe('f'),
  );

  it('has its lines read before it is answered', async () => {
    await Promise.all(['one', 'two'].map((name) => host.invoke('speaks', JSON.stringify({ name, lines: 200 }), name)));
    for (const name of ['one', 'two']) {
      const lines = logs.filter(({ requestId }) => requestId === name);
      expect(lines.filter(({ stream }) => stream === 'stdout').map(({ line }) => line)).toEqual([
        ...Array.from({ length: 200 }, (_, n) => `${name} ${n}`),
        'without an end',
      ]);
      expect(lines.filter(({ stream }) => stream === 'stderr').map(({ line }) => line)).toEqual(['to stderr']);
    }
  });
});

describe('a failure', () => {
  it('that is thrown has its name, message and stack', async () => {
    const error = await failureOf('throws');
    expect(error).toMatchObject({ errorType: 'Refused', errorMessage: 'not today' });
    expect(error.trace?.[0]).toBe('Refused: not today');
    expect(await failureOf('throws', { text: 'a text' })).toEqual({
      errorType: 'string',
      errorMessage: 'a text',
      trace: [],
    });
  });

  it.each(['spins'])('by timeout kills the process: %s', async (name) => {
    // It would never end by itself.
    expect(await failureOf(name)).toEqual({
      errorType: 'Sandbox.Timedout',
      errorMessage: 'RequestId: request-1 Error: Task timed out after 0.40 seconds',
    });
    expect(host.processIds(name)).toEqual([]);
  });

  it.each([
    [1, 'Runtime exited with error: exit status 1'],
    [0, 'Runtime exited without providing a reason'],
  ])('by process.exit(%i) says so', async (code, message) => {
    expect(await failureOf('exits', { code })).toEqual({
      errorType: 'Runtime.ExitError',
      errorMessage: `RequestId: request-1 Error: ${message}`,
    });
  });

  it('by a forgotten promise or a late throw ends the process', async () => {
    expect(await failureOf('rejects')).toMatchObject({
      errorType: 'Runtime.UnhandledPromiseRejection',
      errorMessage: 'TypeError: forgotten',
    });
    expect(await failureOf('throwsLater')).toMatchObject({ errorType: 'RangeError', errorMessage: 'later' });
    await until(() => host.processIds('rejects').length + host.processIds('throwsLater').length === 0, 'both are gone');
  });

  it('by lack of memory is a killed process', async () => {
    expect(await failureOf('eats')).toEqual({
      errorType: 'Runtime.ExitError',
      errorMessage: 'RequestId: request-1 Error: Runtime exited with error: signal: killed',
    });
  });

  it('to load says which kind', async () => {
    expect(await failureOf('missing')).toMatchObject({
      errorType: 'Runtime.ImportModuleError',
      errorMessage: expect.stringContaining("Cannot find package 'no-such-package'") as unknown,
    });
    expect(await failureOf('broken')).toMatchObject({ errorType: 'Runtime.UserCodeSyntaxError' });
    expect(await failureOf('failsToLoad')).toMatchObject({ errorType: 'ReferenceError', errorMessage: 'at the top' });
    expect(await failureOf('noHandler')).toMatchObject({ errorType: 'Runtime.HandlerNotFound' });
  });

  it('to answer says why', async () => {
    expect(await failureOf('circular')).toMatchObject({ errorType: 'Runtime.MarshalError' });
    expect(await failureOf('large')).toMatchObject({ errorType: 'Function.ResponseSizeTooLarge' });
  });

  it('of a folder that is not there is reported, too', async () => {
    host.updateFunctions([{ name: 'nowhere', directory: join(folder.path, 'nowhere') }]);
    expect(await failureOf('nowhere')).toMatchObject({ errorType: 'Runtime.InvalidEntrypoint' });
  });

  it('leaves the next invocation a fresh process', async () => {
    const before = await invoke('echo');
    expect(host.killProcesses('echo')).toBe(1);
    const after = await invoke('echo');
    expect(after['pid']).not.toBe(before['pid']);
    expect(after['calls']).toBe(1);
  });

  it('to keep its log open, or to end with its children, does not keep the answer back', async () => {
    expect((await host.invoke('closesItsLog', '{}')).payload).toBe('"done"');
    expect((await failureOf('leavesAChild')).errorMessage).toContain('exit status 1');
  });

  it('is told of when surely nothing of it is left, and of no other', async () => {
    await failureOf('leavesAChild');
    expect(gone).toEqual(['request-1']);
    const children = logs.filter(({ line }) => /^child \d+$/.test(line)).map(({ line }) => Number(line.slice(6)));
    expect(children).toHaveLength(1);
    for (const pid of children) expect(stateOf(pid)).toBe('gone');
    await failureOf('throws');
    await invoke('nothing').catch(() => undefined);
    expect(gone).toEqual(['request-1']);
  });

  it('by killProcesses, in the middle, is a killed process', async () => {
    const running = failureOf('sleeps', { ms: 4000 });
    await until(() => logs.some(({ line }) => line === 'sleeping'), 'it runs');
    host.killProcesses('sleeps');
    expect((await running).errorMessage).toContain('signal: killed');
  });
});

describe('loading', () => {
  it('that takes too long is started over inside the invocation', async () => {
    const config = writeFunction(folder.path, 'slowToLoad', FUNCTIONS['slowToLoad'] ?? '', { timeoutSeconds: 60 });
    const patient = new LambdaHost({ functions: [config], environment: () => ({}), initTimeoutSeconds: 0.3 });
    expect((await patient.invoke('slowToLoad', '{}')).functionError).toBeUndefined();
    patient.updateFunctions([{ ...config, timeoutSeconds: 0.2 }]);
    const { payload } = await patient.invoke('slowToLoad', '{}');
    expect(JSON.parse(payload)).toMatchObject({ errorType: 'Sandbox.Timedout' });
    await patient.close();
  });

  it("that is started over takes of the invocation's own time", async () => {
    const source = `const loaded = Date.now();
      await new Promise((resolve) => setTimeout(resolve, 600));
      export const handler = async (_, context) => Date.now() - loaded + context.getRemainingTimeInMillis();`;
    const config = writeFunction(folder.path, 'saysItsTime', source, { timeoutSeconds: 60 });
    const patient = new LambdaHost({ functions: [config], environment: () => ({}), initTimeoutSeconds: 0.3 });
    expect(Number((await patient.invoke('saysItsTime', '{}')).payload)).toBeLessThanOrEqual(60_000);
    await patient.close();
  });
});

describe('idle processes', () => {
  it('are few: the one that was idle for longest ends', async () => {
    const configs = ['one', 'two', 'three'].map((name) => writeFunction(folder.path, name, FUNCTIONS['echo'] ?? ''));
    const small = new LambdaHost({ functions: configs, environment: () => ({}), maxIdle: 2 });
    const pidOf = async (name: string) => (JSON.parse((await small.invoke(name, '{}')).payload) as { pid: number }).pid;
    const [one, two] = [await pidOf('one'), await pidOf('two')];
    expect(await pidOf('one')).toBe(one);
    await pidOf('three');
    await until(() => stateOf(two) === 'gone', 'the process of "two" has ended');
    expect(await pidOf('one')).toBe(one);
    expect(await pidOf('two')).not.toBe(two);
    await small.close();
  });
});

describe('functions that have all but their own files in common', () => {
  const COMMON = `import { counted } from './counter.mjs';
    export const handlerOf = (own) => async (event, context) => {
      if (event.ms) await new Promise((resolve) => setTimeout(resolve, event.ms));
      const { env } = process;
      return { own, calls: counted(), pid: process.pid, mine: env.MINE, only: env[own], left: env.LEFT, cwd: process.cwd(), task: env.LAMBDA_TASK_ROOT, name: context.functionName };
    };`;
  const COUNTER = `let calls = 0; export const counted = () => ++calls;`;
  const many = (prefix: string, count: number, settings: Partial<LambdaFunctionConfig> = {}) =>
    Array.from({ length: count }, (_, index): LambdaFunctionConfig => {
      const name = `${prefix}${index}`;
      const index_ = `import { handlerOf } from './common.mjs';\nprocess.env.LEFT ??= '${name}';\nexport const handler = handlerOf('${name}');\n`;
      const config = writeFunction(folder.path, name, index_, {
        environment: { MINE: name, [name]: 'only here' },
        timeoutSeconds: 60,
        ownFiles: ['index.mjs'],
        ...settings,
      });
      writeFileSync(join(config.directory, 'common.mjs'), COMMON);
      writeFileSync(join(config.directory, 'counter.mjs'), COUNTER);
      return config;
    });
  interface Answer {
    own: string;
    calls: number;
    pid: number;
    cwd: string;
  }
  const hostOf = (functions: LambdaFunctionConfig[]) =>
    new LambdaHost({
      functions,
      environment: () => ({}),
      code: join(folder.path, 'code'),
      onLog: (line) => logs.push(line),
    });
  const ask = async (of: LambdaHost, name: string, event: object = {}) =>
    JSON.parse((await of.invoke(name, JSON.stringify(event))).payload) as Answer;

  it('take turns in one process, and each sees what is its own alone', async () => {
    const own = hostOf(many('turn', 3));
    const [first, second, third] = [await ask(own, 'turn0'), await ask(own, 'turn1'), await ask(own, 'turn2')];
    expect([second.pid, third.pid]).toEqual([first.pid, first.pid]);
    expect([first.calls, second.calls, third.calls]).toEqual([1, 2, 3]); // what they have in common was loaded once
    for (const [answer, name] of [
      [first, 'turn0'],
      [second, 'turn1'],
      [third, 'turn2'],
    ] as const) {
      expect(answer).toMatchObject({ own: name, mine: name, name, only: 'only here', left: name, task: answer.cwd });
    }
    expect(own.processIds('turn0')).toEqual([]);
    expect(own.processIds('turn2')).toEqual([first.pid]);
    await own.close();
  });

  it('have processes of their own while two run at once, and so has what needs another memory or options of Node.js', async () => {
    const own = hostOf([
      ...many('atOnce', 2),
      ...many('larger', 1, { memoryMB: 256 }),
      ...many('traced', 1, { environment: { NODE_OPTIONS: '--no-warnings' } }),
    ]);
    const both = await Promise.all([ask(own, 'atOnce0', { ms: 300 }), ask(own, 'atOnce1', { ms: 300 })]);
    const pids = [...both, await ask(own, 'larger0'), await ask(own, 'traced0')].map(({ pid }) => pid);
    expect(new Set(pids).size).toBe(4);
    await own.close();
  });

  it('run new code when it is there, in a process that has none of the old', async () => {
    const own = hostOf(many('again', 2));
    const before = await ask(own, 'again0');
    own.updateFunctions(many('again', 1, { environment: { MINE: 'new' } }));
    const after = await ask(own, 'again0');
    expect(after).toMatchObject({ mine: 'new', calls: 1 });
    expect(after.pid).not.toBe(before.pid);
    await own.close();
  });

  it('may have own files of one name that say something else: then their processes are their own', async () => {
    const configs = many('named', 2, { ownFiles: ['index.mjs', '0001.mjs'] });
    for (const { directory, name } of configs) {
      writeFileSync(join(directory, '0001.mjs'), `export const own = '${name}, really';`);
      writeFileSync(
        join(directory, 'index.mjs'),
        `import { handlerOf } from './common.mjs'; import { own } from './0001.mjs'; export const handler = handlerOf(own);`,
      );
    }
    const own = hostOf(configs);
    const [first, second] = [await ask(own, 'named0'), await ask(own, 'named1')];
    expect([first.own, second.own]).toEqual(['named0, really', 'named1, really']);
    expect(second.pid).not.toBe(first.pid);
    await own.close();
  });

  it('are told apart in logs and errors', async () => {
    const [good, bad] = many('told', 2);
    if (!good || !bad) throw new Error('two');
    writeFileSync(
      join(bad.directory, 'index.mjs'),
      `import './common.mjs'; console.log('loads'); throw new RangeError('at the top');`,
    );
    const own = hostOf([good, bad]);
    const first = await ask(own, good.name);
    const failed = await own.invoke(bad.name, '{}');
    expect(JSON.parse(failed.payload)).toMatchObject({ errorType: 'RangeError' });
    expect(logs.filter(({ line }) => line === 'loads').map(({ functionName: name }) => name)).toEqual([bad.name]);
    expect((await ask(own, good.name)).pid).not.toBe(first.pid); // that one ended itself
    await own.close();
  });

  it('are as few processes as one needs, however many functions there are', async () => {
    const own = hostOf(many('few', 60));
    const names = own.functionNames();
    const pids = new Set<number>();
    for (const name of names) {
      pids.add((await ask(own, name)).pid);
      const alive = names.flatMap((each) => own.processIds(each)).filter((pid) => stateOf(pid) !== 'gone');
      expect(alive.length).toBeLessThanOrEqual(2); // one may be ending
    }
    expect(pids.size).toBe(2); // each is fifty functions at most, one after the other
    await own.close();
  });
});

describe('between two invocations', () => {
  const TICKS = `import { spawn } from 'node:child_process';
    import { appendFileSync } from 'node:fs';
    import { tmpdir } from 'node:os';
    const file = tmpdir() + '/ticks';
    let pids;
    export const handler = async () => {
      if (pids) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        return { file, pids };
      }
      setInterval(() => appendFileSync(file, '.'), 5);
      const start = (detached) => spawn('sleep', ['60'], { stdio: 'ignore', detached }).pid;
      pids = [process.pid, start(false), start(true)];
      return { file, pids };
    };`;

  it('a sandbox stands still, with all that it started, and goes on where it was; all of it ends together', async () => {
    const config = writeFunction(folder.path, 'ticks', TICKS, { timeoutSeconds: 60 });
    const own = new LambdaHost({ functions: [config], environment: () => ({}) });
    const look = async () => JSON.parse((await own.invoke('ticks', '{}')).payload) as { file: string; pids: number[] };
    const { file, pids } = await look();
    const ticks = () => (existsSync(file) ? readFileSync(file, 'utf8').length : 0);

    const before = ticks();
    await sleep(200);
    expect(ticks()).toBe(before);
    expect(pids.map(stateOf)).toEqual(['frozen', 'frozen', 'frozen']);
    expect(await look()).toEqual({ file, pids });
    expect(ticks()).toBeGreaterThan(before); // the timer of the first invocation, in the second
    expect(pids.map(stateOf)).toEqual(['frozen', 'frozen', 'frozen']);
    await own.close();
    await until(() => pids.every((pid) => stateOf(pid) === 'gone'), 'all are gone');
  });
});

describe('the compile cache', () => {
  it('is filled by a process that is killed, and gives no old code for new', async () => {
    const compileCache = join(folder.path, 'compile-cache');
    const version = (text: string) =>
      writeFunction(folder.path, 'cached', `export const handler = async () => '${text}';`);
    const caching = new LambdaHost({ functions: [version('old')], environment: () => ({}), compileCache });
    expect((await caching.invoke('cached', '{}')).payload).toBe('"old"');
    const files = readdirSync(compileCache, { recursive: true }).length;
    expect(files).toBeGreaterThan(1);
    caching.updateFunctions([version('new')]);
    expect((await caching.invoke('cached', '{}')).payload).toBe('"new"');
    await caching.close();
  });
});

describe('an asynchronous invocation', () => {
  it('is tried three times with one request id when it fails', async () => {
    const { requestId } = host.invokeAsync('exits', '{"code": 3}');
    host.updateFunctions([
      writeFunction(
        folder.path,
        'counts',
        `export const handler = async () => { console.log('tried'); throw new Error('x'); };`,
      ),
    ]);
    const counted = host.invokeAsync('counts', '{}');
    expect(requestId).not.toBe(counted.requestId);
    const linesOf = () => logs.filter((line) => line.requestId === counted.requestId).map(({ line }) => line);
    await until(
      () => linesOf().at(-1)?.startsWith('An asynchronous invocation of counts is given up: ') ?? false,
      'an end',
    );
    expect(linesOf().filter((line) => line === 'tried')).toHaveLength(3);
    expect(linesOf().at(-1)).toContain('"errorMessage":"x"');
  });

  it('is tried again after an error of the service too', async () => {
    const { requestId } = host.invokeAsync('diesAtOnce', '{}');
    const given = () => logs.find((line) => line.requestId === requestId && line.line.includes('is given up'));
    await until(() => given() !== undefined, 'it is given up');
    expect(given()?.line).toContain('its processes die at once');
  });
});

describe('a redeployment', () => {
  it('serves later invocations by the new code, and lets running ones finish', async () => {
    const source = (version: string) => `export const handler = async ({ ms }) => {
      console.log('running');
      await new Promise((resolve) => setTimeout(resolve, ms));
      return '${version}';
    };`;
    const first = writeFunction(folder.path, 'versioned', source('old'), { timeoutSeconds: 60 });
    host.updateFunctions([first]);
    expect(await invoke('versioned', { ms: 0 })).toBe('old');

    const running = invoke('versioned', { ms: 300 });
    await until(() => logs.filter(({ line }) => line === 'running').length === 2, 'the second runs');
    host.updateFunctions([writeFunction(folder.path, 'versioned', source('new'), { timeoutSeconds: 60 })]);
    expect(await invoke('versioned', { ms: 0 })).toBe('new');
    expect(await running).toBe('old');

    host.removeFunctions(['versioned']);
    await expect(invoke('versioned')).rejects.toMatchObject({ code: 'ResourceNotFoundException' });
    await until(() => host.processIds('versioned').length === 0, 'no process is left');
  });
});

describe('a parent that is killed', () => {
  it('leaves no process behind', async () => {
    const script = join(folder.path, 'parent.mjs');
    const hostModule = new URL('../../local/lambda/host.ts', import.meta.url).href;
    writeFileSync(
      script,
      `import { LambdaHost } from '${hostModule}';
       const directory = ${JSON.stringify(join(folder.path, 'sleeps'))};
       const host = new LambdaHost({ functions: [{ name: 'sleeps', directory, timeoutSeconds: 60 }], environment: () => ({}) });
       const idle = () => host.invoke('sleeps', '{"ms": 200}');
       await Promise.all([idle(), idle()]);
       void host.invoke('sleeps', '{"ms": 50000}');
       setTimeout(() => process.send(host.processIds('sleeps')), 300);`,
    );
    const parent = fork(script, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] });
    const [pids] = (await once(parent, 'message')) as [number[]];
    expect(pids).toHaveLength(2);
    expect(pids.map(stateOf).sort()).toEqual(['frozen', 'runs']);
    parent.kill('SIGKILL');
    await until(() => pids.every((pid) => stateOf(pid) === 'gone'), 'the processes are gone');
  });
});
