import { OdinError } from '../../core/errors.ts';
import { lambdaHandler } from '../shared/handler.ts';
import { awsServices } from '../shared/aws-services.ts';
import { createStartRun, CustomResourceEvent } from './start-run.ts';

async function answer(url: string, body: string): Promise<void> {
  // The URL is signed for a request without a content type.
  const response = await fetch(url, { method: 'PUT', body, headers: { 'content-type': '' } });
  if (response.ok) return;
  throw new OdinError({
    code: 'Internal',
    source: 'system',
    what: `CloudFormation did not take the answer: HTTP ${response.status}.`,
  });
}

export const handler = lambdaHandler(CustomResourceEvent, createStartRun(awsServices(), answer));
