// `local`, in this process, in a project of its own.
import { execFileSync } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, afterEach, expect, it, vi } from 'vitest';
import { startEmbedded } from '../../client/embedded.ts';
import { lookAtEnvironment } from '../../client/environment.ts';
import { baseline } from '../../cli/commands/baseline.ts';
import { doctor } from '../../cli/commands/doctor.ts';
import { history } from '../../cli/commands/history.ts';
import { local } from '../../cli/commands/local.ts';
import { prune } from '../../cli/commands/prune.ts';
import { resume } from '../../cli/commands/resume.ts';
import { status } from '../../cli/commands/status.ts';
import { typeFor } from '../../cli/terminal/commands.ts';
import type { ExitCode } from '../../cli/terminal/exit-codes.ts';
import { EXIT } from '../../cli/terminal/exit-codes.ts';
import { parseConfiguration } from '../../project/configuration.ts';
import { temporaryProject } from '../support/project.ts';

const OK = 'export async function migration(): Promise<void> {}\n';
const project = temporaryProject({ 'migrations/late/0002.ts': OK }, { sources: true });
afterAll(() => {
  project.remove();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const typed = (options: Parameters<typeof local>[2] = {}) => printedBy(() => local(project, 'late', options, {}));

async function printedBy(command: () => Promise<ExitCode>) {
  const printed: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
  const code = await command();
  write.mockRestore();
  return { code, printed: printed.join('') };
}

it('refuses a late lower number with the command that runs it here, which then does', async () => {
  expect((await typed()).code).toBe(EXIT.done);
  project.write('migrations/late/0001.ts', OK);
  const refused = await typed();
  expect(refused.code).toBe(EXIT.refused);
  expect(refused.printed).toContain('migrations/late/0001.ts is pending, but 0002 was run before');
  expect(refused.printed).toContain('type "npx --no-install odin-migrate local late --allow-out-of-order"');
  const allowed = await typed({ allowOutOfOrder: true });
  expect(allowed.code).toBe(EXIT.done);
  expect(allowed.printed).toContain('Done: 1 applied.');
});

it('leaves a ledger that holds together, until somebody damages it', async () => {
  await typed();
  const sound = await printedBy(() => doctor({ project }, 'late', { ledger: true }));
  expect(sound.code).toBe(EXIT.done);
  expect(sound.printed).toMatch(/^✔ late {2}the ledger holds together {2}\d+ objects, 4 entries, 2 turns/);

  await using seen = await lookAtEnvironment('late', { project });
  await seen.ledger.store.create('log/00000006.json', '{}');
  await seen.ledger.store.create('notes.txt', 'x');
  const damaged = await printedBy(() => doctor({ project }, 'late', { ledger: true }));
  expect(damaged.code).toBe(EXIT.wrong);
  expect(damaged.printed).toContain('✘ log/00000005.json: this entry is missing, and the log stops before it');
  expect(damaged.printed).toContain('✘ log/00000006.json: this entry cannot be read, and the log stops before it');
  expect(damaged.printed).toContain("· notes.txt: this key is none of the ledger's, and nothing reads it");
  expect(damaged.printed).toContain('✘ late  2 things wrong with the ledger');
});

it('tells of a file that is skipped once, without a word of CDK', async () => {
  project.write('migrations/skips/0001.ts', OK);
  project.write('migrations/skips/2.ts', OK);
  const errors: string[] = [];
  const write = vi.spyOn(process.stderr, 'write').mockImplementation((text) => errors.push(String(text)) > 0);
  const { printed } = await printedBy(() => local(project, 'skips', {}, {}));
  write.mockRestore();
  expect(errors.join('')).toBe('');
  expect(printed.match(/2\.ts/g)).toHaveLength(1);
  expect(printed).toContain('warning  migrations/skips/2.ts is NOT a migration and was skipped');
});

it('names a variable that a migration reads and nobody gives', async () => {
  project.write(
    'migrations/reads/0001.ts',
    'export async function migration(): Promise<void> { console.log(process.env.MISSING); }\n',
  );
  const { code, printed } = await printedBy(() => local(project, 'reads', {}, {}));
  expect(code).toBe(EXIT.done);
  expect(printed).toContain('warning  migrations/reads/0001.ts reads the variable MISSING, which nobody gives');
});

it.each([
  ['a generator', 'export async function* migration'],
  ['what gives one back', 'export const migration = (resume?: number) => steps(resume);\nasync function* steps'],
])(
  'after a practised failure of %s a retry goes on from the checkpoint: a fault is no other code',
  async (_, begin) => {
    project.write(
      'migrations/long/0001.ts',
      `${begin}(resume = 0): AsyncGenerator<{ cursor: number }> {
  for (let at = resume; at < 3; at += 1) yield { cursor: at + 1 };
}
`,
    );
    const halted = await printedBy(() => local(project, 'long', { fail: '0001@2', fresh: true }, {}));
    expect(halted.code).toBe(EXIT.halted);
    const resumed = await printedBy(() => resume({ project }, 'long', 'retry', { yes: true }));
    expect(resumed.code).toBe(EXIT.done);
    expect(resumed.printed).toContain('begins at the last checkpoint');
  },
);

it('fails a migration that writes beside itself as Lambda does, and says where to write; what is there is one migration’s own', async () => {
  const writes = (file: string) => `import { readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
export async function migration(): Promise<void> {
  console.log('found', readdirSync(tmpdir()).length);
  await Promise.resolve();
  try {
    writeFileSync(${file}, 'x');
  } catch (cause) {
    throw new Error('the report is not written', { cause });
  }
}
`;
  const inTmp = writes("path.join(tmpdir(), 'report.csv')");
  project.write('migrations/writes/0001.ts', inTmp);
  project.write('migrations/writes/0002.ts', inTmp);
  project.write('migrations/writes/0003.ts', writes("path.resolve('report.csv')"));
  const { code, printed } = await printedBy(() => local(project, 'writes', {}, {}));
  expect(code).toBe(EXIT.halted);
  expect(printed.match(/found \d+/g)).toEqual(['found 0', 'found 0', 'found 0']);
  expect(printed).toMatch(
    /the report is not written[^]*caused by Error: EROFS: read-only file system, \S+report\.csv\./,
  );
  expect(printed).toContain('os.tmpdir()');
  expect(printed).not.toContain('--allow-fs-write');
});

it('names what a migration has left behind, and fails one that has not awaited a request', async () => {
  project.write(
    'migrations/leaves/0001.ts',
    'export async function migration(): Promise<void> { setInterval(() => undefined, 60_000); await Promise.resolve(); }\n',
  );
  const told = await printedBy(() => local(project, 'leaves', {}, {}));
  expect(told.code).toBe(EXIT.done);
  expect(told.printed).toMatch(/✔ 0001 {2}applied.*\n +! it was over, and what it had begun was not: 1 timer/);
  project.write(
    'migrations/leaves/0002.ts',
    `import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
export async function migration(): Promise<void> {
  void new S3Client({}).send(new PutObjectCommand({ Bucket: 'b', Key: 'k', Body: 'x' })).catch(() => undefined);
  await Promise.resolve();
}
`,
  );
  const failed = await printedBy(() => local(project, 'leaves', {}, {}));
  expect(failed.code).toBe(EXIT.halted);
  expect(failed.printed).toContain(
    'NotAwaited: migration() was over, and 1 request that it had begun had no answer: PUT',
  );
});

it('counts what completed.json names as done here, says so once, and runs the rest', async () => {
  const line = (id: string) => `"${id}": "applied 2026-11-02T10:11:12.123Z"`;
  project.write('migrations/pruned/completed.json', `{${line('0001')}, ${line('0002')}, "format": 1}`);
  project.write('migrations/pruned/0003.ts', OK);
  const run = () => printedBy(() => local(project, 'pruned', {}, {}));
  const first = await run();
  expect(first.code).toBe(EXIT.done);
  expect(first.printed).toContain('pruned   2 count as done on this machine, as completed.json says: 0001, 0002');
  expect(first.printed).toContain('pending  1 of 1 migrations');
  expect((await run()).printed).not.toContain('count as done');

  const { printed } = await printedBy(() => status({ project }, 'pruned', {}));
  expect(printed).toContain('pruned  3 of 3 completed');
  expect(printed).toContain('0001 to 0002: 2 migrations completed and pruned (completed.json)');
  expect(printed).not.toMatch(/^0001 {2}/m);
  expect(printed).toMatch(/^0003 /m);
  const trail = await printedBy(() => history({ project }, 'pruned', '0001', {}));
  expect(trail.printed).toContain('completed.json names it: on this machine it counts as done');
});

it.each([60, 80, 100])('status fits a terminal of %d columns', async (columns) => {
  const described = (text: string) => `export const description = '${text}';\n${OK}`;
  project.write(
    'migrations/wide/0001.ts',
    described('Delete the parquet files of six Cubic tables that have a backfill'),
  );
  project.write(
    'migrations/wide/0002.ts',
    described('将旧的分区移动到归档存储桶并刪除暫存檔案，然後重新寫入六個欄位的個人資料'),
  );
  await printedBy(() => local(project, 'wide', { fail: '0001', fresh: true }, {}));
  await printedBy(() => resume({ project }, 'wide', 'skip', { yes: true, reason: 'not needed:\n  the table is gone' }));
  const { stdout } = process;
  const before = [stdout.isTTY, stdout.columns] as const;
  Object.assign(stdout, { isTTY: true, columns });
  const { printed } = await printedBy(() => status({ project }, 'wide', {}));
  Object.assign(stdout, { isTTY: before[0], columns: before[1] });
  const seen = stripVTControlCharacters(printed).split('\n');
  const rows = seen.filter((line) => /^(ID|000\d) /.test(line));
  expect(rows).toHaveLength(3);
  const wide = (text: string) => text.length + (text.match(/[\u2e80-\uffff]/g) ?? []).length;
  expect(rows.filter((line) => wide(line) > columns)).toEqual([]);
  expect(rows[1]).toMatch(/^0001 {2}Delete the parquet.*skipped/);
  const trail = await printedBy(() => history({ project }, 'wide', '0001', {}));
  expect(trail.printed).toMatch(/on the halt of entry \d+: not needed:\n {29}the table is gone\n/);
  expect(seen.some((line) => /^A wider terminal shows .*BY/.test(line))).toBe(columns < 100);
});

it('prune says what it would do, does it, goes by the ledger here with --local, and has nothing to do then', async () => {
  project.write('migrations/tried/0001.ts', OK);
  project.write('migrations/tried/0002.ts', OK);
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args], { cwd: project.directory });
  git('init', '--quiet');
  git('add', 'migrations/tried');
  git('commit', '--quiet', '--message', 'one');
  expect((await printedBy(() => local(project, 'tried', {}, {}))).code).toBe(EXIT.done);
  project.write('migrations/tried/0003.ts', `export const description = 'Third';\n${OK}`);

  const pruned = await printedBy(() => prune(project, { project }, 'tried', { yes: true }));
  expect(pruned.code).toBe(EXIT.done);
  expect(pruned.printed).toContain('migrations/tried/completed.json gets 2 lines: 0001, 0002');
  expect(pruned.printed).toContain('deleted: 2 files, which git keeps');
  expect(pruned.printed).toContain('left: 0003, not completed');
  expect(pruned.printed).toContain('It went by the ledger on this machine, which is for trying');
  const again = await printedBy(() => prune(project, { project }, 'tried', {}));
  expect(again.printed).toMatch(/^Nothing is to be pruned in tried\.\n {2}left: 0003, not completed\n$/);

  const { code, printed } = await printedBy(() => local(project, 'tried', {}, {}));
  expect(code).toBe(EXIT.done);
  expect(printed).toContain('Done: 1 applied.');
  expect(printed).not.toContain('count as done');
});

