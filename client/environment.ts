// An environment, deployed or on this machine: opened in one way to act on it, in one way to look at it, closed by `await using`.
// The SDK's clients and the CDK are loaded when they are needed: to look at what is on this machine takes neither.
import path from 'node:path';
import type { Manifest } from '../core/contract/manifest.ts';
import type { Ledger } from '../core/ledger/ledger.ts';
import type { LedgerIdentity } from '../core/ledger/entries.ts';
import { LedgerLog } from '../core/ledger/log.ts';
import { MemoryStore } from '../core/ledger/memory-store.ts';
import { OUTPUTS, resourcePrefix } from '../core/names/names.ts';
import type { ManifestSeen } from '../core/views/view.ts';
import { EmbeddedStore } from '../local/s3/ledger-store.ts';
import { ObjectStore, S3_FOLDER } from '../local/s3/store.ts';
import { readSources } from '../project/bundle.ts';
import { givenHere } from '../project/configuration.ts';
import { assertKnownEnvironment, discoverEnvironment } from '../project/discover.ts';
import { inspectMigrations } from '../project/inspect.ts';
import type { Project } from '../project/project.ts';
import type { DeployedPlace, Deployment } from './deployment.ts';
import type { Embedded, EmbeddedSettings } from './embedded.ts';
import { identityOf } from './identity.ts';
import { localDirectory, readOutputs } from './local-folder.ts';
import { hasDied } from './local-lock.ts';

/** Where an environment is: deployed, as AWS is reached from here, or on this machine, made of a project's files. */
export type Place = DeployedPlace | LocalPlace;

export interface LocalPlace {
  project: Project;
}

export const isLocal = (place: Place): place is LocalPlace => 'project' in place;

/** Enough to read what happened. */
export interface SeenEnvironment extends AsyncDisposable {
  manifest: ManifestSeen;
  ledger: Ledger;
  /** Whose ledger it has to be; undefined of one on this machine that was never run. */
  identity: LedgerIdentity | undefined;
  /** Of one on this machine: what ran there is over, whatever the ledger says of it. */
  isOver?: boolean | undefined;
  /** Absent of one on this machine that is only looked at. */
  deployment?: Deployment | undefined;
}

/** Enough to run and to decide. */
export interface OpenEnvironment extends SeenEnvironment {
  manifest: Manifest;
  identity: LedgerIdentity;
  deployment: Deployment;
  /** The AWS inside this process; absent for a deployed environment. */
  embedded?: Embedded | undefined;
}

/**
 * To act on it. One on this machine is synthesised, deployed into this process, and locked until it is closed.
 * @throws OdinError for a deployed one NotDeployed, NoCredentials and the like; for one on this machine whatever is wrong with
 *   its files, and BadUsage when another process has it
 */
export async function openEnvironment(
  environment: string,
  place: LocalPlace,
  settings?: EmbeddedSettings,
): Promise<OpenEnvironment & { embedded: Embedded }>;
export async function openEnvironment(
  environment: string,
  place: Place,
  settings?: EmbeddedSettings,
): Promise<OpenEnvironment>;
export async function openEnvironment(
  environment: string,
  place: Place,
  settings: EmbeddedSettings = {},
): Promise<OpenEnvironment> {
  if (!isLocal(place)) {
    const { deployedManifest, findDeployment } = await import('./deployment.ts');
    const deployment = await findDeployment(environment, place);
    const manifest = await deployedManifest(deployment);
    const { ledger, identity } = deployment;
    return { deployment, manifest, ledger, identity, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const { startEmbedded } = await import('./embedded.ts');
  const embedded = await startEmbedded({ ...settings, project: place.project, environment });
  const { deployment, manifest, close } = embedded;
  const { ledger, identity } = deployment;
  return { embedded, deployment, manifest, ledger, identity, [Symbol.asyncDispose]: close };
}

/**
 * To look at it: nothing is run, changed or locked. One on this machine that was never run has an empty ledger.
 * @throws OdinError as openEnvironment, but for the lock
 */
export async function lookAtEnvironment(environment: string, place: Place): Promise<SeenEnvironment> {
  if (!isLocal(place)) return await openEnvironment(environment, place);
  const { project } = place;
  assertKnownEnvironment(environment, project.directory, project.configuration);
  const { completed } = discoverEnvironment(environment, project.directory, project.configuration);
  const pruned = completed.map(({ id }) => id);
  const manifest = { environment, migrations: inspectedHere(project, environment), pruned };
  return { manifest, ...ledgerHere(project, environment) };
}

/**
 * What was run on this machine; an empty ledger, of nobody, when nothing was, or under the name of another app, which `local` leaves
 * alone too.
 */
export function ledgerHere(project: Project, environment: string): Omit<SeenEnvironment, 'manifest'> {
  const directory = localDirectory(project, environment);
  const outputs = readOutputs(directory);
  const of = { app: project.configuration.app, environment };
  const machine = outputs?.[OUTPUTS.stateMachineArn] ?? '';
  if (!outputs || !machine.endsWith(`:${resourcePrefix(of)}`)) {
    const store = new MemoryStore();
    const ledger = { log: new LedgerLog(store, { ...of, account: '', region: '' }), store };
    return { ledger, identity: undefined, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const identity = identityOf(of, machine);
  // A second process may read the files while the first one waits in a halt (local/s3/store.ts).
  const objects = new ObjectStore(path.join(directory, S3_FOLDER));
  const store = new EmbeddedStore(objects, outputs[OUTPUTS.ledgerBucket] ?? '');
  return {
    ledger: { log: new LedgerLog(store, identity), store },
    identity,
    isOver: hasDied(directory),
    [Symbol.asyncDispose]: () => {
      objects.close();
      return Promise.resolve();
    },
  };
}

/** The migrations of this work tree, as they would be deployed. @throws OdinError BadMigrationFile, BundlingFailed */
export function inspectedHere({ directory, configuration }: Project, environment: string) {
  const { migrations } = discoverEnvironment(environment, directory, configuration);
  const inspected = inspectMigrations(migrations, givenHere(configuration, environment));
  const sources = readSources(directory, inspected);
  return inspected.map((migration) => ({ ...migration, sources: sources.get(migration.id) }));
}
