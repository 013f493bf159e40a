// The environment's CloudWatch dashboard: one custom widget, drawn by the dashboard function (docs/design.md §6).
import { Stack, Token } from 'aws-cdk-lib';
import { CustomWidget, Dashboard } from 'aws-cdk-lib/aws-cloudwatch';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { dashboardLink } from '../core/text/links.ts';
import type { EnvironmentId } from '../core/names/names.ts';
import { migrationFunctionName, resourcePrefix, VARIABLES } from '../core/names/names.ts';
import { partitionOf } from '../project/configuration.ts';
import { allow, functionArn, given } from './functions.ts';
import type { SystemParts } from './system-functions.ts';
import { createSystemFunction } from './system-functions.ts';
import { eachTopic, topicVariables } from './topic.ts';

/** The full width of the dashboard's grid, and the tallest that fits a laptop's window; a longer table scrolls. */
const WIDTH = 24;
const HEIGHT = 20;

/**
 * The function reads the ledger, and may invoke `resume`, which records and delivers a decision, and the migrations' functions,
 * which it asks for previews; it can neither write the ledger nor answer a halt by itself.
 * @param acts what its buttons reach, the migrations by their ids; undefined of one that only shows: its role can neither decide nor
 *   preview, whoever invokes it with whatever
 * @returns also its address in the console
 */
export function createConsoleDashboard(
  scope: Construct,
  parts: SystemParts,
  acts: { resumeFunction: LambdaFunction; migrations: readonly string[] } | undefined,
): { dashboard: Dashboard; url: string } {
  const invoked = acts && [
    acts.resumeFunction.functionArn,
    ...migrationFunctions(parts, acts.migrations).map((name) => functionArn(scope, name)),
  ];
  const { lambda } = createSystemFunction(scope, 'dashboard', parts, {
    statements: [
      ...(invoked ? [allow(['lambda:InvokeFunction'], invoked)] : []),
      allow(
        ['sns:GetTopicAttributes'], // how many are told
        eachTopic(parts).map(({ topicArn }) => topicArn),
      ),
    ],
    variables: {
      ...given({ [VARIABLES.resumeFunction]: acts?.resumeFunction.functionName }),
      ...topicVariables(parts),
    },
  });
  const { region } = Stack.of(scope);
  // A name is one for all regions of an account (docs/aws-facts.md).
  const dashboardName = `${resourcePrefix(parts)}-${region}`;
  const dashboard = new Dashboard(scope, 'MigrationsDashboard', {
    dashboardName,
    widgets: [
      [
        new CustomWidget({
          title: `Migrations of ${parts.environment}`,
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
  // Where the region is the CLI's current one it is known at deployment only, and so is the partition.
  const partition = Token.isUnresolved(region) ? undefined : partitionOf(region);
  return { dashboard, url: dashboardLink(partition ?? 'aws', region, dashboardName) };
}

/**
 * A pattern for each first digit of the ids: an ARN for each function would not fit into the 10,240 characters of a role's
 * policies, and `????` would match the function `halt` too.
 */
export function migrationFunctions(of: EnvironmentId, migrations: readonly string[]): string[] {
  const digits = new Set(migrations.map((id) => id.slice(0, 1)));
  return [...digits].sort().map((digit) => migrationFunctionName(of, `${digit}???`));
}
