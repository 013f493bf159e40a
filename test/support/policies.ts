// What IAM would answer, from the policies of a synthesised template: identity and bucket policies, Deny before Allow,
// conditions, wildcards and policy variables. As much of IAM's evaluation as these policies use; anything else throws.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { PROJECT } from './project.ts';
import type { SynthesisedResource } from './synth.ts';

export interface Statement {
  Sid?: string;
  Effect: 'Allow' | 'Deny';
  Action?: string | string[];
  NotAction?: string | string[];
  Resource?: unknown;
  NotResource?: unknown;
  Condition?: Record<string, Record<string, unknown>>;
}

export interface Principal {
  /** Its account is in it, unless it is of an AWS service, or of nobody: then it has none. */
  arn: string;
  /** Whether it is a service of AWS itself. Undefined for a request that nobody signed. */
  isService?: boolean | undefined;
  tags: Readonly<Record<string, string>>;
  /** Of its identity policies. */
  statements: readonly Statement[];
  /** Of the session that it has assumed itself with. Undefined: none was said. */
  session?: readonly Statement[] | undefined;
}

export interface Request {
  principal: Principal;
  action: string;
  resource: string;
  /** Condition keys besides the principal's own. Absent keys are absent from the request; of some, it has a list. */
  context?: Readonly<Record<string, string | readonly string[]>>;
}

/**
 * Within one account: an explicit Deny of any policy wins; without one, an Allow of any is enough. A session policy narrows what the
 * identity allows, and not what a resource policy gives to the session.
 */
export function isAllowed(request: Request, resourcePolicy: readonly Statement[] = []): boolean {
  const { statements, session } = request.principal;
  const says = (policy: readonly Statement[] | undefined, effect: Statement['Effect']) =>
    (policy ?? []).some((one) => one.Effect === effect && fits(one, request));
  if ([statements, session, resourcePolicy].some((policy) => says(policy, 'Deny'))) return false;
  if (says(resourcePolicy, 'Allow')) return true;
  return says(statements, 'Allow') && (session === undefined || says(session, 'Allow'));
}

const KNOWN = ['Sid', 'Effect', 'Principal', 'Action', 'NotAction', 'Resource', 'NotResource', 'Condition'];

function fits(statement: Statement, request: Request): boolean {
  const unknown = Object.keys(statement).find((element) => !KNOWN.includes(element));
  if (unknown !== undefined) throw new Error(`These policies are not known to use ${unknown}`);
  const { Action, NotAction, Resource, NotResource, Condition = {} } = statement;
  const { action, resource } = request;
  const ofAction = (patterns: unknown) =>
    list(patterns).some((pattern) => {
      // AWS takes none there.
      if (/^[^:]+[*?][^:]*:|^[*?][^:]*:/.test(pattern)) throw new Error(`A service is a name: ${pattern}`);
      return matches(pattern.toLowerCase(), action.toLowerCase());
    });
  const ofResource = (patterns: unknown) =>
    list(patterns).some((pattern) => {
      const filled = fillIn(pattern, request);
      return filled !== undefined && matchesArn(filled, resource);
    });
  const filledIn = (values: unknown) =>
    list(values).flatMap((value) => {
      const filled = fillIn(value, request);
      return filled === undefined ? [] : [filled];
    });
  return (
    (Action === undefined ? !ofAction(NotAction) : ofAction(Action)) &&
    (Resource === undefined ? !ofResource(NotResource) : ofResource(Resource)) &&
    Object.entries(Condition).every(([operator, keys]) =>
      Object.entries(keys).every(([key, values]) => holds(operator, valueOf(key, request), filledIn(values))),
    )
  );
}

/**
 * Of several values one is enough, and of a negated operator none may hold. A missing key fails all but the negated; with `IfExists` it fails
 * none. (docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html)
 *
 * Of a list in the request, `ForAllValues` asks that of each, and holds where there is none; `ForAnyValue` asks it of one, and fails there.
 * (docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html)
 */
function holds(operator: string, found: string | readonly string[] | undefined, values: readonly string[]): boolean {
  const [, set, single = ''] = /^(ForAllValues:|ForAnyValue:)?(.*)$/s.exec(operator) ?? [];
  const named = single.replace(/IfExists$/, '');
  const compared = named.replace(/^(String|Arn)Not/, '$1');
  const isNegated = compared !== named;
  const compare = Object.hasOwn(COMPARISONS, compared) ? COMPARISONS[compared] : undefined;
  const there = found === undefined ? [] : [found].flat();
  if (operator === 'Null') return values.some((value) => (there.length === 0) === (value === 'true'));
  if (!compare) throw new Error(`These policies are not known to use the operator ${operator}`);
  if (set === undefined && typeof found === 'object')
    throw new Error(`A list is held by ForAllValues or ForAnyValue, and not by ${operator}`);

  const asked = set === undefined ? there : there.filter((each) => each !== ''); // an empty text is none, in a list
  if (asked.length === 0) return named !== single || (set === undefined ? isNegated : set === 'ForAllValues:');
  const fitsOne = (each: string) => values.some((value) => compare(each, value)) !== isNegated;
  return set === 'ForAnyValue:' ? asked.some(fitsOne) : asked.every(fitsOne);
}

