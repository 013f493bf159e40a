// From the folder of an environment to what its stack deploys: discover → inspect → bundle → manifest.
import type { Manifest } from '../core/contract/manifest.ts';
import { asOdinError, OdinError } from '../core/errors.ts';
import { assertEnvironmentId } from '../core/names/identifiers.ts';
import type { EnvironmentId, SystemFunction } from '../core/names/names.ts';
import { migrationFunctionName, SYSTEM_FUNCTIONS } from '../core/names/names.ts';
import type { Bundle, Bundles, PracticeFault } from './bundle.ts';
import { bundleEnvironment, bundleOf, withMore } from './bundle.ts';
import type { Configuration } from './configuration.ts';
import { CONFIGURATION_FILE, configurationOf, givenThere } from './configuration.ts';
import type { DiscoveredEnvironment, ReturnedFile } from './discover.ts';
import {
  allEnvironments,
  assertKnownEnvironment,
  assertNotTooMany,
  discoverEnvironment,
  returnedText,
} from './discover.ts';
import type { InspectedMigration } from './inspect.ts';
import { DEFAULTS, inspectFiles, isFine, remarksOn } from './inspect.ts';
import type { Given } from './placeholder.ts';
import type { Project } from './project.ts';

export interface EnvironmentPlan {
  warnings: string[];
  /** What is wrong with the files. Nothing of this plan may be deployed then. */
  problems: OdinError[];
  /** Those of a broken file too, which do nothing. */
  bundles: Bundles<InspectedMigration>;
  manifest: Manifest;
}

/** The functions that read the manifest. */
const WITH_MANIFEST = ['list-pending', 'halt', 'resume', 'baseline', 'dashboard', 'check-removals'] as const;

/** Seconds. To practise an unknown outcome takes a minute, and not the quarter of an hour of a real one. */
const PRACTICE_TIMEOUT = 60;

export interface PlanOptions {
  environment: string;
  projectDirectory: string;
  configuration: Configuration;
  /** What the files are evaluated with; nothing is known when it is left out. */
  given?: Given | undefined;
  /** Whether it is to be deployed; when not, every function has the same code, which does nothing. True when left out. */
  bundling?: boolean | undefined;
  practiceFault?: PracticeFault | undefined;
  /** For which native addons are shipped, as Lambda calls it, unless a file says another; this machine's when left out. */
  architecture?: string | undefined;
}

/**
 * Each file that is wrong is a problem of the plan, and the others are planned all the same.
 * @throws OdinError BadEnvironmentName, BadConfiguration for names that nothing can be called
 */
export function planEnvironment(options: PlanOptions): EnvironmentPlan {
  const { environment, projectDirectory, configuration, given, bundling = true, practiceFault, architecture } = options;
  const of = { app: configuration.app, environment };
  assertEnvironmentId(of);
  const problems: OdinError[] = [];
  const discovered = discover();
  const inspected = inspectFiles(discovered.migrations, given, projectDirectory).map((file) =>
    isFine(file) ? withPracticeTime(file, practiceFault) : file,
  );
  const bundled = bundling ? bundleThose() : bundleNone();
  for (const file of inspected) if (!isFine(file)) problems.push(file.problem);
  const migrations: Bundles<InspectedMigration>['migrations'] = inspected.map(
    (file) => bundled.migrations.get(file.id) ?? { ...DEFAULTS, ...file, bundle: NOTHING },
  );
  for (const file of discovered.returned.filter(({ changed }) => changed)) problems.push(returnedProblem(file));
  const pruned = discovered.completed.map(({ id }) => id);
  const manifest: Manifest = {
    formatVersion: 1,
    ...of,
    pruned: pruned.length > 0 ? pruned : undefined,
    migrations: migrations.map(
      ({ id, file, description, sourceSha256, sources, bundle, timeoutSeconds, checkpointed, parallel }) => ({
        id,
        file,
        description,
        functionName: migrationFunctionName(of, id),
        sourceSha256,
        sources,
        codeSha256: bundle.codeSha256,
        timeoutSeconds,
        checkpointed,
        parallel,
      }),
    ),
  };
  const manifestFile = new Map([['manifest.json', `${JSON.stringify(manifest, undefined, 2)}\n`]]);
  const system = { ...bundled.system };
  for (const name of bundling ? WITH_MANIFEST : []) system[name] = withMore(system[name], manifestFile);
  const warnings = [
    ...discovered.warnings.map(({ message }) => message),
    ...discovered.returned.filter(({ changed }) => !changed).map(returnedText),
    ...migrations.flatMap(({ file, remarks }) => remarks.map((each) => `${file} ${each}`)),
    ...remarksOn(configurationOf(configuration, environment)).map(
      (each) => `${CONFIGURATION_FILE}, environments.${environment}.${each}`,
    ),
  ];
  return { warnings, problems, bundles: { system, migrations }, manifest };

  function discover(): DiscoveredEnvironment {
    try {
      const found = discoverEnvironment(environment, projectDirectory, configuration);
      assertNotTooMany(found);
      return found;
    } catch (thrown) {
      problems.push(asOdinError(thrown)); // too many, or a completed.json that cannot be read
      return { name: environment, migrations: [], completed: [], returned: [], warnings: [] };
    }
  }

  /** Those that can be: of the others the problem is known. */
  function bundleThose() {
    const good = inspected.filter(isFine);
    const bundle = (files: readonly InspectedMigration[]) =>
      bundleEnvironment(projectDirectory, files, { practiceFault, architecture });
    try {
      return byId(bundle(good));
    } catch {
      // The error does not say for certain which file it is of, so each is bundled alone.
      const fitting = good.filter((file) => {
        try {
          bundle([file]);
          return true;
        } catch (thrown) {
          problems.push(asOdinError(thrown));
          return false;
        }
      });
      return byId(bundle(fitting));
    }
  }

  /** The code that a turn is allowed for is then its source. */
  function bundleNone() {
    const system = Object.fromEntries(SYSTEM_FUNCTIONS.map((name) => [name, NOTHING])) as Record<
      SystemFunction,
      Bundle
    >;
    const good = inspected.filter(isFine);
    return byId({
      system,
      migrations: good.map((file) => ({ ...file, bundle: { ...NOTHING, codeSha256: file.sourceSha256 } })),
    });
  }
}

