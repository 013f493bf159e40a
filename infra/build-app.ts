// Builds the CDK app: one stack per environment, of what was planned for it.
import { App } from 'aws-cdk-lib';
import featureFlags from './feature-flags.json' with { type: 'json' };
import { configurationOf, deployedTo } from '../project/configuration.ts';
import { EnvironmentStack } from './environment-stack.ts';
import { given } from './functions.ts';
import type { EnvironmentPlan } from '../project/plan.ts';
import type { Project } from '../project/project.ts';

/** Adds the stacks. What is wrong with a file is an error of its stack. @param commit what is deployed */
export function addEnvironments(
  app: App,
  project: Project,
  { plans, commit }: { plans: readonly EnvironmentPlan[]; commit?: string | undefined },
): void {
  for (const plan of plans) {
    const { environment } = plan.manifest;
    const env = deployedTo(configurationOf(project.configuration, environment));
    new EnvironmentStack(app, { environment, project, env, commit, plan: () => plan });
  }
}

/** The stack of one environment on this machine. @param variables more, for every migration's function */
export function addLocalEnvironment(
  app: App,
  project: Project,
  { plan, commit, variables }: { plan: EnvironmentPlan; commit: string | undefined; variables: Record<string, string> },
): void {
  const { environment } = plan.manifest;
  const { account, region } = configurationOf(project.configuration, environment);
  const env = account === undefined || region === undefined ? undefined : { account, region };
  new EnvironmentStack(app, { environment, project, env, commit, variables, onThisMachine: true, plan: () => plan });
}

/**
 * The CDK's feature flags as recommended when this project began. A new one of a later CDK changes nothing by itself: it
 * could rename, and so replace, what is deployed.
 * @param outdir CDK's own choice when undefined
 */
export const deployedApp = (outdir: string | undefined): App =>
  new App({ context: featureFlags, autoSynth: false, ...given({ outdir }) });

/** An app without what only a deployment needs: for the embedded default and for tests (docs/aws-facts.md: synth in 2.5 s less). */
export const offlineApp = (outdir: string): App =>
  new App({ context: featureFlags, outdir, analyticsReporting: false, builtinCloudFormationValidation: false });
