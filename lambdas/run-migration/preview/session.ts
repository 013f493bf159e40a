// The credentials of a preview: the function's own role, narrowed by a session policy to reading. There is no other way
// to get some: without such a session a preview fails.
import type { STSClient } from '@aws-sdk/client-sts';
import { AssumeRoleCommand } from '@aws-sdk/client-sts';
import { OdinError } from '../../../core/errors.ts';
import { describeThrown } from '../../../core/thrown.ts';
import { readOnlySessionPolicy } from '../../../core/preview/read-only.ts';

/** Environment variables, as the SDK reads them. */
export type SessionVariables = Record<'AWS_ACCESS_KEY_ID' | 'AWS_SECRET_ACCESS_KEY' | 'AWS_SESSION_TOKEN', string>;

/** The least that STS gives, and as long as a function may run. */
const SESSION_SECONDS = 900;

/** @throws OdinError NoReadOnlySession */
export async function readOnlySession(sts: STSClient, roleArn: string, migration: string): Promise<SessionVariables> {
  const refused = (why: string, cause?: unknown) =>
    new OdinError({
      code: 'NoReadOnlySession',
      source: 'system',
      what: `Nothing was previewed: no session of ${roleArn} that can only read was to be had: ${why}.`,
      next: 'Deploy the environment again; its stack lets this role assume itself.',
      cause,
    });
  const { Credentials: credentials } = await sts
    .send(
      new AssumeRoleCommand({
        RoleArn: roleArn,
        RoleSessionName: `preview-${migration}`,
        DurationSeconds: SESSION_SECONDS,
        Policy: readOnlySessionPolicy(),
      }),
    )
    .catch((thrown: unknown) => {
      throw refused(describeThrown(thrown), thrown);
    });
  const { AccessKeyId, SecretAccessKey, SessionToken } = credentials ?? {};
  if (!AccessKeyId || !SecretAccessKey || !SessionToken) throw refused('STS answered without credentials');
  return {
    AWS_ACCESS_KEY_ID: AccessKeyId,
    AWS_SECRET_ACCESS_KEY: SecretAccessKey,
    AWS_SESSION_TOKEN: SessionToken,
  };
}
