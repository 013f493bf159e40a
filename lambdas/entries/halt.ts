import { HaltPayload } from '../../core/payloads.ts';
import { lambdaHandler } from '../aws/handler.ts';
import { deployedManifest } from '../aws/manifest.ts';
import { awsServices } from '../aws/services.ts';
import { createHalt } from '../halt.ts';

export const handler = lambdaHandler(HaltPayload, createHalt(awsServices(), deployedManifest()));
