// The hash of what a migration's bundle was made of: what changes it, and what does not.
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { SourceHashes, Sources } from '../../core/ledger/sources.ts';
import { differenceOf, isSameWork } from '../../core/ledger/sources.ts';
import { readSources } from '../../project/bundle.ts';
import { discoverEnvironment } from '../../project/discover.ts';
import type { TemporaryProject } from '../support/project.ts';
import { temporaryProject } from '../support/project.ts';

const FILES: Record<string, string> = {
  'migrations/odin-dev/0001.ts': `
import { helper } from '../shared/helper.ts';
import names from '../shared/names.json' with { type: 'json' };
import query from '../shared/query.sql';
import note from '../shared/note.dat' with { type: 'text' };
import picture from '../shared/picture.dat' with { type: 'bytes' };
import { S3Client } from '@aws-sdk/client-s3';
import { inside } from 'inside';
import { team } from '@team/lib';
export async function migration(): Promise<void> {
  // it's the work
  await helper(new S3Client({}), names, query, note, picture, inside, team);
}
`,
  'migrations/shared/helper.ts': `
import { deep } from './deep.ts';
import type { Kind } from './kind.ts';
export const helper = (...all: Kind[]) => Promise.resolve(deep(all));
`,
  'migrations/shared/deep.ts': "export const deep = (all: unknown[]) => all.length + ' of them'; // told\n",
  'migrations/shared/kind.ts': 'export type Kind = unknown;\n',
  'migrations/shared/other.ts': 'export const other = 1;\n',
  'migrations/shared/names.json': '{ "a": 1 }\n',
  'migrations/shared/query.sql': 'select 1\n',
  'migrations/shared/note.dat': 'a note\n',
  'migrations/shared/picture.dat': 'a picture',
  'packages/lib/package.json': '{"name":"@team/lib","version":"1.0.0","type":"module","main":"index.js"}',
  'packages/lib/index.js': 'export const team = 1;\n',
  'node_modules/inside/package.json': '{"name":"inside","version":"1.2.3","type":"module","main":"index.js"}',
  'node_modules/inside/index.js': 'export const inside = 1;\n',
  'node_modules/@aws-sdk/client-s3/package.json':
    '{"name":"@aws-sdk/client-s3","version":"3.0.0","type":"module","main":"index.js"}',
  'node_modules/@aws-sdk/client-s3/index.js': 'export class S3Client {}\n',
};

const made: TemporaryProject[] = [];
afterEach(() => {
  for (const project of made.splice(0)) project.remove();
});

function projectWith(files: Record<string, string> = {}): TemporaryProject {
  const project = temporaryProject({ ...FILES, ...files }, { packages: ['zod'] });
  made.push(project);
  mkdirSync(path.join(project.directory, 'node_modules/@team'));
  symlinkSync('../../packages/lib', path.join(project.directory, 'node_modules/@team/lib'));
  return project;
}

function sourcesIn({ directory, configuration }: TemporaryProject, id = '0001'): Sources {
  const { migrations } = discoverEnvironment('odin-dev', directory, configuration);
  const sources = readSources(directory, migrations).get(id);
  if (!sources) throw new Error(`nothing is known of ${id}`);
  return sources;
}

const hashes = (sources: Sources | undefined, text = 'a'): SourceHashes => ({ sourceSha256: text, sources });