/** Texts are held against each other with their case, truths without. `ArnEquals` takes wildcards, `StringEquals` none. */
const COMPARISONS: Readonly<Record<string, (found: string, value: string) => boolean>> = {
  Bool: (found, value) => found.toLowerCase() === value.toLowerCase(),
  StringEquals: (found, value) => found === withLiterals(value),
  StringLike: (found, value) => matches(value, found),
  ArnEquals: (found, value) => matchesArn(value, found),
  ArnLike: (found, value) => matchesArn(value, found),
  NumericLessThan: (found, value) => Number(found) < Number(value),
};

/** Keys of conditions, and those of tags in them, have no case. */
function valueOf(asked: string, { principal, action, context = {} }: Request): string | readonly string[] | undefined {
  const key = asked.toLowerCase();
  const of = <Value>(values: Readonly<Record<string, Value>>, name: string) =>
    Object.entries(values).find(([each]) => each.toLowerCase() === name)?.[1];
  // A role that is passed has no tags (docs/aws-facts.md).
  if (action === 'iam:PassRole' && key.startsWith('aws:resourcetag/')) return undefined;
  if (key === 'aws:principalarn') return principal.arn;
  if (key === 'aws:principalaccount') return principal.arn.split(':')[4];
  if (key === 'aws:principalisawsservice') return principal.isService?.toString();
  const [, tag] = /^aws:principaltag\/(.*)$/s.exec(key) ?? [];
  return tag === undefined ? of(context, key) : of(principal.tags, tag);
}

/**
 * `${aws:PrincipalTag/name}`, and `${aws:PrincipalTag/name, 'default'}`; undefined when one has no value: then the pattern matches nothing.
 * `${*}`, `${?}` and `${$}` are these characters themselves.
 */
function fillIn(pattern: string, request: Request): string | undefined {
  let complete = true;
  const filled = pattern.replace(/\$\{([^}]+)\}/g, (_, inside: string) => {
    const literal = LITERALS.find(([character]) => character === inside);
    if (literal) return literal[1];
    const [, key = '', otherwise] = /^([^,]+?)(?:\s*,\s*'(.*)')?$/s.exec(inside) ?? [];
    const value = valueOf(key, request) ?? otherwise;
    if (typeof value === 'object') throw new Error(`A list is no variable of a policy: ${key}`);
    complete &&= value !== undefined;
    return value ?? '';
  });
  return complete ? filled : undefined;
}

/** What stands for a character that is meant as it is. */
const LITERALS: readonly (readonly [string, string])[] = [
  ['*', '\ue000'],
  ['?', '\ue001'],
  ['$', '\ue002'],
];
const withLiterals = (text: string): string =>
  LITERALS.reduce((done, [character, standIn]) => done.replaceAll(standIn, () => character), text);

/** Each of the six parts between colons by itself; the last one may have colons in it. */
function matchesArn(pattern: string, text: string): boolean {
  if (pattern === '*') return true;
  if (!pattern.startsWith('arn:') || !text.startsWith('arn:')) return matches(pattern, text);
  const [ours, theirs] = [pattern, text].map((arn) => /^([^:]*):([^:]*):([^:]*):([^:]*):([^:]*):(.*)$/s.exec(arn));
  return ours != null && theirs != null && ours.slice(1).every((part, index) => matches(part, theirs[index + 1] ?? ''));
}

