// Which numbers git shows to have been another file's: that one may be completed, and the new one would never run.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { discoverEnvironment } from '../../project/discover.ts';
import { numbersInGit, usedBefore, usedBeforeText } from '../../project/numbers.ts';
import type { TemporaryProject } from '../support/project.ts';
import { temporaryProject } from '../support/project.ts';

const FOLDER = 'migrations/odin-dev';
const text = (words: string) => `export async function migration(): Promise<void> {\n  console.log('${words}');\n}\n`;
const fileOf = (id: string) => `${FOLDER}/${id}.ts`;

let project: TemporaryProject;
beforeEach(() => {
  project = temporaryProject({ [fileOf('0001')]: text('one'), [fileOf('0002')]: text('two') }, { packages: [] });
});
afterEach(() => project.remove());

const git = (...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args], {
    cwd: project.directory,
    stdio: 'pipe',
  });
const commit = () => {
  git('add', '--all');
  git('commit', '--quiet', '--allow-empty', '--message', 'one');
};
const begin = () => {
  git('init', '--quiet');
  commit();
};
const remove = (file: string) => git('rm', '--quiet', file);
const folder = () => path.join(project.directory, FOLDER);
const found = () => {
  const { migrations } = discoverEnvironment('odin-dev', project.directory, project.configuration);
  return usedBefore(folder(), migrations).map(({ id }) => id);
};

it('is a number whose file was deleted, and that another text has now', () => {
  begin();
  expect(found()).toEqual([]);
  remove(fileOf('0002'));
  commit();
  expect(found()).toEqual([]); // nothing has it
  project.write(fileOf('0002'), text('new work'));
  expect(found()).toEqual(['0002']);
  commit();
  expect(found()).toEqual(['0002']);
  expect(usedBeforeText('0002')).toMatch(
    /^The number 0002 was used before, .*--accept-changed 0002 if that one never ran/,
  );
});

it('is none whose text is here, under its own number or under another, however it is formatted', () => {
  begin();
  remove(fileOf('0002'));
  commit();
  project.write(fileOf('0002'), `// back again\n${text('two')}`);
  expect(found()).toEqual([]);
  project.write(fileOf('0002'), text('new work'));
  project.write(fileOf('0003'), text('two').replaceAll('  ', '    '));
  expect(found()).toEqual([]);
});

it('is one that several had before, when one of them is gone', () => {
  begin();
  remove(fileOf('0002'));
  commit();
  project.write(fileOf('0002'), text('in between'));
  commit();
  remove(fileOf('0002'));
  commit();
  project.write(fileOf('0002'), text('new work'));
  project.write(fileOf('0003'), text('in between'));
  expect(found()).toEqual(['0002']);
  project.write(fileOf('0004'), text('two'));
  expect(found()).toEqual([]);
});

it('is none that was a file of another folder, or below, or on a branch that is not checked out', () => {
  project.write('migrations/odin-prod/0002.ts', text('of prod'));
  project.write(`${FOLDER}/shared/0001.ts`, text('shared'));
  begin();
  git('checkout', '--quiet', '-b', 'other');
  project.write(fileOf('0003'), text('three'));
  commit();
  remove(fileOf('0003'));
  commit();
  git('checkout', '--quiet', '-');
  remove('migrations/odin-prod/0002.ts');
  remove(`${FOLDER}/shared/0001.ts`);
  commit();
  project.write(fileOf('0001'), text('edited'));
  expect(found()).toEqual([]);
});

it('is none where there is no git, or no commit', () => {
  expect(found()).toEqual([]);
  expect(numbersInGit(folder())).toEqual({ ids: [], history: 'none', problem: undefined });
  git('init', '--quiet');
  expect(found()).toEqual([]);
});

it('is nothing that git could be asked where it does not answer, and it says why', () => {
  begin();
  expect(numbersInGit(folder())).toEqual({ ids: ['0001', '0002'], history: 'whole' });
  project.write('.git/config', '[');
  expect(numbersInGit(folder())).toEqual({
    ids: [],
    history: 'none',
    problem: expect.stringMatching(/^fatal: bad config line \d+ in file .*\.git\/config$/) as string,
  });
});
