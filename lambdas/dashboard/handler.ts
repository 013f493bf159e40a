import { LambdaClient } from '@aws-sdk/client-lambda';
import { SNSClient } from '@aws-sdk/client-sns';
import { VARIABLES } from '../../core/names/names.ts';
import type { DecideAnswer, TuneAnswer } from '../../core/contract/payloads.ts';
import { lambdaHandler } from '../shared/handler.ts';
import { invokeFunction } from '../../aws/invoke.ts';
import { QUICK, topicArnsHere } from '../../aws/notify.ts';
import { countSubscribers } from '../../aws/subscribers.ts';
import { shippedManifest } from '../shared/manifest.ts';
import { awsServices } from '../shared/aws-services.ts';
import { createDashboard } from './dashboard.ts';
import { WidgetEvent } from './event.ts';

const services = awsServices();
const sns = new SNSClient({ ...QUICK, maxAttempts: 1 });
const topics = topicArnsHere();
/** Absent of a dashboard that only shows. */
const resumeFunction = process.env[VARIABLES.resumeFunction];
// Two attempts, each as long as `resume` may take: a repeated decision changes nothing.
const lambda = new LambdaClient({ maxAttempts: 2 });
// One attempt, three times as long as the previewed code may take: given up while there is time left to say so.
const patient = new LambdaClient({
  maxAttempts: 1,
  requestHandler: { connectionTimeout: 5_000, requestTimeout: 60_000, throwOnRequestTimeout: true },
});

export const handler = lambdaHandler(
  WidgetEvent,
  createDashboard(
    services,
    shippedManifest(),
    resumeFunction === undefined
      ? undefined
      : {
          sendDecision: async (payload) => (await invokeFunction(lambda, resumeFunction, payload)) as DecideAnswer,
          sendTune: async (payload) => (await invokeFunction(lambda, resumeFunction, payload)) as TuneAnswer,
          askMigration: (functionName, payload) => invokeFunction(patient, functionName, payload),
        },
    () => (services.local ? Promise.resolve(undefined) : countSubscribers(sns, topics)),
  ),
);
