// The commands and options of odin-migrate.
import { Argument, Command, InvalidArgumentError } from 'commander';
import { saysWhy } from '../core/decision/meanings.ts';
import { parseAllowed } from '../core/decision/removals.ts';
import { VERSION } from '../core/names/version.ts';
import type { Decision } from '../core/names/names.ts';
import { DECISIONS } from '../core/names/names.ts';
import { CDK, PROGRAM } from '../core/text/command.ts';
import type { AdoptOptions } from './commands/adopt.ts';
import type { BaselineOptions } from './commands/baseline.ts';
import type { CancelOptions } from './commands/cancel.ts';
import type { CheckOptions } from './commands/check.ts';
import type { DashboardOptions } from './commands/dashboard.ts';
import type { DestroyOptions } from './commands/destroy.ts';
import type { DoctorOptions } from './commands/doctor.ts';
import type { HistoryOptions } from './commands/history.ts';
import type { LocalOptions } from './commands/local.ts';
import type { LogsOptions, Since } from './commands/logs.ts';
import type { NewOptions } from './commands/new.ts';
import type { PreviewOptions } from './commands/preview.ts';
import type { PruneOptions } from './commands/prune.ts';
import type { ResumeOptions } from './commands/resume.ts';
import type { RunCommandOptions } from './commands/run.ts';
import type { StartOverOptions } from './commands/start-over.ts';
import type { StatusOptions } from './commands/status.ts';
import type { TuneOptions } from './commands/tune.ts';
import { MAX_CONCURRENCY } from '../core/names/lambda-limits.ts';
import { userOptions } from '../client/client-options.ts';
import { idle, refuseIdle } from './idle-options.ts';
import type { ExitCode } from './terminal/exit-codes.ts';
import { EXIT } from './terminal/exit-codes.ts';
import { typeFor } from './terminal/commands.ts';
import { plain, printError, withoutCommands } from './terminal/output.ts';
import type { DeployedPlace } from '../client/deployment.ts';
import type { Place } from '../client/environment.ts';
import { configurationOf } from '../project/configuration.ts';
import { environmentTyped, onlyEnvironment } from '../project/discover.ts';
import { findProject, openProject } from '../project/project.ts';

export const EXIT_CODES =
  '0 done, 1 wrong use or configuration, 2 halted and waiting for a decision, 3 refused, 4 failed or aborted';

