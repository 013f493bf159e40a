// `npm run test:mutants`: changes the code in one place at a time, and looks whether a test fails (README.md in this folder).
//
//   npm run test:mutants                       every file, as a night has time for
//   npm run test:mutants -- FILE ...           these files
//   npm run test:mutants -- --changed [REF]    those that differ from REF (default: main), as a pull request needs
//   npm run test:mutants -- --check [MINUTES]  what CI does: see README.md. Default: 2 minutes
//
// With --quick the slow tests are left out. Its last line is "N passed, N failed": each file is one.
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Area } from './areas.ts';
import { AREAS } from './areas.ts';
import { EQUIVALENT } from './equivalent.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const SCORES = path.join(import.meta.dirname, 'scores.json');

/** Measured in every CI, so that it is seen to work: small, and a fault in it is dangerous. */
const ALWAYS = 'core/decision/renumbered.ts';

/** What was measured of a file. */
interface Score {
  /** Of the file as it was measured. */
  sha256: string;
  /** Mutants that a test noticed. */
  noticed: number;
  /** Those that none did, and that are not named in equivalent.ts. */
  survived: number;
  /** Those that are. */
  equivalent: number;
}

interface Mutant {
  status: string;
  mutatorName: string;
  replacement?: string | undefined;
  location: Record<'start' | 'end', { line: number; column: number }>;
}

interface Report {
  files: Record<string, { source: string; mutants: Mutant[] }>;
}

const scores = JSON.parse(readFileSync(SCORES, 'utf8')) as Record<string, Score>;
/** Each file with its area, in the order of danger. */
const areaOf = new Map<string, Area>();
for (const area of AREAS) {
  for (const file of globSync([...area.files], { cwd: ROOT }).sort()) if (!areaOf.has(file)) areaOf.set(file, area);
}
const count = { passed: 0, failed: 0 };

/** The slow tests are left out: what survives may still be noticed by one of them. */
const isQuick = process.argv.includes('--quick');
const [option = '', ...more] = process.argv.slice(2).filter((given) => given !== '--quick');
if (option === '--check') await check(Number(more[0] ?? 2) * 60_000);
else if (option === '--changed') await measureAll(known(changedSince(more[0] ?? 'main')));
else await measureAll(option === '' ? [...areaOf.keys()] : known([option, ...more]));
console.log(`${count.passed} passed, ${count.failed} failed`);
process.exitCode = count.failed > 0 ? 1 : 0;

/** Measures, and writes down what was found. */
async function measureAll(files: readonly string[]): Promise<void> {
  for (const area of AREAS) {
    const ofArea = files.filter((file) => areaOf.get(file) === area);
    if (ofArea.length === 0) continue;
    for (const [file, score] of Object.entries((await measure(area, ofArea, undefined)) ?? {})) {
      scores[file] = score;
      tell(file, area, score, 'measured now');
    }
    writeScores();
  }
}

/** Holds what was measured before, and measures again what has changed since, as long as there is time. */
async function check(ms: number): Promise<void> {
  const until = Date.now() + ms;
  const changed: string[] = [];
  for (const [file, area] of areaOf) {
    const score = scores[file];
    if (score?.sha256 === sha256(file) && file !== ALWAYS) tell(file, area, score, 'measured before');
    else if (score) changed.push(file);
  }
  for (const file of changed.sort((one, other) => Number(other === ALWAYS) - Number(one === ALWAYS))) {
    const area = areaOf.get(file);
    const score = area && (await measure(area, [file], until))?.[file];
    if (area && score) tell(file, area, score, 'measured now');
    else console.log(`  not measured  ${file}: it has changed, and there was no time; the night measures it`);
  }
  const never = [...areaOf.keys()].filter((file) => !scores[file]);
  if (never.length > 0) console.log(`Never measured: ${never.join(', ')}.`);
}

/**
 * Against the quick tests; those of which too many survive against the slow ones, too.
 * @returns undefined when there is not enough time
 */
async function measure(
  area: Area,
  files: readonly string[],
  until: number | undefined,
): Promise<Record<string, Score> | undefined> {
  const found = await tried(area, files, 'quick', until);
  const more = Object.keys(found ?? {}).filter((file) => area.slow.length > 0 && !holds(area, found?.[file]));
  if (!found || more.length === 0 || isQuick) return found;
  // Stryker keeps what nothing has changed for: only what survived is tried again.
  const again = await tried(area, more, 'all', until);
  return again && { ...found, ...again };
}

