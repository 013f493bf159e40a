import * as z from '../../core/schema.ts';
import { ManifestPayload, NextPayload } from '../../core/contract/payloads.ts';
import { lambdaHandler } from '../shared/handler.ts';
import { manifestWithCommit } from '../shared/manifest.ts';
import { awsServices } from '../shared/aws-services.ts';
import { createListPending } from './list-pending.ts';

const manifest = manifestWithCommit();
const listPending = createListPending(awsServices(), manifest);

/** The manifest beside this function's code says what is deployed; the command line asks for it here. */
export const handler = lambdaHandler(
  z.discriminatedUnion('ask', [ManifestPayload, NextPayload]),
  async (payload, invocation) => (payload.ask === 'manifest' ? manifest : await listPending(payload, invocation)),
);