it('fills its S3 once: what migrations did to the data since is not undone, until --fresh', async () => {
  const data = temporaryProject(
    {
      'migrations/filled/0001.ts': OK,
      'data.ts': `import { CreateBucketCommand } from '@aws-sdk/client-s3';
        let times = 0;
        export default async (s3) => {
          times += 1;
          await s3.send(new CreateBucketCommand({ Bucket: 'data' })); // refused when it is there
          return 'filled, time ' + times;
        };`,
    },
    { sources: true },
  );
  try {
    const environments = { filled: { local: { data: 'data.ts' } } };
    const filled = { ...data, configuration: parseConfiguration({ environments }) };
    const run = (options = {}) => printedBy(() => local(filled, 'filled', options, {}));
    expect((await run()).printed).toContain('data     filled, time 1\n');
    const again = await run();
    expect(again.printed).toContain('data     as the last run left it; --fresh lets data.ts fill it again\n');
    expect(again.code).toBe(EXIT.done);
    await printedBy(() => resume({ project: filled }, 'filled', 'retry', {}).catch(() => EXIT.refused));
    expect((await run({ fresh: true })).printed).toContain('data     filled, time 2\n');

    const gone = parseConfiguration({ environments: { filled: { local: { data: 'gone.ts' } } } });
    const lost = local({ ...data, configuration: gone }, 'filled', { fresh: true }, {});
    await expect(lost).rejects.toMatchObject({
      code: 'BadConfiguration',
      what: expect.stringContaining('is not there') as string,
    });
    await expect(run({ again: '0002' })).rejects.toThrow('filled has no migration "0002".');
    await expect(run({ again: '0002' })).rejects.toThrow('filled has no migration "0002".');
    const nowhere = { fresh: true, data: ['s3:/nowhere'] };
    await expect(local(filled, 'filled', nowhere, {})).rejects.toThrow('Expected s3://bucket/prefix/');
    expect((await run()).printed).toContain('pending  0 of 1 migrations'); // nothing was forgotten
  } finally {
    data.remove();
  }
});

