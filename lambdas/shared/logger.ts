// One structured logger for all functions; the middleware adds what identifies the run to every line.
import { Logger } from '@aws-lambda-powertools/logger';
import { RUN_FIELD } from '../../core/names/names.ts';

const SERVICE = 'odin-migrate';

export const logger = new Logger({ serviceName: SERVICE });

type Fields = Record<string, unknown>;

let identity: Fields = {};

/** What every line has from now on, until the next invocation. */
export function identifyLines(context: Parameters<Logger['addContext']>[0], keys: Fields): void {
  logger.resetKeys();
  logger.addContext(context);
  logger.appendKeys(keys);
  identity = { service: SERVICE, function_request_id: context.awsRequestId, ...keys };
}

/** A record of another logger: every field as it is, besides what identifies the run and what it does not say itself. */
export function logRecord(record: Fields, defaults: Fields): void {
  const timestamp = new Date().toISOString();
  const { migration, attempt, batch } = identity;
  process.stdout.write(
    `${JSON.stringify({ timestamp, ...identity, ...defaults, ...record, [RUN_FIELD]: { migration, attempt, batch } })}\n`,
  );
}
