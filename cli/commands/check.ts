// `odin-migrate check`: everything that can be known of the migrations before they are deployed.
import path from 'node:path';
import { asOdinError, OdinError } from '../../core/errors.ts';
import { SYSTEM_FUNCTIONS } from '../../core/names/names.ts';
import { countText, numberOf } from '../../core/text/format.ts';
import type { ManifestSeen } from '../../core/views/view.ts';
import { PROGRAM } from '../../core/text/command.ts';
import { CONFIGURATION_FILE, configurationOf, givenHere } from '../../project/configuration.ts';
import type { DiscoveredEnvironment } from '../../project/discover.ts';
import {
  allEnvironments,
  assertKnownEnvironment,
  assertNotTooMany,
  discoverEnvironment,
  folderOf,
} from '../../project/discover.ts';
import type { InspectedMigration } from '../../project/inspect.ts';
import { remarksOn } from '../../project/inspect.ts';
import { usedBefore } from '../../project/numbers.ts';
import { missingVariables } from '../../project/variables.ts';
import { compareWith, deployedFindings, localFindings, prunedFindings, removalFindings } from '../check/ledger.ts';
import { numberFindings } from '../check/numbers.ts';
import { inspectEach, nameFindings, returnedFindings, sourcesOfEach, unwrittenFindings } from '../check/exports.ts';
import type { Finding, Severity } from '../check/finding.ts';
import { permissionFindings } from '../check/permissions.ts';
import { quotaFindings } from '../check/quotas.ts';
import { sourceFindings } from '../check/source.ts';
import type { DeployedPlace, Deployment } from '../../client/deployment.ts';
import { deployedManifest, findDeployment } from '../../client/deployment.ts';
import { ledgerHere } from '../../client/environment.ts';
import { quotasOf } from '../../client/quotas.ts';
import type { ExitCode } from '../terminal/exit-codes.ts';
import { EXIT } from '../terminal/exit-codes.ts';
import { busyWith, colour, keepStdoutForJson, plain, print, printJson, whileBusy } from '../terminal/output.ts';
import type { Project } from '../../project/project.ts';

export interface CheckOptions {
  deployed?: boolean;
  acceptChanged?: string[];
  allowRemoved?: string[];
  strict?: boolean;
  json?: boolean;
}

export interface Checked {
  environment: string;
  migrations: number;
  /** How many more completed.json names. */
  pruned?: number | undefined;
  findings: Finding[];
}

export async function check(
  project: Project,
  environments: readonly string[],
  options: CheckOptions,
  deployedPlace: (environment: string) => DeployedPlace,
): Promise<ExitCode> {
  if (options.json) keepStdoutForJson();
  const { directory, configuration } = project;
  for (const environment of environments) assertKnownEnvironment(environment, directory, configuration);
  const names = environments.length > 0 ? environments : allEnvironments(directory, configuration);
  const checked: Checked[] = [];
  await whileBusy('Checking', async () => {
    for (const environment of names) {
      const result = await checkEnvironment(
        project,
        environment,
        options.deployed ? deployedPlace(environment) : undefined,
        options.acceptChanged,
        options.allowRemoved,
      );
      printChecked(result);
      checked.push(result);
    }
  });
  if (names.length === 0) print(`There is no environment. To begin one: ${PROGRAM} init <environment>`);
  if (options.json) printJson(checked);
  const failing: Severity[] = options.strict ? ['error', 'warning'] : ['error'];
  const failed = checked.some(({ findings }) => findings.some(({ severity }) => failing.includes(severity)));
  return failed ? EXIT.wrong : EXIT.done;
}

/**
 * @param deployed where the environment is; undefined: its ledger is not asked
 * @param accepted ids of which somebody said that another text than was completed is meant
 * @param allowed ids whose functions a deployment may remove
 */
