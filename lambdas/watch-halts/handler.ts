import { SFNClient } from '@aws-sdk/client-sfn';
import { describeExecution } from '../../aws/step-functions.ts';
import { lambdaHandler } from '../shared/handler.ts';
import { awsServices } from '../shared/aws-services.ts';
import { createTellEndedBadly } from './ended-badly.ts';
import { WatchEvent } from './event.ts';
import { openHaltLine } from './metric.ts';
import { createWatchHalts } from './watch-halts.ts';

const services = awsServices();
const watch = createWatchHalts(services);
const sfn = new SFNClient();
const tell = createTellEndedBadly(services, (executionArn) => describeExecution(sfn, executionArn));

export const handler = lambdaHandler<WatchEvent, object>(WatchEvent, async (event) => {
  if (event['detail-type'] !== 'Scheduled Event') return await tell(event);
  const seen = await watch();
  // Only while a halt is open: AWS bills a metric for the hours in which it has data, and to the alarm none is as good as 0.
  // Not by console.log: Lambda would put a time and a level before it.
  if (seen.openHaltHours > 0) process.stdout.write(`${openHaltLine(services, seen.openHaltHours, services.now())}\n`);
  return seen;
});
