// The command line at a terminal: questions, Ctrl-C, spinner, colours. It is in this suite because Python is: its standard
// library opens a pseudo-terminal, which Node.js cannot without a compiler.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { localDirectory } from '../../client/local-folder.ts';
import { LOCK_FILE } from '../../client/local-lock.ts';
import { embeddedPlatform } from '../scenarios/embedded-platform.ts';
import { fails, works } from '../scenarios/migrations.ts';
import type { Platform } from '../scenarios/platform.ts';
import { PROJECT } from '../support/project.ts';
import { World } from '../scenarios/world.ts';
import type { TemporaryProject } from '../support/project.ts';
import { temporaryProject } from '../support/project.ts';
import { findPython } from '../support/python.ts';

const SECONDS = 120;
const ENTER = '\r';
const DOWN = '\x1b[B';
const CTRL_C = '\x03';

/** What to wait for on the screen, and what to press then. */
type Answer = [string, string];

interface Screen {
  code: number;
  /** Without escape sequences. */
  text: string;
  raw: string;
}

async function typeAt(
  directory: string,
  args: string[],
  answers: Answer[],
  { env = {}, columns = 160 }: { env?: Record<string, string>; columns?: number } = {},
) {
  const command = [process.execPath, path.join(PROJECT, 'cli/odin-migrate.js'), ...args];
  const asked = JSON.stringify({ command, answers, seconds: SECONDS, columns });
  const python = await findPython(10);
  const { PATH = '', HOME = '' } = process.env;
  return await new Promise<Screen>((resolve) => {
    const options = { cwd: directory, env: { PATH, HOME, TERM: 'xterm-256color', ...env } };
    execFile(python, [path.join(import.meta.dirname, 'terminal.py'), asked], options, (error, raw) => {
      // eslint-disable-next-line no-control-regex -- escape sequences are what is taken out
      const text = raw.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '');
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, text, raw });
    });
  });
}

