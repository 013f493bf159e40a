// The Parameter Store of SSM, as far as somebody looks for what was deployed: the parameters of `deployTemplate`.
import { AwsError } from './http.ts';

export type Parameters = ReturnType<typeof createParameters>;

export function createParameters(region: string, accountId: string) {
  const values = new Map<string, string>();
  return {
    put(name: string, value: string): void {
      values.set(name, value);
    },

    /** @throws AwsError UnknownOperationException */
    call(operation: string, input: Record<string, unknown>): object {
      if (operation === 'GetParametersByPath')
        return { Parameters: byPath(String(input['Path']), input['Recursive'] === true) };
      if (operation === 'DeleteParameters') {
        const names = input['Names'] ?? [];
        if (!Array.isArray(names)) throw new AwsError('SerializationException', 'Names: expected a list');
        return { DeletedParameters: names.filter((name) => values.delete(String(name))), InvalidParameters: [] };
      }
      throw new AwsError('UnknownOperationException', `The embedded AWS does not support ssm:${operation}`);
    },
  };

  function byPath(path: string, recursive: boolean): object[] {
    const prefix = path.endsWith('/') ? path : `${path}/`;
    return [...values]
      .filter(([name]) => name.startsWith(prefix) && (recursive || !name.slice(prefix.length).includes('/')))
      .map(([Name, Value]) => ({
        Name,
        Value,
        Type: 'String',
        ARN: `arn:aws:ssm:${region}:${accountId}:parameter${Name}`,
      }));
  }
}
