// Commands as they are typed, where their environment is.
import { describe, expect, it } from 'vitest';
import type { OdinCommand, Where } from '../../core/text/command.ts';
import { CDK, commandLine, nextText, PROGRAM, TYPED_WHERE } from '../../core/text/command.ts';

const typed = (verb: OdinCommand['verb'], where?: Where, args?: string[]): string =>
  commandLine({ verb, environment: 'dev', args }, where);

describe('a command', () => {
  it('is of the program that is installed, and has its arguments behind the environment', () => {
    expect(PROGRAM).toBe('npx --no-install odin-migrate');
    expect(typed('status')).toBe('npx --no-install odin-migrate status dev');
    expect(typed('resume', {}, ['retry', '--halt 45'])).toBe(
      'npx --no-install odin-migrate resume dev retry --halt 45',
    );
    expect(TYPED_WHERE).toBe('In a project that has odin-migrate installed');
  });

  it('says where its environment is, as far as the project does not', () => {
    expect(typed('status', { app: 'shop' })).toBe(`${PROGRAM} status dev --app shop`);
    expect(typed('run', { profile: 'p', region: 'eu-west-1' })).toBe(
      `${PROGRAM} run dev --profile p --region eu-west-1`,
    );
    expect(typed('status', { app: 'shop', profile: 'p', region: 'r' })).toBe(
      `${PROGRAM} status dev --app shop --profile p --region r`,
    );
    expect(typed('status', { local: false })).toBe(`${PROGRAM} status dev`);
  });

  it('is another one on this machine, for a run', () => {
    expect(typed('run', { local: true, profile: 'p' })).toBe(`${PROGRAM} local dev`);
    expect(typed('status', { local: true, profile: 'p' }, ['--json'])).toBe(`${PROGRAM} status dev --json --local`);
  });

  it.each(['check', 'init', 'new'] as const)('that looks at files says of no place: %s', (verb) => {
    for (const where of [{ local: true }, { app: 'shop', profile: 'p', region: 'r' }]) {
      expect(typed(verb, where)).toBe(`${PROGRAM} ${verb} dev`);
    }
  });

  it('of the CDK deploys a stack, by its profile', () => {
    expect(CDK).toBe('npx --no-install cdk');
    expect(commandLine({ verb: 'deploy', stack: 'Shop' })).toBe(`${CDK} deploy Shop`);
    expect(commandLine({ verb: 'deploy', stack: 'Shop' }, { profile: 'p', local: true, region: 'r' })).toBe(
      `${CDK} deploy Shop --profile p`,
    );
  });

  it.each([
    ['a-B_1@x%+=:,./-', 'a-B_1@x%+=:,./-'],
    ['my profile', "'my profile'"],
    [' p', "' p'"],
    ['p ', "'p '"],
    ["it's", "'it'\\''s'"],
    ['$(x)', "'$(x)'"],
    ['', "''"],
  ])('takes a profile of any name: %s', (profile, quoted) => {
    expect(typed('status', { profile })).toBe(`${PROGRAM} status dev --profile ${quoted}`);
    expect(typed('status', { region: profile })).toBe(`${PROGRAM} status dev --region ${quoted}`);
  });
});

it('what to do next is a sentence, or words and a command', () => {
  expect(nextText('Try again.', { local: true })).toBe('Try again.');
  expect(nextText({ words: 'Look', verb: 'status', environment: 'dev' })).toBe(`Look: ${PROGRAM} status dev`);
  expect(nextText({ words: 'Look', verb: 'status', environment: 'dev' }, { local: true })).toBe(
    `Look: ${PROGRAM} status dev --local`,
  );
});
