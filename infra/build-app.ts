// Builds the CDK app: one stack per environment.
import { App } from 'aws-cdk-lib';
import featureFlags from './feature-flags.json' with { type: 'json' };
import { assertEnvironmentId } from '../core/names/identifiers.ts';
import { configurationOf } from '../project/configuration.ts';
import { allEnvironments, assertKnownEnvironment } from '../project/discover.ts';
import { EnvironmentStack } from './environment-stack.ts';
import type { EnvironmentPlan } from '../project/plan.ts';
import type { Project } from '../project/project.ts';

export interface BuildOptions {
  app: App;
  project: Project;
  /** Only this environment; all of them when absent. */
  only?: string | undefined;
}

/**
 * Adds the stacks. What is wrong with a file is an error of its stack.
 * @throws OdinError for anything that is wrong with the configuration
 */
export function addEnvironments({ app, project, only }: BuildOptions): void {
  const { directory, configuration } = project;
  if (only !== undefined) assertKnownEnvironment(only, directory, configuration);
  for (const environment of only === undefined ? allEnvironments(directory, configuration) : [only]) {
    assertEnvironmentId({ app: configuration.app, environment });
    const settings = configurationOf(configuration, environment);
    const account = settings.account ?? process.env['CDK_DEFAULT_ACCOUNT'];
    const region = settings.region ?? process.env['CDK_DEFAULT_REGION'];
    new EnvironmentStack(app, {
      environment,
      project,
      env: account === undefined || region === undefined ? undefined : { account, region },
    });
  }
}

/** The stack of one environment on this machine, with what was planned for it. @param variables more, for every migration's function */
export function addEnvironment(
  app: App,
  project: Project,
  plan: EnvironmentPlan,
  variables: Record<string, string>,
): void {
  const { environment } = plan.manifest;
  const { account, region } = configurationOf(project.configuration, environment);
  new EnvironmentStack(app, {
    environment,
    project,
    variables,
    onThisMachine: true,
    env: account === undefined || region === undefined ? undefined : { account, region },
    plan: () => plan,
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
