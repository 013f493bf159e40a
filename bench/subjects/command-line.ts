// What is typed most, with nothing to do: the time until it says so. Also the sample from nothing.
import { cpSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { PROJECT } from '../../test/support/project.ts';
import type { Measurable } from '../measure.ts';
import { costOf, inTurn, median } from '../measure.ts';
import type { BenchProject } from '../projects.ts';
import { COMMAND_LINE, ENVIRONMENT, environmentOf, forgetKept, makeProject, TRIVIAL } from '../projects.ts';
import type { Bench, Figure, Subject } from '../subject.ts';
import { megabytes } from '../subject.ts';

export const typedCommands: Subject = async function* (bench) {
  bench.tell('--help');
  const one = makeProject(
    bench.folder,
    environmentOf(1, () => TRIVIAL),
  );
  yield await typed(bench, 'help', one.odin('--help'), 5);

  bench.tell('local again, 1 migration');
  await costOf(one.odin('local', ENVIRONMENT));
  yield await typed(bench, 'local-1-again', one.odin('local', ENVIRONMENT), bench.short ? 3 : 5);

  bench.tell('npm start');
  // Each time in a project that was never there before: nothing is kept, nothing is recorded.
  const samples = Array.from({ length: bench.short ? 1 : 3 }, () => sampleProject(bench));
  const fresh = [];
  for (const sample of samples) {
    forgetKept();
    fresh.push((await costOf(npmStart(sample))).cpuSeconds);
  }
  yield beside('start-fresh', median(fresh), await bench.bare());
  if (!bench.short) yield await typed(bench, 'start-again', npmStart(samples[0] as BenchProject), 3);
};

const npmStart = ({ directory }: BenchProject): Measurable => ({ run: ['npm', 'start'], cwd: directory });

/** The rows of 200 migrations, in a project where they have just run. */
export async function* of200(bench: Bench, project: BenchProject): AsyncGenerator<Figure, void, undefined> {
  bench.tell('local again, 200 migrations');
  const { again } = await inTurn({ again: project.odin('local', ENVIRONMENT) }, { rounds: 2, warmUp: 0 });
  yield beside('local-200-again', again.cpuSeconds, await bench.bare());
  yield { row: 'local-200-again-memory', value: megabytes(again), beside: { what: 'the goal', value: 600 } };
  bench.tell('status --local, 200 migrations');
  yield await typed(bench, 'status-200', project.odin('status', ENVIRONMENT, '--local'), 3);
}

async function typed(bench: Bench, row: Figure['row'], command: Measurable, rounds: number): Promise<Figure> {
  const { again } = await inTurn({ again: command }, { rounds, warmUp: 1 });
  return beside(row, again.cpuSeconds, await bench.bare());
}

const beside = (row: Figure['row'], value: number, bare: number): Figure => ({
  row,
  value,
  beside: { what: 'bare Node.js', value: bare },
});

/** What is typed in it is what this project's own `npm start` is. */
function sampleProject(bench: Bench): BenchProject {
  const { scripts } = JSON.parse(readFileSync(path.join(PROJECT, 'package.json'), 'utf8')) as {
    scripts: { start: string };
  };
  const project = makeProject(bench.folder, (unique) => ({
    'package.json': JSON.stringify({
      name: unique.toLowerCase(),
      version: '1.0.0',
      type: 'module',
      scripts: { start: scripts.start.replace('cli/odin-migrate.js', COMMAND_LINE) },
    }),
    'odin-migrate.json': readFileSync(path.join(PROJECT, 'odin-migrate.json'), 'utf8'),
  }));
  cpSync(path.join(PROJECT, 'migrations'), path.join(project.directory, 'migrations'), { recursive: true });
  return project;
}
