// What Lambda evaluates before a migration's first line runs: the function's module, and that of the process that it starts for
// user code. Beside it the S3 client alone, as one file. Processes that do nothing but that, many of them, in turn.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { buildSync } from 'esbuild';
import { VARIABLES } from '../../core/names/names.ts';
import { PROJECT } from '../../test/support/project.ts';
import type { Measurable } from '../measure.ts';
import { costOf, inTurn, NODE } from '../measure.ts';
import { environmentOf, makeProject, TRIVIAL } from '../projects.ts';
import type { Bench, Subject } from '../subject.ts';
import { withEnv } from '../subject.ts';

/** Starts a process of user code, has it play its turn, and waits for its end. */
const STARTER = path.join(import.meta.dirname, '../peers/start-user-process.js');

export const imports: Subject = async function* (bench) {
  bench.tell('imports');
  const { code, handler, environment } = await deployedFunction(bench);
  const module = path.join(code, `${handler.split('.')[0] ?? ''}.mjs`);
  const userProcess = path.join(code, '0001.process.mjs');
  const client = path.join(bench.folder, 's3-client.mjs');
  bundleClient(client);
  const importing = (file: string, env: Record<string, string> = {}): Measurable => ({
    run: [NODE, '--input-type=module', '--eval', `await import(${JSON.stringify(file)}); process.exit(0);`],
    cwd: code,
    env: { AWS_REGION: 'eu-west-1', ...env },
  });
  const starting = (...what: string[]): Measurable => ({
    run: [NODE, STARTER, ...what],
    cwd: code,
    env: { ...environment, AWS_REGION: 'eu-west-1' },
  });
  const nothing = path.join(bench.folder, 'nothing.mjs');
  writeFileSync(nothing, '');
  const costs = await inTurn(
    {
      bare: importing(nothing),
      client: importing(client),
      wrapper: importing(module, environment),
      user: starting('--enable-source-maps', userProcess),
      noUser: starting(nothing),
    },
    { rounds: bench.short ? 9 : 41, warmUp: 1 },
  );
  const ms = (name: keyof typeof costs) => costs[name].cpuSeconds * 1000;
  // The starter is no part of a turn: what it costs with a bare process under it goes off.
  const user = ms('user') - ms('noUser') + ms('bare');
  const beside = { what: 'the S3 client as one file', value: ms('client') };
  const rounded = (value: number) => Math.round(value);
  yield {
    row: 'turn-imports',
    value: ms('wrapper') + user - ms('bare'),
    beside,
    note: `wrapper ${rounded(ms('wrapper'))}, process of user code ${rounded(user)}, bare ${rounded(ms('bare'))}`,
  };
  yield { row: 'wrapper-imports', value: ms('wrapper'), beside };
};

interface DeployedFunction {
  /** The folder that would be unpacked in /var/task. */
  code: string;
  handler: string;
  environment: Record<string, string>;
}

/** Of an empty migration, out of the assembly. */
async function deployedFunction({ folder }: Bench): Promise<DeployedFunction> {
  const project = makeProject(
    folder,
    environmentOf(1, () => TRIVIAL),
  );
  await costOf(withEnv(project.odin('synth'), { CDK_OUTDIR: 'cdk.out' }));
  const assembly = path.join(project.directory, 'cdk.out');
  const [stack] = Object.values((readJson(path.join(assembly, 'manifest.json')) as Manifest).artifacts).filter(
    ({ type, properties }) => type === 'aws:cloudformation:stack' && properties?.templateFile !== undefined,
  );
  const { Resources } = readJson(path.join(assembly, stack?.properties?.templateFile ?? '')) as Template;
  const found = Object.values(Resources).find(
    ({ Type, Properties }) =>
      Type === 'AWS::Lambda::Function' && Properties?.Environment?.Variables?.[VARIABLES.migration] === '0001',
  );
  if (found?.Properties === undefined) throw new Error(`No function of migration 0001 in ${assembly}.`);
  const { Code, Handler, Environment } = found.Properties;
  // What CloudFormation would fill in is not read at import.
  const environment = Object.entries(Environment?.Variables ?? {}).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : 'unknown',
  ]);
  return {
    code: path.join(assembly, `asset.${path.parse(Code?.S3Key ?? '').name}.code`),
    handler: Handler ?? '',
    environment: Object.fromEntries(environment) as Record<string, string>,
  };
}

interface Manifest {
  artifacts: Record<string, { type: string; properties?: { templateFile?: string } }>;
}

interface Template {
  Resources: Record<
    string,
    {
      Type: string;
      Properties?: {
        Code?: { S3Key?: string };
        Handler?: string;
        Environment?: { Variables?: Record<string, unknown> };
      };
    }
  >;
}

const readJson = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));

function bundleClient(outfile: string): void {
  buildSync({
    stdin: { contents: "import { S3Client } from '@aws-sdk/client-s3';\nnew S3Client({});\n", resolveDir: PROJECT },
    outfile,
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
    logLevel: 'error',
  });
}