it('fills it anew for what runs anew, for a module of another name, and after one that failed', async () => {
  const counts = `let times = 0;\nexport default () => Promise.resolve('filled, time ' + (times += 1));\n`;
  using other = disposable({
    'migrations/filled/0001.ts': OK,
    'data.ts': counts,
    'half.ts': counts.replace(
      'export default () =>',
      "export default () => times === 0 ? Promise.reject(new Error('half ' + (times += 1))) :",
    ),
  });
  const fill = async (module: string, again?: string) => {
    const configuration = parseConfiguration({ environments: { filled: { local: { data: module } } } });
    const here = await startEmbedded({ project: { ...other.project, configuration }, environment: 'filled', again });
    await here.close();
    return here.data;
  };
  expect(await fill('data.ts')).toBe('filled, time 1');
  expect([await fill('data.ts', '0001'), await fill('data.ts', '0001')]).toEqual(['filled, time 2', 'filled, time 3']);
  expect(await fill('data.ts')).toContain('as the last run left it');
  await expect(fill('half.ts')).rejects.toThrow('half 1');
  expect(await fill('half.ts')).toBe('filled, time 2');
});

it('starts one run here, also of an environment whose deployments start one', async () => {
  using other = disposable({ 'migrations/started/0001.ts': OK });
  const configuration = parseConfiguration({ environments: { started: { stack: { runOnDeploy: true } } } });
  const { code, printed } = await printedBy(() => local({ ...other.project, configuration }, 'started', {}, {}));
  expect(code).toBe(EXIT.done);
  expect(printed).toContain('1 applied');
});

