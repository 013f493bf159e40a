// A CodePipeline that deploys one environment after the other and runs its migrations: for each a stage with two actions in CodeBuild,
// `cdk deploy` and `odin-migrate run --wait`.
//
// What happens at a halt. `run --wait` ends with exit code 2, so the action fails, the stage is unlocked, and the next environment is
// not reached. The execution goes on waiting (a year, at no cost). Then:
//   the fix: merge it. The pipeline deploys it into the halted environment; its run is refused (exit code 3, HaltedElsewhere), and
//            nothing runs twice. Decide retry: the halted run goes on with the code that is deployed now.
//   no fix:  decide.
// After the decision "Retry stage" follows the run to its end, and the pipeline goes on. A build may take 36 hours; a run that
// takes longer goes on without it, and "Retry stage" follows it again.
//
// A Step Functions action in the stage that deploys would not do: CodePipeline locks a stage while an action of it runs, and that one
// runs for as long as the run is halted, 7 days at most. The fix could not be deployed.
import { ArnFormat, Aws, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import { BuildEnvironmentVariableType, BuildSpec, LinuxBuildImage, PipelineProject } from 'aws-cdk-lib/aws-codebuild';
import { Artifact, Pipeline, PipelineType } from 'aws-cdk-lib/aws-codepipeline';
import { CodeBuildAction, CodeStarConnectionsSourceAction } from 'aws-cdk-lib/aws-codepipeline-actions';
import { AccountPrincipal, Grant, type IGrantable, Role } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { parameterPath, resourcePrefix, stackName, systemFunctionName } from '../../core/names/names.ts';

export interface MigrationPipelineProps extends StackProps {
  /** In the order in which they are deployed: dev before prod. All in the pipeline's own account and region. */
  environments: readonly string[];
  /** ARN of the CodeConnections connection to the repository. */
  connectionArn: string;
  owner: string;
  repository: string;
  branch?: string;
}

export class MigrationPipelineStack extends Stack {
  constructor(scope: Construct, id: string, props: MigrationPipelineProps) {
    super(scope, id, props);
    const source = new Artifact();
    const pipeline = new Pipeline(this, 'Pipeline', { pipelineType: PipelineType.V2, crossAccountKeys: false });
    const role = new Role(this, 'SourceRole', { assumedBy: new AccountPrincipal(this.account) });
    pipeline.addStage({
      stageName: 'Source',
      actions: [
        new CodeStarConnectionsSourceAction({
          actionName: 'Source',
          connectionArn: props.connectionArn,
          owner: props.owner,
          repo: props.repository,
          branch: props.branch ?? 'main',
          // With the history, so that the records of the ledger name the commit.
          codeBuildCloneOutput: true,
          role,
          output: source,
        }),
      ],
    });
    const builds = { deploy: this.#deployProject(), migrate: this.#migrateProject(props.environments) };
    // CDK allows the old name of this action alone, which a connection of today does not take (docs/aws-facts.md).
    for (const grantee of [role, builds.deploy, builds.migrate]) {
      allow(grantee, ['codeconnections:UseConnection'], [props.connectionArn]);
    }
    for (const environment of props.environments) {
      const variables = {
        ODIN_ENVIRONMENT: { type: BuildEnvironmentVariableType.PLAINTEXT, value: environment },
        STACK: { type: BuildEnvironmentVariableType.PLAINTEXT, value: stackName({ environment }) },
      };
      const action = (actionName: string, runOrder: number, project: PipelineProject) =>
        new CodeBuildAction({ actionName, runOrder, project, input: source, environmentVariables: variables });
      pipeline.addStage({
        stageName: environment,
        actions: [action('Deploy', 1, builds.deploy), action('Migrate', 2, builds.migrate)],
      });
    }
  }

  #deployProject(): PipelineProject {
    const project = this.#project(
      'Deploy',
      'npx --no-install cdk deploy "$STACK" --context environment="$ODIN_ENVIRONMENT" --require-approval never',
    );
    // The roles of `cdk bootstrap` do the rest.
    allow(
      project,
      ['sts:AssumeRole'],
      [`arn:${Aws.PARTITION}:iam::${this.account}:role/cdk-hnb659fds-*-role-${this.account}-${this.region}`],
    );
    return project;
  }

  /** It needs no permission to decide: a decision is made by a person, under that person's name. */
  #migrateProject(environments: readonly string[]): PipelineProject {
    const project = this.#project('Migrate', 'npx --no-install odin-migrate run "$ODIN_ENVIRONMENT" --wait');
    const of = (environment: string) => ({ environment });
    const arns = (service: string, resource: string, names: string[], arnFormat = ArnFormat.COLON_RESOURCE_NAME) =>
      names.map((resourceName) => this.formatArn({ service, resource, resourceName, arnFormat }));
    const machines = environments.map((environment) => resourcePrefix(of(environment)));
    const parameters = environments.map((environment) => `${parameterPath(of(environment)).slice(1)}*`);
    const stacks = environments.map((environment) => `${stackName(of(environment))}/*`);
    const asked = environments.map((environment) => systemFunctionName(of(environment), 'list-pending'));
    const slash = ArnFormat.SLASH_RESOURCE_NAME;
    allow(project, ['states:StartExecution'], arns('states', 'stateMachine', machines));
    allow(
      project,
      ['states:DescribeExecution'],
      arns(
        'states',
        'execution',
        machines.map((machine) => `${machine}:*`),
      ),
    );
    allow(project, ['lambda:InvokeFunction'], arns('lambda', 'function', asked));
    allow(project, ['cloudformation:DescribeStacks'], arns('cloudformation', 'stack', stacks, slash));
    allow(
      project,
      ['ssm:GetParameter', 'ssm:GetParameters', 'ssm:GetParametersByPath'],
      arns('ssm', 'parameter', parameters, slash),
    );
    // The ledgers, by the beginning of their names: CloudFormation shortens the rest.
    Grant.addToPrincipal({
      grantee: project,
      actions: ['s3:ListBucket', 's3:GetObject'],
      resourceArns: [`arn:${Aws.PARTITION}:s3:::odinmigrate-*`],
      conditions: { StringEquals: { 'aws:ResourceAccount': this.account } },
    });
    return project;
  }

  #project(id: string, command: string): PipelineProject {
    return new PipelineProject(this, id, {
      environment: { buildImage: LinuxBuildImage.STANDARD_7_0 },
      timeout: Duration.hours(36), // the most that CodeBuild takes
      buildSpec: BuildSpec.fromObject({
        version: '0.2',
        phases: {
          install: { 'runtime-versions': { nodejs: 22 }, commands: ['npm ci'] },
          build: { commands: [command] },
        },
      }),
    });
  }
}

const allow = (grantee: IGrantable, actions: string[], resourceArns: string[]): Grant =>
  Grant.addToPrincipal({ grantee, actions, resourceArns });
