import { SFNClient } from '@aws-sdk/client-sfn';
import { describeExecution } from '../../aws/step-functions.ts';
import { lambdaHandler } from '../shared/handler.ts';
import { awsServices } from '../shared/aws-services.ts';
import { createTellEndedBadly } from './ended-badly.ts';
import { WatchEvent } from './event.ts';
import { openHaltLine } from './metric.ts';
import { createWatchHalts } from './watch-halts.ts';

const services = awsServices();
// Also 0, and at every look: without it CloudWatch knows that nothing looks (docs/aws-facts.md).
// Not by console.log: Lambda would put a time and a level before it.
const watch = createWatchHalts(services, (hours) => {
  process.stdout.write(`${openHaltLine(services, hours, services.now())}\n`);
});
const sfn = new SFNClient();
const tell = createTellEndedBadly(services, (executionArn) => describeExecution(sfn, executionArn));

export const handler = lambdaHandler<WatchEvent, object>(WatchEvent, (event) =>
  event['detail-type'] === 'Scheduled Event' ? watch() : tell(event),
);
