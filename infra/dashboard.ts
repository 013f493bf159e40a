// The environment's CloudWatch dashboard: one custom widget, drawn by the dashboard function (DESIGN §8).
import { Stack, Token } from 'aws-cdk-lib';
import { CustomWidget, Dashboard } from 'aws-cdk-lib/aws-cloudwatch';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { RegionInfo } from 'aws-cdk-lib/region-info';
import type { Construct } from 'constructs';
import { dashboardLink } from '../core/links.ts';
import { resourcePrefix, VARIABLES } from '../core/names.ts';
import type { Common } from './functions.ts';
import { allow, createSystemFunction } from './functions.ts';

/** The full width of the dashboard's grid, and the tallest that fits a laptop's window; a longer table scrolls. */
const WIDTH = 24;
const HEIGHT = 20;

/**
 * The function reads the ledger, and may invoke `resume`, which records and delivers a decision; it can neither write the
 * ledger nor answer a halt by itself.
 * @returns the dashboard's address in the console
 */
export function createDashboard(
  scope: Construct,
  { resumeFunction, ...common }: Common & { resumeFunction: LambdaFunction },
): string {
  const { lambda } = createSystemFunction(scope, 'dashboard', {
    ...common,
    statements: [allow(['lambda:InvokeFunction'], [resumeFunction.functionArn])],
    variables: { [VARIABLES.resumeFunction]: resumeFunction.functionName },
  });
  const dashboardName = resourcePrefix(common.environment);
  new Dashboard(scope, 'MigrationsDashboard', {
    dashboardName,
    widgets: [
      [
        new CustomWidget({
          title: `Migrations of ${common.environment}`,
          functionArn: lambda.functionArn,
          width: WIDTH,
          height: HEIGHT,
          updateOnRefresh: true,
          updateOnResize: false,
          updateOnTimeRangeChange: false,
        }),
      ],
    ],
  });
  const { region } = Stack.of(scope);
  // Where the region is the CLI's current one it is known at deployment only, and so is the partition.
  const partition = Token.isUnresolved(region) ? undefined : RegionInfo.get(region).partition;
  return dashboardLink(partition ?? 'aws', region, dashboardName);
}