describe('on this machine', { timeout: 300_000 }, () => {
  let project: TemporaryProject;
  const at = (...args: string[]) => ({
    answering: (...answers: Answer[]) => typeAt(project.directory, args, answers),
  });

  beforeAll(() => {
    const migration = (what: string) =>
      `export const description = '${what}';\nexport async function migration() { await Promise.resolve(); console.log('did it'); }\n`;
    project = temporaryProject({
      'odin-migrate.json': '{}',
      'migrations/practice/0001.ts': migration('First'),
      'migrations/practice/0002.ts': migration('Second'),
    });
  });
  afterAll(() => {
    project.remove();
  });

  it('a halt asks; Ctrl-C leaves it open, and says how it is answered later', async () => {
    const left = await at('local', 'practice', '--fail', '0001').answering(['What should happen with 0001?', CTRL_C]);
    expect(left.code).toBe(2);
    expect(left.text).toContain('▶ 0001  First');
    expect(left.text).toContain('npx --no-install odin-migrate resume practice retry --halt 2 --local');
    expect(left.raw).toContain('\x1b[31m■'); // in red

    const status = await at('status', 'practice', '--local').answering();
    expect(status.code).toBe(2);
    expect(status.text).toMatch(/0001 +First +halted +1 /);
    const resumed = await at('resume', 'practice', 'retry', '--local').answering();
    expect(resumed.code).toBe(0);
    expect(resumed.text).toContain('did it');

    const history = await at('history', 'practice', '0001', '--local').answering();
    expect(history.code).toBe(0);
    expect(history.text).toMatch(
      /attempt 1 {2}allowed to run[^]*halted: it failed[^]*PracticeFailure: [^]*retry, decided by local:[^]*applied/,
    );
  });

  it('a terminal that is closed while it asks leaves the halt open, and no lock', async () => {
    const left = await at('local', 'practice', '--fresh', '--fail', '0001').answering([
      'What should happen with 0001?',
      'HANGUP',
    ]);
    expect(left.text).toContain('▶ 0001  First');
    expect(existsSync(path.join(localDirectory(project, 'practice'), LOCK_FILE))).toBe(false);
    expect((await at('status', 'practice', '--local').answering()).code).toBe(2);
  });

  it('skip asks for a reason until there is one', async () => {
    const skipped = await at('local', 'practice', '--fresh', '--fail', '0002').answering(
      ['What should happen with 0002?', DOWN + DOWN + ENTER],
      ['Reason:', `...${ENTER}`],
      ['It stays in the ledger for whoever asks later: say why.', `\x15not needed here${ENTER}`], // Ctrl-U: the line is begun anew
    );
    expect(skipped.code).toBe(0);
    expect(skipped.text).toMatch(/◆ 0002 {2}skip, decided by local:\S+ \(claimed\): not needed here/);
    expect(skipped.text).toContain('Done: 1 applied, 1 skipped.');
  });

  it('a spinner turns while migrations are checked, and is gone in the end', async () => {
    const checked = await at('check', 'practice').answering();
    expect(checked.code).toBe(0);
    expect(checked.text).toMatch(/[⠋⠙⠹⠸]/u);
    expect(checked.text).toContain('✔ practice  2 migrations, nothing to remark');
    const afterTheLastFrame = checked.raw.split(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/u).at(-1);
    // eslint-disable-next-line no-control-regex -- an escape sequence is what is looked for
    expect(afterTheLastFrame).toMatch(/\x1b\[[02]K/); // its line is erased
    expect(checked.raw).toContain('\x1b[?25h'); // the cursor is shown again
  });

  it.each([
    { where: 'of no columns', columns: 0, env: { TERM: 'xterm-256color' } },
    { where: 'that is dumb', columns: 160, env: { TERM: 'dumb' } },
    { where: 'of a CI', columns: 160, env: { CI: 'true' } },
  ])('nothing is drawn over on a terminal $where, and the command ends', async ({ columns, env }) => {
    for (const args of [
      ['check', 'practice'],
      ['status', 'practice', '--local'],
      ['history', 'practice', '--local'],
    ]) {
      const shown = await typeAt(project.directory, args, [], { columns, env });
      expect(shown.code, args.join(' ')).toBe(0);
      // eslint-disable-next-line no-control-regex -- escape sequences that move or erase
      expect(shown.raw).not.toMatch(/\x1b\[[0-9;?]*[A-HJKSTfhlsu]|[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/u);
    }
  });
});

describe('against a deployed environment', { timeout: 300_000 }, () => {
  let platform: Platform;
  let world: World;
  let variables: Record<string, string>;

  beforeAll(async () => {
    platform = await embeddedPlatform();
    const environment = 'terminal';
    const deployments = await platform.deploy([{ environment, files: { '0001.ts': works(), '0002.ts': fails() } }]);
    world = new World(platform, environment, deployments.get(environment)!);
    const { endpoint = '', region = '', credentials } = world.deployment.options;
    variables = {
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: credentials?.accessKeyId ?? '',
      AWS_SECRET_ACCESS_KEY: credentials?.secretAccessKey ?? '',
    };
  });
  afterAll(async () => {
    await platform.close();
  });

  it('resume and baseline ask before they act; no and Ctrl-C change nothing', async () => {
    const type = (args: string[], ...answers: Answer[]) => typeAt(PROJECT, args, answers, { env: variables });
    const baseline = ['baseline', 'terminal', '--through', '0001', '--reason', 'ran elsewhere'];
    for (const no of [`n${ENTER}`, CTRL_C]) {
      expect((await type(baseline, ['This cannot be undone', no])).text).toContain('Nothing was recorded.');
    }
    expect(await world.completions()).toEqual({});
    expect((await type(baseline, ['This cannot be undone', `y${ENTER}`])).code).toBe(0);
    expect(await world.completions()).toEqual({ '0001': 'baseline' });

    const halted = await type(['run', 'terminal', '--wait'], ['What should happen with 0002?', CTRL_C]);
    expect(halted.code).toBe(2);
    for (const no of [`n${ENTER}`, CTRL_C]) {
      const left = await type(['resume', 'terminal', 'abort'], ['Do it?', no]);
      expect(left).toMatchObject({ code: 2, text: expect.stringContaining('Nothing was decided.') as string });
    }
    const aborted = await type(['resume', 'terminal', 'abort'], ['Do it?', `y${ENTER}`]);
    expect(aborted.text).toContain('abort 0002: ends this run as failed; the next run halts here again');
    expect(aborted.code).toBe(0);
    expect(await world.entries('decided')).toMatchObject([{ decision: 'abort' }]);
  });

  it('two people at one halt: who is asked while the other decides is not asked any more, and follows the run', async () => {
    const type = (args: string[], ...answers: Answer[]) => typeAt(PROJECT, args, answers, { env: variables });
    const asked = type(['run', 'terminal', '--wait']);
    await expect.poll(async () => (await world.entries('halted')).length, { timeout: 120_000 }).toBe(2);
    const decided = await type(['resume', 'terminal', 'skip', '--reason', 'done by hand', '--yes']);
    expect(decided.code).toBe(0);
    const { code, text } = await asked;
    expect(text).toContain('Somebody else has decided meanwhile.');
    expect(text).toMatch(/◆ 0002 {2}skip, decided by .*: done by hand/);
    expect(code).toBe(0);
  });
});
