// The log line from which CloudWatch makes the metric of an open halt (embedded metric format, docs/aws-facts.md).
import type { EnvironmentId } from '../../core/names/names.ts';
import { HALT_METRIC, qualifiedName } from '../../core/names/names.ts';

/**
 * Its dimensions are exactly those that the alarm names: CloudWatch takes any other set of dimensions for another metric.
 * @param time epoch milliseconds
 */
export const openHaltLine = (of: EnvironmentId, hours: number, time: number): string =>
  JSON.stringify({
    _aws: {
      Timestamp: time,
      CloudWatchMetrics: [
        {
          Namespace: HALT_METRIC.namespace,
          Dimensions: [[HALT_METRIC.dimension]],
          Metrics: [{ Name: HALT_METRIC.name, Unit: 'None' }],
        },
      ],
    },
    [HALT_METRIC.dimension]: qualifiedName(of),
    [HALT_METRIC.name]: hours,
  });
