// CloudFormation, as far as somebody asks it what was deployed: the stacks of `deployTemplate` and their outputs.

import { AwsError, escapeXml } from '../http.ts';

export interface StackDescription {
  readonly name: string;
  readonly id: string;
  readonly outputs: Readonly<Record<string, string>>;
  readonly createdAt: Date;
  readonly updatedAt: Date | undefined;
}

export type Stacks = ReturnType<typeof createStacks>;

export function createStacks(region: string, accountId: string) {
  const stacks = new Map<string, StackDescription>();
  return {
    deployed(name: string, outputs: Readonly<Record<string, string>>): void {
      const before = stacks.get(name);
      const id = `arn:aws:cloudformation:${region}:${accountId}:stack/${name}/embedded`;
      const now = new Date();
      stacks.set(name, { name, id, outputs, createdAt: before?.createdAt ?? now, updatedAt: before && now });
    },
    list: (): StackDescription[] => [...stacks.values()],
  };
}

/**
 * The result of DescribeStacks as XML, of one stack (by name or ARN) or of all.
 * Throws an AwsError ValidationError, with AWS's own words, for one that is not there.
 */
export function describeStacks(stacks: Stacks, nameOrId: string | undefined): string {
  const all = stacks.list();
  const found = nameOrId === undefined ? all : all.filter(({ name, id }) => name === nameOrId || id === nameOrId);
  if (nameOrId !== undefined && found.length === 0) {
    throw new AwsError('ValidationError', `Stack with id ${nameOrId} does not exist`, 400);
  }
  return element('Stacks', found.map((stack) => element('member', stackXml(stack))).join(''));
}

function stackXml({ name, id, outputs, createdAt, updatedAt }: StackDescription): string {
  const members = Object.entries(outputs).map(([key, value]) =>
    element('member', element('OutputKey', escapeXml(key)) + element('OutputValue', escapeXml(value))),
  );
  return [
    element('StackName', escapeXml(name)),
    element('StackId', escapeXml(id)),
    element('StackStatus', updatedAt ? 'UPDATE_COMPLETE' : 'CREATE_COMPLETE'),
    element('CreationTime', createdAt.toISOString()),
    ...(updatedAt ? [element('LastUpdatedTime', updatedAt.toISOString())] : []),
    element('Outputs', members.join('')),
  ].join('');
}

const element = (name: string, content: string): string => `<${name}>${content}</${name}>`;
