// `odin-migrate local`: runs an environment's pending migrations on the embedded AWS.
import path from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import { bytesText, countText, idsText } from '../../core/text/format.ts';
import { OdinError } from '../../core/errors.ts';
import type { Manifest } from '../../core/contract/manifest.ts';
import { assertEnvironmentName } from '../../core/names/identifiers.ts';
import { PROGRAM } from '../../core/text/command.ts';
import type { PracticeFault } from '../../project/bundle.ts';
import { stopCompiler } from '../../project/compile.ts';
import { assertKnownEnvironment, discoverEnvironment, folderOf } from '../../project/discover.ts';
import { usedBefore, usedBeforeText } from '../../project/numbers.ts';
import { PACKAGE_DIRECTORY } from '../../project/package.ts';
import type { DeployedPlace } from '../../client/deployment.ts';
import { s3ClientOf, startRun } from '../../client/deployment.ts';
import type { Embedded } from '../../client/embedded.ts';
import { openEnvironment } from '../../client/environment.ts';
import type { ExitCode } from '../terminal/exit-codes.ts';
import { EXIT } from '../terminal/exit-codes.ts';
import { Told } from '../../client/run-events.ts';
import { busyWith, colour, keepStdoutForJson, print, printCommands, printJson, whileBusy } from '../terminal/output.ts';
import type { Project } from '../../project/project.ts';
import { assertEndpoints } from '../../client/aws-errors.ts';
import type { ChosenSample } from '../../client/copy-sample.ts';
import { chooseSample, copySample, DEFAULT_SAMPLE_MB, DEFAULT_SAMPLE_OBJECTS } from '../../client/copy-sample.ts';
import { untilInterrupted } from '../terminal/interrupt.ts';
import { leftBehind } from '../terminal/left-behind.ts';
import { RunReport } from '../terminal/run-report.ts';
import type { RunResult } from '../terminal/run-to-end.ts';
import { runToEnd } from '../terminal/run-to-end.ts';

export interface LocalOptions {
  fail?: string;
  crash?: string;
  timeout?: string;
  sliceSeconds?: number;
  fresh?: boolean;
  /** One migration's four digits. */
  again?: string;
  json?: boolean;
  data?: string[];
  sample?: number;
  sampleMb?: number;
  allowOutOfOrder?: boolean;
  allowRenumbered?: string[];
  acceptChanged?: string[];
}

export async function local(
  project: Project,
  environment: string,
  options: LocalOptions,
  deployed: DeployedPlace,
): Promise<ExitCode> {
  // Before anything is made: the name becomes part of a path.
  assertKnownEnvironment(environment, project.directory, project.configuration);
  assertEnvironmentName(environment);
  if (options.json) keepStdoutForJson();
  const practiceFault = practiceFaultOf(options);
  if (options.again !== undefined) assertMigration(project, environment, options.again);
  if (practiceFault) assertMigration(project, environment, practiceFault.migration);
  const { acceptChanged = [], allowRenumbered = [] } = options;
  for (const id of [...acceptChanged, ...allowRenumbered]) assertMigration(project, environment, id, 'or pruned');

  const account = options.data ? 'your account is only read' : 'no account is touched';
  print(`${colour.bold('odin-migrate')} local ${environment}: on an AWS inside this process; ${account}`);
  const report = new RunReport();
  const { data, fresh, sliceSeconds } = options;
  // Before anything is forgotten.
  const samples = data && (await chooseSamples(data, options, deployed));
  const settings = {
    practiceFault,
    again: options.again,
    fresh,
    sliceSeconds,
    onLog: report.onLog,
    fill: samples && ((s3: S3Client) => fill(s3, samples)),
    usersOwnS3: data === undefined,
  };
  await using opened = await openEnvironment(environment, { project }, settings);
  await stopCompiler(); // a run may be long, and nothing more is compiled
  const { embedded, manifest } = opened;
  report.describe(manifest);
  const result = await untilInterrupted(
    () => runHere(project, environment, embedded, report, options, practiceFault),
    async () => {
      await embedded.close();
      if (options.again !== undefined) return ['Interrupted. To begin anew, type the same again.'];
      return await leftBehind(project, manifest);
    },
  );
  if (options.json) printJson(result);
  return result.exitCode;
}

