// Which variables a migration reads, and which of them nobody gives.
import { afterEach, describe, expect, it } from 'vitest';
import { configurationOf, parseConfiguration } from '../../project/configuration.ts';
import { discoverEnvironment } from '../../project/discover.ts';
import { inspectMigrations } from '../../project/inspect.ts';
import { missingVariables } from '../../project/variables.ts';
import type { TemporaryProject } from '../support/project.ts';
import { temporaryProject } from '../support/project.ts';

let project: TemporaryProject;
afterEach(() => project.remove());

/** @param work the statements of migration() */
function inspect(work: string, head = '') {
  project = temporaryProject({
    'migrations/shared/bucket.ts':
      'export const bucket = () => process.env.SHARED;\nexport const unused = process.env.UNUSED;\n',
    'migrations/odin-dev/0001.ts': `${head}\nexport async function migration(): Promise<void> {\n${work}\n}\n`,
  });
  const { migrations } = discoverEnvironment('odin-dev', project.directory, project.configuration);
  return inspectMigrations(migrations);
}
const readsOf = (work: string, head?: string) => inspect(work, head)[0]?.reads;

describe('what a migration reads', () => {
  it.each([
    ['by its name', 'console.log(process.env.BUCKET);', ['BUCKET']],
    ['in quotes, of either kind', `console.log(process.env['A'], process.env["B"], process.env?.C);`, ['A', 'B', 'C']],
    [
      'taken out of the object',
      'const { A, B: b, C = "c", D = "" } = process.env; console.log(A, b, C, D);',
      ['A', 'B', 'D'],
    ],
    ['with an empty text for the compiler', `console.log(process.env['A'] ?? '');`, ['A']],
    ['compared', 'if (process.env.A === undefined || process.env.B) console.log(1);', ['A', 'B']],
    ['not with a fallback', `console.log(process.env['A'] ?? 'a', process.env.B || 'b');`, []],
    ['not where it is set', `process.env['A'] = 'a'; process.env.B ??= 'b';`, []],
    ['not in a comment', '// process.env.A\n/* process.env.B */', []],
    ['not with a name that is made', 'for (const name of ["A"]) console.log(process.env[name]);', []],
  ])('%s', (_, work, names) => {
    expect(readsOf(work)).toEqual(names);
  });

  it('in a module that it imports, as far as it uses that', () => {
    expect(readsOf('console.log(bucket());', "import { bucket } from '../shared/bucket.ts';")).toContain('SHARED');
  });
});

it('nobody gives what neither the file, nor the environment, nor this machine, nor Lambda has', () => {
  const migrations = inspect(
    'const { OWN, OF_ENVIRONMENT, HERE, AWS_REGION, TZ, MISSING } = process.env;\nconsole.log(OWN, OF_ENVIRONMENT, HERE, AWS_REGION, TZ, MISSING);',
    "export const variables = { OWN: '1' };",
  );
  const configuration = parseConfiguration({
    environments: { 'odin-dev': { variables: { OF_ENVIRONMENT: '1' }, local: { variables: { HERE: '1' } } } },
  });
  const missing = missingVariables(migrations, configurationOf(configuration, 'odin-dev'));
  expect(missing).toHaveLength(1);
  expect(missing[0]?.file).toBe('migrations/odin-dev/0001.ts');
  expect(missing[0]?.message).toContain('reads the variable MISSING, which nobody gives');
});
