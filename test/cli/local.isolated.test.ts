// `local`, in this process, in a project of its own.
import { afterAll, afterEach, expect, it, vi } from 'vitest';
import { lookAtEnvironment } from '../../client/environment.ts';
import { doctor } from '../../cli/commands/doctor.ts';
import { local } from '../../cli/commands/local.ts';
import { resume } from '../../cli/commands/resume.ts';
import type { ExitCode } from '../../cli/terminal/exit-codes.ts';
import { EXIT } from '../../cli/terminal/exit-codes.ts';
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
  expect(refused.printed).toContain('type "npx odin-migrate local late --allow-out-of-order"');
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
