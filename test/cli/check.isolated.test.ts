// `check`: one environment with everything wrong that it knows, and one with nothing.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deployedFindings, localFindings, prunedFindings, removalFindings } from '../../cli/check/ledger.ts';
import type { Finding } from '../../cli/check/finding.ts';
import { tooWide } from '../../cli/check/permissions.ts';
import type { Checked } from '../../cli/commands/check.ts';
import { checkEnvironment } from '../../cli/commands/check.ts';
import { fold } from '../../core/ledger/fold.ts';
import type { EnvironmentView } from '../../core/views/view.ts';
import { formatCompleted } from '../../project/completed.ts';
import type { Permission } from '../../project/permission.ts';
import { allowed, completed, halted, logOf } from '../core/ledger/entries.ts';
import { start } from '../local/support.ts';
import { manifestOf } from '../support/services.ts';
import type { TestProject } from './project.ts';
import { testProject } from './project.ts';

const GOOD = `
import { S3Client, ListBucketsCommand } from '@aws-sdk/client-s3';
import { promisify } from 'node:util';
'use strict';
const s3 = new S3Client({});
const names = ['a', 'b'].map((name) => name.toUpperCase());
const later = async () => { await s3.send(new ListBucketsCommand({})); };
export const sleep = promisify(setTimeout);
export const description = 'Does it all';
export async function migration(): Promise<void> {
  for (const _ of names) await later();
}
`;

const SAME = createHash('sha256').update('export async function migration(): Promise<void> {}\n').digest('hex');

const files = {
  'good/0001.ts': GOOD,
  'bad/001.ts': '',
  'bad/0001 copy.ts': '',
  'bad/notes.md': '',
  'bad/0001.ts': 'export const timeoutMinutes = 16;\nexport async function migration(): Promise<void> {}\n',
  'bad/0002.ts':
    'export async function migration(): Promise<void> {\n  const wrong: number = "text";\n  void wrong;\n}\n',
  'bad/0003.ts':
    'const work = async () => {};\nexport async function migration(): Promise<void> {\n  work();\n  [1].forEach(async () => { await work(); });\n}\n',
  'bad/0004.ts':
    "import { readFileSync } from 'node:fs';\n" +
    'const text = readFileSync(process.execPath);\n' +
    'const answer = Promise.resolve(text);\n' +
    'if (process.env["NEVER"]) process.exitCode = 7;\n' +
    'console.log(1);\n' +
    'export const value = await answer;\n' +
    'export async function migration(): Promise<void> {}\n',
  'bad/0005.ts':
    'export const permissions = [{ Effect: "Allow", Action: "s3:*", Resource: "*" }];\n' +
    'export async function migration(): Promise<void> {}\n',
  'bad/0006.ts': 'export const description = "no migration";\n',
  'bad/0090.ts': 'export async function migration(): Promise<void> {}\n',
  'bad/0091.ts': 'export async function migration(): Promise<void> {}\n',
  'bad/completed.json': formatCompleted([
    { id: '0090', completion: 'applied', time: '2026-11-02T10:11:12.123Z', sourceSha256: 'a'.repeat(64) },
    { id: '0091', completion: 'applied', time: '2026-11-02T10:11:12.123Z', sourceSha256: SAME },
  ]),
  'bad/0008.ts':
    'const count = () => { const one = () => 1; return one(); };\n' +
    'export async function migration(): Promise<void> { await Promise.resolve(count.toString()); }\n',
  'bad/0007.ts': 'export const memoryMb = 512;\nexport async function migration(): Promise<void> {}\n',
};

let project: TestProject;
let bad: Checked;
beforeAll(async () => {
  project = testProject(files);
  bad = await checkEnvironment(project, 'bad', undefined);
});
afterAll(() => {
  project.remove();
});

const of = (rule: Finding['rule'], file?: string) =>
  bad.findings.filter((finding) => finding.rule === rule && (file === undefined || finding.file === file));
const places = (findings: readonly Finding[]) => findings.map(({ line, column }) => `${line}:${column}`);

