import { BaselinePayload } from '../../core/contract/payloads.ts';
import { lambdaHandler } from '../shared/handler.ts';
import { shippedManifest } from '../shared/manifest.ts';
import { awsServices } from '../shared/aws-services.ts';
import { createBaseline } from './baseline.ts';

export const handler = lambdaHandler(BaselinePayload, createBaseline(awsServices(), shippedManifest()));
