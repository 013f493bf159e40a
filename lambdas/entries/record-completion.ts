import { RecordPayload } from '../../core/payloads.ts';
import { lambdaHandler } from '../aws/handler.ts';
import { awsServices } from '../aws/services.ts';
import { createRecordCompletion } from '../record-completion.ts';

export const handler = lambdaHandler(RecordPayload, createRecordCompletion(awsServices()));
