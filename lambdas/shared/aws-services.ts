// The system functions' services on AWS, from their environment variables.
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SNSClient } from '@aws-sdk/client-sns';
import { VARIABLES } from '../../core/names/names.ts';
import type { Services } from '../../core/contract/ports.ts';
import { createEvents, createNotifications, QUICK, topicArnsHere } from '../../aws/notify.ts';
import { createCallers } from '../../aws/callers.ts';
import { createExecutions } from '../../aws/step-functions.ts';
import { ledgerServices } from './ledger-services.ts';

export const awsServices = (): Services => ({
  ...ledgerServices(),
  local: process.env[VARIABLES.local] !== undefined,
  executions: createExecutions(new SFNClient({ maxAttempts: 5 }), process.env[VARIABLES.stateMachineArn] ?? ''),
  notifications: createNotifications(new SNSClient(QUICK), topicArnsHere()),
  callers: createCallers(process.env['AWS_ENDPOINT_URL_STS'] ?? process.env['AWS_ENDPOINT_URL']),
  events: createEvents(new EventBridgeClient(QUICK)),
});
