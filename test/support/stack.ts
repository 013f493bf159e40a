// An environment whose migrations count as discovered, inspected and bundled: test/infra/bundle.isolated.test.ts and others see
// to that.
import type { App } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { SystemFunction } from '../../core/names/names.ts';
import { SYSTEM_FUNCTIONS } from '../../core/names/names.ts';
import { EnvironmentStack } from '../../infra/environment-stack.ts';
import type { InternalProps, MigrationsProps } from '../../infra/migrations.ts';
import { Migrations } from '../../infra/migrations.ts';
import { bundleOf } from '../../project/bundle.ts';
import { parseConfiguration } from '../../project/configuration.ts';
import type { InspectedMigration } from '../../project/inspect.ts';
import { DEFAULTS } from '../../project/inspect.ts';
import type { EnvironmentPlan } from '../../project/plan.ts';
import { CODE, HASH } from './services.ts';

export type StubMigration = Partial<InspectedMigration> & { id: string };

/** @param environment its settings in odin-migrate.json; @param env where it goes */
export function stackOf(
  app: App,
  migrations: StubMigration[],
  { name = 'odin-dev', environment = {}, env = {}, warnings = [] as string[] } = {},
): EnvironmentStack {
  const configuration = parseConfiguration({ environments: { [name]: environment } });
  return new EnvironmentStack(app, {
    environment: name,
    project: { directory: app.outdir, configuration },
    env,
    plan: () => planOf(name, migrations, warnings),
  });
}

/** The construct alone, in a stack of a test's own. */
export function constructOf(
  scope: Construct,
  migrations: StubMigration[],
  { environmentName = 'odin-dev', ...more }: Partial<MigrationsProps> = {},
): Migrations {
  const props: InternalProps = {
    environmentName,
    ...more,
    project: { directory: process.cwd(), configuration: parseConfiguration({}) },
    plan: () => planOf(environmentName, migrations),
  };
  return new Migrations(scope, 'Migrations', props);
}

function planOf(name: string, migrations: StubMigration[], warnings: string[] = []): EnvironmentPlan {
  const bundle = { ...bundleOf(new Map([['index.mjs', 'export const handler = () => 1;\n']])), codeSha256: CODE };
  const system = Object.fromEntries(SYSTEM_FUNCTIONS.map((each) => [each, bundle])) as Record<
    SystemFunction,
    typeof bundle
  >;
  return {
    warnings,
    problems: [],
    bundles: {
      system,
      migrations: migrations.map((migration) => ({
        file: `migrations/${name}/${migration.id}.ts`,
        path: '',
        sourceSha256: HASH,
        ...DEFAULTS,
        bundle,
        ...migration,
      })),
    },
    manifest: { formatVersion: 1, environment: name, migrations: [] },
  };
}
