// Finds what deployed environments say of themselves: parameters of SSM (core/contract/registration.ts).
import { DeleteParametersCommand, paginateGetParametersByPath, SSMClient } from '@aws-sdk/client-ssm';
import { OdinError } from '../core/errors.ts';
import { Registration } from '../core/contract/registration.ts';
import type { EnvironmentId } from '../core/names/names.ts';
import {
  environmentOfParameter,
  parameterName,
  parameterPath,
  PARAMETERS,
  qualifiedName,
  stackName,
} from '../core/names/names.ts';
import { awsError } from './aws-errors.ts';
import type { ClientOptions } from './client-options.ts';

export interface Registered {
  /** Undefined when nothing is deployed now. */
  registration: Registration | undefined;
  /** The bucket of its ledger; that of a former deployment, when there is no registration. */
  ledgerBucket: string | undefined;
  /** Parameters that stay when the stack goes, and are there. */
  kept: string[];
}

/** @throws OdinError NotDeployed for a registration that another version wrote; NoCredentials and the like */
export async function findRegistration(of: EnvironmentId, options: ClientOptions): Promise<Registered> {
  const values = await parametersUnder(parameterPath(of), options);
  const text = values.get(parameterName(of, 'registration'));
  return {
    registration: text === undefined ? undefined : parse(of, text),
    ledgerBucket: values.get(parameterName(of, 'ledger')),
    kept: (['claim', 'ledger'] as const).map((name) => parameterName(of, name)).filter((name) => values.has(name)),
  };
}

/** The environments that are deployed in this account and region. @throws OdinError as findRegistration */
export async function listRegistered(options: ClientOptions): Promise<EnvironmentId[]> {
  const values = await parametersUnder(PARAMETERS, options);
  return [...values.keys()].flatMap((name) => {
    const of = environmentOfParameter(name);
    return of && name === parameterName(of, 'registration') ? [of] : [];
  });
}

export const deleteParameters = (names: string[], options: ClientOptions): Promise<void> =>
  withSsm(options, async (ssm) => {
    await ssm.send(new DeleteParametersCommand({ Names: names }));
  });

const parametersUnder = (path: string, options: ClientOptions): Promise<Map<string, string>> =>
  withSsm(options, async (ssm) => {
    const values = new Map<string, string>();
    for await (const { Parameters = [] } of paginateGetParametersByPath(
      { client: ssm },
      { Path: path, Recursive: true },
    )) {
      for (const { Name = '', Value = '' } of Parameters) values.set(Name, Value);
    }
    return values;
  });

async function withSsm<T>(options: ClientOptions, work: (ssm: SSMClient) => Promise<T>): Promise<T> {
  const ssm = new SSMClient(options);
  try {
    return await work(ssm);
  } catch (cause) {
    throw awsError(cause) ?? cause;
  } finally {
    ssm.destroy();
  }
}

function parse(of: EnvironmentId, text: string): Registration {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // No schema takes it.
  }
  const { data } = Registration.safeParse(json);
  if (data) return data;
  throw new OdinError({
    code: 'NotDeployed',
    source: 'user',
    what: `The registration of ${qualifiedName(of)} cannot be read: it was deployed by another version of odin-migrate.`,
    next: { words: 'Deploy it again', verb: 'deploy', stack: stackName(of) },
  });
}
