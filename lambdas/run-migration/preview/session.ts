// The credentials of a preview: the function's own role, narrowed by a session policy to reading. There is no other way
// to get some: without such a session a preview fails.
import type { STSClient } from '@aws-sdk/client-sts';
import { AssumeRoleCommand } from '@aws-sdk/client-sts';
import { OdinError } from '../../../core/errors.ts';
import { describeThrown } from '../../../core/thrown.ts';
import { readOnlySessionPolicy } from '../../../core/preview/read-only.ts';
import type { Credentials } from './signature.ts';

/** The least that STS gives, and as long as a function may run. */
const SESSION_SECONDS = 900;

/** @throws OdinError NoReadOnlySession */
export async function readOnlySession(sts: STSClient, roleArn: string, migration: string): Promise<Credentials> {
  const refused = (why: string, cause?: unknown) =>
    new OdinError({
      code: 'NoReadOnlySession',
      source: 'system',
      what: `Nothing was previewed: no session of ${roleArn} that can only read was to be had: ${why}.`,
      next: 'Deploy the environment again; its stack lets this role assume itself.',
      cause,
    });
  const { Credentials: given } = await sts
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
  const { AccessKeyId, SecretAccessKey, SessionToken } = given ?? {};
  if (!AccessKeyId || !SecretAccessKey || !SessionToken) throw refused('STS answered without credentials');
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
}
