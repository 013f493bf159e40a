// The CDK app of a project that has none of its own: `odin-migrate synth`, which the CDK CLI starts as cdk.json says.
import { addEnvironments, deployedApp } from '../infra/build-app.ts';
import type { Project } from '../project/project.ts';

/**
 * Synthesises the stacks of all environments; with the context `environment`, of that one alone.
 * @throws OdinError for anything that is wrong with the files or the configuration
 */
export function synthesise(project: Project): void {
  const app = deployedApp();
  const only: unknown = app.node.tryGetContext('environment');
  addEnvironments({
    app,
    project,
    only: typeof only === 'string' ? only : undefined,
  });
  app.synth();
}
