// The assembly of an environment on this machine. CDK takes a second to make one, so it is kept, and taken again whenever the same
// would come out: in node_modules/.cache, a folder for each.
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { configurationOf } from '../project/configuration.ts';
import { stampOf } from '../project/kept.ts';
import { cacheFolder, ownSources } from '../project/package.ts';
import type { EnvironmentPlan } from '../project/plan.ts';
import type { Project } from '../project/project.ts';

export interface AssemblyOptions {
  project: Project;
  plan: EnvironmentPlan;
  /** More variables for every migration's function. */
  variables: Record<string, string>;
}

/** One that nobody has taken for so long is deleted. */
const KEPT_MS = 7 * 24 * 60 * 60 * 1000;

/** @param directory where it is made when nothing can be kept. @returns its folder; the plan's bundles are in it */
export async function assemblyOf(options: AssemblyOptions, directory: string): Promise<string> {
  const folder = keptIn(options.project.directory);
  if (folder === undefined) return await synthesise(options, directory);
  const kept = path.join(folder, keyOf(options));
  if (isWhole(kept)) {
    utimesSync(kept, new Date(), new Date());
    return kept;
  }
  rmSync(kept, { recursive: true, force: true });
  const made = await synthesise(options, `${kept}.${process.pid}`);
  writeFileSync(path.join(made, SEAL), stateOf(made));
  forgetOld(folder);
  try {
    renameSync(made, kept);
    return kept;
  } catch {
    return made; // another process was faster
  }
}

async function synthesise({ project, plan, variables }: AssemblyOptions, directory: string): Promise<string> {
  const { addEnvironment, offlineApp } = await import('../infra/build-app.ts');
  const app = offlineApp(directory);
  addEnvironment(app, project, plan, variables);
  app.synth();
  return directory;
}

/** Undefined when nothing can be written there. */
function keptIn(directory: string): string | undefined {
  const cache = cacheFolder(directory);
  if (cache === undefined) return undefined;
  const folder = path.join(cache, 'assemblies');
  try {
    mkdirSync(folder, { recursive: true });
    return folder;
  } catch {
    return undefined;
  }
}

/** Of everything that an assembly is made of. */
function keyOf({ project, plan, variables }: AssemblyOptions): string {
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
    versions: [cdk, process.version, ownSources().map(stampOf)],
  };
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** Says of what is in an assembly how it was when it was made. */
const SEAL = 'sealed';

function isWhole(assembly: string): boolean {
  const seal = path.join(assembly, SEAL);
  return existsSync(seal) && readFileSync(seal, 'utf8') === stateOf(assembly);
}

function stateOf(assembly: string): string {
  const files = readdirSync(assembly, { recursive: true, encoding: 'utf8' }).filter((file) => file !== SEAL);
  const states = files.sort().map((file) => [file, ...stateOfOne(path.join(assembly, file))].join(' '));
  return createHash('sha256').update(states.join('\n')).digest('hex');
}

/** A folder's own times change with what is done beside its files. */
const stateOfOne = (file: string): number[] => (statSync(file).isDirectory() ? [] : stampOf(file));

function forgetOld(folder: string): void {
  for (const name of readdirSync(folder)) {
    const each = path.join(folder, name);
    const found = statSync(each, { throwIfNoEntry: false });
    if (found && Date.now() - found.mtimeMs > KEPT_MS) rmSync(each, { recursive: true, force: true });
  }
}
