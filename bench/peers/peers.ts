// Runners of migrations that teams know, each installed into a folder of its own from its registry, pinned, with as many
// migrations that do nothing as are asked for.
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { findPython } from '../../test/support/python.ts';
import type { Measurable } from '../measure.ts';
import { NODE } from '../measure.ts';
import { ids } from '../projects.ts';

const run = promisify(execFile);

export const UMZUG = '3.8.3';
export const ALEMBIC = [
  'alembic==1.20.1',
  'SQLAlchemy==2.1.9',
  'Mako==1.4.3',
  'MarkupSafe==3.0.4',
  'typing_extensions==4.16.0',
];

/** @throws Error without the network */
export async function umzug(folder: string, count: number): Promise<Measurable> {
  const write = writerIn(folder, 'umzug');
  write('package.json', JSON.stringify({ name: 'peer', version: '1.0.0', type: 'module' }));
  for (const id of ids(count)) write(`migrations/${id}.cjs`, 'exports.up = async () => undefined;\n');
  write(
    'run.mjs',
    `import { JSONStorage, Umzug } from 'umzug';
const umzug = new Umzug({
  migrations: { glob: 'migrations/*.cjs' },
  storage: new JSONStorage({ path: \`ledger-\${process.pid}.json\` }),
  logger: undefined,
});
const ran = await umzug.up();
if (ran.length !== ${count}) process.exitCode = 1;
`,
  );
  const cwd = path.join(folder, 'umzug');
  await run('npm', ['install', '--no-audit', '--no-fund', '--save-exact', `umzug@${UMZUG}`], { cwd });
  return { run: [NODE, 'run.mjs'], cwd };
}

/** @throws Error without the network, or without Python 3.10 */
export async function alembic(folder: string, count: number): Promise<Measurable> {
  const write = writerIn(folder, 'alembic');
  const cwd = path.join(folder, 'alembic');
  ids(count).forEach((id, index, all) => {
    const before = index === 0 ? 'None' : `"${all[index - 1] ?? ''}"`;
    write(
      `migrations/versions/${id}.py`,
      `revision = "${id}"\ndown_revision = ${before}\n\n\ndef upgrade():\n    pass\n`,
    );
  });
  write(
    'migrations/env.py',
    `from alembic import context
from sqlalchemy import create_engine

with create_engine("sqlite:///ledger.db").connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
`,
  );
  write('alembic.ini', '[alembic]\nscript_location = migrations\n');
  const python = path.join(cwd, 'python/bin/python');
  await run(await findPython(10), ['-m', 'venv', path.join(cwd, 'python')]);
  await run(python, ['-m', 'pip', 'install', '--quiet', '--no-deps', '--disable-pip-version-check', ...ALEMBIC]);
  return { run: ['sh', '-c', 'rm -f ledger.db && python/bin/alembic upgrade head'], cwd };
}

const writerIn = (folder: string, name: string) => (file: string, text: string) => {
  const to = path.join(folder, name, file);
  mkdirSync(path.dirname(to), { recursive: true });
  writeFileSync(to, text);
};
