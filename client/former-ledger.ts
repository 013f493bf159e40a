// The ledger of an environment whose stack is gone: it is brought back, or left for a new one. Both only when nothing is deployed,
// and neither touches what the ledger says (docs/runbook.md).
import type { S3Client, Tag } from '@aws-sdk/client-s3';
import { DeleteBucketPolicyCommand, GetBucketTaggingCommand, PutBucketTaggingCommand } from '@aws-sdk/client-s3';
import { S3Store } from '../aws/s3-store.ts';
import { OdinError } from '../core/errors.ts';
import { examineLedger, isWrong } from '../core/ledger/examine.ts';
import type { Registration } from '../core/contract/registration.ts';
import type { LedgerIdentity } from '../core/ledger/entries.ts';
import { identityText } from '../core/ledger/entries.ts';
import { LedgerLog } from '../core/ledger/log.ts';
import type { EnvironmentId } from '../core/names/names.ts';
import { stackName } from '../core/names/names.ts';
import { awsError } from './aws-errors.ts';
import type { ClientOptions } from './client-options.ts';
import type { DeployedPlace } from './deployment.ts';
import { callerOf, failedStack, findStack, ofPlace, s3ClientOf } from './deployment.ts';
import { deleteParameters, findRegistration } from './registration.ts';
import { removeStack } from './remove-stack.ts';

export interface FormerLedger {
  identity: LedgerIdentity;
  bucket: string;
  /** Entries of its log. */
  entries: number;
  completed: number;
  options: ClientOptions;
  /** The parameters by which a deployment is refused. */
  kept: string[];
  /** The stack that a refused deployment left, which holds nothing; undefined when there is none. */
  leftover: string | undefined;
}

/**
 * @throws OdinError AlreadyDeployed when its stack is there, NoFormerLedger when nothing was kept; LedgerBroken when the examination
 *   finds something, AnotherAppsLedger when it is of another identity
 */
export async function findFormerLedger(environment: string, place: DeployedPlace): Promise<FormerLedger> {
  const { of, options } = await ofPlace(environment, place);
  const { registration, ledgerBucket, kept } = await findRegistration(of, options);
  if (registration) throw alreadyDeployed(of, registration);
  const leftover = await leftoverOf(of, options);
  if (ledgerBucket === undefined) throw noFormerLedger(of, leftover);
  const identity = await identityFrom(of, options);
  const store = new S3Store(s3ClientOf(options), ledgerBucket);
  const ledger = { log: new LedgerLog(store, identity), store };
  const state = await ledger.log.look();
  const { findings } = await examineLedger(ledger, identity);
  const wrong = findings.filter(isWrong);
  if (wrong.length > 0) {
    throw new OdinError({
      code: 'LedgerBroken',
      source: 'user',
      what: `The ledger ${ledgerBucket} of ${identityText(identity)} does not hold together: ${wrong.length} findings.`,
      why: wrong
        .slice(0, 3)
        .map(({ finding, key }) => `${key}: ${finding}`)
        .join('; '),
      next: 'docs/runbook.md says who may mend what.',
    });
  }
  const completed = Object.values(state.migrations).filter(({ completion }) => completion).length;
  return { identity, bucket: ledgerBucket, entries: state.number, completed, options, kept, leftover };
}

/**
 * Makes room for the policy of the next deployment, which CloudFormation would refuse beside another one (docs/aws-facts.md).
 * What refuses a deployment without this ledger stays.
 * @throws OdinError as findFormerLedger, when it is not any more as it was shown
 */
export async function adopt(former: FormerLedger): Promise<void> {
  await assertAsShown(former);
  const { bucket, options, leftover } = former;
  if (leftover !== undefined) await removeStack(leftover, options);
  await s3ClientOf(options).send(new DeleteBucketPolicyCommand({ Bucket: bucket }));
}

