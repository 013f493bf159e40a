// `cdk synth`: the process that the CDK CLI starts, ours and those of the peers.
import { copyFileSync } from 'node:fs';
import path from 'node:path';
import type { Measurable, Cost } from '../measure.ts';
import { costOf, inTurn, medianCost, NODE } from '../measure.ts';
import type { BenchProject } from '../projects.ts';
import { environmentOf, makeProject, usesS3 } from '../projects.ts';
import type { RowName } from '../goals.ts';
import type { Bench, Figure, Subject } from '../subject.ts';
import { megabytes, withEnv } from '../subject.ts';

const PEERS = path.join(import.meta.dirname, '../peers');
const NODEJS_FUNCTIONS = 'CDK NodejsFunction';
const FLOOR = 'as many functions with inline code';

export const synth: Subject = async function* (bench) {
  const rounds = bench.short ? 2 : 3;
  bench.tell('synth of 1');
  const one = await coldAgainstPeer(bench, 1, rounds);
  yield cpu('synth-1', one.ours, NODEJS_FUNCTIONS, one.peer);
  bench.tell('synth of 10');
  const ten = await coldAgainstPeer(bench, 10, rounds);
  yield cpu('synth-10', ten.ours, NODEJS_FUNCTIONS, ten.peer);
  bench.tell('synth again of 10');
  const { again: tenAgain, floor: tenFloor } = await againAgainstFloor(bench, 10, 3);
  yield memory('synth-10-memory', ten.ours, FLOOR, tenFloor);
  yield cpu('synth-10-again', tenAgain, FLOOR, tenFloor);
  if (bench.short) return;

  bench.tell('synth of 100');
  const { ours, peer } = await coldAgainstPeer(bench, 100, 1);
  yield cpu('synth-100', ours, NODEJS_FUNCTIONS, peer);
  bench.tell('synth again of 100');
  const { again, floor } = await againAgainstFloor(bench, 100, 2);
  yield memory('synth-100-memory', ours, FLOOR, floor);
  yield cpu('synth-100-again', again, FLOOR, floor);

  bench.tell('synth of 1,000 in ten environments');
  const many = await costOf(synthesised(thousand(bench)));
  yield {
    row: 'synth-1000',
    value: many.cpuSeconds,
    beside: { what: 'each of 100', value: (ours.cpuSeconds / 100) * 1000 },
    note: `${Math.round(megabytes(many))} MB`,
  };
};

const cpu = (row: RowName, ours: Cost, what: string, beside: Cost): Figure => ({
  row,
  value: ours.cpuSeconds,
  beside: { what, value: beside.cpuSeconds },
});
const memory = (row: RowName, ours: Cost, what: string, beside: Cost): Figure => ({
  row,
  value: megabytes(ours),
  beside: { what, value: megabytes(beside) },
});

/** Each time in a project that was never there before. */
async function coldAgainstPeer(bench: Bench, count: number, rounds: number): Promise<{ ours: Cost; peer: Cost }> {
  const costs: Record<'ours' | 'peer', Cost[]> = { ours: [], peer: [] };
  for (let round = 0; round < rounds; round += 1) {
    costs.ours.push(await costOf(synthesised(projectOf(bench, count))));
    costs.peer.push(await costOf(peerOf(projectOf(bench, count))));
  }
  return { ours: medianCost(costs.ours), peer: medianCost(costs.peer) };
}

async function againAgainstFloor(bench: Bench, count: number, rounds: number): Promise<{ again: Cost; floor: Cost }> {
  const again = synthesised(projectOf(bench, count));
  return await inTurn({ again, floor: floorOf(projectOf(bench, 1), count) }, { rounds, warmUp: 1 });
}

const projectOf = (bench: Bench, count: number): BenchProject =>
  makeProject(bench.folder, environmentOf(count, usesS3));

const thousand = (bench: Bench): BenchProject =>
  makeProject(
    bench.folder,
    (unique) =>
      Object.assign(
        {},
        ...Array.from({ length: 10 }, (_, n) => environmentOf(100, usesS3, `bench-${n}`)(unique)),
      ) as Record<string, string>,
  );

/** Into `cdk.out`, as the CDK CLI asks for it. */
const synthesised = ({ odin }: BenchProject): Measurable => withEnv(odin('synth'), { CDK_OUTDIR: 'cdk.out' });

const peerOf = (project: BenchProject): Measurable => script(project, 'node-functions.js');
const floorOf = (project: BenchProject, count: number): Measurable =>
  script(project, 'inline-functions.js', String(count));

/** It stands in the project, so that it finds its packages. */
function script({ directory }: BenchProject, name: string, ...args: string[]): Measurable {
  copyFileSync(path.join(PEERS, name), path.join(directory, name));
  return { run: [NODE, name, ...args], cwd: directory, env: { CDK_OUTDIR: 'cdk.out' } };
}