/** `*` is any text, slashes and colons too; `?` is one character. */
const matches = (pattern: string, text: string): boolean =>
  new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('?', '.')
      .replaceAll('*', '.*')
      .replace(/[\ue000-\ue002]/g, (standIn) => `\\${withLiterals(standIn)}`)}$`,
    's',
  ).test(text);

const list = (value: unknown): string[] => (value === undefined ? [] : [value].flat()).map(String);

// --- from a template ----------------------------------------------------------------------------------------------

export const ACCOUNT = '111122223333';
export const REGION = 'eu-west-1';
export const LEDGER = 'arn:aws:s3:::ledger';

type Resources = Record<string, SynthesisedResource>;
type Document = { PolicyDocument: { Statement: Statement[] } };

/** Every role of the template by its logical id without the hash at its end: `Migration0004Role`. */
export function rolesOf(resources: Resources): Map<string, Principal> {
  const all = Object.entries(resources);
  return new Map(
    all
      .filter(([, { Type }]) => Type === 'AWS::IAM::Role')
      .map(([id, { Properties = {} }]) => {
        const inline = (Properties['Policies'] ?? []) as Document[];
        const attached = all
          .filter(([, { Type, Properties: of }]) => {
            return Type === 'AWS::IAM::Policy' && JSON.stringify(of?.['Roles']).includes(`"${id}"`);
          })
          .map(([, { Properties: of }]) => of as unknown as Document);
        const managed = ((Properties['ManagedPolicyArns'] ?? []) as { Ref?: string }[]).map(({ Ref = '' }) => {
          const found = resources[Ref];
          if (found?.Type !== 'AWS::IAM::ManagedPolicy') throw new Error(`not known: ${Ref || 'a policy of AWS'}`);
          return found.Properties as unknown as Document;
        });
        const tags = ((Properties['Tags'] ?? []) as { Key: string; Value: unknown }[]).map(({ Key, Value }) => [
          Key,
          resolve(Value, resources),
        ]);
        return [
          id.replace(/\w{8}$/, ''),
          {
            arn: arnOf(id, resources),
            isService: false,
            tags: Object.fromEntries(tags) as Record<string, string>,
            statements: [...inline, ...attached, ...managed].flatMap(({ PolicyDocument }) =>
              PolicyDocument.Statement.map((one) => resolved(one, resources)),
            ),
          },
        ];
      }),
  );
}

/** Who may take each role's place: its trust policy, with the actions of STS that it allows, and the services. */
export const trustOf = (resources: Resources): [id: string, actions: string[], services: string[]][] =>
  Object.entries(resources)
    .filter(([, { Type }]) => Type === 'AWS::IAM::Role')
    .map(([id, { Properties = {} }]) => {
      const { Statement: statements } = Properties['AssumeRolePolicyDocument'] as Document['PolicyDocument'];
      const services = statements.flatMap((one) =>
        list((one as { Principal?: { Service?: unknown } }).Principal?.Service),
      );
      return [id, statements.flatMap(({ Action }) => list(Action)), services];
    });

/** The statements of the one bucket policy; its principal is everybody, in each of them. */
export function bucketPolicyOf(resources: Resources): Statement[] {
  const policies = Object.values(resources).filter(({ Type }) => Type === 'AWS::S3::BucketPolicy');
  const [policy] = policies.map(({ Properties }) => Properties as unknown as Document);
  if (!policy || policies.length > 1) throw new Error(`expected one bucket policy, found ${policies.length}`);
  return policy.PolicyDocument.Statement.map((statement) => {
    const { Principal: principal } = statement as { Principal?: unknown };
    if (JSON.stringify(principal) !== '{"AWS":"*"}') throw new Error(`not everybody: ${JSON.stringify(principal)}`);
    return resolved(statement, resources);
  });
}

const arnOf = (roleId: string, resources: Resources): string => {
  const name = resources[roleId]?.Properties?.['RoleName'];
  return `arn:aws:iam::${ACCOUNT}:role/${name === undefined ? roleId : String(resolve(name, resources))}`;
};

/** The same with the ARNs that references would have. */
const resolved = (statement: Statement, resources: Resources): Statement => resolve(statement, resources) as Statement;

function resolve(value: unknown, resources: Resources): unknown {
  if (Array.isArray(value)) return value.map((inner) => resolve(inner, resources));
  if (typeof value !== 'object' || value === null) return value;
  const {
    Ref,
    'Fn::GetAtt': attribute,
    'Fn::Join': join,
  } = value as { Ref?: string; 'Fn::GetAtt'?: [string, string]; 'Fn::Join'?: [string, unknown[]] };
  if (Ref !== undefined) return PSEUDO[Ref] ?? `<${Ref}>`;
  if (attribute) return arnOfResource(attribute.join('.'), resources);
  if (join) return join[1].map((inner) => resolve(inner, resources)).join(join[0]);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, resolve(inner, resources)]));
}

function arnOfResource(reference: string, resources: Resources): string {
  const [id = ''] = reference.split('.');
  const { Type, Properties } = resources[id] ?? {};
  if (Type === 'AWS::S3::Bucket') return LEDGER; // the only one
  if (Type === 'AWS::IAM::Role') return arnOf(id, resources);
  return Type === 'AWS::Lambda::Function' ? arnOfFunction(String(Properties?.['FunctionName'])) : `<${reference}>`;
}

const PSEUDO: Record<string, string> = {
  'AWS::Partition': 'aws',
  'AWS::Region': REGION,
  'AWS::AccountId': ACCOUNT,
};

export const arnOfFunction = (name: string): string => `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${name}`;
export const arnOfExecution = (machine: string, name: string): string =>
  `arn:aws:states:${REGION}:${ACCOUNT}:execution:${machine}:${name}`;
export const arnOfMachine = (name: string): string => `arn:aws:states:${REGION}:${ACCOUNT}:stateMachine:${name}`;

/** The policy for operators in docs/configuration.md, of the environment `odin-dev`, with a ledger's name in the place that it leaves for it. */
export function documentedStatements(ledgerBucket: string): Statement[] {
  const text = readFileSync(path.join(PROJECT, 'docs/configuration.md'), 'utf8');
  const [, json = ''] = /```json\n(\{\n {2}"Version"[^]*?)```/.exec(text) ?? [];
  return (JSON.parse(json.replaceAll('LEDGER', ledgerBucket)) as { Statement: Statement[] }).Statement;
}
