// Wrong use of the command line, as a process: its exit code, and what it says on which stream.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryProject } from '../support/project.ts';
import { NO_AWS } from './no-aws.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const PROGRAM = path.join(ROOT, 'cli/odin-migrate.js');

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

function odinMigrate(...args: string[]): Promise<Ended> {
  const { PATH = '', HOME = '' } = process.env;
  const env = {
    PATH,
    HOME: path.join(HOME, '.none'),
    NO_COLOR: '1',
    ...NO_AWS,
  };
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [PROGRAM, ...args], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        output[stream] += text;
      });
    }
    child.once('error', reject).once('close', (code) => resolve({ code, ...output }));
  });
}

describe('a reader that goes away, as head does', () => {
  it('is no error: what is left to print is lost, and the exit code is that of the command', async ({ expect }) => {
    // Not the sample: what this machine has run of it would be compared with what it is now.
    const project = temporaryProject({
      'odin-migrate.json': '{}',
      'migrations/dev/0001.ts': 'export async function migration() {}',
    });
    const child = spawn(process.execPath, [PROGRAM, 'check', 'dev'], {
      cwd: project.directory,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.destroy();
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    const [code] = (await once(child, 'close')) as [number | null];
    project.remove();
    expect([code, errors]).toEqual([0, '']);
  });
});

describe.concurrent('help', () => {
  it.for(['--help', '-h', 'help'])('%s is printed, and is success', async (arg, { expect }) => {
    const { code, stdout, stderr } = await odinMigrate(arg);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('Usage: odin-migrate');
    for (const command of ['local', 'resume']) expect(stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'));
    expect(stdout).toContain('Exit codes: 0 done, 1 wrong use or configuration, 2 halted');
  });

  it('of a command names its arguments and options', async ({ expect }) => {
    const { code, stdout } = await odinMigrate('resume', '--help');
    expect(code).toBe(0);
    for (const word of ['<environment>', '<decision>', '"mark-applied"', '--reason', '--local']) {
      expect(stdout).toContain(word);
    }
  });
});

describe.concurrent('wrong use exits with 1, says what is wrong on stderr, and does nothing', () => {
  it.for<[string, string[], RegExp]>([
    ['no command', [], /Usage: odin-migrate/],
    ['an unknown command', ['frobnicate'], /unknown command 'frobnicate'/],
    ['a misspelt command', ['reusme', 'sample', 'retry'], /unknown command 'reusme'\n\(Did you mean resume\?\)/],
    [
      'what a CI service would take for a command to itself',
      ['x\n::error::y##vso[z]'],
      /unknown command 'x\n: :error::y# #vso\[z\]'/,
    ],
    ['an unknown option', ['local', '--frsh'], /unknown option '--frsh'/],
    ['an argument too many', ['local', 'sample', 'more'], /too many arguments/],
    ['no environment', ['resume'], /missing required argument 'environment'/],
    ['no decision', ['resume', 'sample'], /missing required argument 'decision'/],
    [
      'an unknown decision',
      ['resume', 'sample', 'maybe'],
      /'maybe' is invalid.*Allowed choices are retry, mark-applied, skip, abort/,
    ],
    ['halt 0', ['resume', 'sample', 'retry', '--halt', '0'], /'0' is invalid/],
    [
      'a retry that begins twice',
      ['resume', 'sample', 'retry', '--local', '--from-start', '--keep-checkpoint'],
      /Expected --from-start or --keep-checkpoint with retry, and one of them/,
    ],
    [
      'a skip that begins somewhere',
      ['resume', 'sample', 'skip', '--local', '--from-start'],
      /Expected --from-start or --keep-checkpoint with retry, and one of them/,
    ],
    ['a negative time', ['local', '--slice-seconds', '-1'], /'-1' is invalid/],
    ['a preview of no number', ['preview', 'sample', '7', '--local'], /Expected a migration's four digits.*found "7"/],
    [
      'a local preview of data elsewhere',
      ['preview', 'sample', '--local'],
      /AWS_ENDPOINT_URL leads the migrations elsewhere/,
    ],
    ['a sample of nothing', ['local', '--data', 's3://b/', '--sample', '0'], /'0' is invalid/],
    ['an option without its value', ['local', '--fail'], /option '--fail <id\[@n\]>' argument missing/],
  ])('%s', async ([, args, said], { expect }) => {
    const { code, stdout, stderr } = await odinMigrate(...args);
    expect(code).toBe(1);
    expect(stderr).toMatch(said);
    expect(stdout).toBe('');
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  it.for<[string, string[], string[]]>([
    [
      'an unknown environment',
      ['local', 'nope'],
      [
        'UnknownEnvironment: There is no environment "nope".',
        '\n  Found: ',
        'sample',
        '\n  To begin it: npx --no-install odin-migrate init nope',
      ],
    ],
    ['a path as an environment', ['local', '../migrations/sample'], ['UnknownEnvironment: ']],
    [
      'a migration that is not there',
      ['local', 'sample', '--fail', '001'],
      ['BadUsage: sample has no migration "001".', '\n  Found: 0001, '],
    ],
    ...(
      [
        [
          ['local', 'sample', '--sample', '5'],
          '--sample does nothing without --data.',
          'Add --data, or leave --sample out.',
        ],
        [['local', 'sample', '--sample-mb', '5'], '--sample-mb does nothing without --data.', 'Add --data, or'],
        [
          ['check', '--allow-removed', '0001'],
          '--allow-removed does nothing without --deployed.',
          'Add --deployed, or',
        ],
        [['local', 'sample', '--app', 'a'], '--app does nothing here: local does not ask AWS.', 'Leave --app out.'],
        [
          ['status', 'sample', '--local', '--profile', 'a'],
          '--profile does nothing here: status --local does not ask AWS.',
          'Leave',
        ],
        [['check', '--region', 'a'], '--region does nothing here: check does not ask AWS.', 'Leave --region out.'],
        [['init', 'odin-dev', '--profile', 'a'], '--profile does nothing here: init does not ask AWS.', 'Leave'],
        [
          ['local', 'sample', '--fail', '0001', '--fail', '0002'],
          '--fail was given twice, and counts once.',
          'Give it once.',
        ],
        [
          ['local', 'sample', '--fresh', '--accept-changed', '9999'],
          'sample has no migration "9999".',
          'Found: 0001, ',
        ],
      ] as const
    ).map(([args, said, next]): [string, string[], string[]] => [
      `an option that does nothing: ${args.join(' ')}`,
      [...args],
      [`BadUsage: ${said}`, `\n  ${next}`],
    ]),
    [
      'two faults at once',
      ['local', 'sample', '--fail', '0001', '--timeout', '0002'],
      ['BadUsage: Expected one of --fail, --crash and --timeout, found several.', '\n  Practise one fault at a time.'],
    ],
    [
      'an AWS that does not answer',
      ['resume', 'sample', 'retry'],
      ['AwsUnreachable: AWS did not answer: ', '\n  Check the network, --region and AWS_ENDPOINT_URL.'],
    ],
  ])('%s', async ([, args, said], { expect }) => {
    const { code, stderr } = await odinMigrate(...args);
    expect(code).toBe(1);
    for (const text of said) expect(stderr).toContain(text);
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});

it('--version prints the version, and nothing else', async () => {
  const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { version: string };
  expect(await odinMigrate('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
});
