// `npm run bench`: what this project costs, beside peers and floors of the same run. docs/performance.md says how it is measured.
//
//   --short        the rows that take under two minutes in all and need no network; compared with bench/baseline.json
//   --only NAME    one subject: may be repeated
//   --json FILE    also as JSON; rows that are there already, and were not measured this time, stay
//   --record       the ratios become those that later short runs are compared with
//   --write-docs   the table becomes that of docs/performance.md
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir, totalmem } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { withGenerated } from '../scripts/generate-docs.ts';
import { PROJECT } from '../test/support/project.ts';
import type { Row } from './goals.ts';
import { ROWS } from './goals.ts';
import { costOf, median, NODE } from './measure.ts';
import type { Line, Report } from './report.ts';
import { fallen, inOrder, lineOf, markdownTable, record, terminalTable } from './report.ts';
import type { Bench, Subject } from './subject.ts';
import { typedCommands } from './subjects/command-line.ts';
import { copies } from './subjects/copies.ts';
import { embedded } from './subjects/embedded.ts';
import { imports } from './subjects/imports.ts';
import { install } from './subjects/install.ts';
import { requests } from './subjects/requests.ts';
import { synth } from './subjects/synth.ts';

const SUBJECTS: Record<string, Subject> = {
  requests,
  imports,
  'command-line': typedCommands,
  synth,
  embedded,
  copies,
  install,
};

const { values: options } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    json: { type: 'string' },
    record: { type: 'boolean', default: false },
    'write-docs': { type: 'boolean', default: false },
  },
});

const started = performance.now();
const report = await measure(options.only ?? Object.keys(SUBJECTS));
console.log(`\n${terminalTable(report.lines)}\n`);
console.log(`${Math.round((performance.now() - started) / 1000)} s, Node.js ${report.node}, ${report.cores} cores`);
for (const { subject, message } of report.failures) console.error(`\n${subject} could not be measured: ${message}`);
const { json } = options;
const all = json === undefined || !existsSync(json) ? report : { ...report, lines: withThoseOf(json) };
if (json !== undefined) writeFileSync(json, `${JSON.stringify(all, undefined, 2)}\n`);
if (options.record) record(report.lines);
if (options['write-docs']) await writeDocs(all);
const worse = options.short ? fallen(report.lines) : [];
for (const sentence of worse) console.error(`✖ ${sentence}`);
if (worse.length > 0) console.error('Mend it, or accept it: npm run bench -- --short --record');
process.exitCode = worse.length + report.failures.length > 0 ? 1 : 0;

async function measure(names: readonly string[]): Promise<Report> {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'odin-bench-')));
  const end = () => {
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', end);
  const bench: Bench = { short: options.short, folder, bare: onceOnly(() => bareProcess(folder)), tell };
  const of: Report = {
    node: process.versions.node,
    cores: availableParallelism(),
    memoryGB: Math.round(totalmem() / 1e9),
    short: options.short,
    lines: [],
    failures: [],
  };
  for (const name of names) {
    const subject = SUBJECTS[name];
    if (subject === undefined) {
      throw new Error(`No subject "${name}". There are: ${Object.keys(SUBJECTS).join(', ')}.`);
    }
    try {
      for await (const figure of subject(bench)) of.lines.push(lineOf(figure));
    } catch (thrown) {
      // The others are measured; the exit code says it.
      of.failures.push({ subject: name, message: thrown instanceof Error ? thrown.message : String(thrown) });
    }
  }
  of.lines = inOrder(of.lines);
  return of;
}

function withThoseOf(file: string): Line[] {
  const { lines } = JSON.parse(readFileSync(file, 'utf8')) as Report;
  const measured = new Set(report.lines.map(({ row }) => row));
  return inOrder([...report.lines, ...lines.filter(({ row }) => !measured.has(row))]);
}

/** In CPU seconds. */
async function bareProcess(folder: string): Promise<number> {
  const seconds = [];
  for (let n = 0; n < 15; n += 1) {
    seconds.push((await costOf({ run: [NODE, '--eval', '0'], cwd: folder })).cpuSeconds);
  }
  return median(seconds);
}

function onceOnly<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => (result ??= work());
}

function tell(text: string): void {
  const seconds = Math.round((performance.now() - started) / 1000);
  console.error(`${String(seconds).padStart(5)} s  ${text}`);
}

async function writeDocs({ lines, cores, memoryGB, node }: Report): Promise<void> {
  const file = path.join(PROJECT, 'docs/performance.md');
  const day = new Date().toISOString().slice(0, 10);
  const measured = new Set<string>(lines.map(({ row }) => row));
  const missing = Object.entries<Row>(ROWS).filter(([row, { goal }]) => goal !== undefined && !measured.has(row));
  const notMeasured = missing.map(([row, { what }]) => `- not measured: ${what} (\`${row}\`)`);
  const where = `Last measured on ${day}, on ${cores} cores and ${memoryGB} GB, with Node.js ${node}.`;
  writeFileSync(
    file,
    await withGenerated(
      readFileSync(file, 'utf8'),
      file,
      `${where}\n\n${[markdownTable(lines), ...notMeasured].join('\n')}`,
    ),
  );
}
