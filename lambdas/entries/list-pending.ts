import { ListPendingPayload } from '../../core/payloads.ts';
import { lambdaHandler } from '../aws/handler.ts';
import { deployedManifest } from '../aws/manifest.ts';
import { awsServices } from '../aws/services.ts';
import { createListPending } from '../list-pending.ts';

export const handler = lambdaHandler(ListPendingPayload, createListPending(awsServices(), deployedManifest()));
