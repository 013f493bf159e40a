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
  const original = { ...console };
  for (const [method, level] of Object.entries(LEVELS) as [
    keyof typeof LEVELS,
    'debug' | 'info' | 'warn' | 'error',
  ][]) {
    console[method] = (...args: unknown[]) => {
      logger[level](format(...args), { from: 'migration' });
    };
  }
  try {
    return await work();
  } finally {
    for (const method of Object.keys(LEVELS) as (keyof typeof LEVELS)[]) console[method] = original[method];
  }
}
