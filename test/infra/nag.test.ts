// AWS's own rules (cdk-nag, AwsSolutions) over the stack of every environment of this project.
import { type App, Stack, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { openProject } from '../../project/project.ts';
import { addEnvironments, offlineApp } from '../../infra/build-app.ts';

interface Report {
  pluginReports: { pluginName: string; conclusion: string; violations: { ruleName: string }[] }[];
}

/** The rules that the stack of `sample` breaks without an acknowledgement. */
function findings({ runOnDeploy = false, change }: { runOnDeploy?: boolean; change?: (app: App) => void }): string[] {
  const { directory, configuration } = openProject();
  for (const settings of Object.values(configuration.environments)) settings.stack.runOnDeploy = runOnDeploy;
  const output = mkdtempSync(path.join(tmpdir(), 'odin-migrate-nag-'));
  try {
    const app = offlineApp(output);
    addEnvironments({ app, project: { directory, configuration } });
    change?.(app);
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    try {
      app.synth();
    } catch (thrown) {
      if ((thrown as Error).name !== 'ValidationFailed') throw thrown; // the report has what it found
    }
    const report = JSON.parse(readFileSync(path.join(output, 'validation-report.json'), 'utf8')) as Report;
    const nag = report.pluginReports.find(({ pluginName }) => pluginName === 'AwsSolutions');
    if (!nag) throw new Error('cdk-nag reported nothing');
    return nag.violations.map(({ ruleName }) => ruleName);
  } finally {
    rmSync(output, { recursive: true, force: true });
  }
}

it.each([false, true])(
  'finds nothing that is not acknowledged with a reason (runOnDeploy: %s)',
  (runOnDeploy) => {
    expect(findings({ runOnDeploy })).toEqual([]);
  },
  60_000,
);

it('would find what is not: an open bucket beside the ledger', () => {
  const found = findings({
    change: (app) => {
      new Bucket(Stack.of(app.node.findChild('OdinMigrate-sample')), 'Open');
    },
  });
  expect(found).toContain('AwsSolutions-S1');
  expect(found).toContain('AwsSolutions-S10');
}, 60_000);