async function tried(
  area: Area,
  files: readonly string[],
  tests: 'quick' | 'all',
  until: number | undefined,
): Promise<Record<string, Score> | undefined> {
  const where = path.join('.odin-migrate/mutants', area.name);
  mkdirSync(path.join(ROOT, where), { recursive: true });
  const env = {
    MUTANTS_AREA: area.name,
    MUTANTS_FILES: JSON.stringify(files),
    MUTANTS_WHERE: where,
    MUTANTS_TESTS: tests,
  };
  if (!(await stryker(env, until === undefined ? undefined : until - Date.now()))) return undefined;
  const report = JSON.parse(readFileSync(path.join(ROOT, where, 'report.json'), 'utf8')) as Report;
  return Object.fromEntries(files.map((file) => [file, scoreOf(file, report)]));
}

/** @returns whether it came to its end in time */
async function stryker(env: Record<string, string>, timeout: number | undefined): Promise<boolean> {
  const bin = createRequire(import.meta.url)
    .resolve('@stryker-mutator/core/package.json')
    .replace('package.json', 'bin/stryker.js');
  if (timeout !== undefined && timeout <= 0) return false;
  const child = spawn(process.execPath, [bin, 'run', 'test/mutants/stryker.config.js'], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: 'inherit',
    // A group of its own: what it has started ends with it.
    detached: true,
  });
  const timer =
    timeout === undefined ? undefined : setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), timeout);
  const code = await new Promise((resolve) => child.once('exit', resolve));
  clearTimeout(timer);
  if (code === 0) return true;
  if (timeout !== undefined && code === null) return false;
  throw new Error(
    `Stryker ended with ${String(code)}: what it printed above says why, or which test failed before anything was altered`,
  );
}

function scoreOf(file: string, { files }: Report): Score {
  const { source, mutants } = files[file] ?? { source: '', mutants: [] };
  const score: Score = { sha256: sha256(file), noticed: 0, survived: 0, equivalent: 0 };
  for (const mutant of mutants) {
    if (mutant.status === 'Killed' || mutant.status === 'Timeout') score.noticed += 1;
    if (mutant.status !== 'Survived' && mutant.status !== 'NoCoverage') continue;
    const code = flat(textAt(source, mutant));
    const becomes = flat(mutant.replacement ?? '');
    const named = EQUIVALENT.some((one) => one.file === file && one.code === code && one.mutant === becomes);
    score[named ? 'equivalent' : 'survived'] += 1;
    if (!named) console.log(`  survived  ${file}:${mutant.location.start.line}  ${code}  ─▶  ${becomes}`);
  }
  return score;
}

function percentOf({ noticed, survived }: Score): number {
  return noticed + survived === 0 ? 100 : (100 * noticed) / (noticed + survived);
}

function holds({ least }: Area, score: Score | undefined): boolean {
  return score !== undefined && percentOf(score) >= least;
}

function tell(file: string, area: Area, score: Score, when: string): void {
  const held = holds(area, score);
  count[held ? 'passed' : 'failed'] += 1;
  const percent = percentOf(score).toFixed(1);
  console.log(
    `  ${held ? 'holds' : 'FAILS'}  ${file}: ${percent} % of ${area.least} %, ${score.survived} survived; ${when}`,
  );
}

function flat(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}

function textAt(source: string, { location: { start, end } }: Mutant): string {
  const lines = source.split('\n').slice(start.line - 1, end.line);
  lines.push((lines.pop() ?? '').slice(0, end.column - 1));
  lines.unshift((lines.shift() ?? '').slice(start.column - 1));
  return lines.join('\n');
}

function sha256(file: string): string {
  return createHash('sha256')
    .update(readFileSync(path.join(ROOT, file)))
    .digest('hex');
}

function changedSince(ref: string): string[] {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim();
  return git('diff', '--name-only', '--diff-filter=d', git('merge-base', ref, 'HEAD')).split('\n');
}

/** Those that are mutated at all. */
function known(files: readonly string[]): string[] {
  return files.filter((file) => areaOf.has(file));
}

function writeScores(): void {
  const there = Object.entries(scores).filter(([file]) => areaOf.has(file));
  writeFileSync(
    SCORES,
    `${JSON.stringify(Object.fromEntries(there.sort(([one], [other]) => (one < other ? -1 : 1))), undefined, 2)}\n`,
  );
}
