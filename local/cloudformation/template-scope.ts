// One CloudFormation template with its intrinsic functions resolved. Names and ARNs follow from the stack and the
// logical id alone, so nothing has to exist before it is referred to.

import { createHash } from 'node:crypto';
import { OdinError } from '../../core/errors.ts';

export interface Resource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  readonly Metadata?: Readonly<Record<string, unknown>>;
  readonly Condition?: string;
}

export interface Template {
  readonly Resources?: Readonly<Record<string, Resource>>;
  readonly Outputs?: Readonly<Record<string, { readonly Value: unknown; readonly Condition?: string }>>;
  readonly Parameters?: Readonly<Record<string, { readonly Default?: unknown }>>;
}

export interface ScopeOptions {
  readonly template: Template;
  readonly stackName: string;
  readonly region: string;
  readonly accountId: string;
  /** Reads the template of a nested stack, by its file's name in the assembly. */
  readonly readNested: (file: string) => Template;
  /** What the parent passes to a nested stack. */
  readonly parameter?: (name: string) => unknown;
}

/** Reads a template from its outputs and properties inwards: nothing is resolved that nobody asks for. */
export class TemplateScope {
  readonly stackName: string;
  readonly #options: ScopeOptions;
  /** By logical id: a nested stack is read once. */
  readonly #nested = new Map<string, TemplateScope>();
  readonly #pseudo: Readonly<Record<string, unknown>>;

