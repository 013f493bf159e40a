// Installs MiniStack into a virtual environment of its own, once per version.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { EmulatorError } from './leash.ts';

const run = promisify(execFile);

export const projectRoot = resolve(import.meta.dirname, '../..');
const requirements = resolve(import.meta.dirname, 'requirements.txt');
const candidates = ['python3', ...[14, 13, 12, 11, 10].map((minor) => `python3.${minor}`), 'python'];

/** Returns the path of a Python that can run MiniStack. The second call finds it installed. */
export async function installMiniStack(): Promise<string> {
  const version = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex')
    .slice(0, 12);
  const environment = resolve(projectRoot, `.odin-migrate/emulator/python-${version}`);
  const python = resolve(environment, 'bin/python');
  if (await works(python)) return python;

  // Made aside and renamed: an interrupted or a concurrent installation never leaves half an environment.
  const draft = `${environment}.${process.pid}`;
  try {
    await mkdir(resolve(environment, '..'), { recursive: true });
    await makeEnvironment(await findPython(), draft);
    await pipInstall(resolve(draft, 'bin/python'));
    if (!(await works(python))) {
      await rm(environment, { recursive: true, force: true });
      await rename(draft, environment).catch(async (error: unknown) => {
        if (!(await works(python))) throw error;
      });
    }
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return python;
}

async function works(python: string): Promise<boolean> {
  // The interpreter is a link to the machine's Python, which may have been removed since.
  return access(python)
    .then(() => run(python, ['-c', 'import ministack']))
    .then(
      () => true,
      () => false,
    );
}

export async function findPython(): Promise<string> {
  const override = process.env['PYTHON'];
  const found: string[] = [];
  for (const candidate of override ? [override] : candidates) {
    const version = await run(candidate, ['-c', 'import sys; print("%d.%d.%d" % sys.version_info[:3])']).then(
      ({ stdout }) => stdout.trim(),
      () => undefined,
    );
    if (version === undefined) continue;
    const [major = 0, minor = 0] = version.split('.').map(Number);
    if (major === 3 && minor >= 10) return candidate;
    found.push(`${candidate} is ${version}`);
  }
  throw new EmulatorError(
    'The emulator (MiniStack) needs Python 3.10 or later. ' +
      `Looked for: ${override ? `${override} (from PYTHON)` : candidates.join(', ')}. ` +
      `Found: ${found.join(', ') || 'none'}. ` +
      'Install one (apt-get install python3 python3-venv, or brew install python), ' +
      'or name one: PYTHON=/path/to/python3.',
  );
}

async function makeEnvironment(python: string, directory: string): Promise<void> {
  await run(python, ['-m', 'venv', '--clear', directory]).catch((error: unknown) => {
    throw new EmulatorError(
      `${python} -m venv failed. On Debian and Ubuntu, ensurepip is a package of its own: ` +
        `apt-get install python3-venv\n${outputOf(error)}`,
      { cause: error },
    );
  });
}

async function pipInstall(python: string): Promise<void> {
  const options = ['--require-hashes', '--only-binary=:all:', '--no-input', '--disable-pip-version-check', '--quiet'];
  await run(python, ['-m', 'pip', 'install', ...options, '-r', requirements]).catch((error: unknown) => {
    throw new EmulatorError(`pip could not install ${requirements}\n${outputOf(error)}`, { cause: error });
  });
}

function outputOf(error: unknown): string {
  const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
  return `${stdout}${stderr}`.trim() || String(error);
}
