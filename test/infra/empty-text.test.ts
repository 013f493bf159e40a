// What is taken for a value that was not there.
import { expect, it } from 'vitest';
import { emptyIn } from '../../project/empty-text.ts';

it.each([
  'undefined',
  'arn:aws:s3:::undefined/*',
  'arn:aws:s3:::undefined*',
  'data-undefined',
  'a_undefined_b',
  'postgres://undefined@host/db',
  'postgres://user:undefined@host/db',
  'https://host/?stage=undefined&x=1',
  'a,undefined,b',
  '{"bucket":"undefined"}',
])('undefined, in %s', (text) => {
  expect(emptyIn(text)).toBe('undefined');
});

it.each([
  'null',
  's3://null/data',
  'arn:aws:s3:::null',
  'mode=null',
  'postgres://null@host',
  'a-null-b',
  'a null b',
  '{prefix}/null/x', // begins as JSON does, and is none
])('null, in %s', (text) => {
  expect(emptyIn(text)).toBe('null');
});

it.each(['[object Object]', 'arn:aws:s3:::[object Object]/*', 'x[object Promise]', '[object Undefined]'])(
  'an object, in %s',
  (text) => {
    expect(emptyIn(text)).toMatch(/^\[object \w+\]$/);
  },
);

it.each([
  '',
  'nullable',
  'annulled-data',
  'Undefined',
  'undefinedValues',
  'isundefined',
  'xnull',
  '{"a":null,"b":[1,null]}',
  ' {"a": null}',
  '{\n  "a": null\n}',
  '[\n  null\n]',
  'IS NOT NULL',
  '[objects Object]',
])('nothing, in %j', (text) => {
  expect(emptyIn(text)).toBeUndefined();
});