function disposable(files: Record<string, string>) {
  const made = temporaryProject(files, { sources: true });
  return {
    project: made,
    [Symbol.dispose]: () => {
      made.remove();
    },
  };
}

const practice = (files: Record<string, string>) =>
  temporaryProject(
    Object.fromEntries(Object.entries(files).map(([name, text]) => [`migrations/practice/${name}`, text])),
    { sources: true },
  );

it('shows all that a migration prints, in whichever way', async () => {
  const printing = practice({
    '0001.ts': `export async function migration(): Promise<void> {
      process.stdout.write('one by stdout\\n');
      process.stderr.write('two by stderr\\n');
      console.debug('three by debug');
      console.dir({ by: 'four by dir' });
      console.table([{ by: 'nine by table' }]);
      console.group('ten by group');
      console.trace('eleven by trace');
      console.assert(false, 'twelve by assert');
      console.count('thirteen by count');
      console.groupEnd();
      console.log('five\\n  of two lines');
      process.stdout.write(JSON.stringify({ level: 30, msg: 'six by pino' }) + '\\n');
      process.stdout.write(JSON.stringify({ message: { by: 'seven by an object' } }) + '\\n');
      process.stdout.write(JSON.stringify({ message: 'eight', migration: 'of mice', attempt: 'the last' }) + '\\n');
      process.stdout.write('fourteen, and no end of the line');
    }`,
  });
  try {
    const { printed } = await printedBy(() => local(printing, 'practice', {}, {}));
    const said =
      'one by,two by,three by,four by,six by,seven by,eight,nine by,ten by,eleven by,twelve by,thirteen by,fourteen';
    for (const text of said.split(',')) expect(printed).toMatch(new RegExp(`^ {9}.*${text}`, 'm'));
    expect(printed).toContain('         five\n           of two lines\n');
  } finally {
    printing.remove();
  }
});

it('says that a fault was not reached, and forgets nothing when what is there is refused', async () => {
  const steps = `export async function* migration(): AsyncGenerator<{ cursor: number }> { yield { cursor: 1 }; }\n`;
  const faulty = practice({ '0001.ts': steps });
  try {
    const reached = await printedBy(() => local(faulty, 'practice', { fail: '0001@2' }, {}));
    expect(reached.code).toBe(EXIT.done);
    expect(reached.printed).toContain('--fail 0001@2 was not reached: 0001 made fewer than 2 checkpoints');
    faulty.write('migrations/practice/0002.ts', 'export const migration = 7;\n');
    await expect(local(faulty, 'practice', { fresh: true }, {})).rejects.toThrow('expected an exported async function');
    faulty.write('migrations/practice/0002.ts', OK);
    expect((await printedBy(() => local(faulty, 'practice', {}, {}))).printed).toContain('pending  1 of 2 migrations');
    faulty.write(
      'migrations/practice/0003.ts',
      'export async function migration(): Promise<void> { throw new Error(); }',
    );
    faulty.write('migrations/practice/0004.ts', OK);
    const before = await printedBy(() => local(faulty, 'practice', { fail: '0004', sliceSeconds: 5 }, {}));
    expect(before.printed).toContain('warning  --slice-seconds: nothing that is pending looks as if it yielded');
    expect(before.printed).toContain('--fail 0004 was not reached: 0004 did not run.');
    await expect(local(faulty, 'practice', { fail: '0003' }, {})).rejects.toThrow('0003 was attempted here already');
  } finally {
    faulty.remove();
  }
});

