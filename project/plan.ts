// From the folder of an environment to what its stack deploys: discover → inspect → bundle → manifest.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Manifest } from '../core/contract/manifest.ts';
import { assertEnvironmentId } from '../core/names/identifiers.ts';
import { migrationFunctionName } from '../core/names/names.ts';
import type { Bundles, PracticeFault } from './bundle.ts';
import { bundleEnvironment } from './bundle.ts';
import type { Configuration } from './configuration.ts';
import { discoverEnvironment } from './discover.ts';
import type { InspectedMigration } from './inspect.ts';
import { inspectMigrations } from './inspect.ts';

export interface EnvironmentPlan {
  warnings: string[];
  bundles: Bundles<InspectedMigration>;
  manifest: Manifest;
}

/** Where everything that is made on this machine goes; ignored by git. */
export const WORK_FOLDER = '.odin-migrate';

/** The functions that read the manifest. */
const WITH_MANIFEST = ['list-pending', 'halt', 'resume', 'baseline', 'dashboard'] as const;

/** Seconds. To practise an unknown outcome takes a minute, and not the quarter of an hour of a real one. */
const PRACTICE_TIMEOUT = 60;

export interface PlanOptions {
  environment: string;
  projectDirectory: string;
  configuration: Configuration;
  workDirectory?: string | undefined;
  practiceFault?: PracticeFault | undefined;
}

export function planEnvironment(options: PlanOptions): EnvironmentPlan {
  const { environment: name, projectDirectory, configuration, practiceFault } = options;
  const workDirectory = options.workDirectory ?? path.join(projectDirectory, WORK_FOLDER);
  const of = { app: configuration.app, environment: name };
  assertEnvironmentId(of);
  const discovered = discoverEnvironment(name, projectDirectory, configuration);
  const inspected = inspectMigrations(discovered.migrations, path.join(workDirectory, 'inspect', name)).map(
    (migration) => withPracticeTime(migration, practiceFault),
  );
  const bundles = bundleEnvironment(
    projectDirectory,
    path.join(workDirectory, 'bundles', name),
    inspected,
    practiceFault,
  );
  const manifest: Manifest = {
    formatVersion: 1,
    ...of,
    gitCommit: gitCommit(projectDirectory),
    migrations: bundles.migrations.map(
      ({ id, file, description, sourceSha256, bundle, timeoutSeconds, checkpointed }) => ({
        id,
        file,
        description,
        functionName: migrationFunctionName(of, id),
        sourceSha256,
        codeSha256: bundle.codeSha256,
        timeoutSeconds,
        checkpointed,
      }),
    ),
  };
  for (const name of WITH_MANIFEST) {
    writeFileSync(
      path.join(bundles.system[name].directory, 'manifest.json'),
      `${JSON.stringify(manifest, undefined, 2)}\n`,
    );
  }
  const warnings = [
    ...discovered.warnings.map(({ message }) => message),
    ...inspected.flatMap(({ file, misspelt }) => misspelt.map((each) => `${file} ${each}`)),
  ];
  return { warnings, bundles, manifest };
}

function withPracticeTime(migration: InspectedMigration, practiceFault: PracticeFault | undefined): InspectedMigration {
  if (migration.id !== practiceFault?.migration || practiceFault.fault === 'fail') return migration;
  return { ...migration, timeoutSeconds: Math.min(migration.timeoutSeconds, PRACTICE_TIMEOUT) };
}

/** The commit that is deployed, marked when the work tree differs from it; null outside git. */
function gitCommit(directory: string): string | null {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: directory, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    return git('rev-parse', 'HEAD') + (git('status', '--porcelain') === '' ? '' : '-dirty');
  } catch {
    return null; // no git, or no commit: the records then say nothing of it
  }
}
