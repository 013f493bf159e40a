import { expect, it } from 'vitest';
import { isAccessPoint } from '../../core/names/access-point.ts';

it.each([
  ['arn:aws:s3:eu-west-1:111122223333:accesspoint/a', true],
  ['a-hrzrlukc5m36ft7okagglf3gmwluquse1b-s3alias', true],
  ['a1b2c3--ol-s3', true],
  ['a-ol-s3', false],
  ['a-s3alias-b', false],
  ['s3alias', false],
  ['bucket-of-arn:', false],
  ['bucket', false],
])('%s is an access point: %s', (bucket, is) => {
  expect(isAccessPoint(bucket)).toBe(is);
});
