import { HaltPayload } from '../../core/contract/payloads.ts';
import { VARIABLES } from '../../core/names/names.ts';
import { lambdaHandler } from '../shared/handler.ts';
import { manifestWithCommit } from '../shared/manifest.ts';
import { awsServices } from '../shared/aws-services.ts';
import { createHalt } from './halt.ts';

export const handler = lambdaHandler(
  HaltPayload,
  createHalt(awsServices(), manifestWithCommit(), process.env[VARIABLES.dashboardUrl]),
);
