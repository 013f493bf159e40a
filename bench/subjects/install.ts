// What is downloaded to work on this project, and how long its tests take.
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { PROJECT } from '../../test/support/project.ts';
import { ROWS } from '../goals.ts';
import { costOf } from '../measure.ts';
import type { Subject } from '../subject.ts';

export const install: Subject = async function* (bench) {
  bench.tell('node_modules');
  const sizes = packageSizes();
  const total = sizes.reduce((sum, { mb }) => sum + mb, 0);
  const heaviest = sizes
    .slice(0, 8)
    .map(({ name, mb }) => `${name} ${Math.round(mb)}`)
    .join(', ');
  yield { row: 'install', value: total, beside: { what: 'the goal', value: ROWS.install.goal.value }, note: heaviest };

  if (bench.short) return;
  bench.tell('npm test');
  const { wallSeconds, cpuSeconds } = await costOf({ run: ['npm', 'test'], cwd: PROJECT });
  yield {
    row: 'tests',
    value: wallSeconds,
    beside: { what: 'the goal', value: ROWS.tests.goal.value },
    note: `${Math.round(cpuSeconds)} s CPU`,
  };
};

/** The sizes of their files, the heaviest first. */
function packageSizes(): { name: string; mb: number }[] {
  const root = path.join(PROJECT, 'node_modules');
  const names = readdirSync(root)
    .flatMap((name) =>
      name.startsWith('@') ? readdirSync(path.join(root, name)).map((each) => `${name}/${each}`) : [name],
    )
    .filter((name) => !name.startsWith('.'));
  const output = execFileSync('du', ['-sb', '--', ...names], { cwd: root, encoding: 'utf8' });
  return output
    .trim()
    .split('\n')
    .map((line) => {
      const [bytes = '', name = ''] = line.split('\t');
      return { name, mb: Number(bytes) / 1e6 };
    })
    .sort((a, b) => b.mb - a.mb);
}