/** Each command gives its exit code to `done`. Their modules are loaded when they are called: the help is quick. */
export function createProgram(done: (exitCode: ExitCode) => void): Command {
  const program = new Command('odin-migrate')
    .description('One-time operations for an AWS application: run once per environment, in order, and never again.')
    .version(VERSION, '--version', 'print the version')
    .option('--profile <name>', "the AWS profile to use, as in the AWS CLI; also after the command's name")
    .option('--region <name>', 'the AWS region, as in the AWS CLI')
    .option('--app <name>', 'whose environment it is, outside of its project; odin-migrate.json says it inside')
    .configureHelp({ showGlobalOptions: true })
    // Commander's message repeats what was typed, which may have anything in it.
    .configureOutput({ outputError: (text, write) => write(`${linesIn(text).join('\n').trim()}\n`) })
    .showHelpAfterError('(odin-migrate --help shows every command)')
    .addHelpText('after', `\nExit codes: ${EXIT_CODES}`);
  const named = () => program.opts<{ app?: string; profile?: string; region?: string }>();
  program.hook('preAction', (_, command) => {
    refuseWhatIsIdle(command, named());
    typeFor({ ...named(), local: command.name() === 'local' || command.opts<{ local?: true }>().local });
  });
  /** Where a deployed environment is: as the options say, else as the project's file does, if there is one around. */
  const deployedPlace = (environment: string): DeployedPlace => {
    const { app, profile, region } = named();
    const configuration = findProject()?.configuration;
    const settings = configuration && configurationOf(configuration, environment);
    const credentials = profile ?? (hasCredentials() ? undefined : settings?.profile);
    // The variable, and not an option of each client: with the option, the profile's endpoint_url would be ignored.
    if (credentials !== undefined) process.env['AWS_PROFILE'] = credentials;
    return {
      app: app ?? configuration?.app,
      account: settings?.account,
      aws: userOptions(region ?? settings?.region),
    };
  };
  const placeOf = (environment: string, options: LocalOption): Place =>
    options.local ? { project: openProject() } : deployedPlace(environment);

  program
    .command('init')
    .summary('write what a project needs, and an environment with a first migration')
    .description(
      "Writes odin-migrate.json, the environment's folder with a first migration, the lines of .gitignore and, where there is " +
        'none, the cdk.json of a project without a CDK app of its own. What is there stays as it is. The app is named after the ' +
        'package, or by --app.',
    )
    .argument('<environment>', 'its name, such as odin-dev')
    .action(async (environment: string) => {
      const { init } = await import('./commands/init.ts');
      done(await init(environment, named()));
    });

  program
    .command('new')
    .summary("write the next migration's file from a template")
    .description(
      "Writes the next number's file from a template, and prints its path and on what the number stands: the files, git, and the " +
        'ledgers on this machine and in AWS, as far as they can be reached. No number that one of them knows is used again.',
    )
    .argument(...ENVIRONMENT)
    .option('--description <text>', 'one line that operators see')
    .option('--checkpointed', 'of one that may take longer than a quarter of an hour: an async generator')
    .option(
      '--parallel',
      'of one with so many items that many functions have to work on them: a plan, and batches of it',
    )
    .option(...JSON_OPTION)
    .action(async (environment: string, options: NewOptions) => {
      const { newMigration } = await import('./commands/new.ts');
      done(await newMigration(openProject(), environment, options, deployedPlace));
    });

  program
    .command('check')
    .summary('find what is wrong with the migrations before they are deployed')
    .description(
      'Checks names, exports, types, promises that nobody awaits, work at the top level of a module, permissions that are ' +
        'wider than needed, and variables that are read and that nobody gives. Errors give exit code 1.',
    )
    .argument('[environments...]', 'folders under migrations/; all of them when none is named')
    .option(
      '--deployed',
      "ask the deployed environment's ledger too: late numbers, completed files that changed, functions that a deployment would remove, what is pending, what the account has no room for",
    )
    .option(...ACCEPT_CHANGED_OPTION)
    .option(
      '--allow-removed <ids>',
      'with --deployed: the functions of these, with commas between them, or all, may be removed, as with `cdk deploy -c allow-removed=<ids>`',
      removedIds,
    )
    .option('--strict', 'let warnings fail the check too')
    .option(...JSON_OPTION)
    .action(async (environments: string[], options: CheckOptions) => {
      const { check } = await import('./commands/check.ts');
      done(await check(openProject(), environments, options, deployedPlace));
    });

  program
    .command('local')
    .summary("run an environment's pending migrations on this machine, without AWS")
    .description(
      "Runs an environment's pending migrations on an AWS inside this process: the deployed state machine and bundles, " +
        'with an S3 on disk that the next run remembers.',
    )
    .argument('[environment]', 'a folder under migrations/; the only one when none is named')
    .option(
      '--fail <id[@n]>',
      'let the first attempt of this migration throw (after its checkpoint n), to practise a halt',
    )
    .option('--crash <id[@n]>', 'let it end its process: an unknown outcome')
    .option('--timeout <id[@n]>', 'let it hang past its timeout: an unknown outcome')
    .option('--slice-seconds <seconds>', 'end each slice of a checkpointed migration after this time', positive)
    .option('--fresh', 'forget what was run here before')
    .option(
      '--again <id>',
      'run this one migration anew, and no other, on fresh data (local.data, or --data); what was run here before stays as it is',
    )
    .option(
      '--data <url>',
      'copy a sample of the real objects under s3://bucket/prefix/ here first, with your credentials; may be repeated',
      (url: string, urls: string[] | undefined) => [...(urls ?? []), url],
    )
    .option('--sample <objects>', 'how many objects of each, spread over the prefix; 200 without it', count)
    .option('--sample-mb <megabytes>', 'how much of each at most; 256 without it', positive)
    .option(...OUT_OF_ORDER_OPTION)
    .option(...RENUMBERED_OPTION)
    .option(...ACCEPT_CHANGED_OPTION)
    .option(...JSON_OPTION)
    .action(async (named: string | undefined, options: LocalOptions) => {
      const { local } = await import('./commands/local.ts');
      const project = openProject();
      const environment = named ?? onlyEnvironment(project.directory, project.configuration);
      done(await local(project, environment, options, deployedPlace(environment)));
    });

  program
    .command('preview')
    .summary('show what the pending migrations would do, and change nothing')
    .description(
      "Runs the pending migrations' code on real data in sessions that can only read: every write is held back, answered as " +
        'if it had worked, and listed. Those named are previewed also when they are completed. The exit code is 4 when one ' +
        'throws. docs/preview.md says what a preview cannot know.',
    )
    .argument(...ENVIRONMENT)
    .argument('[ids...]', "migrations' four digits; all that are pending when none is named")
    .option('--limit <seconds>', 'stop a checkpointed migration at the first checkpoint after this time', positive)
    .option(...LOCAL_OPTION)
    .option(...JSON_OPTION)
    .action(async (environment: string, ids: string[], options: PreviewOptions & LocalOption) => {
      const { preview } = await import('./commands/preview.ts');
      done(await preview(placeOf(environment, options), environment, ids, options));
    });

  program
    .command('run')
    .summary("run a deployed environment's pending migrations")
    .description(
      "Starts the deployed environment's state machine. With --wait it follows the run, each migration with its time, " +
        'and its exit code is the outcome; one that is under way already is followed, and no second one is started.',
    )
    .argument(...ENVIRONMENT)
    .option('--wait', 'follow the run to its end, or to a halt')
    .option(...LOGS_OPTION)
    .option(...OUT_OF_ORDER_OPTION)
    .option(...RENUMBERED_OPTION)
    .option(...ACCEPT_CHANGED_OPTION)
    .option(...JSON_OPTION)
    .action(async (environment: string, options: RunCommandOptions) => {
      const { run } = await import('./commands/run.ts');
      done(await run(environment, options, deployedPlace(environment), findProject()));
    });

  program
    .command('status')
    .summary('show what is done, what is pending and what is halted')
    .description(
      'One table of all migrations, and the open halt with its error and the commands that answer it. The exit code is 2 ' +
        'when one is halted.',
    )
    .argument(...ENVIRONMENT)
    .option('--failures', 'print a line of JSON for each batch that failed, and nothing else')
    .option(...LOCAL_OPTION)
    .option(...JSON_OPTION)
    .action(async (environment: string, options: StatusOptions & LocalOption) => {
      const { status } = await import('./commands/status.ts');
      done(await status(placeOf(environment, options), environment, options));
    });

  program
    .command('history')
    .summary('show the audit trail, oldest first')
    .description('The audit trail of an environment or of one migration, oldest first: who did what, when, and why.')
    .argument(...ENVIRONMENT)
    .argument('[id]', "a migration's four digits")
    .option(...LOCAL_OPTION)
    .option(...JSON_OPTION)
    .action(async (environment: string, id: string | undefined, options: HistoryOptions & LocalOption) => {
      const { history } = await import('./commands/history.ts');
      done(await history(placeOf(environment, options), environment, id, options));
    });

  program
    .command('logs')
    .summary('show what the migrations printed')
    .description(
      'What the migrations of a deployed environment printed, from CloudWatch Logs: all of the newest attempt of the migration that is ' +
        'named, or that was run last; since a time, of every attempt; or, with --follow, from then on until Ctrl-C. Beside it stands ' +
        'what their functions complain of. With --json each line is an object.',
    )
    .argument(...ENVIRONMENT)
    .argument('[id]', "a migration's four digits; the one that was run last without it")
    .option('--follow', 'go on with what is printed from now on')
    .option('--attempt <number>', 'all of this attempt, in place of the newest one', count)
    .option(
      '--since <time>',
      'what was printed since then: 90s, 30m, 2h or 7d ago, or a time such as 2026-11-30T12:00, in UTC',
      moment,
    )
    .option(...LOCAL_OPTION)
    .option(...JSON_OPTION)
    .action(async (environment: string, id: string | undefined, options: LogsOptions) => {
      const { logs } = await import('./commands/logs.ts');
      done(await logs(environment, id, options, deployedPlace(environment)));
    });

  program
    .command('doctor')
    .summary('examine the ledger, and say in words what is wrong with it')
    .description(
      'Walks the log from its first entry, checks that each entry follows from the one before it, and compares every other ' +
        'object of the ledger with what the log says. It changes nothing. The exit code is 1 when something is wrong.',
    )
    .argument(...ENVIRONMENT)
    .requiredOption('--ledger', 'examine the ledger')
    .option(...LOCAL_OPTION)
    .option(...JSON_OPTION)
    .action(async (environment: string, options: DoctorOptions & LocalOption) => {
      const { doctor } = await import('./commands/doctor.ts');
      done(await doctor(placeOf(environment, options), environment, options));
    });

  program
    .command('resume')
    .summary('decide what happens with a halted migration')
    .description(
      'Decides what happens with a halted migration. The decision is recorded with your name (your IAM identity, in a ' +
        'deployed environment), and the run goes on or, after abort, ends as failed. At a terminal it asks first.',
    )
    .argument(...ENVIRONMENT)
    .addArgument(new Argument('<decision>', 'what to do').choices(DECISIONS))
    .option('--reason <text>', 'why; needed for mark-applied and skip')
    .option(
      '--halt <number>',
      'decide only if this is the open halt: the number of its entry, as `status` shows it',
      count,
    )
    .option(
      '--instead <number>',
      'let it count in place of a decision, by the number of its entry, that has had no effect yet',
      count,
    )
    .option('--from-start', 'retry a checkpointed migration from its start')
    .option('--keep-checkpoint', 'retry it from its last checkpoint, although other code made that')
    .option('--yes', 'do not ask')
    .option('--wait', 'follow the run that goes on, as `run --wait` does')
    .option(...LOGS_OPTION)
    .option(...LOCAL_OPTION)
    .option(...JSON_OPTION)
    .action(async (environment: string, decision: Decision, options: ResumeOptions & LocalOption) => {
      const { resume } = await import('./commands/resume.ts');
      done(await resume(placeOf(environment, options), environment, decision, options));
    });

  program
    .command('cancel')
    .summary('ask the running checkpointed migration to stop at its next checkpoint')
    .description(
      'Asks the running migration to stop at its next checkpoint. The run halts there, and a retry goes on from it. One ' +
        'that has yielded no checkpoint, and is no async generator, is refused: nothing says that it can be stopped. With --local ' +
        'it asks the process of this machine that runs it.',
    )
    .argument(...ENVIRONMENT)
    .argument(...MEANT)
    .option('--reason <text>', 'why; it stays in the ledger')
    .option(...LOCAL_OPTION)
    .option(...JSON_OPTION)
    .action(async (environment: string, id: string | undefined, options: CancelOptions & LocalOption) => {
      const { cancel } = await import('./commands/cancel.ts');
      done(await cancel(placeOf(environment, options), environment, id, options));
    });

  program
    .command('tune')
    .summary('let more or fewer batches of the running parallel migration run at a time')
    .description(
      'Changes how many batches run at the same time, from now on until these batches have ended. Those that run end. The next ' +
        'attempt begins with what the file says. With --local it asks the process of this machine that runs them.',
    )
    .argument(...ENVIRONMENT)
    .argument(...MEANT)
    .requiredOption('--concurrency <number>', 'batches at a time', batchesAtOnce)
    .option(...LOCAL_OPTION)
    .option(...JSON_OPTION)
    .action(async (environment: string, id: string | undefined, options: TuneOptions & LocalOption) => {
      const { tune } = await import('./commands/tune.ts');
      done(await tune(placeOf(environment, options), environment, id, options));
    });

  program
    .command('baseline')
    .summary('adopt an environment whose first migrations ran elsewhere')
    .description(
      'Records the migrations up to a number as done before this system knew of the environment, so that they never run. ' +
        'It refuses what was attempted here. At a terminal it asks first.',
    )
    .argument(...ENVIRONMENT)
    .option('--through <id>', 'the last migration that ran elsewhere')
    .option(
      '--pruned',
      'what completed.json names, and nothing else: for a new environment of a folder that was pruned',
    )
    .option('--from <url>', 'read that number from the name of the one status object under s3://bucket/prefix/')
    .requiredOption('--reason <text>', 'why; it stays in the ledger', words)
    .option('--yes', 'do not ask')
    .option(...LOCAL_OPTION)
    .option(...JSON_OPTION)
    .action(async (environment: string, options: BaselineOptions & LocalOption) => {
      const { baseline } = await import('./commands/baseline.ts');
      done(await baseline(placeOf(environment, options), environment, options, deployedPlace(environment)));
    });

  program
    .command('prune')
    .summary('delete the files of completed migrations, and keep a line of each in completed.json')
    .description(
      "Reads the environment's ledger, writes what is completed into completed.json in the environment's folder, and deletes the " +
        'files, which git keeps: only what is not completed needs a function. It deploys nothing: review and commit what it ' +
        'changed. A file that git does not have as it is stays, and one that was changed since it ran. At a terminal it asks first.',
    )
    .argument(...ENVIRONMENT)
    .option('--through <id>', 'those up to this one; each of them has to be completed')
    .option('--changed', 'delete those too whose text changed since they ran')
    .option('--yes', 'do not ask')
    .option(...LOCAL_OPTION)
    .option(...JSON_OPTION)
    .action(async (environment: string, options: PruneOptions & LocalOption) => {
      const { prune } = await import('./commands/prune.ts');
      done(await prune(openProject(), placeOf(environment, options), environment, options));
    });

  program
    .command('adopt')
    .summary('bring back the ledger of an environment whose stack is gone')
    .description(
      'A ledger stays when its stack goes, and a deployment that would begin a new one is refused. This examines the ledger ' +
        'that stayed, makes room for the next deployment, and says how that names it. At a terminal it asks first.',
    )
    .argument(...ENVIRONMENT)
    .option('--yes', 'do not ask')
    .action(async (environment: string, options: AdoptOptions) => {
      const { adoptLedger } = await import('./commands/adopt.ts');
      done(await adoptLedger(environment, options, deployedPlace(environment)));
    });

  program
    .command('start-over')
    .summary('begin a new ledger for an environment whose stack is gone')
    .description(
      'Lets the next deployment begin a new ledger, in which nothing is completed. The old one stays, with the reason in the ' +
        "bucket's tags. At a terminal it asks first.",
    )
    .argument(...ENVIRONMENT)
    .requiredOption('--reason <text>', 'why; it stays on the old bucket', words)
    .option('--yes', 'do not ask')
    .action(async (environment: string, options: StartOverOptions) => {
      const { leaveLedger } = await import('./commands/start-over.ts');
      done(await leaveLedger(environment, options, deployedPlace(environment)));
    });

  program
    .command('destroy')
    .summary('take a deployed environment down, and keep its ledger')
    .description(
      'Stops the runs that have not ended, which would keep the stack from being deleted, takes back its protection, deletes it, and ' +
        'waits. The ledger stays, with a halt that is open. It deletes what is left of a failed first deployment too. At a terminal ' +
        'the name has to be typed. An environment on this machine is forgotten by `local --fresh`.',
    )
    .argument(...ENVIRONMENT)
    .option('--yes', 'do not ask')
    .action(async (environment: string, options: DestroyOptions) => {
      const { destroyEnvironment } = await import('./commands/destroy.ts');
      done(await destroyEnvironment(environment, options, deployedPlace(environment)));
    });

  program
    .command('synth')
    .summary('the CDK app of a project without one of its own')
    .description(
      `Synthesises the stacks of all environments. The CDK CLI starts it, when cdk.json says "app": "${PROGRAM} synth"; ` +
        `then \`${CDK} deploy\`, and with \`-c environment=<environment>\` that one alone.`,
    )
    .action(async () => {
      const { synthesise } = await import('../client/synth.ts');
      // An exit code that is not 0 would stop `cdk` for the others, too.
      await synthesise(openProject(), printError);
      done(EXIT.done);
    });

  program
    .command('dashboard')
    .summary("serve an environment's dashboard on localhost")
    .description(
      "Serves the environment's dashboard on localhost: the widget of the AWS console, with its buttons. With --local for " +
        'the environment on this machine, where it can start a run too.',
    )
    .argument(...ENVIRONMENT)
    .option(...LOCAL_OPTION)
    .option('--port <number>', 'the port to listen on; a free one without it', port)
    .action(async (environment: string, options: DashboardOptions & LocalOption) => {
      const { dashboard } = await import('./commands/dashboard.ts');
      done(await dashboard(placeOf(environment, options), environment, options));
    });

  for (const argument of program.commands.flatMap(({ registeredArguments }) => registeredArguments)) {
    if (argument.name() === 'environment') argument.argParser(environmentOf);
    if (argument.name() === 'environments')
      argument.argParser((typed: string, before?: string[]) => [...(before ?? []), environmentOf(typed)]);
  }
  for (const command of [program, ...program.commands]) refuseTwice(command);
  return program;
}

