import * as z from 'zod';
import type { CancelAnswer, ResumeAnswer } from '../../core/contract/payloads.ts';
import { CancelPayload, ResumePayload } from '../../core/contract/payloads.ts';
import { lambdaHandler } from '../shared/handler.ts';
import { deployedManifest } from '../shared/manifest.ts';
import { awsServices } from '../shared/aws-services.ts';
import { createCancel } from './cancel.ts';
import { createResume } from './resume.ts';

const services = awsServices();
const cancel = createCancel(services, deployedManifest());
const resume = createResume(services);

/** An operator's word, whichever it is: a decision on a halt, or the wish that what runs may stop. */
export const handler = lambdaHandler(
  z.union([CancelPayload, ResumePayload]),
  (payload, invocation): Promise<CancelAnswer | ResumeAnswer> =>
    'cancel' in payload ? cancel(payload, invocation) : resume(payload, invocation),
);
