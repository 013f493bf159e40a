// An environment to look at, deployed or local: its manifest and its ledger. Nothing is run or changed.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { Ledger } from '../core/ledger/ledger.ts';
import { MemoryStore } from '../core/ledger/memory-store.ts';
import { OUTPUTS } from '../core/names/names.ts';
import type { ManifestSeen } from '../core/views/view.ts';
import { assertKnownEnvironment, discoverEnvironment } from '../project/discover.ts';
import { inspectMigrations } from '../project/inspect.ts';
import { WORK_FOLDER } from '../project/plan.ts';
import { S3Store } from '../aws/s3-store.ts';
import { startEmbeddedAws } from '../local/embedded-aws.ts';
import type { ClientOptions } from './deployment.ts';
import { deployedManifest, findDeployment, s3ClientOf } from './deployment.ts';
import { localDirectory, OUTPUTS_FILE } from './embedded.ts';
import type { Project } from '../project/project.ts';

export interface Environment {
  environment: string;
  local: boolean;
  manifest: ManifestSeen;
  ledger: Ledger;
}

/** @throws OdinError NotDeployed, UnknownEnvironment, and what `work` throws */
export async function withEnvironment<T>(
  project: Project,
  environment: string,
  { local = false, aws }: { local?: boolean | undefined; aws: ClientOptions },
  work: (opened: Environment) => Promise<T>,
): Promise<T> {
  if (local) return await withLocal(project, environment, work);
  const deployment = await findDeployment(environment, aws);
  const manifest = await deployedManifest(deployment);
  return await work({ environment, local, manifest, ledger: deployment.ledger });
}

async function withLocal<T>(
  project: Project,
  environment: string,
  work: (opened: Environment) => Promise<T>,
): Promise<T> {
  assertKnownEnvironment(environment, project.directory, project.configuration);
  const manifest = { environment, migrations: inspectedHere(project, environment) };
  const directory = localDirectory(project, environment);
  const outputsFile = path.join(directory, OUTPUTS_FILE);
  // Nothing was run here yet.
  if (!existsSync(outputsFile)) {
    return await work({ environment, local: true, manifest, ledger: new Ledger(new MemoryStore()) });
  }
  const outputs = z.record(z.string(), z.string()).parse(JSON.parse(readFileSync(outputsFile, 'utf8')));
  const bucket = outputs[OUTPUTS.ledgerBucket] ?? '';
  // The files are fit for a second process, so that one can look while another one waits in a halt (local/s3/store.ts).
  const aws = await startEmbeddedAws({ directory });
  try {
    const s3 = s3ClientOf({ endpoint: aws.endpoint, region: aws.region, credentials: EMBEDDED });
    return await work({ environment, local: true, manifest, ledger: new Ledger(new S3Store(s3, bucket)) });
  } finally {
    await aws.close();
  }
}

const EMBEDDED = { accessKeyId: 'embedded', secretAccessKey: 'embedded' };

/** The migrations of this work tree, as they would be deployed. @throws OdinError BadMigrationFile, BundlingFailed */
export function inspectedHere({ directory, configuration }: Project, environment: string) {
  const { migrations } = discoverEnvironment(environment, directory, configuration);
  return inspectMigrations(migrations, path.join(directory, WORK_FOLDER, 'inspect', `cli-${environment}`));
}
