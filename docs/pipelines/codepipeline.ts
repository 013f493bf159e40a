// A CodePipeline that deploys one environment after the other and runs its migrations: for each a stage with two actions,
// `cdk deploy` in CodeBuild and then the environment's state machine, which CodePipeline follows to its end.
//
// What happens at a halt. The action polls the execution to its end, for 7 days at most, and the stage is shown as in
// progress while the run waits for an operator. If somebody decides within 7 days, the run goes on, and the pipeline with it. A halt
// that is open for longer fails the action and nothing else: the execution goes on waiting (a year, at no cost), and the decision
// can be made as ever. "Retry stage" afterwards starts another execution, which finds in the ledger what is done. While the
// halt is still open that one is refused (HaltedElsewhere), so nothing runs twice. An aborted or refused run fails the
// stage at once. Stopping the pipeline's execution does not stop the run.
//
// A run whose execution's history is nearly full goes on in a fresh execution (docs/migrations.md). The action then ends well
// before the run does: where slices go on for two weeks, use `odin-migrate run --wait`, which follows it.
//
// With `runOnDeploy` the deployment starts a run too; the action's own one then waits for it and finds nothing left to do.
import { Aws, type StackProps } from 'aws-cdk-lib';
import { ArnFormat, Stack } from 'aws-cdk-lib';
import { BuildEnvironmentVariableType, BuildSpec, LinuxBuildImage, PipelineProject } from 'aws-cdk-lib/aws-codebuild';
import { Artifact, Pipeline, PipelineType } from 'aws-cdk-lib/aws-codepipeline';
import {
  CodeBuildAction,
  CodeStarConnectionsSourceAction,
  StepFunctionInvokeAction,
} from 'aws-cdk-lib/aws-codepipeline-actions';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { resourcePrefix, stackName } from '../../core/names/names.ts';

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
          output: source,
        }),
      ],
    });
    const deploy = this.#deployProject();
    for (const environment of props.environments) this.#addEnvironment(pipeline, environment, deploy, source);
  }

  #addEnvironment(pipeline: Pipeline, environment: string, project: PipelineProject, input: Artifact): void {
    const machineArn = this.formatArn({
      service: 'states',
      resource: 'stateMachine',
      resourceName: resourcePrefix({ environment }),
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    pipeline.addStage({
      stageName: environment,
      actions: [
        new CodeBuildAction({
          actionName: 'Deploy',
          runOrder: 1,
          project,
          input,
          environmentVariables: {
            ODIN_ENVIRONMENT: { type: BuildEnvironmentVariableType.PLAINTEXT, value: environment },
            STACK: { type: BuildEnvironmentVariableType.PLAINTEXT, value: stackName({ environment }) },
          },
        }),
        new StepFunctionInvokeAction({
          actionName: 'Migrate',
          runOrder: 2,
          stateMachine: StateMachine.fromStateMachineArn(this, `Machine-${environment}`, machineArn),
          executionNamePrefix: 'pipeline',
        }),
      ],
    });
  }

  #deployProject(): PipelineProject {
    const project = new PipelineProject(this, 'Deploy', {
      environment: { buildImage: LinuxBuildImage.STANDARD_7_0 },
      buildSpec: BuildSpec.fromObject({
        version: '0.2',
        phases: {
          install: { 'runtime-versions': { nodejs: 22 }, commands: ['npm ci'] },
          build: {
            commands: ['npx cdk deploy "$STACK" --context environment="$ODIN_ENVIRONMENT" --require-approval never'],
          },
        },
      }),
    });
    // The roles of `cdk bootstrap` do the rest.
    project.addToRolePolicy(
      new PolicyStatement({
        actions: ['sts:AssumeRole'],
        resources: [
          `arn:${Aws.PARTITION}:iam::${this.account}:role/cdk-hnb659fds-*-role-${this.account}-${this.region}`,
        ],
      }),
    );
    return project;
  }
}
