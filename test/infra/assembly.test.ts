// An assembly, of a deployment and of an environment on this machine: taken as it lies there as long as the same would come out, and
// made again when anything differs.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { makeLocalAssembly } from '../../client/assembly.ts';
import { synthesise } from '../../client/synth.ts';
import { stackName } from '../../core/names/names.ts';
import type { PracticeFault } from '../../project/bundle.ts';
import { planEnvironment } from '../../project/plan.ts';
import { openProject } from '../../project/project.ts';
import type { TemporaryProject } from '../support/project.ts';
import { PROJECT, temporaryProject } from '../support/project.ts';

const FILE = 'migrations/odin-dev/0001.ts';
const SHARED = 'migrations/shared/one.ts';
const file = (description: string, code = 'one()') =>
  `import { one } from 'one';\nexport const description = '${description}';\nexport const migration = () => Promise.resolve(${code});\n`;
const ONE = 'export function one() {\n  return process.argv.length > 1;\n}\n';
const pathTo = (one: string) => JSON.stringify({ compilerOptions: { paths: { one: [`./${one}`] } } });
const FIRST = {
  [FILE]: file('First'),
  [SHARED]: ONE,
  'migrations/shared/other.ts': ONE.replace('1', '2'),
  'tsconfig.json': pathTo(SHARED),
  'odin-migrate.json': '{}',
  'package.json': '{"name":"shop"}',
};

let project: TemporaryProject;
const at = (name: string) => path.join(project.directory, 'cdk.out', name);
const template = () => at(`${stackName({ environment: 'odin-dev' })}.template.json`);
/** The folders with the code of 0001 in this assembly; in that of a deployment those of former ones stay. */
const bundled = () => {
  const assets = readFileSync(template().replace('.template.', '.assets.'), 'utf8');
  return readdirSync(at('')).filter((name) => assets.includes(name) && existsSync(at(`${name}/0001.mjs`)));
};

beforeAll(() => {
  project = temporaryProject({}, { packages: ['@aws-sdk'] });
});
beforeEach(() => {
  for (const [name, text] of Object.entries(FIRST)) project.write(name, text);
});
afterEach(() => {
  vi.unstubAllEnvs();
});
afterAll(() => {
  project.remove();
});

/** @returns whether it was made, and not taken as it lay there */
async function isMadeBy(make: () => Promise<void>): Promise<boolean> {
  const time = () => statSync(at('manifest.json'), { bigint: true, throwIfNoEntry: false })?.ctimeNs;
  const before = time();
  await make();
  return time() !== before;
}

const damaged: [string, () => void][] = [
  ['a file of it is gone', () => rmSync(template())],
  ['a file of it was written', () => writeFileSync(template(), readFileSync(template(), 'utf8'))],
  ['a file of a bundle is gone', () => rmSync(at(`${bundled()[0]!}/0001.mjs`))],
  [
    'a file of a bundle was written, and its time put back',
    () => {
      const of = at(`${bundled()[0]!}/0001.mjs`);
      const { atime, mtime } = statSync(of);
      writeFileSync(of, readFileSync(of, 'utf8').replace('1', '2'));
      utimesSync(of, atime, mtime);
    },
  ],
  ['there is a file more in a bundle', () => writeFileSync(at(`${bundled()[0]!}/more`), '')],
  ['nothing says that it is whole', () => rmSync(at('sealed.json'))],
  ['half of that was written', () => writeFileSync(at('sealed.json'), readFileSync(at('sealed.json')).subarray(0, 40))],
];

