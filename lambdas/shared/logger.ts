/* eslint-disable no-console -- this file is what stands between user code's console and the log */
// One structured logger for all functions; the middleware adds what identifies the run to every line.
import { Logger } from '@aws-lambda-powertools/logger';
import { format } from 'node:util';

export const logger = new Logger({ serviceName: 'odin-migrate' });

const LEVELS = { debug: 'debug', log: 'info', info: 'info', warn: 'warn', error: 'error' } as const;

/**
 * Sends what user code prints through the logger while `work` runs, so that each of its lines names the environment,
 * migration, attempt and execution.
 */
export async function withConsoleLogged<T>(work: () => Promise<T>): Promise<T> {
  const methods = Object.keys(LEVELS) as (keyof typeof LEVELS)[];
  const original = Object.fromEntries(methods.map((method) => [method, console[method].bind(console)]));
  for (const method of methods) {
    console[method] = (...args: unknown[]) => {
      logger[LEVELS[method]](format(...args), { from: 'migration' });
    };
  }
  try {
    return await work();
  } finally {
    Object.assign(console, original);
  }
}