/** Of what is given twice the last would count, and the first be dropped in silence. */
function refuseTwice(command: Command): void {
  for (const option of command.options) {
    if (option.isBoolean() || REPEATED.includes(option.attributeName())) continue;
    let given = 0;
    command.on(`option:${option.name()}`, () => {
      given += 1;
      if (given > 1) throw idle(`${option.long ?? option.name()} was given twice, and counts once.`, 'Give it once.');
    });
  }
}

const REPEATED = ['acceptChanged', 'allowRenumbered', 'data'];

/** @throws OdinError BadUsage for what would do nothing */
function refuseWhatIsIdle(command: Command, named: object): void {
  const isGiven = (long: string) =>
    command.options.some(
      (option) => option.long === long && command.getOptionValue(option.attributeName()) !== undefined,
    );
  refuseIdle(command.name(), isGiven);
  const used = placeUsedBy(command.name(), isGiven);
  for (const name of Object.keys(named).filter((each) => !used.includes(each))) {
    const where = isGiven('--local') ? `${command.name()} --local` : command.name();
    throw idle(`--${name} does nothing here: ${where} does not ask AWS.`, `Leave --${name} out.`);
  }
}

/** Which of the options for every command that reaches AWS have an effect. */
function placeUsedBy(command: string, isGiven: (long: string) => boolean): readonly string[] {
  if (command === 'init') return ['app'];
  if (command === 'baseline' && isGiven('--local')) return isGiven('--from') ? ['profile', 'region'] : [];
  const isOff = command === 'synth' || isGiven('--local') || (command === 'check' && !isGiven('--deployed'));
  if (isOff) return [];
  if (command !== 'local') return ['app', 'profile', 'region'];
  // The migrations' own S3 may be elsewhere.
  const reaches = isGiven('--data') || process.env['AWS_ENDPOINT_URL'] || process.env['AWS_ENDPOINT_URL_S3'];
  return reaches ? ['profile', 'region'] : [];
}