describe('the hash of the sources', () => {
  const OWN = 'migrations/odin-dev/0001.ts';
  const changed = (file: string, change: (text: string) => string) => {
    const project = projectWith();
    const before = sourcesIn(project);
    const to = path.join(project.directory, file);
    writeFileSync(to, change(readFileSync(to, 'utf8')));
    return differenceOf(hashes(before), hashes(sourcesIn(project), 'b'));
  };

  it('is the same wherever the project lies, and of a file under another number', () => {
    const project = projectWith();
    const sources = sourcesIn(project);
    expect(sources).toEqual({
      version: 2,
      files: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown,
      packages: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown,
    });
    expect(sourcesIn(projectWith())).toEqual(sources);
    project.write('migrations/odin-dev/0009.ts', FILES[OWN] ?? '');
    expect(sourcesIn(project, '0009')).toEqual(sources);
    rmSync(path.join(project.directory, OWN));
    expect(sourcesIn(project, '0009')).toEqual(sources);
  });

  it.each([
    ['a comment', OWN, (text: string) => text.replace("it's the work", 'more')],
    ['a comment before all', OWN, (text: string) => `/** A licence */\n${text}`],
    ['line ends', OWN, (text: string) => text.replaceAll('\n', '\r\n')],
    ['white space', OWN, (text: string) => text.replaceAll('  ', '\t').replace('(new', '( new')],
    ['a byte order mark', OWN, (text: string) => `\uFEFF${text}`],
    ['a comment in what it imports', 'migrations/shared/deep.ts', (text: string) => text.replace('told', 'said')],
    ['white space in JSON', 'migrations/shared/names.json', (text: string) => text.replaceAll(' ', '')],
    ['line ends of text', 'migrations/shared/query.sql', (text: string) => text.replaceAll('\n', '\r\n')],
    ['types alone', 'migrations/shared/kind.ts', () => 'export type Kind = string | object | number;\n'],
    ['a file that it does not import', 'migrations/shared/other.ts', () => 'export const other = 2;\n'],
    [
      'the version of a package of the workspace',
      'packages/lib/package.json',
      (text: string) => text.replace('1.0', '2.0'),
    ],
  ])('%s changes nothing', (_, file, change) => {
    expect(changed(file, change)).toBeUndefined();
  });

  it.each([
    ['the file itself', OWN, (text: string) => text.replace('await', 'void')],
    ['what it imports', 'migrations/shared/helper.ts', (text: string) => text.replace('all)', '[])')],
    ['what that imports', 'migrations/shared/deep.ts', (text: string) => text.replace(' of them', '  of them')],
    ['JSON', 'migrations/shared/names.json', (text: string) => text.replace('1', '2')],
    ['text', 'migrations/shared/query.sql', () => 'select 2\n'],
    ['what is imported as text', 'migrations/shared/note.dat', () => 'another note\n'],
    ['what is imported as bytes', 'migrations/shared/picture.dat', () => 'a picture '],
    ['a package of the workspace', 'packages/lib/index.js', () => 'export const team = 2;\n'],
  ])('%s is another text', (_, file, change) => {
    expect(changed(file, change)).toBe('files');
  });

  it.each([
    ['a package that is bundled', 'node_modules/inside/package.json'],
    ['a client of the AWS SDK', 'node_modules/@aws-sdk/client-s3/package.json'],
  ])('another version of %s is told apart from another text', (_, file) => {
    expect(changed(file, (text) => text.replace(/"version":"\d/, '"version":"9'))).toBe('packages');
  });
});

describe('two hashes', () => {
  const sources = (files: string, packages = 'p', version = 2): Sources => ({ version, files, packages });

  it('of before, of which the text of the file alone is known, are compared by that', () => {
    expect(differenceOf(hashes(undefined), hashes(sources('f')))).toBeUndefined();
    expect(differenceOf(hashes(undefined), hashes(sources('f'), 'b'))).toBe('files');
    expect(differenceOf(hashes(sources('f')), hashes(undefined, 'b'))).toBe('files');
  });

  it('of two versions are compared by the text of the file', () => {
    expect(differenceOf(hashes(sources('f', 'p', 3)), hashes(sources('g')))).toBeUndefined();
    expect(differenceOf(hashes(sources('f', 'p', 3)), hashes(sources('f'), 'b'))).toBe('files');
  });

  it('of one version are compared by what they are of', () => {
    expect(differenceOf(hashes(sources('f')), hashes(sources('f'), 'b'))).toBeUndefined();
    expect(differenceOf(hashes(sources('f')), hashes(sources('g')))).toBe('files');
    expect(differenceOf(hashes(sources('f')), hashes(sources('f', 'q')))).toBe('packages');
    expect(isSameWork(hashes(sources('f')), hashes(sources('f', 'q')))).toBe(true);
  });

  it('of a baseline nothing is known', () => {
    expect(differenceOf({}, hashes(sources('f')))).toBeUndefined();
    expect(isSameWork({}, hashes(sources('f')))).toBe(false);
  });
});