describe('the files', () => {
  it('has nothing to say of a good one', async () => {
    expect(await checkEnvironment(project, 'good', undefined)).toEqual({
      environment: 'good',
      migrations: 1,
      findings: [],
    });
  });

  it('a near miss is an error, another file a warning', () => {
    expect(of('name').map(({ severity, message }) => [severity, message.slice(0, 28)])).toEqual([
      ['error', 'migrations/bad/0001 copy.ts '],
      ['error', 'migrations/bad/001.ts is NOT'],
      ['warning', 'migrations/bad/notes.md was s'.slice(0, 28)],
    ]);
  });

  it('names every file whose exports are wrong, not the first alone', () => {
    expect(of('exports').map(({ severity, file }) => [severity, file])).toEqual([
      ['error', 'migrations/bad/0001.ts'],
      ['error', 'migrations/bad/0006.ts'],
      ['warning', 'migrations/bad/0007.ts'],
    ]);
    expect(of('exports')[2]?.message).toContain('exports memoryMb, which nothing reads: is memoryMB meant?');
    expect(of('exports')[0]?.message).toContain('timeoutMinutes: expected at most 15 minutes');
  });

  it('finds type errors with their place', () => {
    expect(of('types')).toHaveLength(1);
    expect(of('types')[0]).toMatchObject({ file: 'migrations/bad/0002.ts', line: 2, column: 9, severity: 'error' });
    expect(of('types')[0]?.message).toContain('TS2322');
  });

  it('finds promises that nobody awaits', () => {
    expect(places(of('floating-promise', 'migrations/bad/0003.ts'))).toEqual(['3:3', '4:15']);
  });

  it('finds work at the top level', () => {
    expect(places(of('top-level'))).toEqual(['2:14', '3:16', '4:1', '5:1', '6:22']);
    expect(of('top-level').every(({ file }) => file === 'migrations/bad/0004.ts')).toBe(true);
  });

  it('warns of a function that is passed on as text', () => {
    expect(of('function-text').map(({ file, severity }) => [file, severity])).toEqual([
      ['migrations/bad/0008.ts', 'warning'],
    ]);
    expect(places(of('function-text'))).toEqual(['2:74']);
  });

  it('warns of wide permissions', () => {
    expect(of('permissions').map(({ file, severity }) => [file, severity])).toEqual([
      ['migrations/bad/0005.ts', 'warning'],
      ['migrations/bad/0005.ts', 'warning'],
    ]);
  });

  it('warns of a variable that nobody gives', () => {
    expect(of('variables').map(({ file, severity }) => [file, severity])).toEqual([
      ['migrations/bad/0004.ts', 'warning'],
    ]);
    expect(of('variables')[0]?.message).toContain('reads the variable NEVER, which nobody gives');
  });

  it('a file that completed.json names is an error when it is another text, and else to be deleted', () => {
    expect(of('completed').map(({ severity, file }) => [severity, file])).toEqual([
      ['error', 'migrations/bad/0090.ts'],
      ['warning', 'migrations/bad/0091.ts'],
    ]);
    expect(of('completed')[0]?.message).toMatch(
      /^does not run: completed\.json names 0090 as completed, and with another/,
    );
    expect(bad.pruned).toBe(2);
  });

  it('finds nothing else', () => {
    expect(bad.findings).toHaveLength(3 + 3 + 1 + 2 + 5 + 1 + 2 + 1 + 2);
  });
});

it('before the first deployment says that there is none, and still asks what the account has room for', async () => {
  const started = await start();
  const { endpoint, region, credentials } = started.aws;
  const place = { aws: { endpoint, region, credentials: { ...credentials }, maxAttempts: 1 } };
  const { findings } = await checkEnvironment(project, 'good', place);
  await started.stop();
  expect(findings.map(({ severity, rule }) => [severity, rule])).toEqual([
    ['error', 'not-deployed'],
    ['note', 'quota'],
    ['note', 'quota'],
  ]);
  expect(findings[0]?.message).toContain('good is not deployed where these credentials lead.');
  expect(findings[1]?.message).toContain('lambda:GetAccountSettings');
});