describe('the assembly of a deployment', () => {
  const leftOut: string[] = [];
  const isMade = () =>
    isMadeBy(() => synthesise(openProject(project.directory), (error) => leftOut.push(error.message)));
  /** Some of what the CLI gives. */
  const CONTEXT = {
    'aws:cdk:bundling-stacks': ['**'],
    '@aws-cdk/core:failSynthOnValidationErrors': false, // it does that itself
    'aws:cdk:disable-creation-stack-traces': true, // they would be those of this test
  };

  beforeEach(async () => {
    vi.stubEnv('CDK_OUTDIR', at(''));
    vi.stubEnv('CDK_VALIDATION', 'false'); // it takes a second each time
    vi.stubEnv('CDK_DEFAULT_ACCOUNT', '111122223333');
    vi.stubEnv('CDK_DEFAULT_REGION', 'eu-west-1');
    vi.stubEnv('CDK_CONTEXT_JSON', JSON.stringify(CONTEXT));
    project.write('overflow.json', '{"more":"a"}');
    vi.stubEnv('CONTEXT_OVERFLOW_LOCATION_ENV', path.join(project.directory, 'overflow.json'));
    await isMade();
    expect(await isMade()).toBe(false);
  });

  it.each<[string, () => void]>([
    ['what a file says of itself has changed', () => project.write(FILE, file('Other'))],
    ['what a file does has changed', () => project.write(FILE, file('First', '2'))],
    ['only the map of its code has', () => project.write(SHARED, `// a remark\n${ONE}`)],
    ['there is another file', () => project.write('migrations/odin-dev/0002.ts', file('Second'))],
    ['there is one that is skipped', () => project.write('migrations/odin-dev/002.ts', '')],
    ['a file is wrong', () => project.write(FILE, 'export const migration = 1;\n')],
    ['there is another environment', () => project.write('migrations/odin-prod/0001.ts', file('First'))],
    ['the compiler reads it differently', () => project.write('tsconfig.json', pathTo('migrations/shared/other.ts'))],
    [
      'odin-migrate.json says otherwise',
      () => configure({ environments: { 'odin-dev': { stack: { alarms: false } } } }),
    ],
    ['the app has another name', () => configure({ app: 'shop' })],
    ['it goes to another account', () => vi.stubEnv('CDK_DEFAULT_ACCOUNT', '444455556666')],
    ['it goes to another region', () => vi.stubEnv('CDK_DEFAULT_REGION', 'eu-west-2')],
    ['there is other context', () => context({ some: 'context' })],
    ['one environment is asked for', () => context({ environment: 'odin-dev' })],
    ['no stack is needed with its code', () => context({ 'aws:cdk:bundling-stacks': [] })],
    ['there is other context in a file', () => project.write('overflow.json', '{"more":"b"}')],
    ['something steers CDK', () => vi.stubEnv('CDK_DEBUG', '1')],
    ['packages were installed', () => project.write('node_modules/.package-lock.json', '{}')],
    ['it is of another commit', () => vi.stubEnv('GITHUB_SHA', 'a'.repeat(40))], // no git says it, in a temporary folder
  ])('is made again when %s', async (_, change) => {
    change();
    expect(await isMade()).toBe(true);
    for (const more of ['odin-dev/0002.ts', 'odin-dev/002.ts', 'odin-prod']) {
      rmSync(path.join(project.directory, 'migrations', more), { recursive: true, force: true });
    }
  });

  const configure = (configuration: object) => project.write('odin-migrate.json', JSON.stringify(configuration));
  const context = (more: object) => vi.stubEnv('CDK_CONTEXT_JSON', JSON.stringify({ ...CONTEXT, ...more }));

  it.each(damaged)('is made again, and as it was, when %s', async (_, damage) => {
    const before = contents();
    damage();
    expect(await isMade()).toBe(true);
    expect(differences(before)).toEqual([]);
  });

  it('leaves out a folder that cannot be an environment, and tells of it; alone, or as the only one, it is refused', async () => {
    project.write('migrations/Odin_Test/0001.ts', file('Never'));
    leftOut.length = 0;
    await isMade();
    expect(existsSync(template())).toBe(true);
    expect(leftOut).toEqual([expect.stringContaining('"Odin_Test" cannot be an environment')]);
    vi.stubEnv('CDK_CONTEXT_JSON', JSON.stringify({ ...CONTEXT, environment: 'Odin_Test' }));
    await expect(isMade()).rejects.toMatchObject({ code: 'BadEnvironmentName' });
    vi.stubEnv('CDK_CONTEXT_JSON', JSON.stringify(CONTEXT));
    rmSync(path.join(project.directory, 'migrations/odin-dev'), { recursive: true });
    await expect(isMade()).rejects.toMatchObject({ code: 'BadEnvironmentName' });
    rmSync(path.join(project.directory, 'migrations/Odin_Test'), { recursive: true });
  });

  it('is taken when the CDK CLI has put its own into the folder', async () => {
    const theirs = ['.cache/archive.zip', 'read.1.1.lock', 'performance-counters.json'];
    for (const name of theirs) project.write(`cdk.out/${name}`, '{}');
    expect(await isMade()).toBe(false);
    for (const name of theirs) expect(existsSync(at(name))).toBe(true);
  });

  it('is the same, file by file, as one that was made in an empty folder', async () => {
    await isMade();
    const before = contents();
    rmSync(at(''), { recursive: true });
    expect(await isMade()).toBe(true);
    const after = contents();
    expect(Object.keys(after).filter((name) => after[name] !== before[name])).toEqual([]);
    expect(readdirSync(at('')).filter((name) => existsSync(at(`${name}/0001.mjs`)))).toEqual(bundled()); // CDK copied nothing
  });
});

