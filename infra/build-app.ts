// Builds the CDK app: one stack per environment.
import { App, type AppProps } from 'aws-cdk-lib';
import { configurationOf, type Configuration } from './configuration.ts';
import { assertKnownEnvironment, environmentNames } from './discover.ts';
import { EnvironmentStack } from './environment-stack.ts';
import { prepareEnvironment } from './prepare.ts';

export interface BuildOptions {
  app: App;
  projectDirectory: string;
  configuration: Configuration;
  /** Only this environment; all of them when absent. */
  only?: string | undefined;
  workDirectory?: string | undefined;
}

/** @throws OdinError for anything that is wrong with the files or the configuration */
export function addEnvironments({ app, projectDirectory, configuration, only, workDirectory }: BuildOptions): void {
  if (only !== undefined) assertKnownEnvironment(only, projectDirectory, configuration);
  const names = only === undefined ? environmentNames(projectDirectory, configuration) : [only];
  for (const name of names) {
    const settings = configurationOf(configuration, name);
    const account = settings.account ?? process.env['CDK_DEFAULT_ACCOUNT'];
    const region = settings.region ?? process.env['CDK_DEFAULT_REGION'];
    new EnvironmentStack(app, {
      prepared: prepareEnvironment(name, projectDirectory, configuration, workDirectory),
      configuration: settings,
      ...(account !== undefined && region !== undefined && { env: { account, region } }),
    });
  }
}

/** An app without what only a deployment needs: for the embedded default and for tests (AWS-FACTS: synth in 2.5 s less). */
export const offlineApp = (outdir: string): App =>
  new App({ outdir, analyticsReporting: false, builtinCloudFormationValidation: false } as AppProps);