  constructor(options: ScopeOptions) {
    const { stackName, region, accountId } = options;
    this.stackName = stackName;
    this.#options = options;
    this.#pseudo = {
      'AWS::Region': region,
      'AWS::AccountId': accountId,
      'AWS::Partition': 'aws',
      'AWS::URLSuffix': 'amazonaws.com',
      'AWS::StackName': stackName,
      'AWS::StackId': `arn:aws:cloudformation:${region}:${accountId}:stack/${stackName}/embedded`,
      'AWS::NoValue': NO_VALUE,
    };
  }

  resources(): { readonly logicalId: string; readonly resource: Resource }[] {
    const { Resources = {} } = this.#options.template;
    return Object.entries(Resources).map(([logicalId, resource]) => ({ logicalId, resource }));
  }

  /** A property with every intrinsic in it resolved; undefined when it is not there. */
  property(logicalId: string, name: string): unknown {
    const resource = this.#resourceOf(logicalId);
    if (resource?.Condition !== undefined) throw this.#unresolved(`the condition ${resource.Condition}`, logicalId);
    const value = this.#resolve(resource?.Properties?.[name], `${logicalId}.${name}`);
    return value === NO_VALUE ? undefined : value;
  }

  outputs(): Record<string, string> {
    const entries = Object.entries(this.#options.template.Outputs ?? {});
    return Object.fromEntries(
      entries.map(([name, { Value, Condition }]) => {
        if (Condition !== undefined) throw this.#unresolved(`the condition ${Condition}`, `Outputs.${name}`);
        return [name, String(this.#resolve(Value, `Outputs.${name}`))];
      }),
    );
  }

  /** Those of nested stacks, at any depth. */
  nestedScopes(): TemplateScope[] {
    const stacks = this.resources().filter(({ resource }) => resource.Type === 'AWS::CloudFormation::Stack');
    return stacks.flatMap(({ logicalId, resource }) => {
      const inner = this.#nestedScope(logicalId, resource);
      return [inner, ...inner.nestedScopes()];
    });
  }

  #resourceOf(logicalId: string): Resource | undefined {
    return this.#options.template.Resources?.[logicalId];
  }

  #resolve(value: unknown, where: string): unknown {
    if (Array.isArray(value))
      return value.map((item) => this.#resolve(item, where)).filter((item) => item !== NO_VALUE);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value);
    const [name, argument] = entries[0] ?? [''];
    if (entries.length === 1 && (name === 'Ref' || name.startsWith('Fn::'))) {
      return this.#intrinsic(name, argument, where);
    }
    const resolved = entries.map(([key, item]) => [key, this.#resolve(item, where)] as const);
    return Object.fromEntries(resolved.filter(([, item]) => item !== NO_VALUE));
  }

  #intrinsic(name: string, argument: unknown, where: string): unknown {
    const list = () => this.#resolve(argument, where) as unknown[];
    switch (name) {
      case 'Ref':
        return this.#ref(String(argument), where);
      case 'Fn::GetAtt': {
        const parts = Array.isArray(argument) ? argument.map(String) : String(argument).split('.');
        return this.#attribute(parts[0] ?? '', parts.slice(1).join('.'), where);
      }
      case 'Fn::Join': {
        const [separator, items] = list();
        return (items as unknown[]).map(String).join(String(separator));
      }
      case 'Fn::Split': {
        const [separator, text] = list();
        return String(text).split(String(separator));
      }
      case 'Fn::Select': {
        const [index, items] = list();
        const item = (items as unknown[])[Number(index)];
        if (item === undefined) throw this.#unresolved(`Fn::Select ${String(index)}: there is no such item`, where);
        return item;
      }
      case 'Fn::Sub':
        return this.#substitute(argument, where);
      default:
        throw this.#unresolved(name, where);
    }
  }

  #substitute(argument: unknown, where: string): string {
    const [text, given] = Array.isArray(argument) ? (argument as [string, Record<string, unknown>]) : [argument, {}];
    const variables = this.#resolve(given, where) as Record<string, unknown>;
    return String(text).replace(/\$\{(!?)([^}]+)\}/g, (_, literal: string, name: string) => {
      if (literal !== '') return `\${${name}}`;
      if (name in variables) return String(variables[name]);
      const dot = name.indexOf('.');
      return String(dot < 0 ? this.#ref(name, where) : this.#attribute(name.slice(0, dot), name.slice(dot + 1), where));
    });
  }

  #ref(name: string, where: string): unknown {
    if (name.startsWith('AWS::')) {
      if (name in this.#pseudo) return this.#pseudo[name];
      throw this.#unresolved(`Ref ${name}`, where);
    }
    const parameter = this.#options.template.Parameters?.[name];
    if (parameter) {
      const value = this.#options.parameter?.(name) ?? parameter.Default;
      if (value === undefined) throw this.#unresolved(`Ref ${name}: the parameter has no value`, where);
      return value;
    }
    const resource = this.#resourceOf(name);
    if (!resource) throw this.#unresolved(`Ref ${name}: there is no such resource`, where);
    return REF_IS_ARN.has(resource.Type) ? this.#arnOf(name, resource) : this.physicalName(name);
  }

  #attribute(logicalId: string, name: string, where: string): unknown {
    const resource = this.#resourceOf(logicalId);
    const what = `Fn::GetAtt ${logicalId}.${name}`;
    if (!resource) throw this.#unresolved(`${what}: there is no such resource`, where);
    if (resource.Type === 'AWS::CloudFormation::Stack' && name.startsWith('Outputs.')) {
      const value = this.#nestedScope(logicalId, resource).outputs()[name.slice('Outputs.'.length)];
      if (value === undefined) throw this.#unresolved(`${what}: the nested stack has no such output`, where);
      return value;
    }
    if (name === 'Arn' || (name === 'TopicArn' && resource.Type === 'AWS::SNS::Topic'))
      return this.#arnOf(logicalId, resource);
    if (name === 'Name' || name === 'TopicName') return this.physicalName(logicalId);
    if (resource.Type === 'AWS::S3::Bucket' && name === 'DomainName')
      return `${this.physicalName(logicalId)}.s3.amazonaws.com`;
    if (resource.Type === 'AWS::S3::Bucket' && name === 'RegionalDomainName') {
      return `${this.physicalName(logicalId)}.s3.${this.#options.region}.amazonaws.com`;
    }
    throw this.#unresolved(`${what} (${resource.Type})`, where);
  }

  physicalName(logicalId: string): string {
    const resource = this.#resourceOf(logicalId);
    const rule = NAMES[resource?.Type ?? ''];
    const given = rule && resource?.Properties?.[rule.property];
    if (given !== undefined) return String(this.#resolve(given, `${logicalId}.${rule?.property ?? ''}`));
    const name = `${this.stackName}-${logicalId}`;
    return shorten(rule?.lowercase ? name.toLowerCase() : name, rule?.max ?? 64);
  }

  #arnOf(logicalId: string, resource: Resource): string {
    const { region, accountId } = this.#options;
    const name = this.physicalName(logicalId);
    switch (resource.Type) {
      case 'AWS::S3::Bucket':
        return `arn:aws:s3:::${name}`;
      case 'AWS::SNS::Topic':
        return `arn:aws:sns:${region}:${accountId}:${name}`;
      case 'AWS::Lambda::Function':
        return `arn:aws:lambda:${region}:${accountId}:function:${name}`;
      case 'AWS::StepFunctions::StateMachine':
        return `arn:aws:states:${region}:${accountId}:stateMachine:${name}`;
      case 'AWS::Logs::LogGroup':
        return `arn:aws:logs:${region}:${accountId}:log-group:${name}:*`;
      default: {
        const [, service, kind] = resource.Type.toLowerCase().split('::');
        return `arn:aws:${service}:${region}:${accountId}:${kind}/${name}`;
      }
    }
  }

  #nestedScope(logicalId: string, resource: Resource): TemplateScope {
    const known = this.#nested.get(logicalId);
    if (known) return known;
    const file = resource.Metadata?.['aws:asset:path'];
    const where = `${logicalId}.TemplateURL`;
    if (typeof file !== 'string') throw this.#unresolved('the file of a nested stack (Metadata aws:asset:path)', where);
    const scope = new TemplateScope({
      ...this.#options,
      template: this.#options.readNested(file),
      stackName: this.physicalName(logicalId),
      parameter: (name) => {
        const given = resource.Properties?.['Parameters'] as Record<string, unknown> | undefined;
        return this.#resolve(given?.[name], `${logicalId}.Parameters.${name}`);
      },
    });
    this.#nested.set(logicalId, scope);
    return scope;
  }

  #unresolved(what: string, where: string): OdinError {
    return new OdinError({
      code: 'BadConfiguration',
      source: 'system',
      what: `The embedded AWS cannot resolve ${what}, in ${this.stackName} at ${where}.`,
      next: 'Deploy to an emulator or to AWS, or write the value out.',
    });
  }
}

const NO_VALUE = Symbol('AWS::NoValue');

const REF_IS_ARN = new Set(['AWS::SNS::Topic', 'AWS::StepFunctions::StateMachine', 'AWS::CloudFormation::Stack']);

/** Which property names a resource, and how long a name may be. */
const NAMES: Record<string, { property: string; max: number; lowercase?: boolean }> = {
  'AWS::S3::Bucket': { property: 'BucketName', max: 63, lowercase: true },
  'AWS::SNS::Topic': { property: 'TopicName', max: 256 },
  'AWS::Lambda::Function': { property: 'FunctionName', max: 64 },
  'AWS::StepFunctions::StateMachine': { property: 'StateMachineName', max: 80 },
  'AWS::IAM::Role': { property: 'RoleName', max: 64 },
  'AWS::Logs::LogGroup': { property: 'LogGroupName', max: 512 },
};

/** A name of at most `max` characters; a longer one ends in a hash of itself, so that it stays unique and the same. */
function shorten(name: string, max: number): string {
  if (name.length <= max) return name;
  return `${name.slice(0, max - 9)}-${createHash('sha256').update(name).digest('hex').slice(0, 8)}`;
}
