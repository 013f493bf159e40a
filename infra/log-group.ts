// The log groups, which are kept for as long as the configuration says. What happened is in the ledger too, which stays.
import { RemovalPolicy } from 'aws-cdk-lib';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';

/** @param days one of CloudWatch Logs' own values */
export const createLogGroup = (scope: Construct, id: string, logGroupName: string, days: number): LogGroup =>
  new LogGroup(scope, id, {
    logGroupName,
    // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- one of its values, as a number
    retention: days as RetentionDays,
    removalPolicy: RemovalPolicy.DESTROY,
  });