/** Of the real objects. They are read with the user's credentials; the migrations then work on the copies. */
function chooseSamples(
  urls: readonly string[],
  options: LocalOptions,
  { aws }: DeployedPlace,
): Promise<ChosenSample[]> {
  assertEndpoints();
  const { sample = DEFAULT_SAMPLE_OBJECTS, sampleMb = DEFAULT_SAMPLE_MB } = options;
  const each = { from: s3ClientOf(aws), objects: sample, bytes: sampleMb * 1e6, onProgress: busyWith };
  return whileBusy('Looking at the real objects', async () => {
    const samples: ChosenSample[] = [];
    for (const url of urls) samples.push(await chooseSample({ ...each, url }));
    return samples;
  });
}

function fill(to: S3Client, samples: readonly ChosenSample[]): Promise<string> {
  return whileBusy('Copying a sample of real objects', async () => {
    const told: string[] = [];
    for (const sample of samples) {
      const { url, objects, bytes, gone, archived, listed, more } = await copySample(sample, to);
      told.push(
        `${objects} of ${more ? 'over ' : ''}${listed} objects (${bytesText(bytes)}) copied from ${url}`,
        ...(gone > 0 ? [`left out, because they are gone since they were listed: ${gone}`] : []),
        ...(archived > 0 ? [`left out, because they are archived: ${archived}`] : []),
      );
    }
    return told.join('\n');
  });
}

async function runHere(
  project: Project,
  environment: string,
  embedded: Embedded,
  report: RunReport,
  options: LocalOptions,
  practiceFault: PracticeFault | undefined,
): Promise<RunResult> {
  const { deployment, data, manifest, counted } = embedded;
  const faulty = practiceFault?.migration;
  const warnings = [...embedded.warnings, ...(practiceFault ? faultWarnings(manifest, practiceFault) : [])];
  data?.split('\n').forEach((line, index) => print(`  ${index === 0 ? 'data' : '    '}     ${line}`));
  if (counted.length > 0)
    print(
      `  pruned   ${countText(counted.length)} count as done on this machine, as completed.json says: ${idsText(counted)}`,
    );
  const told = await Told.everythingIn(deployment.ledger);
  const { migrations } = await deployment.ledger.log.look();
  const isCompleted = (id: string) => migrations[id]?.completion !== undefined;
  if (faulty !== undefined && (migrations[faulty]?.attempts ?? 0) > 0) {
    throw new OdinError({
      code: 'BadUsage',
      source: 'user',
      what: isCompleted(faulty)
        ? `${faulty} is completed here already, so it will not run and cannot fail.`
        : `${faulty} was attempted here already, and a fault is practised in the first attempt.`,
      next: `Begin anew: ${typedLocal(project, environment, '--fresh', '--fail', faulty)}`,
    });
  }
  for (const warning of [...warnings, ...usedBeforeHere(project, environment)])
    print(colour.yellow(`  warning  ${warning}`));
  const pending = manifest.migrations.filter(({ id }) => !isCompleted(id));
  if (options.sliceSeconds !== undefined && !pending.some(({ checkpointed }) => checkpointed))
    print(colour.yellow('  warning  --slice-seconds: nothing that is pending looks as if it yielded checkpoints'));
  print(`  pending  ${pending.length} of ${manifest.migrations.length} migrations`);
  print();

  const { again, json } = options;
  // All others count as done there, also those after it.
  const executionArn = await startRun(deployment, again === undefined ? options : { allowOutOfOrder: true });
  const ask = json ? false : undefined;
  const result = await runToEnd({
    deployment,
    executionArn,
    told,
    report,
    pollMs: 100,
    ask,
    again: again !== undefined,
  });
  const { exitCode } = result;
  if (practiceFault) await tellNotReached(embedded, practiceFault);
  print();
  print(`The records are files under ${relative(project, embedded.directory)}/${deployment.ledgerBucket}/`);
  if (exitCode === EXIT.done && again === undefined) suggest(project, environment, manifest);
  return result;
}

