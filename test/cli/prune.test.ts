// `prune`: what it takes, what it leaves and why, and what it is like to be cut off in the middle.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applyPruning, assertAsShown, planPruning } from '../../client/prune.ts';
import { fold } from '../../core/ledger/fold.ts';
import { readSources } from '../../project/bundle.ts';
import { formatCompleted, writeCompleted } from '../../project/completed.ts';
import { discoverEnvironment } from '../../project/discover.ts';
import { allowed, completed, halted, logOf } from '../core/ledger/entries.ts';
import type { Said } from '../core/ledger/entries.ts';
import type { TemporaryProject } from '../support/project.ts';
import { temporaryProject } from '../support/project.ts';
import { thrownBy } from '../support/thrown.ts';

let project: TemporaryProject;
beforeEach(() => {
  project = temporaryProject(files('0001', '0002', '0003', '0004'), { packages: [] });
  git('init', '--quiet');
  commit();
});
afterEach(() => project.remove());

const text = (id: string, more = '') =>
  `// ${id}\nexport const description = '${id}${more}';\nexport async function migration(): Promise<void> {}\n`;
const fileOf = (id: string) => `migrations/odin-dev/${id}.ts`;
function files(...ids: string[]): Record<string, string> {
  return Object.fromEntries(ids.map((id) => [fileOf(id), text(id)]));
}
const git = (...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args], { cwd: project.directory });
const commit = () => {
  git('add', '--all');
  git('commit', '--quiet', '--message', 'one');
};
const there = () => readdirSync(path.join(project.directory, 'migrations/odin-dev')).sort();
const hashOf = (id: string) => {
  const { migrations, returned } = discoverEnvironment('odin-dev', project.directory, project.configuration);
  return [...migrations, ...returned].find((file) => file.id === id)?.sourceSha256 ?? '';
};
/** Each with a turn of the text that is here now. */
const applied = (...ids: string[]): Said[] =>
  ids.flatMap((id) => [allowed(id, 1, 1, { sourceSha256: hashOf(id) }), completed([id])]);

const plan = (said: Said[], options: Parameters<typeof planPruning>[3] = {}) =>
  planPruning(project, 'odin-dev', fold(logOf(...said)), options);
const idsOf = (list: { id: string }[]) => list.map(({ id }) => id);

it('gives what is completed a line, deletes its file, and leaves the rest', () => {
  const pruning = plan([...applied('0001', '0002'), allowed('0003'), halted(5, '0003')]);
  expect(pruning.added).toEqual(
    ['0001', '0002'].map((id) => ({
      id,
      completion: 'applied',
      time: expect.stringMatching(/^2026-/) as string,
      sourceSha256: hashOf(id),
      meaning: expect.stringMatching(/^2:[0-9a-f]{64}$/) as string,
    })),
  );
  expect(pruning.deleted).toEqual([fileOf('0001'), fileOf('0002')]);
  expect(pruning.left).toEqual(['0003', '0004'].map((id) => ({ id, file: fileOf(id), why: 'not completed' })));
  expect(there()).toEqual(['0001.ts', '0002.ts', '0003.ts', '0004.ts']);

  applyPruning(project, pruning);
  expect(there()).toEqual(['0003.ts', '0004.ts', 'completed.json']);
  const { migrations, completed, warnings } = discoverEnvironment('odin-dev', project.directory, project.configuration);
  expect(idsOf(migrations)).toEqual(['0003', '0004']);
  expect(idsOf(completed)).toEqual(['0001', '0002']);
  expect(warnings).toEqual([]);
});

it('adds to the file when it is typed again, and changes no line of it; then there is nothing to do', () => {
  const said = applied('0001', '0002', '0003');
  applyPruning(project, plan(said.slice(0, 2)));
  const before = readFileSync(path.join(project.directory, 'migrations/odin-dev/completed.json'), 'utf8').split('\n');
  const again = plan(said);
  expect(idsOf(again.added)).toEqual(['0002', '0003']);
  applyPruning(project, again);
  const after = readFileSync(path.join(project.directory, 'migrations/odin-dev/completed.json'), 'utf8').split('\n');
  expect(before.filter((line) => !after.includes(line))).toEqual([]);
  expect(plan(said)).toMatchObject({ added: [], deleted: [], left: [{ id: '0004' }] });
});

