// AWS's own rules (cdk-nag, AwsSolutions) over the stack of every environment of this project, and over a team's with the construct.
import { type App, Stack, Validations } from 'aws-cdk-lib';
import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import { Port, SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { AwsSolutionsChecks } from 'cdk-nag';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { addEnvironments, offlineApp } from '../../infra/build-app.ts';
import { planDeployed } from '../../project/plan.ts';
import { openProject } from '../../project/project.ts';
import { constructOf } from '../support/stack.ts';

interface Violation {
  ruleName: string;
  violatingConstructs?: { constructPath?: string }[];
}
interface Report {
  pluginReports: { pluginName: string; conclusion: string; violations: Violation[] }[];
}

/** What the app breaks without an acknowledgement. */
function findings(build: (app: App) => void): Violation[] {
  const output = mkdtempSync(path.join(tmpdir(), 'odin-nag-'));
  try {
    const app = offlineApp(output);
    build(app);
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    try {
      app.synth();
    } catch (thrown) {
      if ((thrown as Error).name !== 'ValidationFailed') throw thrown; // the report has what it found
    }
    const report = JSON.parse(readFileSync(path.join(output, 'validation-report.json'), 'utf8')) as Report;
    const nag = report.pluginReports.find(({ pluginName }) => pluginName === 'AwsSolutions');
    if (!nag) throw new Error('cdk-nag reported nothing');
    return nag.violations;
  } finally {
    rmSync(output, { recursive: true, force: true });
  }
}

function ourEnvironments(app: App, runOnDeploy = false): void {
  const project = openProject();
  for (const settings of Object.values(project.configuration.environments)) settings.stack.runOnDeploy = runOnDeploy;
  addEnvironments(app, project, { plans: planDeployed(project) });
}

it.each([false, true])(
  'finds nothing that is not acknowledged with a reason (runOnDeploy: %s)',
  (runOnDeploy) => {
    expect(findings((app) => ourEnvironments(app, runOnDeploy))).toEqual([]);
  },
  60_000,
);

it.each([
  ['whatever it grants', {}],
  ['of an app, on a former ledger', { app: 'shop', existingLedgerBucketName: 'former-ledger' }],
])(
  'finds nothing in the construct of a team, %s',
  (_, props) => {
    const found = findings((app) => {
      const stack = new Stack(app, 'Team');
      const vpc = new Vpc(stack, 'Vpc', { natGateways: 1 }) as IVpc;
      const data = new Bucket(stack, 'Data', { encryptionKey: new Key(stack, 'DataKey') });
      const orders = new Secret(stack, 'Orders', { encryptionKey: new Key(stack, 'OrdersKey') });
      const database = new SecurityGroup(stack, 'Database', { vpc });
      const construct = constructOf(stack, [{ id: '0001' }, { id: '0004', access: ['data', 'orders'] }], {
        ...props,
        vpc,
        encryptionKey: new Key(stack, 'Key'),
        runOnDeploy: true,
        access: {
          data: (migration) => data.grantReadWrite(migration),
          orders: (migration) => {
            orders.grantRead(migration);
            database.connections.allowFrom(migration, Port.tcp(5432));
          },
        },
      });
      data.grantDelete(construct); // after the construct was made
    });
    expect(found.length).toBeGreaterThan(0); // the bucket of the team, for one
    const inConstruct = found.filter((violation) => JSON.stringify(violation).includes('Team/Migrations'));
    expect(inConstruct.map(({ ruleName }) => ruleName)).toEqual([]);
  },
  60_000,
);

it('would find what is not: an open bucket beside the ledger', () => {
  const found = findings((app) => {
    ourEnvironments(app);
    new Bucket(Stack.of(app.node.findChild('OdinMigrate-sample')), 'Open');
  }).map(({ ruleName }) => ruleName);
  expect(found).toContain('AwsSolutions-S1');
  expect(found).toContain('AwsSolutions-S10');
}, 60_000);
