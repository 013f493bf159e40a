// The commands and options of odin-migrate.
import { Argument, Command, InvalidArgumentError } from 'commander';
import type { Decision } from '../core/decide.ts';
import { DECISIONS } from '../core/decide.ts';
import type { DashboardOptions } from './commands/dashboard.ts';
import type { LocalOptions } from './commands/local.ts';
import type { ResumeOptions } from './commands/resume.ts';
import type { ExitCode } from './exit-codes.ts';
import { openProject } from './project.ts';

/** Each command gives its exit code to `done`. Their modules are loaded when they are called: the help is quick. */
export function createProgram(done: (exitCode: ExitCode) => void): Command {
  const program = new Command('odin-migrate')
    .description('One-time operations for an AWS application: run once per environment, in order, and never again.')
    .showHelpAfterError('(odin-migrate --help shows every command)')
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 wrong use or configuration, 2 halted and waiting for a decision, 3 refused, 4 failed or aborted',
    );

  program
    .command('local')
    .summary("run an environment's pending migrations on this machine, without AWS")
    .description(
      "Runs an environment's pending migrations on an AWS inside this process: the deployed state machine and bundles, " +
        'with an S3 on disk that the next run remembers.',
    )
    .argument('[environment]', 'a folder under migrations/', 'sample')
    .option('--fail <id>', 'let the first attempt of this migration throw, to practise a halt')
    .option('--crash <id>', 'let it end its process: an unknown outcome')
    .option('--timeout <id>', 'let it hang past its timeout: an unknown outcome')
    .option('--slice-seconds <seconds>', 'end each slice of a checkpointed migration after this time', positive)
    .option('--fresh', 'forget what was run here before')
    .action(async (environment: string, options: LocalOptions) => {
      const { local } = await import('./commands/local.ts');
      done(await local(openProject(), environment, options));
    });

  program
    .command('resume')
    .summary('decide what happens with a halted migration')
    .description(
      'Decides what happens with a halted migration. The decision is recorded with your name, and the run goes on (or, ' +
        'after abort, ends as failed).',
    )
    .argument('<environment>', 'a folder under migrations/')
    .addArgument(new Argument('<decision>', 'what to do').choices(DECISIONS))
    .option('--reason <text>', 'why; needed for mark-applied and skip')
    .option('--migration <id>', 'decide only if this migration is the halted one (with --attempt)')
    .option('--attempt <number>', 'decide only if this attempt is the halted one (with --migration)', positive)
    .option('--local', 'on this machine instead of AWS')
    .action(async (environment: string, decision: Decision, options: ResumeOptions) => {
      const { resume } = await import('./commands/resume.ts');
      done(await resume(openProject(), environment, decision, options));
    });

  program
    .command('dashboard')
    .summary("serve an environment's dashboard on localhost")
    .description(
      "Serves the environment's dashboard on localhost: the widget of the AWS console, with its buttons. With --local for " +
        'the environment on this machine, where it can start a run too.',
    )
    .argument('<environment>', 'a folder under migrations/')
    .option('--local', 'on this machine instead of AWS')
    .option('--port <number>', 'the port to listen on; a free one without it', positive)
    .action(async (environment: string, options: DashboardOptions) => {
      const { dashboard } = await import('./commands/dashboard.ts');
      done(await dashboard(openProject(), environment, options));
    });

  return program;
}

function positive(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('Expected a number above 0.');
}
