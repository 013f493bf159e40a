// Permission statements that allow more than a one-time operation needs.
import type { InspectedMigration } from '../../project/inspect.ts';
import type { Permission } from '../../project/permission.ts';
import type { Finding } from './finding.ts';

export const permissionFindings = (environment: string, migrations: readonly InspectedMigration[]): Finding[] =>
  migrations.flatMap(({ file, permissions }) =>
    permissions.flatMap((statement, index) =>
      tooWide(statement).map((message): Finding => ({
        environment,
        severity: 'warning',
        rule: 'permissions',
        file,
        message: `permissions[${index}]: ${message}`,
      })),
    ),
  );

/** One sentence for each way in which a statement is wider than it needs to be; a Deny is never too wide. */
export function tooWide(statement: Permission): string[] {
  if (statement.Effect === 'Deny') return [];
  const actions = list(statement.Action);
  const resources = list(statement.Resource);
  const found: string[] = [];
  if (statement.NotAction !== undefined) {
    found.push(
      'NotAction allows everything but what it names, services of the future too. Name the actions that are needed.',
    );
  }
  if (statement.NotResource !== undefined) {
    found.push('NotResource allows everything but what it names. Name the resources that are needed.');
  }
  for (const action of actions) {
    if (action === '*' || action === '*:*')
      found.push(`Action "${action}" allows everything. Name the actions that are needed.`);
    else if (/:\*$/.test(action))
      found.push(`Action "${action}" allows everything in that service. Name the actions that are needed.`);
  }
  const wide = resources.filter((resource) => resource === '*' || EVERY_ONE.test(resource));
  const narrowable = actions.filter((action) => !WITHOUT_RESOURCES.some((pattern) => pattern.test(action)));
  if (
    wide.length > 0 &&
    (narrowable.length > 0 || statement.NotAction !== undefined) &&
    statement.Condition === undefined
  ) {
    const which =
      narrowable.length > 0 ? ` for ${narrowable.slice(0, 3).join(', ')}${narrowable.length > 3 ? ', …' : ''}` : '';
    found.push(`Resource "${wide[0] ?? '*'}" is every one there is${which}. Name the resources by their ARNs.`);
  }
  return found;
}

const list = (value: string | string[] | undefined): string[] => (value === undefined ? [] : [value].flat());

/** `arn:aws:s3:::*`, `arn:aws:dynamodb:eu-west-1:111122223333:table/*`; before the slash of S3 stands a bucket's name. */
const EVERY_ONE = /^arn:[^:]*:(s3:::\*(\/\*)?|(?!s3:)[^:]*:[^:]*:[^:]*:([\w-]+[/:])?\*)$/;

/** Actions for which IAM knows no resources: "*" is all that can be written (Service Authorization Reference). */
const WITHOUT_RESOURCES = [
  /^s3:ListAllMyBuckets$/,
  /^sts:GetCallerIdentity$/,
  /^ec2:Describe/,
  /^cloudwatch:(PutMetricData|GetMetricData|GetMetricStatistics|ListMetrics)$/,
  /^xray:Put/,
  /^tag:Get/,
  /^dynamodb:ListTables$/,
  /^lambda:(ListFunctions|GetAccountSettings)$/,
  /^logs:DescribeLogGroups$/,
  /^(sqs:ListQueues|sns:ListTopics|states:ListStateMachines|kms:ListAliases|kms:ListKeys|iam:List\w+)$/,
  /^textract:/,
];
