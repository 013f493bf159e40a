// The functions' services on AWS, from their environment variables.
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SNSClient } from '@aws-sdk/client-sns';
import { randomUUID } from 'node:crypto';
import { OdinError } from '../../core/errors.ts';
import { LedgerLog } from '../../core/ledger/log.ts';
import { VARIABLES } from '../../core/names/names.ts';
import type { Services } from '../../core/contract/ports.ts';
import { logger } from './logger.ts';
import { createEvents, createNotifications, QUICK } from '../../aws/notify.ts';
import { ledgerClient, S3Store } from '../../aws/s3-store.ts';
import { createExecutions } from '../../aws/step-functions.ts';

export function awsServices(): Services {
  const environment = required(VARIABLES.environment);
  const app = process.env[VARIABLES.app];
  const s3 = ledgerClient(process.env[VARIABLES.ledgerEndpoint]);
  const store = new S3Store(s3, required(VARIABLES.ledgerBucket));
  const identity = { app, environment, account: required(VARIABLES.account), region: required('AWS_REGION') };
  return {
    app,
    environment,
    local: process.env[VARIABLES.local] !== undefined,
    ledger: { log: new LedgerLog(store, identity), store },
    executions: createExecutions(new SFNClient({ maxAttempts: 5 }), process.env[VARIABLES.stateMachineArn] ?? ''),
    notifications: createNotifications(new SNSClient(QUICK), process.env[VARIABLES.topicArn] ?? ''),
    events: createEvents(new EventBridgeClient(QUICK)),
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
