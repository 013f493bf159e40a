// `odin-migrate check`: everything that can be known of the migrations before they are deployed.
import { countText, numberOf } from '../../core/text/format.ts';
import { readView } from '../../core/views/view.ts';
import { configurationOf, givenHere } from '../../project/configuration.ts';
import type { DiscoveredEnvironment } from '../../project/discover.ts';
import {
  assertKnownEnvironment,
  assertNotTooMany,
  discoverEnvironment,
  environmentNames,
} from '../../project/discover.ts';
import { missingVariables } from '../../project/variables.ts';
import { deployedFindings, prunedFindings } from '../check/deployed.ts';
import { inspectEach, nameFindings, returnedFindings } from '../check/exports.ts';
import type { Finding, Severity } from '../check/finding.ts';
import { permissionFindings } from '../check/permissions.ts';
import { sourceFindings } from '../check/source.ts';
import type { DeployedPlace } from '../../client/deployment.ts';
import { findDeployment } from '../../client/deployment.ts';
import type { ExitCode } from '../terminal/exit-codes.ts';
import { EXIT } from '../terminal/exit-codes.ts';
import { busyWith, colour, keepStdoutForJson, plain, print, printJson, whileBusy } from '../terminal/output.ts';
import type { Project } from '../../project/project.ts';

export interface CheckOptions {
  deployed?: boolean;
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
  const names = environments.length > 0 ? environments : environmentNames(directory, configuration);
  const checked: Checked[] = [];
  await whileBusy('Checking', async () => {
    for (const environment of names) {
      const result = await checkEnvironment(
        project,
        environment,
        options.deployed ? deployedPlace(environment) : undefined,
      );
      printChecked(result);
      checked.push(result);
    }
  });
  if (names.length === 0) print('There is no environment. To begin one: npx odin-migrate init <environment>');
  if (options.json) printJson(checked);
  const failing: Severity[] = options.strict ? ['error', 'warning'] : ['error'];
  const failed = checked.some(({ findings }) => findings.some(({ severity }) => failing.includes(severity)));
  return failed ? EXIT.wrong : EXIT.done;
}

/** @param deployed where the environment is; undefined: its ledger is not asked */
export async function checkEnvironment(
  { directory, configuration }: Project,
  environment: string,
  deployed: DeployedPlace | undefined,
): Promise<Checked> {
  const discovered = discoverEnvironment(environment, directory, configuration);
  assertNotTooMany(discovered, configuration);
  const { migrations } = discovered;
  busyWith(`Checking ${environment}: exports`);
  const { inspected, findings } = inspectEach(
    environment,
    migrations,
    givenHere(configuration, environment),
    directory,
  );
  busyWith(`Checking ${environment}: types and promises`);
  const source = await sourceFindings(environment, migrations, directory);
  if (deployed) busyWith(`Checking ${environment}: the deployed ledger`);
  const drift = deployed ? await deployedSide(discovered, deployed) : [];
  return {
    environment,
    migrations: migrations.length,
    pruned: discovered.completed.length || undefined,
    findings: [
      ...nameFindings(discovered),
      ...returnedFindings(discovered),
      ...findings,
      ...source,
      ...permissionFindings(environment, inspected),
      ...missingVariables(inspected, configurationOf(configuration, environment)).map(({ file, message }): Finding => ({
        environment,
        severity: 'warning',
        rule: 'variables',
        file,
        message,
      })),
      ...drift,
    ],
  };
}

async function deployedSide(
  { name: environment, migrations, completed }: DiscoveredEnvironment,
  deployed: DeployedPlace,
): Promise<Finding[]> {
  const { ledger } = await findDeployment(environment, deployed);
  const view = await readView(ledger, { environment, migrations, pruned: completed.map(({ id }) => id) });
  return [...deployedFindings(view), ...prunedFindings(environment, completed, await ledger.log.look())];
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
