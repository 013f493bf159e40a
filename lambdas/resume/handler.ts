import * as z from '../../core/schema.ts';
import type { CancelAnswer, DecideAnswer } from '../../core/contract/payloads.ts';
import { CancelPayload, DecidePayload } from '../../core/contract/payloads.ts';
import { lambdaHandler } from '../shared/handler.ts';
import { shippedManifest } from '../shared/manifest.ts';
import { awsServices } from '../shared/aws-services.ts';
import { createCancel } from './cancel.ts';
import { createResume } from './resume.ts';

const services = awsServices();
const manifest = shippedManifest();
const cancel = createCancel(services, manifest);
const resume = createResume(services, manifest);

/** An operator's word, whichever it is: a decision on a halt, or the wish that what runs may stop. */
export const handler = lambdaHandler(
  z.discriminatedUnion('ask', [DecidePayload, CancelPayload]),
  (payload, invocation): Promise<CancelAnswer | DecideAnswer> =>
    payload.ask === 'cancel' ? cancel(payload, invocation) : resume(payload, invocation),
);
