// The assembly of an environment on this machine. CDK takes a second to make one, so it is kept, and taken again whenever the same
// would come out.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { PracticeFault } from '../project/bundle.ts';
import { commitOf } from '../project/commit.ts';
import { configurationOf } from '../project/configuration.ts';
import { stampOf } from '../project/kept.ts';
import { ownSources } from '../project/package.ts';
import type { EnvironmentPlan } from '../project/plan.ts';
import type { Project } from '../project/project.ts';

export interface AssemblyOptions {
  project: Project;
  plan: EnvironmentPlan;
  /** More variables for every migration's function. */
  variables: Record<string, string>;
  /** In a bundle that is the same code with and without it. */
  practiceFault: PracticeFault | undefined;
  /** The plan's bundles are in it afterwards. */
  directory: string;
}

/** Makes it, unless what lies in the folder is the same. Nobody else may work there. */
export async function makeAssembly(options: AssemblyOptions): Promise<void> {
  const { project, plan, variables, directory } = options;
  const key = keyOf(options);
  const seal = path.join(directory, SEAL);
  if (existsSync(seal) && readFileSync(seal, 'utf8') === sealFor(directory, key)) return;
  rmSync(directory, { recursive: true, force: true });
  const { addEnvironment, offlineApp } = await import('../infra/build-app.ts');
  const app = offlineApp(directory);
  addEnvironment(app, project, plan, variables);
  app.synth();
  writeFileSync(seal, sealFor(directory, key));
}

/** Of everything that an assembly is made of. */
function keyOf({ project, plan, variables, practiceFault }: AssemblyOptions): string {
  const { manifest, bundles, warnings } = plan;
  const { version: cdk } = createRequire(import.meta.url)('aws-cdk-lib/package.json') as { version: string };
  const parts = {
    manifest,
    // Where they lie is not among it.
    migrations: bundles.migrations.map((file) => ({ ...file, path: '', bundle: file.bundle.codeSha256 })),
    system: Object.entries(bundles.system).map(([name, { codeSha256 }]) => [name, codeSha256]),
    warnings,
    app: project.configuration.app,
    settings: configurationOf(project.configuration, manifest.environment),
    variables,
    practiceFault,
    commit: commitOf(project.directory),
    versions: [cdk, process.version, ownSources().map(stampOf)],
  };
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** Says how an assembly was when it was made, and from what. */
const SEAL = 'sealed';

function sealFor(assembly: string, key: string): string {
  const files = readdirSync(assembly, { recursive: true, encoding: 'utf8' }).filter((file) => file !== SEAL);
  const states = files.sort().map((file) => [file, ...stateOf(path.join(assembly, file))].join(' '));
  return createHash('sha256')
    .update([key, ...states].join('\n'))
    .digest('hex');
}

/** A folder's own times change with what is done beside its files. */
const stateOf = (file: string): number[] => (statSync(file).isDirectory() ? [] : stampOf(file));
