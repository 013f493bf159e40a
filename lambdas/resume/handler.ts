import * as z from '../../core/schema.ts';
import type { CancelAnswer, DecideAnswer, TuneAnswer } from '../../core/contract/payloads.ts';
import { CancelPayload, DecidePayload, TunePayload } from '../../core/contract/payloads.ts';
import { lambdaHandler } from '../shared/handler.ts';
import { shippedManifest } from '../shared/manifest.ts';
import { awsServices } from '../shared/aws-services.ts';
import { createCancel } from './cancel.ts';
import { createResume } from './resume.ts';
import { createTune } from './tune.ts';

const services = awsServices();
const manifest = shippedManifest();
const cancel = createCancel(services, manifest);
const resume = createResume(services, manifest);
const tune = createTune(services);

/** An operator's word, whichever it is: a decision on a halt, or the wish that what runs may stop, or go on faster or slower. */
export const handler = lambdaHandler(
  z.discriminatedUnion('ask', [DecidePayload, CancelPayload, TunePayload]),
  (payload, invocation): Promise<CancelAnswer | DecideAnswer | TuneAnswer> => {
    if (payload.ask === 'cancel') return cancel(payload, invocation);
    return payload.ask === 'tune' ? tune(payload, invocation) : resume(payload, invocation);
  },
);
