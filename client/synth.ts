// The CDK app of a project that has none of its own: `odin-migrate synth`, which the CDK CLI starts as cdk.json says.
import type { OdinError } from '../core/errors.ts';
import { stopCompiler } from '../project/compile.ts';
import { planDeployed } from '../project/plan.ts';
import type { Project } from '../project/project.ts';
import { makeDeployedAssembly } from './assembly.ts';
import { assemblyDirectory, contextOfCdk } from './cdk-variables.ts';

/**
 * Synthesises the stacks of all environments; with the context `environment`, of that one alone.
 * @param onLeftOut told of each folder that cannot be an environment: the others are deployed all the same
 * @throws OdinError for anything that is wrong with the files or the configuration
 */
export async function synthesise(project: Project, onLeftOut: (error: OdinError) => void): Promise<void> {
  const { environment, [BUNDLED]: bundled } = contextOfCdk();
  const plans = planDeployed(project, {
    only: typeof environment === 'string' ? environment : undefined,
    bundling: !Array.isArray(bundled) || bundled.length > 0,
    onLeftOut,
  });
  await stopCompiler(); // CDK takes enough memory by itself
  await makeDeployedAssembly({ project, plans, directory: assemblyDirectory() });
}

/** Which stacks the CLI needs with their code: none for `cdk list`, say. */
const BUNDLED = 'aws:cdk:bundling-stacks';
