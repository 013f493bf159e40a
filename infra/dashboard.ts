// The environment's CloudWatch dashboard: one custom widget, drawn by the dashboard function (docs/design.md §8).
import { ArnFormat, Stack, Token } from 'aws-cdk-lib';
import { CustomWidget, Dashboard } from 'aws-cdk-lib/aws-cloudwatch';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { RegionInfo } from 'aws-cdk-lib/region-info';
import type { Construct } from 'constructs';
import { dashboardLink } from '../core/text/links.ts';
import { migrationFunctionName, resourcePrefix, VARIABLES } from '../core/names/names.ts';
import type { Common } from './functions.ts';
import { allow, createSystemFunction } from './functions.ts';

/** The full width of the dashboard's grid, and the tallest that fits a laptop's window; a longer table scrolls. */
const WIDTH = 24;
const HEIGHT = 20;

/**
 * The function reads the ledger, and may invoke `resume`, which records and delivers a decision, and the migrations' functions,
 * which it asks for previews; it can neither write the ledger nor answer a halt by itself.
 * @param migrations ids
 * @returns the dashboard's address in the console
 */
export function createDashboard(
  scope: Construct,
  { resumeFunction, migrations, ...common }: Common & { resumeFunction: LambdaFunction; migrations: readonly string[] },
): string {
  const { lambda } = createSystemFunction(scope, 'dashboard', {
    ...common,
    statements: [
      allow(['lambda:InvokeFunction'], [resumeFunction.functionArn, ...migrationFunctions(scope, common, migrations)]),
    ],
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

/**
 * By the first digit that ids have, because a role's policies may have 10,240 characters in all; without it, the pattern
 * would be that of the function `halt` too. By name and not by reference, because these functions come and go.
 */
function migrationFunctions(scope: Construct, { environment }: Common, migrations: readonly string[]): string[] {
  const digits = new Set(migrations.map((id) => id.slice(0, 1)));
  return [...digits].sort().map((digit) =>
    Stack.of(scope).formatArn({
      service: 'lambda',
      resource: 'function',
      resourceName: migrationFunctionName(environment, `${digit}???`),
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    }),
  );
}
