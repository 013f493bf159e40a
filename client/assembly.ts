// Assemblies: of a deployment, and of an environment on this machine. To load CDK and to let it make one takes seconds, so what
// was made stays, and is taken as it lies there whenever the same would come out.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Bundle, PracticeFault } from '../project/bundle.ts';
import { commitOf } from '../project/commit.ts';
import { configurationOf } from '../project/configuration.ts';
import { installedStamps, stampOf } from '../project/kept.ts';
import { ownSources } from '../project/package.ts';
import type { EnvironmentPlan } from '../project/plan.ts';
import type { Project } from '../project/project.ts';
import { cdkVariables, contextOfCdk } from './cdk-variables.ts';

export interface LocalAssemblyOptions {
  project: Project;
  plan: EnvironmentPlan;
  /** More variables for every migration's function. */
  variables: Record<string, string>;
  /** In a bundle that is the same code with and without it. */
  practiceFault: PracticeFault | undefined;
  /** The plan's bundles are in it afterwards, and nothing that is not of this assembly. */
  directory: string;
}

/** Of an environment on this machine. Nobody else may work in the folder. */
export async function makeLocalAssembly(options: LocalAssemblyOptions): Promise<void> {
  const { project, plan, variables, practiceFault, directory } = options;
  const commit = commitOf(project.directory);
  await makeOnce({
    directory,
    madeOf: { ...madeOf(project, [plan], commit), variables, practiceFault },
    make: async () => {
      const { addLocalEnvironment, offlineApp } = await import('../infra/build-app.ts');
      const app = offlineApp(directory);
      addLocalEnvironment(app, project, { plan, commit, variables });
      app.synth();
      const parts = new Set(partsOf(directory));
      for (const name of readdirSync(directory)) {
        if (!parts.has(name)) rmSync(path.join(directory, name), { recursive: true, force: true });
      }
    },
  });
}

export interface DeployedAssemblyOptions {
  project: Project;
  plans: readonly EnvironmentPlan[];
  /** Where the CDK CLI wants it; undefined: in a folder that CDK makes, where nobody finds it again. */
  directory: string | undefined;
}

/** Of what is deployed. The CDK CLI lets nobody else work in the folder, which may have more in it: what it keeps there itself. */
export async function makeDeployedAssembly({ project, plans, directory }: DeployedAssemblyOptions): Promise<void> {
  const commit = commitOf(project.directory);
  const make = async () => {
    const { addEnvironments, deployedApp } = await import('../infra/build-app.ts');
    const app = deployedApp(directory);
    addEnvironments(app, project, { plans, commit });
    app.synth();
  };
  if (directory === undefined) await make();
  else await makeOnce({ directory, madeOf: madeOf(project, plans, commit), make });
}

/** Everything that decides what CDK makes of these plans. What only a synth in some other folder can change is not in it. */
function madeOf(project: Project, plans: readonly EnvironmentPlan[], commit: string | undefined): object {
  const load = createRequire(import.meta.url);
  const versionOf = (name: string) => (load(`${name}/package.json`) as { version: string }).version;
  return {
    app: project.configuration.app,
    environments: plans.map(({ manifest, bundles, warnings, problems }) => ({
      manifest,
      // Where the files lie on this machine is in no assembly.
      migrations: bundles.migrations.map((file) => ({ ...file, path: '', bundle: hashesOf(file.bundle) })),
      system: Object.entries(bundles.system).map(([name, bundle]) => [name, hashesOf(bundle)]),
      warnings,
      problems: problems.map(({ message }) => message),
      settings: configurationOf(project.configuration, manifest.environment),
    })),
    commit,
    cdk: [versionOf('aws-cdk-lib'), versionOf('constructs'), cdkVariables(), contextOfCdk()],
    node: process.version,
    installed: installedStamps(project.directory),
    package: ownSources().map(stampOf),
  };
}

const hashesOf = ({ sha256, codeSha256 }: Bundle) => [sha256, codeSha256];

interface Once {
  directory: string;
  /** The same comes out whenever this is the same. */
  madeOf: object;
  make: () => Promise<void>;
}

/** Makes it, unless what lies in the folder is the same. */
async function makeOnce({ directory, madeOf, make }: Once): Promise<void> {
  const key = createHash('sha256').update(JSON.stringify(madeOf)).digest('hex');
  const seal = path.join(directory, SEAL);
  const before = readSeal(seal);
  if (before?.key === key && before.parts === stateOf(directory)) {
    process.stderr.write(before.told);
    return;
  }
  rmSync(seal, { force: true }); // until it is whole
  const told = await whatIsTold(make);
  writeFileSync(seal, JSON.stringify({ key, parts: stateOf(directory), told } satisfies Seal));
}

/** Says from what an assembly was made, how it was then, and what CDK told of it besides: what of that is in the assembly, its CLI tells. */
const SEAL = 'sealed.json';

interface Seal {
  key: string;
  parts: string;
  told: string;
}

/** Undefined when there is none, or half of one. */
function readSeal(file: string): Seal | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Seal;
  } catch {
    return undefined;
  }
}

/** Changes with every file of it. A folder's own times change with what is done beside its files. */
function stateOf(assembly: string): string {
  const states = partsOf(assembly).flatMap((part) => {
    const at = path.join(assembly, part);
    if (!statSync(at).isDirectory()) return [[part, ...stampOf(at)]];
    return readdirSync(at, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map(({ parentPath, name }) => path.join(parentPath, name))
      .sort()
      .map((file) => [path.relative(assembly, file), ...stampOf(file)]);
  });
  return createHash('sha256').update(JSON.stringify(states)).digest('hex');
}

/** The names of what CDK has written there: those that its manifests name, by whole paths without staging. The folder may have more in it. */
function partsOf(assembly: string): string[] {
  const there = existsSync(assembly) ? new Set(readdirSync(assembly)) : new Set<string>();
  const parts = new Set(['cdk.out', 'manifest.json', 'validation-report.json'].filter((name) => there.has(name)));
  for (const part of parts) {
    if (part !== 'manifest.json' && !part.endsWith('.assets.json')) continue;
    JSON.parse(readFileSync(path.join(assembly, part), 'utf8'), (_, value: unknown) => {
      if (typeof value === 'string' && there.has(path.basename(value))) parts.add(path.basename(value));
      return value;
    });
  }
  return [...parts].sort();
}

/** On stderr, where CDK says what it has found in the templates. It is told now, too. */
async function whatIsTold(make: () => Promise<void>): Promise<string> {
  const told: string[] = [];
  const { stderr } = process;
  const write = stderr.write.bind(stderr) as (...args: unknown[]) => boolean;
  stderr.write = (...args: unknown[]) => {
    told.push(String(args[0]));
    return write(...args);
  };
  try {
    await make();
  } finally {
    stderr.write = write;
  }
  return told.join('');
}