/** Whoever names credentials in their shell means them. */
const hasCredentials = (): boolean => Boolean(process.env['AWS_PROFILE']) || Boolean(process.env['AWS_ACCESS_KEY_ID']);

const ENVIRONMENT = ['<environment>', 'a folder under migrations/'] as const;
const MEANT = ['[id]', 'the migration that is meant, by its four digits: another one that runs is left alone'] as const;
const JSON_OPTION = ['--json', 'print JSON to stdout, and everything else to stderr'] as const;
const LOGS_OPTION = ['--logs', 'with --wait: show what the migrations print, from CloudWatch Logs'] as const;
const OUT_OF_ORDER_OPTION = [
  '--allow-out-of-order',
  'run late migrations too, although a higher number was run before them',
] as const;
const RENUMBERED_OPTION = [
  '--allow-renumbered <id>',
  'run this migration too, although its text was completed under another number; may be repeated',
  eachId,
] as const;
const ACCEPT_CHANGED_OPTION = [
  '--accept-changed <id>',
  'another text than was completed under this number is meant; may be repeated',
  eachId,
] as const;
interface LocalOption {
  local?: true;
}
const LOCAL_OPTION = ['--local', 'on this machine instead of AWS'] as const;

function eachId(id: string, ids: string[] | undefined): string[] {
  if (/^\d{4}$/.test(id)) return [...(ids ?? []), id];
  throw new InvalidArgumentError("Expected a migration's four digits, such as 0004.");
}

