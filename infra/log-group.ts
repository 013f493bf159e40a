// The log groups, which are kept for as long as the configuration says. What happened is in the ledger too, which stays.
import { RemovalPolicy } from 'aws-cdk-lib';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';

export const createLogGroup = (
  scope: Construct,
  id: string,
  logGroupName: string,
  retention: RetentionDays,
): LogGroup => new LogGroup(scope, id, { logGroupName, retention, removalPolicy: RemovalPolicy.DESTROY });
