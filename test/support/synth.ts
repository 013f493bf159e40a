// An environment's stack, synthesised from migrations of a test's own.
import { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll } from 'vitest';
import { addEnvironments, offlineApp } from '../../infra/build-app.ts';
import { stackName } from '../../core/names.ts';
import type { Manifest } from '../../core/manifest.ts';
import { parseConfiguration } from '../../infra/configuration.ts';
import type { TemporaryProject } from './project.ts';
import { temporaryProject } from './project.ts';

export const ONE_MIGRATION = { '0001.ts': 'export async function migration(): Promise<void> {}\n' };

/**
 * @param settings of the environment `odin-dev` in cdk.json
 * @param files its migrations, file name → text
 */
export function synthesiseStack(
  settings: object = {},
  files: Record<string, string> = ONE_MIGRATION,
): { template: Template; json: SynthesisedTemplate; manifest: Manifest } {
  project ??= temporaryProject({}, { sources: true });
  const { directory, write } = project;
  rmSync(path.join(directory, 'migrations'), { recursive: true, force: true });
  for (const [name, text] of Object.entries(files)) write(`migrations/odin-dev/${name}`, text);
  const app = offlineApp(path.join(directory, 'cdk.out'));
  const [prepared] = addEnvironments({
    app,
    projectDirectory: directory,
    configuration: parseConfiguration({ environments: { 'odin-dev': settings } }),
    only: 'odin-dev',
  });
  const template = Template.fromStack(Stack.of(app.node.findChild(stackName('odin-dev'))));
  if (!prepared) throw new Error('odin-dev was not built');
  return { template, json: template.toJSON() as never, manifest: prepared.manifest };
}

/** One for the stacks of a file: what no environment changes is bundled once for a project. */
let project: TemporaryProject | undefined;
afterAll(() => project?.remove());

interface SynthesisedTemplate {
  Resources: Record<string, SynthesisedResource>;
  Outputs: Record<string, { Value: unknown }>;
}

export interface SynthesisedResource {
  Type: string;
  Properties?: Record<string, unknown>;
  DependsOn?: string[];
}
