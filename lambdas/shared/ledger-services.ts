// What every function has of AWS, from its environment variables: the ledger. A migration's own has no other client, because each
// is time at its start.
import { randomUUID } from 'node:crypto';
import { OdinError } from '../../core/errors.ts';
import { LedgerLog } from '../../core/ledger/log.ts';
import { VARIABLES } from '../../core/names/names.ts';
import type { LedgerServices } from '../../core/contract/ports.ts';
import { ledgerClient, S3Store } from '../../aws/s3-store.ts';
import { logger } from './logger.ts';

export function ledgerServices(): LedgerServices {
  const environment = required(VARIABLES.environment);
  const app = process.env[VARIABLES.app];
  const s3 = ledgerClient(process.env[VARIABLES.ledgerEndpoint]);
  const store = new S3Store(s3, required(VARIABLES.ledgerBucket));
  const identity = { app, environment, account: required(VARIABLES.account), region: required('AWS_REGION') };
  return {
    app,
    environment,
    ledger: { log: new LedgerLog(store, identity), store },
    log: {
      info: (message, fields = {}) => {
        logger.info(message, fields);
      },
      warn: (message, fields = {}) => {
        logger.warn(message, fields);
      },
      error: (message, fields = {}) => {
        logger.error(message, fields);
      },
    },
    now: () => Date.now(),
    nonce: () => randomUUID(),
  };
}

export function required(name: string): string {
  const value = process.env[name];
  if (value !== undefined && value !== '') return value;
  throw new OdinError({
    code: 'BadConfiguration',
    source: 'system',
    what: `The environment variable ${name} is not set.`,
    next: 'Deploy the stack again; it sets this variable.',
  });
}
