// An environment's stack, synthesised from migrations of a test's own.
import { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import path from 'node:path';
import { addEnvironments, offlineApp } from '../../infra/build-app.ts';
import { stackName } from '../../core/names.ts';
import type { Manifest } from '../../core/manifest.ts';
import { parseConfiguration } from '../../infra/configuration.ts';
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
  const entries = Object.entries(files).map(([name, text]) => [`migrations/odin-dev/${name}`, text]);
  const project = temporaryProject(Object.fromEntries(entries) as Record<string, string>, { sources: true });
  try {
    const app = offlineApp(path.join(project.directory, 'cdk.out'));
    const [prepared] = addEnvironments({
      app,
      projectDirectory: project.directory,
      configuration: parseConfiguration({ environments: { 'odin-dev': settings } }),
      only: 'odin-dev',
    });
    const template = Template.fromStack(Stack.of(app.node.findChild(stackName('odin-dev'))));
    if (!prepared) throw new Error('odin-dev was not built');
    return { template, json: template.toJSON() as never, manifest: prepared.manifest };
  } finally {
    project.remove();
  }
}

interface SynthesisedTemplate {
  Resources: Record<string, SynthesisedResource>;
  Outputs: Record<string, { Value: unknown }>;
}

export interface SynthesisedResource {
  Type: string;
  Properties?: Record<string, unknown>;
  DependsOn?: string[];
}
