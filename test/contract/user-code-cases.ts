// User code for test/contract/user-code.ts, evaluated in this process and in others. What it does, it leaves in a file.
import { appendFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MigrationModule } from '../../lambdas/run-migration/user-code/user-module.ts';

export const did = (what: string): void => {
  appendFileSync(process.env['DID'] ?? '', `${what}\n`);
};

class Refused extends Error {
  override name = 'Refused';
}

const module = (migration: (resume: unknown) => unknown): (() => MigrationModule) => {
  return () => ({ migration: migration as MigrationModule['migration'] });
};

/** From the cursor to 3, as an object that says nothing of how it is left. */
const countdown = (resume: unknown) => {
  let n = Number(resume ?? 0);
  const next = () => {
    n += 1;
    if (n <= 3) did(`step ${n}`);
    return Promise.resolve(n <= 3 ? { done: false, value: { cursor: n } } : { done: true, value: undefined });
  };
  return { [Symbol.asyncIterator]: () => ({ next }) };
};

export const CASES: Record<string, () => MigrationModule> = {
  returns: module(async () => {
    await sleep(1);
    did('returned');
  }),
  throws: module(async () => {
    await sleep(1);
    throw new Refused('not today');
  }),
  'throws nothing': module(() => {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- user code may
    throw undefined;
  }),
  'fails at its top level': () => {
    throw new SyntaxError('at the top');
  },
  numbers: module(async function* (resume = 0) {
    try {
      for (let n = Number(resume) + 1; n <= 3; n += 1) {
        did(`step ${n}`);
        yield await Promise.resolve({ cursor: n, done: n, total: 3, note: `the ${n}th` });
      }
    } finally {
      did('finally');
    }
  }),
  'an iterator without a return': module(countdown),
  'an async function that gives back one': module((resume) => Promise.resolve(countdown(resume))),
  'a stream': module((resume) => Readable.from(countdown(resume))),
  'cleans up as it should': module(async function* (resume = 0) {
    try {
      for (let n = Number(resume) + 1; n <= 3; n += 1) {
        did(`step ${n}`);
        yield await Promise.resolve({ cursor: n });
      }
    } catch (error) {
      did('on failure');
      throw error;
    } finally {
      did('finally');
    }
    did('at the end');
  }),
  'a function': module(() => () => {
    did('ran');
  }),
  'a list of functions': module(() => [
    () => {
      did('ran');
    },
  ]),
  'a list of promises': module(() => [1, 2].map(() => sleep(600_000))),
  'a list of what is done': module(() => Promise.all([1, 2].map(() => sleep(1)))),
  'a generator that is not async': module(function* () {
    did('ran');
    yield 1;
  }),
  'yields twice, and throws': module(async function* () {
    yield* [{ cursor: 1 }, { cursor: 2 }];
    await Promise.reject(new Refused('not today'));
  }),
  'yields twice, and hangs': module(async function* () {
    yield* [{ cursor: 1 }, { cursor: 2 }];
    did('hangs');
    await sleep(600_000);
  }),
  'any cursor': module(async function* (resume) {
    did(JSON.stringify(resume));
    yield await Promise.resolve({ cursor: JSON.parse('{"__proto__":[-0,null],"ü\\u2028":"\\ud800"}') as unknown });
  }),
  'a bad checkpoint': module(async function* () {
    yield await Promise.resolve({ cursor: new Date(0) });
    did('after it');
  }),
  'cannot close': module(async function* () {
    try {
      yield await Promise.resolve({ cursor: 1 });
    } finally {
      await Promise.reject(new Error('cannot close'));
    }
  }),
  'hangs while it closes': module(async function* () {
    try {
      yield await Promise.resolve({ cursor: 1 });
    } finally {
      await sleep(600_000);
    }
  }),
  hangs: module(async function* () {
    yield await Promise.resolve({ cursor: 1 });
    await sleep(600_000);
  }),
};
