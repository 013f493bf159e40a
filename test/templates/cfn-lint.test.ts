// CloudFormation's own schemas, and what is known of its services, over the synthesised templates: cfn-lint, of PyPI.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { offlineApp } from '../../infra/build-app.ts';
import { MAX_MIGRATIONS } from '../../project/discover.ts';
import type { StubMigration } from '../support/stack.ts';
import { stackOf } from '../support/stack.ts';
import { installPythonProgram } from '../support/python.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'odin-cfn-lint-'));
let python = '';
beforeAll(async () => {
  python = await installPythonProgram({
    name: 'cfn-lint',
    requirements: path.resolve(import.meta.dirname, 'requirements.txt'),
    module: 'cfnlint',
    oldestMinor: 11,
  });
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Each with what a file may ask for. */
const migrations = (count: number): StubMigration[] =>
  Array.from({ length: count }, (_, n) => ({
    id: String(n + 1).padStart(4, '0'),
    description: `Moves the data of customer ${n}`,
    permissions: [
      { Sid: 'Data', Effect: 'Allow', Action: ['s3:GetObject', 's3:PutObject'], Resource: 'arn:aws:s3:::data/a/*' },
    ],
    variables: { DATA_BUCKET: 'data' },
    timeoutSeconds: 300,
    memoryMB: 2048,
  }));

const FULL = {
  notify: ['mailto:team@example.com', 'https://hooks.example.com/odin'],
  chatTopic: 'own',
  encryptionKey: 'arn:aws:kms:eu-west-1:111122223333:key/0a1b',
  vpc: { id: 'vpc-0a1b2c3d' },
  vpcSubnets: { ids: ['subnet-0a1b2c3d'] },
  architecture: 'x86_64',
  runtime: 'nodejs22.x',
  tracing: 'pass-through',
  removalPolicy: 'destroy',
  runOnDeploy: true,
};

function templateOf(name: string, count: number, stack: object = {}): string {
  const app = offlineApp(path.join(directory, name));
  const { templateFile } = stackOf(app, migrations(count), { environment: { stack } });
  app.synth();
  return path.join(app.outdir, templateFile);
}

/** Its script names the folder that it was installed in, and not the one that it was moved to. */
const MAIN = 'from cfnlint.runner import main; main()';

/** What it finds, as it prints it. W3005: CDK writes dependencies that a reference makes anyway. */
async function lint(template: string): Promise<string> {
  const args = ['-c', MAIN, '--ignore-checks', 'W3005', '--regions', 'eu-west-1', '-t', template];
  try {
    return (await promisify(execFile)(python, args)).stdout;
  } catch (thrown) {
    const { stdout, stderr } = thrown as { stdout: string; stderr: string };
    return `${stdout}${stderr}` || String(thrown);
  }
}

it.concurrent.each([
  ['one migration', 1, {}],
  ['fifty, and all that odin-migrate.json can say', 50, FULL],
  ['as many as are allowed', MAX_MIGRATIONS, {}],
])('finds nothing in the template of %s', async (name, count, stack) => {
  expect(await lint(templateOf(name, count, stack))).toBe('');
});

it('finds what is wrong', async () => {
  const template = path.join(directory, 'bad.json');
  const Properties = { ReadCapacity: 1 };
  writeFileSync(template, JSON.stringify({ Resources: { Queue: { Type: 'AWS::SQS::Queue', Properties } } }));
  expect(await lint(template)).toContain('E3002');
});
