// Links into the AWS console, as the console itself uses them (docs/aws-facts.md). Partition and region are those of an ARN.

/** The page of an execution: its graph, its events, and the buttons Stop and Redrive. */
export function executionLink(executionArn: string): string {
  const { host, region } = placeOf(executionArn);
  return `https://${host}/states/home?region=${region}#/v2/executions/details/${executionArn}`;
}

/**
 * The log lines that hold a text, from a time on (ISO).
 * @param arn any ARN of the same partition and region
 */
export function logLink(arn: string, group: string, text: string, since: string): string {
  const { host, region } = placeOf(arn);
  const filter = `$3FfilterPattern$3D${twice(`"${text}"`)}$26start$3D${Date.parse(since)}`;
  return `https://${host}/cloudwatch/home?region=${region}#logsV2:log-groups/log-group/${twice(group)}/log-events${filter}`;
}

/** A CloudWatch dashboard. */
export const dashboardLink = (partition: string, region: string, name: string): string =>
  `https://${hostOf(partition, region)}/cloudwatch/home?region=${region}#dashboards/dashboard/${name}`;

const CONSOLES: Record<string, string> = {
  'aws-cn': 'console.amazonaws.cn',
  'aws-us-gov': 'console.amazonaws-us-gov.com',
  'aws-eusc': 'console.amazonaws-eusc.eu',
  'aws-iso': 'console.c2shome.ic.gov',
  'aws-iso-b': 'console.sc2shome.sgov.gov',
  'aws-iso-e': 'console.csphome.adc-e.uk',
  'aws-iso-f': 'console.csphome.hci.ic.gov',
};

function placeOf(arn: string): { host: string; region: string } {
  const [, partition = 'aws', , region = ''] = arn.split(':');
  return { host: hostOf(partition, region), region };
}

const hostOf = (partition: string, region: string): string =>
  `${region}.${CONSOLES[partition] ?? 'console.aws.amazon.com'}`;

/** URL-encoded twice, with `$` in place of `%`: the console decodes the part after `#` so. */
const twice = (text: string): string => encodeURIComponent(encodeURIComponent(text)).replaceAll('%', '$');

/** The structured log lines of one migration, of all its attempts, from a time on (ISO). */
export function migrationLogLink(arn: string, group: string, migration: string, since: string): string {
  const { host, region } = placeOf(arn);
  const filter = `$3FfilterPattern$3D${twice(`{ $.migration = "${migration}" }`)}$26start$3D${Date.parse(since)}`;
  return `https://${host}/cloudwatch/home?region=${region}#logsV2:log-groups/log-group/${twice(group)}/log-events${filter}`;
}
