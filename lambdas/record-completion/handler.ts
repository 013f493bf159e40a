import { RecordPayload } from '../../core/contract/payloads.ts';
import { lambdaHandler } from '../shared/handler.ts';
import { awsServices } from '../shared/aws-services.ts';
import { createRecordCompletion } from './record-completion.ts';

export const handler = lambdaHandler(RecordPayload, createRecordCompletion(awsServices()));