/** Of the whole assembly, file → text; without the seal. */
const contents = (): Record<string, string> =>
  Object.fromEntries(
    readdirSync(at(''), { recursive: true, encoding: 'utf8' })
      .filter((name) => name !== 'sealed.json' && statSync(at(name)).isFile())
      .sort()
      .map((name) => [name, readFileSync(at(name), 'utf8')]),
  );

const differences = (before: Record<string, string>): string[] => {
  const after = contents();
  return Object.keys({ ...before, ...after }).filter((name) => before[name] !== after[name]);
};

describe('odin-migrate synth', () => {
  it('says again what CDK said when the assembly was made, and does not load CDK for it', () => {
    rmSync(at(''), { recursive: true, force: true });
    const run = () => {
      const { status, stderr } = spawnSync(process.execPath, [path.join(PROJECT, 'cli/odin-migrate.js'), 'synth'], {
        cwd: project.directory,
        encoding: 'utf8',
        // CDK then says on stderr what depends on what.
        env: { ...process.env, CDK_OUTDIR: at(''), CDK_DEBUG_DEPS: '1' },
      });
      expect(status).toBe(0);
      return stderr;
    };
    const first = run();
    expect(first).toContain('[CDK_DEBUG_DEPS]');
    const report = readFileSync(at('validation-report.json'), 'utf8');
    expect(JSON.parse(report)).toHaveProperty('pluginReports');
    const before = statSync(template(), { bigint: true }).ctimeNs;
    expect(run()).toBe(first);
    expect(statSync(template(), { bigint: true }).ctimeNs).toBe(before);
    expect(readFileSync(at('manifest.json'), 'utf8')).not.toContain('aws:cdk:error');
  });
});

describe('the assembly of an environment on this machine', () => {
  const isMade = (
    settings: object = {},
    variables: Record<string, string> = {},
    practiceFault?: PracticeFault,
  ): Promise<boolean> => {
    project.write('odin-migrate.json', JSON.stringify({ environments: { 'odin-dev': settings } }));
    const opened = openProject(project.directory);
    const { directory: projectDirectory, configuration } = opened;
    const plan = planEnvironment({ environment: 'odin-dev', projectDirectory, configuration, practiceFault });
    return isMadeBy(() => makeLocalAssembly({ project: opened, plan, variables, practiceFault, directory: at('') }));
  };

  beforeEach(async () => {
    await isMade();
    expect(await isMade()).toBe(false);
  });

  it.each<[string, () => Promise<boolean>]>([
    [
      'what a file does has changed',
      () => {
        project.write(FILE, file('First', '2'));
        return isMade();
      },
    ],
    ['the settings of the environment have changed', () => isMade({ stack: { haltAlarmHours: 5 } })],
    ['the variables of its functions have changed', () => isMade({}, { MORE: 'a' })],
    ['a fault is practised', () => isMade({}, {}, { migration: '0001', fault: 'fail' })],
  ])('is made again when %s', async (_, made) => {
    expect(await made()).toBe(true);
  });

  it.each(damaged)('is made again when %s', async (_, damage) => {
    damage();
    expect(await isMade()).toBe(true);
  });

  it('has the bundles in it, and nothing of an assembly before it', async () => {
    expect(bundled()).toHaveLength(1);
    const [before] = bundled();
    project.write(FILE, file('First', '2'));
    await isMade();
    expect(bundled()).toHaveLength(1);
    expect(bundled()).not.toEqual([before]);
  });
});
