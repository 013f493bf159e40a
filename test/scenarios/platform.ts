// What a scenario needs of a place to deploy to. The embedded AWS and the emulator are two such places, and the scenarios
// are written once for both.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Deployment } from '../../client/deployment.ts';
import { ALLOW_REMOVED } from '../../core/decision/removals.ts';
import { stackName } from '../../core/names/names.ts';
import { addEnvironments, offlineApp } from '../../infra/build-app.ts';
import type { Configuration } from '../../project/configuration.ts';
import { parseConfiguration } from '../../project/configuration.ts';
import { planDeployed } from '../../project/plan.ts';
import { PROJECT } from '../support/project.ts';

/** File name → text. */
export type Files = Record<string, string>;

export interface EnvironmentSpec {
  environment: string;
  files: Files;
  /** As `cdk deploy -c allow-removed=…`. */
  allowRemoved?: string | undefined;
}

export interface Notification {
  subject: string;
  message: string;
}

export interface Platform {
  /** Deploys these environments as they are now; again is a redeployment. */
  deploy: (specs: readonly EnvironmentSpec[]) => Promise<Map<string, Deployment>>;
  /** What the operators of an environment were sent so far. */
  notifications: (environment: string) => Promise<Notification[]>;
  /** Where CloudWatch Logs is, if it is not where everything is. */
  logsEndpoint?: string | undefined;
  close: () => Promise<void>;
}

/** The bucket that the scenarios' migrations leave their effects in. */
export const DATA_BUCKET = 'scenario-effects';

/** Writes the files into the project's ignored folder and synthesises their stacks into `workDirectory`. */
export function synthesise(workDirectory: string, specs: readonly EnvironmentSpec[]): string {
  const migrations = path.join(workDirectory, 'migrations');
  for (const { environment, files } of specs) {
    const folder = path.join(migrations, environment);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
  }
  const assembly = path.join(workDirectory, `assembly-${(assemblies += 1)}`);
  const app = offlineApp(assembly);
  for (const { allowRemoved } of specs) app.node.setContext(ALLOW_REMOVED, allowRemoved);
  const project = { directory: PROJECT, configuration: configuration(path.relative(PROJECT, migrations), specs) };
  addEnvironments(app, project, {
    plans: specs.flatMap(({ environment }) => planDeployed(project, { only: environment })),
  });
  app.synth();
  return assembly;
}

export const stackNames = (specs: readonly EnvironmentSpec[]): string[] =>
  specs.map(({ environment }) => stackName({ environment }));

let assemblies = 0;

const configuration = (migrations: string, specs: readonly EnvironmentSpec[]): Configuration =>
  parseConfiguration({
    directory: migrations,
    environments: Object.fromEntries(
      specs.map(({ environment }) => [environment, { variables: { DATA_BUCKET }, stack: { chatTopic: 'own' } }]),
    ),
  });