it('cut off between the lines and the files, deletes them the next time, and nothing of them runs meanwhile', () => {
  const said = applied('0001', '0002');
  const pruning = plan(said);
  writeCompleted(path.join(project.directory, 'migrations/odin-dev'), pruning.completed);
  const { migrations, returned } = discoverEnvironment('odin-dev', project.directory, project.configuration);
  expect(idsOf(migrations)).toEqual(['0003', '0004']);
  expect(returned).toMatchObject([
    { id: '0001', changed: false },
    { id: '0002', changed: false },
  ]);
  const again = plan(said);
  expect(again).toMatchObject({ added: [], deleted: [fileOf('0001'), fileOf('0002')] });
  applyPruning(project, again);
  expect(there()).toEqual(['0003.ts', '0004.ts', 'completed.json']);
});

it('names what was deleted by hand, and what ran elsewhere with the text that is here', () => {
  const pruning = plan([completed(['0001', '0000'], 'baseline'), allowed('0009'), completed(['0009'])]);
  expect(pruning.added).toMatchObject([
    { id: '0000', completion: 'baseline', sourceSha256: undefined },
    { id: '0001', completion: 'baseline', sourceSha256: hashOf('0001') },
    { id: '0009', completion: 'applied' },
  ]);
  expect(pruning.deleted).toEqual([fileOf('0001')]);
});

describe('leaves a file', () => {
  it('whose text is not what was run, unless it is told to take it', () => {
    const said = applied('0001', '0002');
    project.write(fileOf('0001'), text('0001', ', formatted anew'));
    commit();
    expect(plan(said)).toMatchObject({ deleted: [fileOf('0002')], left: [{ id: '0001', why: 'changed' }, {}, {}] });
    expect(idsOf(plan(said).added)).toEqual(['0002']);
    const all = plan(said, { changed: true });
    expect(all.deleted).toEqual([fileOf('0001'), fileOf('0002')]);
    expect(all.added[0]?.sourceSha256).not.toBe(hashOf('0001')); // what was run
  });

  const HELPER = 'migrations/odin-dev/shared/helper.ts';
  const importing = `import { name } from './shared/helper.ts';\nexport const migration = (): void => { console.log(name); };\n`;
  /** With all that a turn of the files that are here now records. */
  const ran = (...ids: string[]): Said[] => {
    const { migrations } = discoverEnvironment('odin-dev', project.directory, project.configuration);
    const sources = readSources(project.directory, migrations);
    return ids.flatMap((id) => [
      allowed(id, 1, 1, { sourceSha256: hashOf(id), sources: sources.get(id) }),
      completed([id]),
    ]);
  };

  it('not for white space and comments, nor for what became of a file that it imports', () => {
    project.write(HELPER, `export const name = 'a';\n`);
    project.write(fileOf('0003'), importing);
    const said = ran('0001', '0002', '0003');
    project.write(
      fileOf('0001'),
      `\uFEFF/* Copyright */\r\n${text('0001').replaceAll(' ', '  ').replace('  0001\n', '\n')}`,
    );
    project.write(fileOf('0002'), text('0002', ', new work'));
    project.write(HELPER, `export const name = 'b';\n`);
    commit();
    expect(plan(said)).toMatchObject({
      deleted: [fileOf('0001'), fileOf('0003')],
      left: [{ id: '0002', why: 'changed' }, { id: '0004' }],
    });
    // The ledger does not say what the file said, apart from what it imports.
    project.write(fileOf('0003'), `// a comment\n${importing}`);
    commit();
    expect(plan(said).deleted).toEqual([fileOf('0001')]);
    project.write(fileOf('0001'), '}'); // does not compile
    commit();
    expect(plan(said).deleted).toEqual([]);
  });

  it('that came back, unless only its white space and comments are others', () => {
    const said = ran('0001', '0002');
    applyPruning(project, plan(said));
    project.write(fileOf('0001'), `// a comment\n${text('0001')}`);
    project.write(fileOf('0002'), text('0002', ', new work'));
    commit();
    const { returned } = discoverEnvironment('odin-dev', project.directory, project.configuration);
    expect(returned.map(({ id, changed }) => [id, changed])).toEqual([
      ['0001', false],
      ['0002', true],
    ]);
    expect(plan(said)).toMatchObject({ deleted: [fileOf('0001')], left: [{ id: '0002', why: 'changed' }, {}, {}] });
  });

  it('that came back, when nobody knows what ran', () => {
    const said = [completed(['0009'], 'baseline')];
    applyPruning(project, plan(said));
    project.write(fileOf('0009'), text('0009'));
    commit();
    expect(plan(said)).toMatchObject({ deleted: [], left: [{}, {}, {}, {}, { id: '0009', why: 'changed' }] });
  });

  it('that git does not have as it is here: unknown, staged or changed', () => {
    project.write(fileOf('0005'), text('0005'));
    project.write(fileOf('0006'), text('0006'));
    git('add', fileOf('0006'));
    project.write(fileOf('0002'), text('0002', ', not committed'));
    const pruning = plan(applied('0001', '0002', '0005', '0006'));
    expect(pruning.deleted).toEqual([fileOf('0001')]);
    const notCommitted = pruning.left.filter(({ why }) => why === 'not committed');
    expect(idsOf(notCommitted)).toEqual(['0002', '0005', '0006']);
    expect(idsOf(pruning.added)).toEqual(['0001']);
  });

  it('above --through, without a word', () => {
    const pruning = plan(applied('0001', '0002', '0003'), { through: '0002' });
    expect(pruning).toMatchObject({ deleted: [fileOf('0001'), fileOf('0002')], left: [] });
    expect(idsOf(pruning.added)).toEqual(['0001', '0002']);
  });

  it('that came back with another text than the one that was pruned', () => {
    const said = applied('0001', '0002');
    applyPruning(project, plan(said));
    commit();
    project.write(fileOf('0001'), text('0001', ', new work'));
    project.write(fileOf('0002'), text('0002'));
    commit();
    expect(plan(said)).toMatchObject({ deleted: [fileOf('0002')], left: [{ id: '0001', why: 'changed' }, {}, {}] });
  });
});

