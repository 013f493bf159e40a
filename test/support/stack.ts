// An environment's stack whose migrations count as discovered, inspected and bundled: test/infra/bundle.isolated.test.ts and others
// see to that.
import type { App } from 'aws-cdk-lib';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { SystemFunction } from '../../core/names/names.ts';
import { SYSTEM_FUNCTIONS } from '../../core/names/names.ts';
import { EnvironmentStack } from '../../infra/environment-stack.ts';
import { parseConfiguration } from '../../project/configuration.ts';
import type { InspectedMigration } from '../../project/inspect.ts';
import { CODE, HASH } from './services.ts';

export type StubMigration = Partial<InspectedMigration> & { id: string };

/** @param environment its settings in odin-migrate.json */
export function stackOf(
  app: App,
  migrations: StubMigration[],
  { name = 'odin-dev', environment = {}, warnings = [] as string[] } = {},
): EnvironmentStack {
  const bundle = { directory: path.join(app.outdir, 'bundle'), codeSha256: CODE };
  mkdirSync(bundle.directory, { recursive: true });
  writeFileSync(path.join(bundle.directory, 'index.mjs'), 'export const handler = () => 1;\n');
  const configuration = parseConfiguration({ environments: { [name]: environment } }).environments[name];
  if (!configuration) throw new Error(`${name} is not configured`);
  const system = Object.fromEntries(SYSTEM_FUNCTIONS.map((each) => [each, bundle])) as Record<
    SystemFunction,
    typeof bundle
  >;
  return new EnvironmentStack(app, {
    configuration,
    plan: {
      warnings,
      bundles: {
        system,
        migrations: migrations.map((migration) => ({
          file: `migrations/${name}/${migration.id}.ts`,
          path: '',
          sourceSha256: HASH,
          permissions: [],
          timeoutSeconds: 900,
          memoryMB: 1024,
          variables: {},
          previewAllows: [],
          misspelt: [],
          reads: [],
          checkpointed: false,
          bundle,
          ...migration,
        })),
      },
      manifest: { formatVersion: 1, environment: name, gitCommit: null, migrations: [] },
    },
  });
}