/** Leaves it where it is, and lets the next deployment begin a new one. The reason stays on the old bucket, as tags. @throws as adopt */
export async function startOver(former: FormerLedger, by: string, reason: string): Promise<void> {
  await assertAsShown(former);
  const { bucket, options, kept, leftover } = former;
  if (leftover !== undefined) await removeStack(leftover, options);
  const tags = {
    'odin-migrate:left-at': new Date().toISOString(),
    'odin-migrate:left-by': by,
    'odin-migrate:left-because': reason,
  };
  const s3 = s3ClientOf(options);
  const left = Object.entries(tags).map(([Key, text]) => ({ Key, Value: tagValue(text) }));
  const before = (await tagsOf(s3, bucket)).filter(({ Key = '' }) => !(Key in tags));
  await s3.send(new PutBucketTaggingCommand({ Bucket: bucket, Tagging: { TagSet: [...before, ...left] } }));
  await deleteParameters(kept, options);
}

/**
 * While the question stood, somebody may have deployed it with that ledger, whose policy and parameters are in use then, or left it.
 * @throws OdinError AlreadyDeployed, NoFormerLedger
 */
async function assertAsShown({ identity, bucket, options, leftover }: FormerLedger): Promise<void> {
  const { registration, ledgerBucket } = await findRegistration(identity, options);
  if (registration) throw alreadyDeployed(identity, registration);
  if (ledgerBucket !== bucket) throw noFormerLedger(identity, leftover);
}

const alreadyDeployed = ({ environment }: EnvironmentId, { stack }: Registration): OdinError =>
  new OdinError({
    code: 'AlreadyDeployed',
    source: 'user',
    what: `${environment} is deployed, by the stack ${stack}, and has its ledger.`,
    next: {
      words: 'Destroy that stack first, if another one is to have the environment: its ledger stays',
      verb: 'destroy',
      environment,
    },
  });

/**
 * The stack that `synth` makes is protected from deletion, also when its first deployment failed, and then it is in the way of the
 * next one. A stack that is not protected is replaced by CDK itself (docs/aws-facts.md).
 */
async function leftoverOf(of: EnvironmentId, options: ClientOptions): Promise<string | undefined> {
  const stack = await findStack(stackName(of), options);
  return stack && failedStack(stack) ? stack.StackName : undefined;
}

/** Those that a caller may put again: the ones of AWS itself stay by themselves (docs/aws-facts.md). */
async function tagsOf(s3: S3Client, bucket: string): Promise<Tag[]> {
  try {
    const { TagSet = [] } = await s3.send(new GetBucketTaggingCommand({ Bucket: bucket }));
    return TagSet.filter(({ Key = '' }) => !Key.startsWith('aws:'));
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'NoSuchTagSet') return [];
    throw awsError(cause) ?? cause;
  }
}

/** At most 256 letters, numbers, spaces and `_.:/=+-@`, as AWS takes them in a tag; others become a full stop. */
const tagValue = (text: string): string => text.replaceAll(/[^\p{L}\p{Z}\p{N}_.:/=+\-@]/gu, '.').slice(0, 256);

async function identityFrom(of: EnvironmentId, options: ClientOptions): Promise<LedgerIdentity> {
  const { Account: account = '' } = await callerOf(options);
  const region = await s3ClientOf(options).config.region();
  return { ...of, account, region };
}

const noFormerLedger = ({ app, environment }: EnvironmentId, leftover: string | undefined): OdinError =>
  new OdinError({
    code: 'NoFormerLedger',
    source: 'user',
    what: `${environment}${app === undefined ? '' : ` of ${app}`} has no ledger that was kept where these credentials lead.`,
    next:
      leftover === undefined
        ? 'Check its name, --app, --profile and --region. Without one, deploy it: its ledger is made.'
        : {
            words: `Its first deployment failed, and left the stack ${leftover}. Remove it, and deploy again`,
            verb: 'destroy',
            environment,
          },
  });
