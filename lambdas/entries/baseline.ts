import { BaselinePayload } from '../../core/payloads.ts';
import { lambdaHandler } from '../aws/handler.ts';
import { deployedManifest } from '../aws/manifest.ts';
import { awsServices } from '../aws/services.ts';
import { createBaseline } from '../baseline.ts';

export const handler = lambdaHandler(BaselinePayload, createBaseline(awsServices(), deployedManifest()));
