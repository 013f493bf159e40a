// What a file's evaluation sees in place of tokens, and the tokens again in what it says.
import { Stack, Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Given } from '../project/placeholder.ts';
import { placeholderOf, withoutPlaceholders } from '../project/placeholder.ts';

export interface Placeholders {
  given: Given;
  /** What the file says, with each placeholder as what it stands for. */
  restore: <T>(value: T) => T;
}

/** @param variables of the environment */
export function placeholdersFor(scope: Construct, variables: Record<string, string>): Placeholders {
  const { account, region, partition } = Stack.of(scope);
  // Those that are known too: a plan may have been made before CDK knew them.
  const values = new Map<string, string>();
  const shown = (name: string, value: string): string => {
    values.set(name, value);
    return Token.isUnresolved(value) ? placeholderOf(name) : value;
  };
  const given = {
    variables: Object.fromEntries(
      Object.entries(variables).map(([name, value]) => [name, shown(`variables.${name}`, value)]),
    ),
    account: shown('account', account),
    region: shown('region', region),
    partition: shown('partition', partition),
  };
  return { given, restore: (value) => restored(value) as typeof value };

  function restored(value: unknown): unknown {
    if (typeof value === 'string') return withoutPlaceholders(value, (name) => values.get(name) ?? '');
    if (Array.isArray(value)) return value.map(restored);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, restored(each)]));
  }
}
