// What services other than S3 answer to a write that worked, where code commonly looks at the answer. Every other write
// is answered with nothing but the metadata.
import { createHash, randomUUID } from 'node:crypto';
import { METADATA } from './s3-shadow.ts';

type Fields = Record<string, unknown>;

const ANSWERS: Readonly<Record<string, (input: Fields) => Fields>> = {
  'DynamoDB BatchWriteItem': () => ({ UnprocessedItems: {} }),
  'EventBridge PutEvents': (input) => ({
    FailedEntryCount: 0,
    Entries: entries(input).map(() => ({ EventId: randomUUID() })),
  }),
  'Firehose PutRecord': () => ({ RecordId: randomUUID() }),
  'Firehose PutRecordBatch': ({ Records }) => ({
    FailedPutCount: 0,
    RequestResponses: list(Records).map(() => ({ RecordId: randomUUID() })),
  }),
  'Kinesis PutRecord': () => ({ SequenceNumber: '0', ShardId: 'shardId-000000000000' }),
  'Kinesis PutRecords': ({ Records }) => ({
    FailedRecordCount: 0,
    Records: list(Records).map(() => ({ SequenceNumber: '0', ShardId: 'shardId-000000000000' })),
  }),
  // Without a payload: nobody can know what the function would have answered.
  'Lambda Invoke': ({ InvocationType }) => ({ StatusCode: InvocationType === 'Event' ? 202 : 200 }),
  'SFN StartExecution': () => ({ executionArn: 'held-back-by-the-preview', startDate: new Date() }),
  'SNS Publish': () => ({ MessageId: randomUUID() }),
  'SNS PublishBatch': ({ PublishBatchRequestEntries }) => accepted(list(PublishBatchRequestEntries)),
  'SQS SendMessage': ({ MessageBody }) => ({
    MessageId: randomUUID(),
    MD5OfMessageBody: createHash('md5')
      .update(typeof MessageBody === 'string' ? MessageBody : '')
      .digest('hex'),
  }),
  'SQS SendMessageBatch': (input) => accepted(entries(input)),
  'SQS DeleteMessageBatch': (input) => accepted(entries(input)),
  'SQS ChangeMessageVisibilityBatch': (input) => accepted(entries(input)),
};

export const plausibleAnswer = (service: string, operation: string, input: Fields): Fields => ({
  ...METADATA,
  ...ANSWERS[`${service} ${operation}`]?.(input),
});

const list = (value: unknown): Fields[] => (Array.isArray(value) ? (value as Fields[]) : []);
const entries = ({ Entries }: Fields): Fields[] => list(Entries);
const accepted = (sent: Fields[]): Fields => ({
  Successful: sent.map(({ Id }) => ({ Id, MessageId: randomUUID() })),
  Failed: [],
});
