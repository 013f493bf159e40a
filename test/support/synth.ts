// An environment's stack, synthesised from migrations of a test's own.
import { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { addEnvironments, offlineApp } from '../../infra/build-app.ts';
import { stackName } from '../../core/names/names.ts';
import type { Manifest } from '../../core/contract/manifest.ts';
import { parseConfiguration } from '../../project/configuration.ts';
import { planDeployed } from '../../project/plan.ts';
import { WORK_FOLDER } from '../../project/temporary.ts';
import { PROJECT } from './project.ts';

export const ONE_MIGRATION = { '0001.ts': 'export async function migration(): Promise<void> {}\n' };

/**
 * @param settings of the environment `odin-dev` in odin-migrate.json
 * @param files its migrations, file name → text
 */
export function synthesiseStack(
  settings: object = {},
  files: Record<string, string> = ONE_MIGRATION,
): { template: Template; json: SynthesisedTemplate; manifest: Manifest } {
  // The same at each call: a manifest holds the paths of its files.
  const workDirectory = path.join(PROJECT, WORK_FOLDER, 'test', `synth-${process.pid}`);
  rmSync(workDirectory, { recursive: true, force: true }); // of a process that was killed
  try {
    const migrations = path.join(workDirectory, 'migrations');
    mkdirSync(path.join(migrations, 'odin-dev'), { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(migrations, 'odin-dev', name), text);
    const app = offlineApp(path.join(workDirectory, `cdk.out-${(synthesised += 1)}`));
    const project = {
      directory: PROJECT,
      configuration: parseConfiguration({
        directory: path.relative(PROJECT, migrations),
        environments: { 'odin-dev': settings },
      }),
    };
    addEnvironments(app, project, { plans: planDeployed(project, { only: 'odin-dev' }) });
    const template = Template.fromStack(Stack.of(app.node.findChild(stackName({ environment: 'odin-dev' }))));
    return { template, json: template.toJSON() as never, manifest: manifestIn(app.outdir) };
  } finally {
    rmSync(workDirectory, { recursive: true, force: true });
  }
}

function manifestIn(assembly: string): Manifest {
  const files = readdirSync(assembly).map((asset) => path.join(assembly, asset, 'manifest.json'));
  return JSON.parse(readFileSync(files.find((file) => existsSync(file)) ?? '', 'utf8')) as Manifest;
}

/** CDK remembers by its folder what it staged: another one for each, or the next stack has the code of the first. */
let synthesised = 0;

interface SynthesisedTemplate {
  Resources: Record<string, SynthesisedResource>;
  Outputs: Record<string, { Value: unknown }>;
}

export interface SynthesisedResource {
  Type: string;
  Properties?: Record<string, unknown>;
  DependsOn?: string[];
}
