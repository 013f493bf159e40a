// An environment on the embedded AWS: synthesised, deployed into this process, its S3 kept on disk.
import type { S3Client } from '@aws-sdk/client-s3';
import { existsSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { PRUNED_AT_ONCE, recordBaseline } from '../core/ledger/completions.ts';
import { lackingError, lackingOf } from '../core/decision/lacking.ts';
import { OdinError } from '../core/errors.ts';
import { describeThrown } from '../core/thrown.ts';
import type { Manifest } from '../core/contract/manifest.ts';
import { stackName, VARIABLES } from '../core/names/names.ts';
import type { PracticeFault } from '../project/bundle.ts';
import { configurationOf, givenHere } from '../project/configuration.ts';
import { assertKnownEnvironment } from '../project/discover.ts';
import { nodeFor } from '../project/node.ts';
import { planEnvironment } from '../project/plan.ts';
import { makePrivate } from '../project/temporary.ts';
import { missingVariables } from '../project/variables.ts';
import type { EmbeddedAws, EmbeddedAwsOptions } from '../local/embedded-aws.ts';
import { startEmbeddedAws } from '../local/embedded-aws.ts';
import { endAllStartedWith } from '../local/lambda/processes.ts';
import { deployTemplate } from '../local/cloudformation/template.ts';
import { makeLocalAssembly } from './assembly.ts';
import { assertEndpoints } from './aws-errors.ts';
import type { Deployment } from './deployment.ts';
import { deploymentOf, operatorOf } from './deployment.ts';
import { againDirectory, localDirectory, OUTPUTS_FILE } from './local-folder.ts';
import { lock, LOCK_FILE } from './local-lock.ts';
import { localWriter } from './local-writer.ts';
import { nearby } from './near.ts';
import { openDoor } from './running-here.ts';
import { settleDead } from './settle-dead.ts';
import type { Project } from '../project/project.ts';

/** How an environment on this machine differs from a deployed one. */
export interface EmbeddedSettings {
  /** Forgets what was run here before. */
  fresh?: boolean | undefined;
  /** Where everything is kept; the project's own ignored folder when absent (project/temporary.ts). */
  directory?: string | undefined;
  /** The only migration that is to run, in a folder and a ledger of its own, which begin anew: all others count as done there. */
  again?: string | undefined;
  practiceFault?: PracticeFault | undefined;
  /** Ends each slice of a checkpointed migration after so many seconds, to see it cross many. */
  sliceSeconds?: number | undefined;
  /** Saves each checkpoint, however soon it comes after the one before it. */
  saveEachCheckpoint?: boolean | undefined;
  /** Whether the migrations' S3 is where the user's AWS_ENDPOINT_URL leads, if it is set; true when left out. */
  usersOwnS3?: boolean | undefined;
  /** Fills the embedded S3 in place of the environment's `local.data` module; says what it put. */
  fill?: ((s3: S3Client) => Promise<string>) | undefined;
  onLog?: EmbeddedAwsOptions['onLog'] | undefined;
  onRequest?: EmbeddedAwsOptions['onRequest'] | undefined;
}

export interface EmbeddedOptions extends EmbeddedSettings {
  project: Project;
  environment: string;
}

export interface Embedded {
  aws: EmbeddedAws;
  deployment: Deployment;
  manifest: Manifest;
  /** A sentence for each file that was skipped, for a variable that nobody gives, and for a Node.js that is not Lambda's. */
  warnings: string[];
  endpoint: string;
  /** Where the ledger's objects are, as files. */
  directory: string;
  /** Ids that completed.json names and that this ledger did not have: they count as done here from now on. */
  counted: string[];
  /** What was put into its S3, in words; undefined when nothing was asked for. */
  data: string | undefined;
  close: () => Promise<void>;
}

function ofCheckpoints({ sliceSeconds, saveEachCheckpoint }: EmbeddedSettings): Record<string, string> {
  const variables: Record<string, string> = {};
  if (sliceSeconds !== undefined) variables[VARIABLES.sliceSeconds] = String(sliceSeconds);
  if (saveEachCheckpoint) variables[VARIABLES.saveEverySeconds] = '0';
  return variables;
}

/** @throws OdinError for anything that is wrong with the files, and when the environment runs in another process */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const { project, environment, practiceFault } = options;
  assertKnownEnvironment(environment, project.directory, project.configuration);
  if (options.usersOwnS3 !== false) assertEndpoints();
  const { again } = options;
  const named = options.directory ?? (again === undefined ? localDirectory : againDirectory)(project, environment);
  makePrivate(named);
  const directory = realpathSync(named); // by which its processes are found again
  const { unlock, giveBack, formerDied } = lock(directory, environment);
  let opened: Deployment | undefined;
  let close = (): Promise<void> => {
    giveBack();
    return Promise.resolve();
  };
  try {
    const settings = configurationOf(project.configuration, environment);
    const plan = planEnvironment({
      environment,
      projectDirectory: project.directory,
      configuration: project.configuration,
      given: givenHere(project.configuration, environment),
      practiceFault,
    });
    const variables = { ...settings.local.variables, ...ofCheckpoints(options) };
    const assemblyDirectory = path.join(directory, ASSEMBLY);
    const [problem] = plan.problems;
    if (problem) throw problem;
    const putData = options.fill ? undefined : await loadData(project, settings.local.data);
    if (options.fresh || again !== undefined) forget(directory); // when nothing is left that could be refused
    await makeLocalAssembly({ project, plan, variables, practiceFault, directory: assemblyDirectory });
    const node = nodeFor(project.directory);
    const noneLeft = formerDied && (await endAllStartedWith(`LAMBDA_TASK_ROOT=${directory}/`));
    const aws = await startEmbeddedAws({
      directory,
      node,
      accountId: settings.account,
      region: settings.region,
      parentEnvironment: options.usersOwnS3 === false ? {} : undefined,
      onLog: options.onLog,
      onRequest: options.onRequest,
      onGone: async (requestId) => {
        if (opened) await settleDead(opened.ledger, requestId);
      },
    });
    close = async () => {
      await aws.stop();
      if (opened) await settleDead(opened.ledger);
      await aws.close();
      unlock();
    };
    const { outputs } = deployTemplate(aws, { assemblyDirectory, stackName: stackName(plan.manifest) });
    writeFileSync(path.join(directory, OUTPUTS_FILE), `${JSON.stringify(outputs, undefined, 2)}\n`);
    const deployed = deploymentOf(
      { app: plan.manifest.app, environment },
      outputs,
      {
        endpoint: aws.endpoint,
        region: aws.region,
        credentials: aws.credentials,
      },
      true,
    );
    const deployment = { ...deployed, ...nearby(aws, deployed.ledgerBucket, deployed.identity) };
    opened = deployment;
    const closeDoor = openDoor(directory, aws);
    const closeAll = close;
    close = async () => {
      closeDoor();
      await closeAll();
    };
    if (noneLeft) await settleDead(deployment.ledger);
    const counted = await countPruned(deployment, plan.manifest);
    if (again !== undefined) await countAllBut(again, deployment, plan.manifest);
    return {
      aws,
      deployment,
      counted,
      manifest: plan.manifest,
      warnings: [
        ...(node.warning === undefined ? [] : [node.warning]),
        ...plan.warnings,
        ...plan.bundles.migrations
          .filter(({ layers }) => layers.length > 0)
          .map(({ file }) => `${file} has layers, and this machine has none: what they bring is not there below /opt.`),
        ...missingVariables(plan.bundles.migrations, settings).map(({ file, message }) => `${file} ${message}`),
      ],
      endpoint: aws.endpoint,
      directory: path.join(directory, 's3'),
      data: await filled(options, directory, settings.local.data, putData, deployment.s3),
      close,
    };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

/**
 * A ledger on this machine has not seen what ran elsewhere, and of what was pruned there is no code to run here. While a turn is
 * open, nothing is adopted: the next time does it. Nobody else writes now, and the function would take a minute for thousands.
 */
async function countPruned(deployment: Deployment, { environment, pruned = [] }: Manifest): Promise<string[]> {
  const { ledger, local } = deployment;
  const state = await ledger.log.look();
  const lacking = lackingOf(state, pruned);
  if (state.turn || lacking.length === 0) return [];
  const said = {
    by: await operatorOf(deployment),
    reason: 'completed.json names it: on this machine it counts as done',
  };
  return await recordBaseline(ledger, localWriter('baseline'), lacking, said, {
    whileOpen: () => lackingError(lacking, environment, { local }),
    atOnce: PRUNED_AT_ONCE,
  });
}

async function countAllBut(
  again: string,
  deployment: Deployment,
  { environment, migrations }: Manifest,
): Promise<void> {
  const others = migrations.map(({ id }) => id).filter((id) => id !== again);
  const said = { by: await operatorOf(deployment), reason: `only ${again} is to run, anew` };
  await recordBaseline(deployment.ledger, localWriter('baseline'), others, said, {
    whileOpen: () => lackingError(others, environment, deployment),
    atOnce: PRUNED_AT_ONCE,
  });
}

/** Once: what migrations have done to it since is not undone. `--fresh` forgets that too, and a module of another name is other data. */
async function filled(
  { fill }: EmbeddedOptions,
  directory: string,
  module: string | undefined,
  putData: PutData | undefined,
  s3: S3Client,
): Promise<string | undefined> {
  const put = fill ?? putData;
  if (!put) return undefined;
  const mark = path.join(directory, FILLED_FILE);
  const by = JSON.stringify({ module });
  const isFilled = existsSync(mark) && readFileSync(mark, 'utf8') === by;
  if (!fill && isFilled) return `as the last run left it; --fresh lets ${module ?? ''} fill it again`;
  const told = await put(s3);
  writeFileSync(mark, by);
  return told;
}

const FILLED_FILE = 'filled.json';

type PutData = (s3: S3Client) => Promise<string>;

/** @throws OdinError BadConfiguration */
async function loadData(project: Project, module: string | undefined): Promise<PutData | undefined> {
  if (module === undefined) return undefined;
  const named = `${module} (local.data in odin-migrate.json)`;
  const bad = (what: string, next: string, cause?: unknown) =>
    new OdinError({ code: 'BadConfiguration', source: 'user', what: `${named} ${what}.`, next, cause });
  const file = path.join(project.directory, module);
  if (!existsSync(file)) throw bad('is not there', `Write it, or take local.data out: its place is ${file}`);
  const loaded = await import(pathToFileURL(file).href).then(
    (all) => all as Record<string, unknown>,
    (thrown: unknown) => {
      throw bad(`cannot be loaded: ${describeThrown(thrown)}`, 'Correct it, and try again.', thrown);
    },
  );
  const put = loaded['default'];
  if (typeof put !== 'function') {
    const next = 'Export a default function (s3: S3Client) => Promise<string> that says what it put.';
    throw bad('has no default export that is a function', next);
  }
  return async (s3) => {
    try {
      return await (put as PutData)(s3);
    } catch (thrown) {
      throw bad(`failed: ${describeThrown(thrown)}`, 'Correct it, and begin anew with --fresh.', thrown);
    }
  };
}

/** Called under the lock, so that nothing is deleted that another process works with. */
function forget(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (name !== LOCK_FILE && name !== ASSEMBLY) rmSync(path.join(directory, name), { recursive: true, force: true });
  }
}

const ASSEMBLY = 'cdk.out';
