import { ResumePayload } from '../../core/payloads.ts';
import { lambdaHandler } from '../aws/handler.ts';
import { awsServices } from '../aws/services.ts';
import { createResume } from '../resume.ts';

export const handler = lambdaHandler(ResumePayload, createResume(awsServices()));
