// The command line against arguments that nobody means, in this process: an exit code and a sentence, never a stack trace;
// nothing is run, and nothing but a port on which nobody listens is asked.
import fc from 'fast-check';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { main } from '../../cli/main.ts';
import { createProgram } from '../../cli/program.ts';
import { HOSTILE_TEXT, hostileText } from '../support/hostile.ts';
import { PROJECT } from '../support/project.ts';
import { NO_AWS } from './no-aws.ts';

let written: string[];
beforeEach(() => {
  written = [];
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  }
  vi.spyOn(console, 'warn').mockImplementation(() => undefined); // the SDK's, of --profile beside these variables
  for (const [name, value] of Object.entries({
    ...NO_AWS,
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  })) {
    vi.stubEnv(name, value);
  }
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

const COMMANDS = createProgram(() => undefined).commands;
const OPTIONS = [...new Set(COMMANDS.flatMap(({ options }) => options.map(({ long }) => long ?? '')))];
/** Of these one is enough to do something on this machine: a capital letter makes the name of no environment that is or could be. */
const HERE = ['init', 'new', 'check', 'local'];

const environment = fc.oneof(
  hostileText,
  fc.constantFrom('..', '.', '../migrations/sample', 'sample/', 'sample\n', 'SAMPLE', 'constructor', '__proto__', ''),
);
const awsEnvironment = fc.oneof(
  { weight: 3, arbitrary: environment },
  { weight: 1, arbitrary: fc.constant('odin-dev') },
);
const more = fc.array(
  fc.oneof(
    hostileText,
    fc.constantFrom(
      ...OPTIONS,
      '--',
      '-',
      '--no-json',
      '--reason=',
      '--attempt=0',
      '--port=-1',
      '--profile',
      '--region',
    ),
    fc.constantFrom('retry', 'skip', 'abort', '0001', '--halt=1', '--from-start', '--yes', '--reason=r'),
  ),
  { maxLength: 5 },
);
const args = fc.oneof(
  fc.tuple(hostileText, more).map(([command, rest]) => [command, ...rest]),
  fc.tuple(fc.constantFrom(...HERE), environment, more).map(([command, name, rest]) => [command, `X${name}`, ...rest]),
  fc
    .tuple(
      fc.constantFrom(...COMMANDS.map((command) => command.name()).filter((name) => !HERE.includes(name))),
      awsEnvironment,
      more,
    )
    // On this machine `sample` is there; the others are in AWS, which does not answer.
    .map(([command, name, rest]) => [command, name, ...rest]),
);

const files = () => readdirSync(path.join(PROJECT, 'migrations'), { recursive: true }).sort();

it('says what is wrong, whatever is typed', async () => {
  const before = files();
  const codes = new Set<number>();
  await fc.assert(
    fc.asyncProperty(args, async (typed) => {
      written.length = 0;
      const code = await main(typed);
      const text = written.join('');
      codes.add(code);
      expect([0, 1]).toContain(code);
      if (code === 0) expect(text).toContain('Usage: odin-migrate');
      expect(text).not.toBe('');
      expect(text).not.toMatch(/^\s+at .*:\d+/m);
      expect(text).not.toContain('Internal');
      expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
    }),
    { numRuns: 300 },
  );
  expect(codes).toContain(1);
  expect(files()).toEqual(before);
});

it.each([
  ['run', 'odin-dev', '--wait'],
  ['status', 'odin-dev', '--json'],
  ['history', 'odin-dev', '0001'],
  ['doctor', 'odin-dev', '--ledger'],
  ['resume', 'odin-dev', 'retry', '--yes'],
  ['baseline', 'odin-dev', '--through', '0001', '--reason', 'r'],
  ['dashboard', 'odin-dev'],
  ['status', 'odin-dev', '--region', HOSTILE_TEXT],
])('%s against an AWS that does not answer is exit code 1 and says so', async (...typed) => {
  expect(await main(typed)).toBe(1);
  expect(written.join('')).toMatch(/^(AwsUnreachable|NoCredentials|NotDeployed|BadUsage): .+\n {2}.+\n$/);
});