const returnedProblem = (file: ReturnedFile): OdinError =>
  new OdinError({ code: 'BadMigrationFile', source: 'user', what: returnedText(file) });

/**
 * Those that are deployed together: all environments, or one.
 * @param onLeftOut told of a folder that cannot be an environment, and stops no other one; without it, and when there is no other one,
 *   that is thrown
 * @throws OdinError for anything that is wrong with the configuration
 */
export function planDeployed(
  { directory, configuration }: Project,
  {
    only,
    bundling,
    onLeftOut,
  }: {
    only?: string | undefined;
    bundling?: boolean | undefined;
    onLeftOut?: ((error: OdinError) => void) | undefined;
  } = {},
): EnvironmentPlan[] {
  if (only !== undefined) assertKnownEnvironment(only, directory, configuration);
  const all = only === undefined ? allEnvironments(directory, configuration) : [only];
  const wrong = new Map(
    all.flatMap((environment) => {
      const error = problemOfName({ app: configuration.app, environment });
      return error ? [[environment, error] as const] : [];
    }),
  );
  const names = all.filter((environment) => !wrong.has(environment));
  for (const error of wrong.values()) {
    if (!onLeftOut || names.length === 0) throw error;
    onLeftOut(error);
  }
  return names.map((environment) => {
    const settings = configurationOf(configuration, environment);
    return planEnvironment({
      environment,
      projectDirectory: directory,
      configuration,
      given: givenThere(settings),
      bundling,
      architecture: settings.stack.architecture,
    });
  });
}

function problemOfName(of: EnvironmentId): OdinError | undefined {
  try {
    assertEnvironmentId(of);
    return undefined;
  } catch (thrown) {
    if (thrown instanceof OdinError) return thrown;
    throw thrown;
  }
}

const byId = ({ system, migrations }: Bundles<InspectedMigration>) => ({
  system,
  migrations: new Map(migrations.map((migration) => [migration.id, migration])),
});

const NOTHING: Bundle = {
  ...bundleOf(
    new Map([
      [
        'index.mjs',
        "export const handler = () => Promise.reject(new Error('This was not bundled: it is not meant to be deployed.'));\n",
      ],
    ]),
  ),
  codeSha256: '0'.repeat(64),
};

function withPracticeTime(migration: InspectedMigration, practiceFault: PracticeFault | undefined): InspectedMigration {
  if (migration.id !== practiceFault?.migration || practiceFault.fault === 'fail') return migration;
  return { ...migration, timeoutSeconds: Math.min(migration.timeoutSeconds, PRACTICE_TIMEOUT) };
}
