import { LambdaClient } from '@aws-sdk/client-lambda';
import { VARIABLES } from '../../core/names.ts';
import type { ResumeAnswer } from '../../core/payloads.ts';
import { lambdaHandler } from '../aws/handler.ts';
import { invokeFunction } from '../aws/invoke.ts';
import { deployedManifest } from '../aws/manifest.ts';
import { awsServices, required } from '../aws/services.ts';
import { createDashboard } from '../dashboard.ts';
import { WidgetEvent } from '../dashboard/event.ts';

const resumeFunction = required(VARIABLES.resumeFunction);
// Two attempts, each as long as `resume` may take: a repeated decision changes nothing.
const lambda = new LambdaClient({ maxAttempts: 2 });

export const handler = lambdaHandler(
  WidgetEvent,
  createDashboard(
    awsServices(),
    deployedManifest(),
    async (payload) => (await invokeFunction(lambda, resumeFunction, payload)) as ResumeAnswer,
  ),
);
