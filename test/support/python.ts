// Python programs of PyPI that suites run beside Node.js: each in a virtual environment of its own, installed once per version.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { ProgramError } from './leash.ts';
import { PROJECT } from './project.ts';

const run = promisify(execFile);

const candidates = ['python3', ...[14, 13, 12, 11, 10].map((minor) => `python3.${minor}`), 'python'];

export interface PythonProgram {
  /** Of the folder that it is installed into, in the project's ignored one. */
  name: string;
  /** Every package that it needs, pinned with hashes. */
  requirements: string;
  /** What can be imported once it is installed. */
  module: string;
  /** The oldest Python 3 that it runs on: 11 is 3.11. */
  oldestMinor: number;
}

/** Returns the path of a Python that can run it. The second call finds it installed. */
export async function installPythonProgram(program: PythonProgram): Promise<string> {
  const { name, requirements, module, oldestMinor } = program;
  const version = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex')
    .slice(0, 12);
  const environment = resolve(PROJECT, `.odin-migrate/${name}/python-${version}`);
  const python = resolve(environment, 'bin/python');
  if (await works(python, module)) return python;

  // Made aside and renamed: an interrupted or a concurrent installation never leaves half an environment.
  const draft = `${environment}.${process.pid}`;
  try {
    await mkdir(resolve(environment, '..'), { recursive: true });
    await makeEnvironment(await findPython(oldestMinor), draft);
    await pipInstall(resolve(draft, 'bin/python'), requirements);
    if (!(await works(python, module))) {
      await rm(environment, { recursive: true, force: true });
      await rename(draft, environment).catch(async (error: unknown) => {
        if (!(await works(python, module))) throw error;
      });
    }
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return python;
}

async function works(python: string, module: string): Promise<boolean> {
  // The interpreter is a link to the machine's Python, which may have been removed since.
  return access(python)
    .then(() => run(python, ['-c', `import ${module}`]))
    .then(
      () => true,
      () => false,
    );
}

export async function findPython(oldestMinor: number): Promise<string> {
  const override = process.env['PYTHON'];
  const found: string[] = [];
  for (const candidate of override ? [override] : candidates) {
    const version = await run(candidate, ['-c', 'import sys; print("%d.%d.%d" % sys.version_info[:3])']).then(
      ({ stdout }) => stdout.trim(),
      () => undefined,
    );
    if (version === undefined) continue;
    const [major = 0, minor = 0] = version.split('.').map(Number);
    if (major === 3 && minor >= oldestMinor) return candidate;
    found.push(`${candidate} is ${version}`);
  }
  throw new ProgramError(
    `This suite needs Python 3.${oldestMinor} or later. ` +
      `Looked for: ${override ? `${override} (from PYTHON)` : candidates.join(', ')}. ` +
      `Found: ${found.join(', ') || 'none'}. ` +
      'Install one (apt-get install python3 python3-venv, or brew install python), ' +
      'or name one: PYTHON=/path/to/python3.',
  );
}

async function makeEnvironment(python: string, directory: string): Promise<void> {
  await run(python, ['-m', 'venv', '--clear', directory]).catch((error: unknown) => {
    throw new ProgramError(
      `${python} -m venv failed. On Debian and Ubuntu, ensurepip is a package of its own: ` +
        `apt-get install python3-venv\n${outputOf(error)}`,
      { cause: error },
    );
  });
}

async function pipInstall(python: string, requirements: string): Promise<void> {
  // The list is complete; --no-deps keeps out what a package names and is never loaded here.
  const options = ['--no-deps', '--require-hashes', '--only-binary=:all:', '--no-input', '--disable-pip-version-check'];
  await run(python, ['-m', 'pip', 'install', '--quiet', ...options, '-r', requirements]).catch((error: unknown) => {
    throw new ProgramError(`pip could not install ${requirements}\n${outputOf(error)}`, { cause: error });
  });
}

function outputOf(error: unknown): string {
  const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
  return `${stdout}${stderr}`.trim() || String(error);
}