export async function checkEnvironment(
  project: Project,
  environment: string,
  deployed: DeployedPlace | undefined,
  accepted: readonly string[] = [],
  allowed: readonly string[] = [],
): Promise<Checked> {
  const { directory, configuration } = project;
  const { discovered, unread } = discover(project, environment);
  if (!discovered) return { environment, migrations: 0, findings: unread };
  const { migrations } = discovered;
  const settings = configurationOf(configuration, environment);
  busyWith(`Checking ${environment}: exports`);
  const given = givenHere(configuration, environment);
  const { inspected, findings } = inspectEach(environment, migrations, given, directory);
  const sources = sourcesOfEach(environment, inspected, directory);
  busyWith(`Checking ${environment}: types and promises`);
  const source = await sourceFindings(environment, migrations, directory);
  busyWith(`Checking ${environment}: the ledger`);
  const manifest = {
    environment,
    migrations: migrations.map((file) => ({ ...file, sources: sources.of.get(file.id) })),
    pruned: discovered.completed.map(({ id }) => id),
  };
  const folder = path.resolve(directory, folderOf(directory, configuration, environment));
  return {
    environment,
    migrations: migrations.length,
    pruned: discovered.completed.length || undefined,
    findings: [
      ...nameFindings(discovered),
      ...returnedFindings(discovered),
      ...unwrittenFindings(environment, migrations),
      ...numberFindings(environment, usedBefore(folder, migrations), accepted),
      ...findings,
      ...sources.findings,
      ...source,
      ...permissionFindings(environment, inspected),
      ...remarksOn(settings).map((each): Finding => ({
        environment,
        severity: 'warning',
        rule: 'variables',
        message: `${CONFIGURATION_FILE}, environments.${environment}.${each}`,
      })),
      ...missingVariables(inspected, settings).map(({ file, message }): Finding => ({
        environment,
        severity: 'warning',
        rule: 'variables',
        file,
        message,
      })),
      ...(await localSide(project, manifest, accepted)),
      ...(deployed ? await deployedSide(manifest, discovered, inspected, deployed, { accepted, allowed }) : []),
    ],
  };
}

/** Where nothing can be read of the files, that is what is wrong; other environments are checked all the same. */
function discover({ directory, configuration }: Project, environment: string) {
  try {
    const discovered = discoverEnvironment(environment, directory, configuration);
    assertNotTooMany(discovered);
    return { discovered, unread: [] };
  } catch (thrown) {
    const { message } = asOdinError(thrown);
    const finding: Finding = { environment, severity: 'error', rule: 'name', message };
    return { discovered: undefined, unread: [finding] };
  }
}

async function localSide(project: Project, manifest: ManifestSeen, accepted: readonly string[]): Promise<Finding[]> {
  await using here = ledgerHere(project, manifest.environment);
  return localFindings(await compareWith(here.ledger, manifest), accepted);
}

async function deployedSide(
  manifest: ManifestSeen,
  { completed }: DiscoveredEnvironment,
  inspected: readonly InspectedMigration[],
  place: DeployedPlace,
  { accepted, allowed }: { accepted: readonly string[]; allowed: readonly string[] },
): Promise<Finding[]> {
  const { environment } = manifest;
  const quotas = async (roles: number) =>
    quotaFindings(environment, await quotasOf(place.aws ?? {}), { migrations: inspected, roles });
  const deployment = await deploymentIfAny(environment, place);
  if (deployment instanceof OdinError) {
    const finding: Finding = { environment, severity: 'error', rule: 'not-deployed', message: deployment.message };
    return [finding, ...(await quotas(OWN_ROLES + inspected.length))];
  }
  const [deployed, files] = await Promise.all([deployedManifest(deployment), compareWith(deployment.ledger, manifest)]);
  const there = new Set(deployed.migrations.map(({ id }) => id));
  return [
    ...deployedFindings(files, accepted, allowed),
    ...removalFindings(deployed, manifest, files.state, allowed),
    ...prunedFindings(environment, completed, files.state),
    ...(await quotas(inspected.filter(({ id }) => !there.has(id)).length)),
  ];
}

/** Of a first deployment: those of the system's functions and of the machine. */
const OWN_ROLES = SYSTEM_FUNCTIONS.length + 1;

/** Before the first deployment there is none, and the account's quotas count most. */
async function deploymentIfAny(environment: string, place: DeployedPlace): Promise<Deployment | OdinError> {
  try {
    return await findDeployment(environment, place);
  } catch (thrown) {
    if (thrown instanceof OdinError && thrown.code === 'NotDeployed') return thrown;
    throw thrown;
  }
}

function printChecked({ environment, migrations, pruned, findings }: Checked): void {
  const count = (severity: Severity) => findings.filter((finding) => finding.severity === severity).length;
  const told = (['error', 'warning', 'note'] as const)
    .filter((severity) => count(severity) > 0)
    .map((severity) => numberOf(count(severity), severity));
  const mark = count('error') > 0 ? colour.red('✖') : count('warning') > 0 ? colour.yellow('▲') : colour.green('✔');
  print(
    `${mark} ${colour.bold(environment)}  ${numberOf(migrations, 'migration')}${pruned === undefined ? '' : ` and ${countText(pruned)} pruned`}, ${told.join(', ') || 'nothing to remark'}`,
  );
  for (const { severity, file, line, column, rule, message } of findings) {
    const place = file === undefined ? '' : `${file}${line === undefined ? '' : `:${line}:${column ?? 1}`}  `;
    print(`  ${PAINT[severity](severity)}  ${place}${plain(message)}  ${colour.dim(rule)}`);
  }
}

const PAINT: Record<Severity, (text: string) => string> = {
  error: colour.red,
  warning: colour.yellow,
  note: colour.dim,
};
