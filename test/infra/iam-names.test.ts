// Actions and condition keys that IAM does not have are told, with what may be meant; of all others nothing is said.
import { describe, expect, it } from 'vitest';
import { unknownNames } from '../../project/iam-names.ts';
import { remarksOn } from '../../project/inspect.ts';
import { configurationOf, parseConfiguration } from '../../project/configuration.ts';

const ofAction = (Action: string) => unknownNames(['permissions'], [{ Effect: 'Allow', Action, Resource: '*' }]);
const ofKey = (key: string) =>
  unknownNames(
    ['permissions'],
    [{ Effect: 'Allow', Action: '*', Resource: '*', Condition: { StringLike: { [key]: 'a' } } }],
  );

describe('an action', () => {
  it.each([
    ['s3:GetObjekt', 'Is "s3:GetObject" meant?'],
    ['s3:GetObejct', 'Is "s3:GetObject" meant?'],
    ['dynamodbb:Scan', 'Is "dynamodb:Scan" meant?'],
    ['s3:MoveEverything', 'The Service Authorization Reference lists all'],
    ['s3:Fetch*', 'The Service Authorization Reference lists all'],
  ])('%s is told', (action, next) => {
    const [said = '', ...others] = ofAction(action);
    expect(said).toContain(`permissions[0].Action: IAM knows no action "${action}". ${next}`);
    expect(others).toEqual([]);
  });

  it.each([
    '*',
    's3:*',
    's3:GetObject',
    'S3:getobject',
    's3:Get*',
    's3:*Object',
    'dynamodb:Scan',
    'sqs:?eceiveMessage',
    '*:*',
  ])('%s is there', (action) => expect(ofAction(action)).toEqual([]));
});

describe('a condition key', () => {
  it.each([
    ['aws:PrincipalARM', 'Is "aws:PrincipalArn" meant?'],
    ['s3:prefixx', 'Is "s3:prefix" meant?'],
    ['awss:SourceIp', 'Is "aws:SourceIp" meant?'],
  ])('%s is told', (key, next) => {
    expect(ofKey(key)).toEqual([`permissions[0].Condition.StringLike: IAM knows no condition key "${key}". ${next}`]);
  });

  it.each([
    'aws:SecureTransport',
    'AWS:sourceip',
    'aws:PrincipalTag/team',
    'aws:ResourceTag/a+b',
    's3:ExistingObjectTag/kind',
    's3:x-amz-acl',
    'kms:EncryptionContext:tenant',
    'dynamodb:LeadingKeys',
    'ec2:ResourceTag/team',
    'lambda:SourceFunctionArn',
    'cognito-identity.amazonaws.com:sub',
    'aws:PrincipalTag/⟦odinToken.variables.A⟧',
  ])('%s is there', (key) => expect(ofKey(key)).toEqual([]));
});

it('those of odin-migrate.json are told by their field', () => {
  const access = { data: [{ Effect: 'Allow', NotAction: ['s3:GetObject', 's3:PutObjct'], Resource: '*' }] };
  const settings = configurationOf(
    parseConfiguration({ environments: { 'odin-dev': { stack: { access } } } }),
    'odin-dev',
  );
  expect(remarksOn(settings)).toEqual([
    'stack.access.data[0].NotAction: IAM knows no action "s3:PutObjct". Is "s3:PutObject" meant?',
  ]);
});