it("needs no credentials for its ledger, where the migrations' own S3 is elsewhere", async () => {
  vi.stubEnv('AWS_ENDPOINT_URL', 'http://127.0.0.1:9');
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, undefined);
  vi.stubEnv('AWS_PROFILE', 'none');
  vi.stubEnv('HOME', '/none');
  const elsewhere = practice({ '0001.ts': OK });
  try {
    expect((await printedBy(() => local(elsewhere, 'practice', {}, {}))).code).toBe(EXIT.done);
  } finally {
    vi.unstubAllEnvs();
    elsewhere.remove();
  }
});

it('after an edit it says that a file was changed, and --again runs that one anew, beside what was run', async () => {
  const says = (text: string) => `export async function migration(): Promise<void> { console.log('${text}'); }\n`;
  project.write('migrations/edited/0001.ts', says('one'));
  project.write('migrations/edited/0002.ts', says('two'));
  const edited = (options: Parameters<typeof local>[2] = {}) => printedBy(() => local(project, 'edited', options, {}));
  expect((await edited()).code).toBe(EXIT.done);
  project.write('migrations/edited/0002.ts', says('other'));
  const again = await edited();
  expect(again.printed).toContain('0002.ts: another text was completed under 0002, and this one does not run.');

  const anew = await edited({ again: '0002' });
  expect(anew.printed).not.toContain('Try next:');
  expect(anew.printed).toMatch(/pending {2}1 of 2 migrations[^]*▶ 0002[^]*other[^]*Done: 1 applied\./);
  expect(anew.code).toBe(EXIT.done);
  expect((await edited({ again: '0001' })).printed).toMatch(/▶ 0001[^]*Done: 1 applied\./);
  project.write('migrations/edited/0002.ts', "export async function migration() { throw new Error('no'); }\n");
  const failed = await edited({ again: '0002' });
  expect(failed.code).toBe(EXIT.halted);
  expect(failed.printed).toContain('Mend it, and type the same again: it begins anew.');
  expect(failed.printed).not.toContain('resume');
  const before = await printedBy(() => status({ project }, 'edited', {}));
  expect(before.printed).toContain('2 of 2 completed');
});

it('baseline adopts here what ran elsewhere', async () => {
  project.write('migrations/adopted/0001.ts', OK);
  project.write('migrations/adopted/0002.ts', OK);
  const said = { through: '0001', reason: 'ran by hand', yes: true };
  expect((await printedBy(() => baseline({ project }, 'adopted', said, {}))).code).toBe(EXIT.done);
  const run = await printedBy(() => local(project, 'adopted', {}, {}));
  expect(run.printed).toContain('pending  1 of 2 migrations');
  expect(run.printed).toContain('Done: 1 applied.');
});

it('after an abort says how the next run is started, then and later', async () => {
  project.write('migrations/aborted/0001.ts', OK);
  expect((await printedBy(() => local(project, 'aborted', { fail: '0001' }, {}))).code).toBe(EXIT.halted);
  typeFor({ local: true }); // as the program does before each command
  const abort = await printedBy(() => resume({ project }, 'aborted', 'abort', {}));
  expect(abort.printed).toContain('Start the next run with: npx --no-install odin-migrate local aborted\n');
  const looked = await printedBy(() => status({ project }, 'aborted', {}));
  typeFor({});
  expect(looked.printed).toContain('which halts there again: npx --no-install odin-migrate local aborted\n');
});

// Last: what people read goes to stderr from then on.
it('says its end as JSON, and everything else on stderr', async () => {
  project.write('migrations/json/0001.ts', OK);
  const errors = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const { code, printed } = await printedBy(() => local(project, 'json', { json: true }, {}));
  expect(code).toBe(EXIT.done);
  expect(JSON.parse(printed)).toMatchObject({ outcome: 'done', exitCode: 0 });
  expect(errors.mock.calls.flat().join('')).toContain('✔ 0001  applied');
});
