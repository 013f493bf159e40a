// Builds the CDK app: one stack per environment.
import { App, AssetStaging } from 'aws-cdk-lib';
import featureFlags from './feature-flags.json' with { type: 'json' };
import { configurationOf } from '../project/configuration.ts';
import { assertKnownEnvironment, environmentNames } from '../project/discover.ts';
import { EnvironmentStack } from './environment-stack.ts';
import type { EnvironmentPlan, PlanOptions } from '../project/plan.ts';
import { planEnvironment } from '../project/plan.ts';

export interface BuildOptions extends PlanOptions {
  app: App;
  /** Only this environment; all of them when absent. */
  only?: string | undefined;
  /** More variables for every migration's function. */
  variables?: Record<string, string> | undefined;
}

/**
 * Adds the stacks, and returns what they deploy.
 * @throws OdinError for anything that is wrong with the files or the configuration
 */
export function addEnvironments({ app, only, variables, ...options }: BuildOptions): EnvironmentPlan[] {
  const { projectDirectory, configuration } = options;
  if (only !== undefined) assertKnownEnvironment(only, projectDirectory, configuration);
  // The CDK keeps what it has hashed by its path alone: another app of this process has other bundles there.
  AssetStaging.clearAssetHashCache();
  const names = only === undefined ? environmentNames(projectDirectory, configuration) : [only];
  return names.map((name) => {
    const plan = planEnvironment(name, options);
    const settings = configurationOf(configuration, name);
    const account = settings.account ?? process.env['CDK_DEFAULT_ACCOUNT'];
    const region = settings.region ?? process.env['CDK_DEFAULT_REGION'];
    new EnvironmentStack(app, {
      plan,
      configuration: { ...settings, variables: { ...settings.variables, ...variables } },
      env: account === undefined || region === undefined ? undefined : { account, region },
    });
    return plan;
  });
}

/**
 * The CDK's feature flags as recommended when this project began. A new one of a later CDK changes nothing by itself: it
 * could rename, and so replace, what is deployed.
 */
export const deployedApp = (): App => new App({ context: featureFlags });

/** An app without what only a deployment needs: for the embedded default and for tests (docs/aws-facts.md: synth in 2.5 s less). */
export const offlineApp = (outdir: string): App =>
  new App({ context: featureFlags, outdir, analyticsReporting: false, builtinCloudFormationValidation: false });
