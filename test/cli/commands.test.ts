// Commands as data, and how they are typed for each place. What is printed must be taken by the program as it stands.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createProgram } from '../../cli/program.ts';
import { typed, typeFor } from '../../cli/terminal/commands.ts';
import { printError } from '../../cli/terminal/output.ts';
import { resumeCommand } from '../../core/decision/meanings.ts';
import { OdinError } from '../../core/errors.ts';
import type { Command, Where } from '../../core/text/command.ts';
import { commandLine, nextText } from '../../core/text/command.ts';

const environment = 'odin-dev';
const COMMANDS: Command[] = [
  { verb: 'new', environment },
  { verb: 'check', environment },
  { verb: 'run', environment, args: ['--allow-out-of-order'] },
  { verb: 'status', environment },
  { verb: 'history', environment, args: ['0004'] },
  { verb: 'logs', environment, args: ['0004'] },
  { verb: 'preview', environment, args: ['0004'] },
  resumeCommand(environment, 'skip', 45),
  { verb: 'baseline', environment, args: ['--through <id>', '--reason "..."'] },
];
const DEPLOYED: Where = { profile: 'a team', region: 'eu-west-1' };
const LOCAL: Where = { ...DEPLOYED, local: true };

afterEach(() => {
  typeFor({});
  vi.restoreAllMocks();
});

it('is typed for a deployed environment with the profile and the region that were named', () => {
  expect(COMMANDS.map((command) => commandLine(command, DEPLOYED))).toEqual([
    'npx --no-install odin-migrate new odin-dev',
    'npx --no-install odin-migrate check odin-dev',
    "npx --no-install odin-migrate run odin-dev --allow-out-of-order --profile 'a team' --region eu-west-1",
    "npx --no-install odin-migrate status odin-dev --profile 'a team' --region eu-west-1",
    "npx --no-install odin-migrate history odin-dev 0004 --profile 'a team' --region eu-west-1",
    "npx --no-install odin-migrate logs odin-dev 0004 --profile 'a team' --region eu-west-1",
    "npx --no-install odin-migrate preview odin-dev 0004 --profile 'a team' --region eu-west-1",
    `npx --no-install odin-migrate resume odin-dev skip --halt 45 --reason "..." --profile 'a team' --region eu-west-1`,
    `npx --no-install odin-migrate baseline odin-dev --through <id> --reason "..." --profile 'a team' --region eu-west-1`,
  ]);
});

it('is typed for an environment on this machine with --local, and run is local', () => {
  expect(COMMANDS.map((command) => commandLine(command, LOCAL))).toEqual([
    'npx --no-install odin-migrate new odin-dev',
    'npx --no-install odin-migrate check odin-dev',
    'npx --no-install odin-migrate local odin-dev --allow-out-of-order',
    'npx --no-install odin-migrate status odin-dev --local',
    'npx --no-install odin-migrate history odin-dev 0004 --local',
    'npx --no-install odin-migrate logs odin-dev 0004 --local',
    'npx --no-install odin-migrate preview odin-dev 0004 --local',
    'npx --no-install odin-migrate resume odin-dev skip --halt 45 --reason "..." --local',
    'npx --no-install odin-migrate baseline odin-dev --through <id> --reason "..." --local',
  ]);
});

it("is the CDK's, with the profile that was named", () => {
  const deploy: Command = { verb: 'deploy', stack: 'OdinMigrate-odin-dev' };
  expect(commandLine(deploy)).toBe('npx --no-install cdk deploy OdinMigrate-odin-dev');
  expect(commandLine(deploy, DEPLOYED)).toBe("npx --no-install cdk deploy OdinMigrate-odin-dev --profile 'a team'");
});

it.each([DEPLOYED, LOCAL])('is taken by the program, for %j', (where) => {
  const program = createProgram(() => undefined);
  for (const command of COMMANDS) {
    const [, , , verb = '', ...words] = commandLine(command, where).split(' ');
    const subcommand = program.commands.find((one) => one.name() === verb);
    const known = [...(subcommand?.options ?? []), ...program.options].map(({ long }) => long);
    expect(known, verb).toEqual(expect.arrayContaining(words.filter((word) => word.startsWith('--'))));
  }
});

it('takes the folder of an environment for its name, in every command, as a shell completes it', () => {
  const program = createProgram(() => undefined);
  const environments = program.commands.flatMap(({ registeredArguments }) =>
    registeredArguments.filter((argument) => argument.name().startsWith('environment')),
  );
  expect(environments).toHaveLength(19);
  for (const { parseArg } of environments as { parseArg?: (typed: string, before?: string[]) => string | string[] }[]) {
    for (const typedAs of ['sample', 'migrations/sample/', './migrations/sample', 'migrations\\sample']) {
      expect([parseArg?.(typedAs)].flat()).toEqual(['sample']);
    }
  }
});

it('quotes a name for the shell', () => {
  const profile = `it's $HOME`;
  expect(commandLine({ verb: 'status', environment }, { profile })).toBe(
    `npx --no-install odin-migrate status odin-dev --profile 'it'\\''s $HOME'`,
  );
});

describe('a next step', () => {
  const error = new OdinError({
    code: 'NothingHalted',
    source: 'user',
    what: 'No migration is halted.',
    next: { words: 'Start a run', verb: 'run', environment },
  });

  it('is a sentence as it is, or words and a command', () => {
    expect(nextText('Wait.', LOCAL)).toBe('Wait.');
    expect(error.message).toBe('No migration is halted. Start a run: npx --no-install odin-migrate run odin-dev');
  });

  it('is printed as it is typed here', () => {
    const printed: string[] = [];
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
    printError(error);
    typeFor({ local: true });
    printError(error);
    expect(printed.join('').split('\n')).toEqual([
      'NothingHalted: No migration is halted.',
      '  Start a run: npx --no-install odin-migrate run odin-dev',
      'NothingHalted: No migration is halted.',
      '  Start a run: npx --no-install odin-migrate local odin-dev',
      '',
    ]);
  });

  it.each<[string[], string]>([
    [['history', environment, 'x', '--local'], 'npx --no-install odin-migrate status odin-dev --local'],
    [['history', environment, 'x'], 'npx --no-install odin-migrate status odin-dev'],
    [['--profile', 'p', 'history', environment, 'x'], 'npx --no-install odin-migrate status odin-dev --profile p'],
    [['history', environment, 'x', '--region', 'r'], 'npx --no-install odin-migrate status odin-dev --region r'],
  ])('is typed with the options of the command line %j', async (args, expected) => {
    vi.stubEnv('AWS_PROFILE', undefined);
    await createProgram(() => undefined)
      .exitOverride()
      .parseAsync(args, { from: 'user' })
      .catch(() => undefined); // "x" is no migration: it reaches nothing
    vi.unstubAllEnvs();
    expect(typed({ verb: 'status', environment })).toBe(expected);
    expect(typed({ verb: 'status', environment })).toBe(expected);
  });
});
