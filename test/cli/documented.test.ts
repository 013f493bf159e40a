// Each command that a document, a pipeline or a text of our own tells to type is one that the program takes: known, with options that it
// has, and of what stands in a block to copy, nothing missing.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createProgram } from '../../cli/program.ts';
import { typeFor } from '../../cli/terminal/commands.ts';
import { PROJECT } from '../support/project.ts';

interface Shown {
  file: string;
  /** What follows the program's name. */
  typed: string;
  /** Whether it is there to be copied: then nothing may be missing. */
  whole: boolean;
}

const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: PROJECT, encoding: 'utf8' })
  .split('\0')
  .filter((file) => /\.(md|yml|ts|json)$/.test(file) && !/^(test\/|scripts\/|package-lock|CHANGELOG)/.test(file))
  .filter((file) => existsSync(path.join(PROJECT, file)));

/** The part of a shell's line that is one command of ours, without what a comment, a pipe or a file says behind it. */
const NAMED = /(?:npx --no-install |npm run )odin-migrate (?:-- )?((?:"[^"\n]*"|(?! >|\. [A-Z])[^"\n#&|;`'\\])*)/g;

function shownIn(file: string, text: string): Shown[] {
  if (file.endsWith('.yml')) return of(file, text, true);
  if (!file.endsWith('.md')) {
    const ours = text.replaceAll('${PROGRAM} ', 'npx --no-install odin-migrate ');
    return of(file, ours.replaceAll(/\$\{[^}]*\}/g, 'VALUE'), false);
  }
  const blocks = [...text.matchAll(/^```(?:sh)?\n([\s\S]*?)^```$/gm)].flatMap(([, block = '']) =>
    of(file, block, true),
  );
  const prose = text.replaceAll(/^```[\s\S]*?^```$/gm, '');
  const spans = [...prose.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span);
  const inSpans = spans.flatMap((span) => {
    // `run --wait`: the program's name is left out in prose.
    const [, typed] = /^(?:(?:npx --no-install )?odin-migrate )?([a-z-]+(?: .*)?)$/.exec(span) ?? [];
    const verb = typed?.split(' ')[0] ?? '';
    const isOurs = verb === 'odin-migrate' ? false : span.includes('odin-migrate ') || VERBS.includes(verb);
    return typed !== undefined && isOurs && (span.includes('odin-migrate ') || / --[a-z]/.test(span))
      ? [{ file, typed, whole: false }]
      : [];
  });
  return [...blocks, ...inSpans];
}

const of = (file: string, text: string, whole: boolean): Shown[] =>
  [...text.matchAll(NAMED)].map(([, typed = '']) => ({ file, typed: typed.trim().replace(/\.$/, ''), whole }));

/** A line as a shell splits it: no more of it than documents use. */
const words = (typed: string): string[] =>
  [...typed.matchAll(/(?:"[^"]*"|[^\s"])+/g)].map(([word]) =>
    word === '"..."' ? 'in words' : word.replaceAll('"', ''),
  );

/** What the program says against it, or nothing. */
function complaint({ typed, whole }: Pick<Shown, 'typed' | 'whole'>): string | undefined {
  const program = createProgram(() => undefined);
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
    if (command !== program) command.action(() => undefined);
    if (whole) continue;
    // In prose a command may be named without what it needs.
    for (const option of command.options) option.mandatory = false;
    for (const argument of command.registeredArguments) argument.required = false;
  }
  const said = words(typed);
  // The page of commands shows how they are put together.
  const isUsage = said.includes('[options]');
  const args = said
    .filter((word) => !isUsage || !/^\[/.test(word))
    .map((word) => (word === '<decision>' ? 'retry' : word));
  for (const command of isUsage ? program.commands : []) for (const option of command.options) option.mandatory = false;
  try {
    program.parse(args, { from: 'user' });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const VERBS = createProgram(() => undefined).commands.map((command) => command.name());

afterEach(() => {
  typeFor({});
});

describe('a command that is shown', () => {
  const all = tracked.flatMap((file) => shownIn(file, readFileSync(path.join(PROJECT, file), 'utf8')));

  it('is taken as it stands there', () => {
    const astray = all.flatMap((shown) => {
      const said = complaint(shown);
      return said === undefined ? [] : [`${shown.file}: ${shown.typed}: ${said}`];
    });
    expect(astray).toEqual([]);
  });

  it('is found in each document that has some', () => {
    const files = new Set(all.map(({ file }) => file));
    expect([...files]).toEqual(
      expect.arrayContaining([
        'README.md',
        'docs/cli.md',
        'docs/dashboard.md',
        'docs/migrations.md',
        'docs/pipelines/codepipeline.ts',
        'docs/pipelines/github-actions.yml',
        'docs/prune.md',
        'docs/runbook.md',
        'examples/without-cdk-app/README.md',
        '.github/ISSUE_TEMPLATE/bug.yml',
      ]),
    );
    expect(all.filter(({ whole }) => whole).length).toBeGreaterThan(30);
  });

  it.each<[Pick<Shown, 'typed' | 'whole'>, RegExp]>([
    [{ typed: 'statu ENV', whole: false }, /unknown command 'statu'/],
    [{ typed: 'status ENV --failure', whole: false }, /unknown option '--failure'/],
    [{ typed: 'run', whole: true }, /missing required argument 'environment'/],
    [{ typed: 'doctor ENV', whole: true }, /required option '--ledger'/],
    [{ typed: 'doctor ENV --leger', whole: false }, /unknown option '--leger'/],
    [{ typed: 'resume ENV retri', whole: false }, /Allowed choices are retry/],
    [{ typed: 'tune ENV --concurrency none', whole: false }, /Expected a whole number/],
    [{ typed: 'run ENV --logs', whole: false }, /does nothing without --wait/],
    [{ typed: 'status ENV 0004', whole: false }, /too many arguments/],
  ])('%j is noticed', (shown, said) => {
    expect(complaint(shown)).toMatch(said);
  });
});