/** A fault after a checkpoint that was never made, or of a migration that did not run, looks as if it had been practised. */
async function tellNotReached(
  { deployment }: Embedded,
  { migration, checkpoint, fault }: PracticeFault,
): Promise<void> {
  const { migrations } = await deployment.ledger.log.look();
  const seen = migrations[migration];
  const asked = `--${fault} ${migration}${checkpoint === undefined ? '' : `@${checkpoint}`}`;
  if (!seen || seen.attempts === 0) {
    print(colour.yellow(`${asked} was not reached: ${migration} did not run.`));
  } else if (checkpoint !== undefined && seen.attempts === 1 && seen.completion?.completion === 'applied') {
    const few = `${migration} made fewer than ${checkpoint} checkpoints, and nothing failed`;
    print(colour.yellow(`${asked} was not reached: ${few}.`));
  }
}

/** Files whose numbers git has seen under another text. */
function usedBeforeHere({ directory, configuration }: Project, environment: string): string[] {
  const folder = path.resolve(directory, folderOf(directory, configuration, environment));
  const { migrations } = discoverEnvironment(environment, directory, configuration);
  return usedBefore(folder, migrations).map(({ id, file }) => `${file}: ${usedBeforeText(id)}`);
}

function suggest(project: Project, environment: string, { migrations }: Manifest): void {
  const typedHere = (...args: string[]) => typedLocal(project, environment, ...args);
  const last = migrations.at(-1);
  const long = migrations.find(({ checkpointed }) => checkpointed);
  const hints: [string, string][] = [[typedHere(), 'again: nothing is pending, nothing runs twice']];
  if (last) hints.push([typedHere('--fresh', '--fail', last.id), 'begin anew, and practise a halt']);
  if (long) {
    const command = typedHere('--fresh', '--slice-seconds', '1');
    hints.push([command, `begin anew, and see ${long.id} cross many slices`]);
  }
  printCommands('Try next:', hints);
}

/** This command with other options. In this package's own repository `npm start` is `local sample`, and shorter. */
function typedLocal({ directory }: Project, environment: string, ...args: string[]): string {
  if (directory !== PACKAGE_DIRECTORY || environment !== 'sample')
    return [PROGRAM, 'local', environment, ...args].join(' ');
  return args.length === 0 ? 'npm start' : ['npm start --', ...args].join(' ');
}

const relative = (project: Project, directory: string): string =>
  directory.startsWith(`${project.directory}/`) ? directory.slice(project.directory.length + 1) : directory;

/** Of `--fail 0003` or, after its second checkpoint, `--fail 0003@2`. */
function practiceFaultOf({ fail, crash, timeout }: LocalOptions): PracticeFault | undefined {
  const asked = Object.entries({ fail, crash, timeout }).flatMap(([fault, at]): PracticeFault[] => {
    if (at === undefined) return [];
    const [, migration = at, checkpoint] = /^(.*)@([1-9]\d{0,8})$/.exec(at) ?? [];
    const after = checkpoint === undefined ? undefined : Number(checkpoint);
    return [{ migration, fault: fault as PracticeFault['fault'], checkpoint: after }];
  });
  if (asked.length <= 1) return asked[0];
  throw new OdinError({
    code: 'BadUsage',
    source: 'user',
    what: 'Expected one of --fail, --crash and --timeout, found several.',
    next: 'Practise one fault at a time.',
  });
}

/** Whether it yields any shows when it runs: what its file looks like is a hint. */
function faultWarnings({ migrations }: Manifest, { migration, checkpoint }: PracticeFault): string[] {
  if (checkpoint === undefined || migrations.some(({ id, checkpointed }) => id === migration && checkpointed))
    return [];
  return [`${migration} does not look as if it yielded checkpoints: nothing happens unless it yields ${checkpoint}`];
}

function assertMigration(project: Project, environment: string, id: string, pruned?: 'or pruned'): void {
  const { migrations, completed } = discoverEnvironment(environment, project.directory, project.configuration);
  if ([...migrations, ...(pruned ? completed : [])].some((migration) => migration.id === id)) return;
  throw new OdinError({
    code: 'BadUsage',
    source: 'user',
    what: completed.some((migration) => migration.id === id)
      ? `${id} of ${environment} was pruned: it has no file that could fail.`
      : `${environment} has no migration "${id}".`,
    why: `Found: ${migrations.map((migration) => migration.id).join(', ') || 'none'}.`,
  });
}
