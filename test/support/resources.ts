// What the resources of a template are known by.

export interface Resource {
  Type: string;
  Properties?: Record<string, unknown>;
  DeletionPolicy?: string;
  UpdateReplacePolicy?: string;
}

/** A resource's own name, or `-` when CloudFormation gives it one. What only a deployment knows is in angle brackets. */
export const nameOf = ({ Properties = {} }: Resource): string =>
  text(NAMES.map((property) => Properties[property]).find((value) => value !== undefined));

const NAMES = [
  'BucketName',
  'StateMachineName',
  'RoleName',
  'FunctionName',
  'TopicName',
  'LogGroupName',
  'AlarmName',
  'DashboardName',
  'Name',
];

function text(name: unknown): string {
  if (name === undefined) return '-';
  if (typeof name === 'string') return name;
  const {
    Ref,
    'Fn::GetAtt': attribute,
    'Fn::Join': join = ['', []],
  } = name as { Ref?: string; 'Fn::GetAtt'?: string[]; 'Fn::Join'?: [string, unknown[]] };
  if (Ref !== undefined) return `<${Ref}>`;
  return attribute ? `<${attribute.join('.')}>` : join[1].map(text).join(join[0]);
}
