import * as z from 'zod';
import { ListPendingPayload, ManifestQuestion } from '../../core/contract/payloads.ts';
import { lambdaHandler } from '../shared/handler.ts';
import { deployedManifest } from '../shared/manifest.ts';
import { awsServices } from '../shared/aws-services.ts';
import { createListPending } from './list-pending.ts';

const manifest = deployedManifest();
const listPending = createListPending(awsServices(), manifest);

/** The manifest beside this function's code says what is deployed; the command line asks for it here. */
export const handler = lambdaHandler(z.union([ManifestQuestion, ListPendingPayload]), async (payload) =>
  'describe' in payload ? manifest : await listPending(payload),
);
