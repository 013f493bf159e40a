// Addresses of the AWS console, in each partition.
import { expect, it } from 'vitest';
import { dashboardLink, executionLink, logLink, migrationLogLink } from '../../core/text/links.ts';

const arn = (partition: string, region = 'eu-west-1') =>
  `arn:${partition}:states:${region}:111122223333:execution:shop--odin-dev:run`;

it.each([
  ['aws', 'console.aws.amazon.com'],
  ['aws-cn', 'console.amazonaws.cn'],
  ['aws-us-gov', 'console.amazonaws-us-gov.com'],
  ['aws-eusc', 'console.amazonaws-eusc.eu'],
  ['aws-iso', 'console.c2shome.ic.gov'],
  ['aws-iso-b', 'console.sc2shome.sgov.gov'],
  ['aws-iso-e', 'console.csphome.adc-e.uk'],
  ['aws-iso-f', 'console.csphome.hci.ic.gov'],
  ['aws-new', 'console.aws.amazon.com'],
])('%s has its console at %s', (partition, host) => {
  expect(executionLink(arn(partition))).toBe(
    `https://eu-west-1.${host}/states/home?region=eu-west-1#/v2/executions/details/${arn(partition)}`,
  );
  expect(dashboardLink(partition, 'eu-west-1', 'shop')).toBe(
    `https://eu-west-1.${host}/cloudwatch/home?region=eu-west-1#dashboards/dashboard/shop`,
  );
});

it('leads to the lines of a text, and to those of a migration, from a time on', () => {
  const begin =
    'https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/' +
    '$252Fodin-migrate$252Fdev$252Fmigrations/log-events$3FfilterPattern$3D';
  const [group, since, end] = ['/odin-migrate/dev/migrations', '2026-03-01T12:00:00Z', '$26start$3D1772366400000'];
  expect(logLink(arn('aws'), group, 'a b', since)).toBe(`${begin}$2522a$2520b$2522${end}`);
  expect(migrationLogLink(arn('aws'), group, '0004', since)).toBe(
    `${begin}$257B$2520$2524.migration$2520$253D$2520$25220004$2522$2520$257D${end}`,
  );
});

it('is an address also of what is no ARN', () => {
  expect(executionLink('run')).toBe('https://.console.aws.amazon.com/states/home?region=#/v2/executions/details/run');
});
