import { MetricResolution, Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import * as z from '../../core/schema.ts';
import { HALT_METRIC, qualifiedName, VARIABLES } from '../../core/names/names.ts';
import { lambdaHandler } from '../shared/handler.ts';
import { awsServices } from '../shared/aws-services.ts';
import { required } from '../shared/ledger-services.ts';
import { createWatchHalts } from './watch-halts.ts';

/** Written as a log line from which CloudWatch Logs makes the metric (embedded metric format). */
const metrics = new Metrics({
  namespace: HALT_METRIC.namespace,
  defaultDimensions: {
    [HALT_METRIC.dimension]: qualifiedName({
      app: process.env[VARIABLES.app],
      environment: required(VARIABLES.environment),
    }),
  },
});
const watch = createWatchHalts(awsServices());

export const handler = lambdaHandler(z.unknown(), async () => {
  const seen = await watch();
  // Only while a halt is open: AWS bills a metric for the hours in which it has data, and to the alarm none is as good as 0.
  if (seen.openHaltHours > 0) {
    metrics.addMetric(HALT_METRIC.name, MetricUnit.NoUnit, seen.openHaltHours, MetricResolution.Standard);
    metrics.publishStoredMetrics();
  }
  return seen;
});
