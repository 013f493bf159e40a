// `local` from nothing, with migrations that do nothing: what a migration costs on the embedded AWS. Peers run as many of theirs.
import type { Measurable, Cost } from '../measure.ts';
import { costOf, inTurn } from '../measure.ts';
import { alembic, umzug } from '../peers/peers.ts';
import type { BenchProject } from '../projects.ts';
import { ENVIRONMENT, environmentOf, makeProject, TRIVIAL } from '../projects.ts';
import type { Bench, Subject } from '../subject.ts';
import { megabytes } from '../subject.ts';
import { of200 } from './command-line.ts';

export const embedded: Subject = async function* (bench) {
  if (bench.short) {
    bench.tell('embedded run of 20');
    const { cost } = await run(bench, 20);
    yield { row: 'embedded-20', value: cost.cpuSeconds, beside: await bareProcesses(bench, 20) };
    return;
  }

  bench.tell('embedded run of 200');
  const { cost, project } = await run(bench, 200);
  yield {
    row: 'embedded-200',
    value: cost.cpuSeconds,
    beside: await bareProcesses(bench, 200),
    note: `${cost.processes} processes, at most ${Math.round(megabytes(cost))} MB`,
  };
  yield { row: 'embedded-200-memory', value: megabytes(cost), beside: { what: 'the goal', value: 600 } };
  for (const [row, what, install] of [
    ['embedded-200-umzug', 'umzug 3 with JSON', umzug],
    ['embedded-200-alembic', 'alembic on SQLite', alembic],
  ] as const) {
    bench.tell(what);
    const command: Measurable = await install(bench.folder, 200);
    const { peer } = await inTurn({ peer: command }, { rounds: 3, warmUp: 0 });
    yield { row, value: cost.cpuSeconds, beside: { what, value: peer.cpuSeconds } };
  }
  yield* of200(bench, project);

  bench.tell('embedded run of 100');
  const { cost: hundred } = await run(bench, 100);
  const each = ({ cpuSeconds }: Cost, count: number) => (cpuSeconds / count) * 1000;
  yield {
    row: 'embedded-200-each',
    value: each(cost, 200),
    beside: { what: 'each of 100', value: each(hundred, 100) },
  };
};

async function run({ folder }: Bench, count: number): Promise<{ cost: Cost; project: BenchProject }> {
  const project = makeProject(
    folder,
    environmentOf(count, () => TRIVIAL),
  );
  return { cost: await costOf(project.odin('local', ENVIRONMENT)), project };
}

const bareProcesses = async ({ bare }: Bench, count: number) => ({
  what: `${count} bare processes`,
  value: count * (await bare()),
});
