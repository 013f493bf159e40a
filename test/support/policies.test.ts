// The evaluator itself: each rule of IAM that it takes for granted elsewhere.
import { describe, expect, it } from 'vitest';
import type { Statement } from './policies.ts';
import { isAllowed } from './policies.ts';

const ALLOW: Statement = { Effect: 'Allow', Action: 's3:*', Resource: '*' };
const ARN = 'arn:aws:iam::111122223333:role/her';

const ask = (
  statements: Statement[],
  { action = 's3:PutObject', resource = 'arn:aws:s3:::b/k', tags = {}, context = {}, policy = [] as Statement[] } = {},
) => isAllowed({ principal: { arn: ARN, tags, statements }, action, resource, context }, policy);

describe('Allow and Deny', () => {
  const deny: Statement = { ...ALLOW, Effect: 'Deny' };
  it.each<[string, Statement[], Statement[], boolean]>([
    ['nothing said is no', [], [], false],
    ['an identity policy allows', [ALLOW], [], true],
    ['a resource policy allows', [], [ALLOW], true],
    ['a Deny of the same policy wins, wherever it stands', [ALLOW, deny], [], false],
    ['a Deny before it wins', [deny, ALLOW], [], false],
    ['a Deny of the resource policy wins', [ALLOW], [deny], false],
    ['a Deny of the identity policy wins', [deny], [ALLOW], false],
  ])('%s', (_, statements, policy, expected) => {
    expect(ask(statements, { policy })).toBe(expected);
  });
});

describe('a session policy', () => {
  const deny: Statement = { ...ALLOW, Effect: 'Deny' };
  it.each<[string, Statement[], Statement[], Statement[], boolean]>([
    ['grants nothing', [], [ALLOW], [], false],
    ['lets through what both allow', [ALLOW], [ALLOW], [], true],
    ['narrows what the role allows', [ALLOW], [], [], false],
    ['that says nothing loses against a resource policy', [ALLOW], [], [ALLOW], true],
    ['that denies wins against a resource policy', [ALLOW], [ALLOW, deny], [ALLOW], false],
  ])('%s', (_, statements, session, policy, expected) => {
    const principal = { arn: ARN, tags: {}, statements, session };
    const request = { principal, action: 's3:PutObject', resource: 'arn:aws:s3:::b/k' };
    expect(isAllowed(request, policy)).toBe(expected);
  });
});

describe('actions and resources', () => {
  it.each<[Partial<Statement>, boolean]>([
    [{ Action: 's3:PutObject' }, true],
    [{ Action: 'S3:putobject' }, true],
    [{ Action: ['s3:GetObject', 's3:Put*'] }, true],
    [{ Action: 's3:PutObjec?' }, true],
    [{ Action: 's3:PutObject?' }, false],
    [{ Action: '*' }, true],
    [{ Action: 's3:Get*' }, false],
    [{ NotAction: 's3:GetObject' }, true],
    [{ NotAction: ['s3:GetObject', 's3:PutObject'] }, false],
  ])('%j', (actions, expected) => {
    expect(ask([{ Effect: 'Allow', Resource: '*', ...actions }])).toBe(expected);
  });

  it.each<[Partial<Statement>, boolean]>([
    [{ Resource: 'arn:aws:s3:::b/k' }, true],
    [{ Resource: 'arn:aws:s3:::b' }, false],
    [{ Resource: 'arn:aws:s3:::b/K' }, false],
    [{ Resource: ['arn:aws:s3:::c/*', 'arn:aws:s3:::b/*'] }, true],
    [{ Resource: 'arn:*:s3:::b/k' }, true],
    [{ Resource: '*' }, true],
    [{ Resource: 'arn:*/k' }, false], // a part is a part: an ARN has six of them
    [{ Resource: 'arn:aws:s3:*' }, false],
    [{ Resource: 'arn:aws:s3:::?/${*}' }, false],
    [{ NotResource: 'arn:aws:s3:::b/${*}' }, true],
    [{ Resource: "arn:aws:s3:::b/${aws:PrincipalTag/none, 'k'}" }, true],
    [{ Resource: "arn:aws:s3:::b/${aws:PrincipalTag/key, 'x'}" }, true],
    [{ Resource: 'arn:aws:s3:::b/${AWS:principaltag/KEY}' }, true],
    [{ Resource: 'arn:aws:s3:::b.k' }, false],
    [{ NotResource: 'arn:aws:s3:::b/*' }, false],
    [{ NotResource: 'arn:aws:s3:::c/*' }, true],
    [{ Resource: 'arn:aws:s3:::b/${aws:PrincipalTag/key}' }, true],
    [{ Resource: 'arn:aws:s3:::b/${aws:PrincipalTag/none}*' }, false],
    [{ NotResource: 'arn:aws:s3:::b/${aws:PrincipalTag/none}*' }, true],
  ])('%j', (resources, expected) => {
    expect(ask([{ Effect: 'Allow', Action: '*', ...resources }], { tags: { key: 'k' } })).toBe(expected);
  });
});

