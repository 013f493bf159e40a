// `odin-migrate baseline`: adopts an environment whose first migrations ran elsewhere.
import type { S3Client } from '@aws-sdk/client-s3';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { baselineThrough } from '../../core/contract/manifest.ts';
import { OdinError } from '../../core/errors.ts';
import { assertMigrationId } from '../../core/names/identifiers.ts';
import { idsText } from '../../core/text/format.ts';
import type { DeployedPlace } from '../../client/deployment.ts';
import { operatorOf, s3ClientOf, sendBaseline } from '../../client/deployment.ts';
import type { Place } from '../../client/environment.ts';
import { openEnvironment } from '../../client/environment.ts';
import type { ExitCode } from '../terminal/exit-codes.ts';
import { EXIT } from '../terminal/exit-codes.ts';
import { keepStdoutForJson, plain, print, printJson, whileBusy } from '../terminal/output.ts';
import { agreed } from '../terminal/questions.ts';
import { parseS3Url } from '../../client/s3-url.ts';

export interface BaselineOptions {
  through?: string;
  from?: string;
  pruned?: true;
  reason: string;
  yes?: boolean;
  json?: boolean;
}

/** @param deployed where the status object of `--from` is reached, also for an environment on this machine */
export async function baseline(
  place: Place,
  environment: string,
  options: BaselineOptions,
  deployed: DeployedPlace,
): Promise<ExitCode> {
  if (options.json) keepStdoutForJson();
  await using opened = await whileBusy(`Looking at ${environment}`, () => openEnvironment(environment, place));
  const { deployment, manifest, ledger } = opened;
  const through = await throughOf(options, s3ClientOf(deployed.aws));
  const shown = baselineThrough(manifest, through);
  const { migrations } = await ledger.log.look();
  const pending = shown.filter((id) => migrations[id]?.completion === undefined);
  const message = `Record ${idsText(pending)} of ${environment} as done elsewhere? This cannot be undone.`;
  if (pending.length > 0 && !(await agreed(message, options.yes))) {
    print('Nothing was recorded.');
    return EXIT.done;
  }
  const by = await operatorOf(deployment);
  const answer = await sendBaseline(deployment, { ask: 'baseline', through, shown, reason: options.reason, by });
  if (options.json) printJson(answer);
  print(plain(answer.message));
  return EXIT.done;
}

async function throughOf({ through, from, pruned }: BaselineOptions, s3: S3Client): Promise<string> {
  if ([through, from, pruned].filter((said) => said !== undefined).length !== 1) {
    throw new OdinError({
      code: 'BadUsage',
      source: 'user',
      what: 'Expected one of --through 0012, --from s3://bucket/prefix/ and --pruned.',
    });
  }
  if (pruned) return 'pruned';
  if (from !== undefined) return await lastMigrationAt(s3, from);
  assertMigrationId(through ?? '');
  return through ?? '';
}

/**
 * The replaced process kept one object, named after the last migration that ran, under a prefix of its own. None, or
 * several, is what its crash between deleting the old one and writing the new one left: then a person has to know.
 */
async function lastMigrationAt(s3: S3Client, url: string): Promise<string> {
  const { bucket, prefix } = parseS3Url(url);
  const { Contents = [], IsTruncated } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }));
  const names = Contents.map(({ Key = '' }) => Key.slice(Key.lastIndexOf('/') + 1)).filter((name) => name !== '');
  const [id] = names.map((name) => /^(\d{4})(?!\d)/.exec(name)?.[1]);
  if (id !== undefined && names.length === 1) {
    print(`The status object at ${url} is named ${names[0] ?? ''}: the last migration that ran is ${id}.`);
    return id;
  }
  const found = names.slice(0, 5).join(', ') + (names.length > 5 || IsTruncated ? ', …' : '');
  throw new OdinError({
    code: 'BadUsage',
    source: 'user',
    what: `Expected one object named after a migration, e.g. 0012, under ${url}, found ${found || 'none'}.`,
    next: 'Find out which migration ran last, and name it with --through.',
  });
}