describe('is refused', () => {
  it.each([
    ['halted', () => [...applied('0001'), allowed('0002'), halted(3, '0002')], '0002'],
    ['running', () => [...applied('0001'), allowed('0002')], '0002'],
    ['pending', () => applied('0001', '0003'), '0002'],
    ['nowhere', () => applied('0001', '0002', '0003', '0004'), '0009'],
  ])('with --through, when something up to it is %s', async (_, said, named) => {
    const through = named === '0009' ? '0009' : '0003';
    const error = await thrownBy(() => plan(said(), { through }));
    expect(error).toMatchObject({ code: 'NotCompleted', source: 'user', next: { verb: 'status' } });
    expect(error.what).toContain(named);
    expect(there()).not.toContain('completed.json');
  });

  it('when completed.json names what this ledger lacks: it is another one', async () => {
    const text = formatCompleted([
      { id: '0001', completion: 'applied', time: '2026-03-01T12:00:00.000Z', sourceSha256: undefined },
    ]);
    project.write('migrations/odin-dev/completed.json', text);
    const error = await thrownBy(() => plan([]));
    expect(error).toMatchObject({
      code: 'NotCompleted',
      next: { verb: 'baseline', args: ['--pruned', '--reason "..."'] },
    });
  });

  it('where git does not keep the files', async () => {
    const bare = temporaryProject(files('0001'), { packages: [] });
    const state = fold(logOf(completed(['0001'], 'baseline')));
    const error = await thrownBy(() => planPruning(bare, 'odin-dev', state));
    bare.remove();
    expect(error).toMatchObject({ code: 'BadUsage' });
    expect(error.what).toContain('work tree of git');
  });
});

it('deletes nothing when a file was written, or pruned by another, while its question stood', async () => {
  const said = applied('0001', '0002');
  const shown = plan(said);
  assertAsShown(shown, plan(said));
  project.write(fileOf('0002'), `${text('0002')}\n// a thought of this minute\n`);
  expect((await thrownBy(() => assertAsShown(shown, plan(said)))).code).toBe('BadUsage');
  project.write(fileOf('0002'), text('0002'));
  assertAsShown(shown, plan(said));
  applyPruning(project, plan(said, { through: '0001' }));
  expect((await thrownBy(() => assertAsShown(shown, plan(said)))).code).toBe('BadUsage');
});

it('takes more files than an environment may deploy', () => {
  const ids = Array.from({ length: 300 }, (_, n) => String(1000 + n));
  for (const id of ids) project.write(fileOf(id), text(id));
  commit();
  const pruning = plan([completed(ids, 'baseline')]);
  expect(pruning.deleted).toHaveLength(300);
  applyPruning(project, pruning);
  expect(existsSync(path.join(project.directory, fileOf('1299')))).toBe(false);
});