describe('permissions', () => {
  const BUCKET = 'arn:aws:s3:::bucket';
  it.each<[string, Permission, number]>([
    ['what is named', { Effect: 'Allow', Action: ['s3:GetObject'], Resource: [`${BUCKET}/*`] }, 0],
    ['a prefix of actions', { Effect: 'Allow', Action: ['s3:Get*'], Resource: [`${BUCKET}/*`] }, 0],
    ['an action without resources', { Effect: 'Allow', Action: 's3:ListAllMyBuckets', Resource: '*' }, 0],
    ['a Deny', { Effect: 'Deny', Action: '*', Resource: '*' }, 0],
    ['every bucket', { Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::*' }, 1],
    ['every table', { Effect: 'Allow', Action: 'dynamodb:Scan', Resource: 'arn:aws:dynamodb:*:*:table/*' }, 1],
    ['every action', { Effect: 'Allow', Action: '*', Resource: `${BUCKET}/*` }, 1],
    ['everything', { Effect: 'Allow', Action: '*', Resource: '*' }, 2],
    ['all but some actions', { Effect: 'Allow', NotAction: 'iam:*', Resource: '*' }, 2],
    [
      'every one of a tag',
      {
        Effect: 'Allow',
        Action: 's3:GetObject',
        Resource: '*',
        Condition: { StringEquals: { 'aws:ResourceTag/team': 'a' } },
      },
      0,
    ],
    ['all but some resources', { Effect: 'Allow', Action: 's3:GetObject', NotResource: BUCKET }, 1],
  ])('%s', (_, statement, count) => {
    expect(tooWide(statement)).toHaveLength(count);
  });
});

it('tells late, changed, halted and pending migrations apart', () => {
  const row = { attempts: 0, changedSince: false };
  const view: EnvironmentView = {
    environment: 'odin-dev',
    completed: 1,
    total: 4,
    migrations: [
      { ...row, id: '0001', file: 'migrations/odin-dev/0001.ts', state: 'late' },
      { ...row, id: '0002', file: 'migrations/odin-dev/0002.ts', state: 'applied', changedSince: true },
      { ...row, id: '0003', file: 'migrations/odin-dev/0003.ts', state: 'halted' },
      { ...row, id: '0004', file: 'migrations/odin-dev/0004.ts', state: 'pending' },
    ],
    halt: { migration: '0003', attempt: 1, halt: 7, reason: 'failed', startedAt: '', since: '', execution: 'arn:me' },
  };
  const told = (findings: readonly Finding[]) => findings.map(({ rule, severity }) => [rule, severity]);
  const files = { view, renumbered: [{ id: '0004', was: '0000' }] };
  const found = deployedFindings(files, []);
  expect(told(found)).toEqual([
    ['late', 'error'],
    ['halted', 'warning'],
    ['changed', 'error'],
    ['renumbered', 'error'],
    ['pending', 'note'],
  ]);
  expect(found[0]?.message).toContain('0003 was run before');
  expect(found[2]?.message).toContain('--accept-changed 0002');
  expect(found[3]).toMatchObject({ file: 'migrations/odin-dev/0004.ts' });
  expect(found[3]?.message).toContain('completed under 0000, whose file is gone');
  expect(told(deployedFindings(files, ['0002']))).toContainEqual(['changed', 'note']);
  expect(told(localFindings(files, []))).toEqual([
    ['changed', 'error'],
    ['renumbered', 'error'],
  ]);
  expect(localFindings(files, [])[0]?.message).toContain('npx --no-install odin-migrate local odin-dev --fresh');

  const gone = { ...view, migrations: view.migrations.map((each) => ({ ...each, file: undefined })) };
  const halted = deployedFindings({ view: gone, renumbered: [] }, []).find(({ rule }) => rule === 'halted');
  expect(halted?.severity).toBe('error');
  expect(told(deployedFindings({ view: gone, renumbered: [] }, [], ['0003']))).toContainEqual(['halted', 'warning']);
});

it('has one line for all that is pending, behind what is wrong', () => {
  const pending = Array.from({ length: 24 }, (_, index) => String(17 + index).padStart(4, '0'));
  const row = { attempts: 0, changedSince: false, state: 'pending' as const };
  const migrations = pending.map((id) => ({ ...row, id, file: `migrations/odin-dev/${id}.ts` }));
  const view: EnvironmentView = { environment: 'odin-dev', completed: 0, total: 24, migrations, halt: undefined };
  expect(deployedFindings({ view, renumbered: [] }, []).map(({ message }) => message)).toEqual([
    'The next run has 24 to run: 0017, 0018, 0019, 0020, 0021, 0022, 0023, 0024, 0025, 0026 and 14 more, up to 0040.',
  ]);
});

it('says what completed.json names and the deployed ledger lacks, or has with another text', () => {
  const state = fold(
    logOf(allowed('0001'), completed(['0001']), allowed('0002'), completed(['0002']), completed(['0003'], 'baseline')),
  );
  const ran = state.migrations['0001']?.completion?.sourceSha256;
  const named = [
    { id: '0001', sourceSha256: ran },
    { id: '0002', sourceSha256: 'e'.repeat(64) },
    { id: '0003', sourceSha256: 'e'.repeat(64) },
    { id: '0004', sourceSha256: ran },
  ].map((each) => ({ ...each, completion: 'applied' as const, time: '2026-11-02T10:11:12.123Z' }));
  expect(
    prunedFindings('odin-dev', named, state).map(({ severity, rule, message }) => [severity, rule, message]),
  ).toEqual([
    [
      'warning',
      'changed',
      'completed.json names 0002 with another text than the one that the deployed ledger was run with.',
    ],
    [
      'error',
      'completed',
      'completed.json names 0004, and the deployed ledger does not have it as completed: a run refuses.',
    ],
  ]);
});

it('says what a deployment would be refused for, unless that is allowed', () => {
  const deployed = manifestOf('0001', '0002');
  const here = { environment: 'odin-dev', migrations: manifestOf('0001').migrations };
  const state = fold(logOf(allowed('0001'), completed(['0001']), allowed('0002'), halted(3, '0002')));
  const found = removalFindings(deployed, here, state, []);
  expect(found).toMatchObject([{ environment: 'odin-dev', severity: 'error', rule: 'removed' }]);
  expect(found[0]?.message).toContain('0002 is halted (attempt 1), and its file is not here');
  expect(removalFindings(deployed, here, state, ['0002'])).toEqual([]);
  expect(removalFindings(deployed, deployed, state, [])).toEqual([]);
});