function removedIds(said: string): string[] {
  const ids = parseAllowed(said);
  if (ids) return ids;
  throw new InvalidArgumentError("Expected migrations' four digits, such as 0004,0005, or all.");
}

function words(text: string): string {
  if (saysWhy(text)) return text;
  throw new InvalidArgumentError('Expected words: they stay for whoever asks later why.');
}

function count(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a whole number above 0.');
}

function batchesAtOnce(text: string): number {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= MAX_CONCURRENCY) return value;
  throw new InvalidArgumentError(`Expected a whole number, 1 to ${MAX_CONCURRENCY}.`);
}

const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** As every time that is printed, one without a zone is UTC. What is now, AWS says, and not this machine. */
function moment(text: string): Since {
  const [, amount, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (amount !== undefined) return { msAgo: Number(amount) * (UNITS[unit] ?? 0) };
  const [, day, time = '00:00', zone = 'Z'] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(text) ?? [];
  const at = Date.parse(`${day ?? ''}T${time}${zone}`);
  if (Number.isNaN(at))
    throw new InvalidArgumentError('Expected 90s, 30m, 2h or 7d, or a time such as 2026-11-30T12:00, in UTC.');
  return { at };
}

function port(text: string): number {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= 65_535) return value;
  throw new InvalidArgumentError('Expected a port, 1 to 65535.');
}

function positive(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('Expected a number above 0.');
}

/** What a shell completes is a folder. */
const environmentOf = (typed: string): string => environmentTyped(typed, findProject());

const linesIn = (text: string): string[] => text.split('\n').map((line) => withoutCommands(plain(line)));