describe('conditions', () => {
  const context = { 'aws:SecureTransport': 'true', 's3:TlsVersion': '1.2', 's3:if-none-match': '*' };
  it.each<[NonNullable<Statement['Condition']>, boolean]>([
    [{ Bool: { 'aws:SecureTransport': 'true' } }, true],
    [{ Bool: { 'aws:SecureTransport': 'false' } }, false],
    [{ Bool: { absent: 'false' } }, false],
    [{ Null: { 's3:if-none-match': 'true' } }, false],
    [{ Null: { 's3:if-none-match': 'false' } }, true],
    [{ Null: { absent: 'true' } }, true],
    [{ NumericLessThan: { 's3:TlsVersion': 1.2 } }, false],
    [{ NumericLessThan: { 's3:TlsVersion': 1.3 } }, true],
    [{ NumericLessThan: { absent: 1.3 } }, false],
    [{ StringEquals: { 's3:if-none-match': ['x', '*'] } }, true],
    [{ BoolIfExists: { 'aws:SecureTransport': 'true' } }, true],
    [{ BoolIfExists: { 'aws:SecureTransport': 'false' } }, false],
    [{ BoolIfExists: { absent: 'false' } }, true],
    [{ StringNotEquals: { 's3:if-none-match': ['x', '*'] } }, false],
    [{ StringNotEquals: { 's3:if-none-match': ['x', 'y'] } }, true],
    [{ StringNotEquals: { absent: 'x' } }, true],
    [{ StringEquals: { 'aws:PrincipalAccount': '111122223333' } }, true],
    [{ StringNotEquals: { 'aws:PrincipalAccount': '111122223333' } }, false],
    [{ BoolIfExists: { 'aws:PrincipalIsAWSService': 'false' } }, true],
    [{ Null: { 'aws:PrincipalIsAWSService': 'false' } }, false],
    [{ ArnEquals: { 'aws:PrincipalArn': [ARN, 'arn:x'] } }, true],
    [{ ArnNotEquals: { 'aws:PrincipalArn': [ARN, 'arn:x'] } }, false],
    [{ ArnNotEquals: { 'aws:PrincipalArn': ['arn:x', 'arn:y'] } }, true],
    [{ ArnNotEquals: { absent: 'arn:x' } }, true],
    [{ ArnNotLike: { 'aws:PrincipalArn': ['arn:x', 'arn:aws:iam::*:role/h??'] } }, false],
    [{ ArnNotLike: { 'aws:PrincipalArn': ['arn:x', 'arn:aws:iam::*:role/h?'] } }, true],
    [{ Null: { 'aws:PrincipalTag/key': 'false' } }, true],
    [{ Null: { 'aws:PrincipalTag/none': 'false' } }, false],
    [{ Bool: { 'aws:SecureTransport': 'true' }, Null: { absent: 'false' } }, false],
    [{ Bool: { 'AWS:securetransport': 'True' } }, true],
    [{ StringEquals: { 's3:if-none-match': '${*}' } }, true],
    [{ StringEquals: { 's3:TlsVersion': '1.?' } }, false],
    [{ StringLike: { 's3:TlsVersion': '1.?' } }, true],
    [{ StringNotLike: { 's3:TlsVersion': '1.?' } }, false],
    [{ StringNotLike: { absent: '*' } }, true],
    [{ StringEqualsIfExists: { absent: 'x' } }, true],
    [{ StringEqualsIfExists: { 's3:TlsVersion': '1.3' } }, false],
    [{ StringNotEqualsIfExists: { absent: 'x' } }, true],
    [{ StringEquals: { 'aws:PrincipalTag/KEY': '${aws:PrincipalTag/key}' } }, true],
    [{ StringEquals: { 'aws:PrincipalTag/key': 'K' } }, false],
    [{ StringEquals: { 'aws:PrincipalTag/key': '${aws:PrincipalTag/none}' } }, false],
    [{ StringNotEquals: { 'aws:PrincipalTag/key': '${aws:PrincipalTag/none}' } }, true],
    [{ Null: { 'aws:PrincipalTag/KEY': 'false' } }, true],
    [{ ArnLike: { 'aws:PrincipalArn': 'arn:aws:iam::*:role/her' } }, true],
    [{ ArnLike: { 'aws:PrincipalArn': 'arn:aws:iam:*' } }, false], // the rest of the ARN is not in one part
    [{ ArnNotLike: { 'aws:PrincipalArn': 'arn:*:role/her' } }, true],
    [{ ArnEquals: { 'aws:PrincipalArn': 'arn:aws:iam::*:role/h?r' } }, true],
    [{ StringEquals: { 'aws:PrincipalArn': 'arn:aws:iam::*:role/h?r' } }, false],
  ])('%j', (Condition, expected) => {
    expect(ask([{ ...ALLOW, Condition }], { context, tags: { key: 'k' } })).toBe(expected);
  });

  describe('of a list', () => {
    const keys = { 'aws:TagKeys': ['team', 'cost'], one: ['team'], empty: [], blank: [''], single: 'team' };
    it.each<[operator: string, key: string, values: string[], boolean]>([
      // Each of the request's has to fit one of the policy's.
      ['ForAllValues:StringEquals', 'aws:TagKeys', ['team', 'cost', 'more'], true],
      ['ForAllValues:StringEquals', 'AWS:tagkeys', ['cost', 'team'], true],
      ['ForAllValues:StringEquals', 'aws:TagKeys', ['team'], false],
      ['ForAllValues:StringEquals', 'single', ['team'], true],
      ['ForAllValues:StringLike', 'aws:TagKeys', ['t*', '*t'], true],
      ['ForAllValues:StringLike', 'aws:TagKeys', ['t*'], false],
      // One of them has to.
      ['ForAnyValue:StringEquals', 'aws:TagKeys', ['team', 'more'], true],
      ['ForAnyValue:StringEquals', 'aws:TagKeys', ['more'], false],
      ['ForAnyValue:StringLike', 'aws:TagKeys', ['more', 'c?st'], true],
      // Negated: fits none of the policy's.
      ['ForAllValues:StringNotEquals', 'aws:TagKeys', ['more', 'else'], true],
      ['ForAllValues:StringNotEquals', 'aws:TagKeys', ['more', 'cost'], false],
      ['ForAnyValue:StringNotEquals', 'aws:TagKeys', ['cost'], true],
      ['ForAnyValue:StringNotEquals', 'aws:TagKeys', ['cost', 'team'], false],
      ['ForAnyValue:StringNotLike', 'one', ['t*'], false],
      // Nothing is there: all of nothing fits, and nothing of it does.
      ['ForAllValues:StringEquals', 'absent', ['team'], true],
      ['ForAllValues:StringEquals', 'empty', ['team'], true],
      ['ForAllValues:StringEquals', 'blank', ['team'], true],
      ['ForAllValues:StringNotEquals', 'absent', ['team'], true],
      ['ForAllValues:StringEqualsIfExists', 'absent', ['team'], true],
      ['ForAnyValue:StringEquals', 'absent', ['team'], false],
      ['ForAnyValue:StringEquals', 'empty', ['team'], false],
      ['ForAnyValue:StringEquals', 'blank', [''], false],
      ['ForAnyValue:StringNotEquals', 'absent', ['team'], false],
      ['ForAnyValue:StringEqualsIfExists', 'absent', ['team'], true],
      ['ForAnyValue:StringEqualsIfExists', 'aws:TagKeys', ['more'], false],
      ['Null', 'aws:TagKeys', ['false'], true],
      ['Null', 'empty', ['true'], true],
    ])('%s of %s and %j', (operator, key, values, expected) => {
      expect(ask([{ ...ALLOW, Condition: { [operator]: { [key]: values } } }], { context: keys })).toBe(expected);
    });

    it('of ARNs, a wildcard stays in its part', () => {
      const context = { arns: ['arn:aws:iam::111122223333:role/a', 'arn:aws:iam::111122223333:role/b'] };
      const all = (...patterns: string[]) =>
        ask([{ ...ALLOW, Condition: { 'ForAllValues:ArnLike': { arns: patterns } } }], { context });
      expect([all('arn:aws:iam::*:role/?'), all('arn:aws:iam:*'), all('arn:*:role/a')]).toEqual([true, false, false]);
    });

    it('needs one of the two, and is no variable', () => {
      const bare = () => ask([{ ...ALLOW, Condition: { StringEquals: { one: 'team' } } }], { context: keys });
      expect(bare).toThrow('ForAllValues');
      const filled = () => ask([{ ...ALLOW, Resource: 'arn:aws:s3:::b/${one}' }], { context: keys });
      expect(filled).toThrow('no variable');
    });

    it('a Deny that asks for all of it holds for a request without it, until Null says that it is there', () => {
      const onlyTeam = { 'ForAllValues:StringEquals': { 'aws:TagKeys': 'team' } };
      const denied = (Condition: NonNullable<Statement['Condition']>, context: Record<string, string[]>) =>
        !ask([ALLOW, { ...ALLOW, Effect: 'Deny', Condition }], { context });
      const isThere = { ...onlyTeam, Null: { 'aws:TagKeys': 'false' } };
      expect([denied(onlyTeam, {}), denied(isThere, {})]).toEqual([true, false]);
      expect(denied(isThere, { 'aws:TagKeys': ['team'] })).toBe(true);
    });
  });

  it('that it does not know are no guess', () => {
    for (const operator of [
      'IpAddress',
      'ForAllValues:IpAddress',
      'ForAllValues:Null',
      'ForAnyValue:',
      'ForSomeValues:StringEquals',
      'StringNotEqualsX',
      'toString',
    ])
      expect(() => ask([{ ...ALLOW, Condition: { [operator]: { 'aws:SourceIp': '::1' } } }])).toThrow(operator);
    expect(() => ask([{ ...ALLOW, NotPrincipal: { AWS: '*' } } as Statement])).toThrow('NotPrincipal');
    expect(() => ask([{ ...ALLOW, Action: 's?:Put*' }])).toThrow('s?:Put*');
  });
});

it('a tag keeps no role from being passed, and keeps it from everything else', () => {
  const deny: Statement = {
    Effect: 'Deny',
    Action: 'iam:*',
    Resource: '*',
    Condition: { Null: { 'aws:ResourceTag/ours': 'false' } },
  };
  const may = (action: string) =>
    ask([{ ...ALLOW, Action: '*' }, deny], { action, resource: ARN, context: { 'aws:ResourceTag/ours': 'x' } });
  expect([may('iam:PassRole'), may('iam:PutRolePolicy')]).toEqual([true, false]);
});
