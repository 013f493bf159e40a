// The embedded AWS with another interpreter: definitions as they were deployed, run by LocalStack's Step Functions.
import {
  CreateStateMachineCommand,
  SFNClient,
  StateMachineAlreadyExists,
  UpdateStateMachineCommand,
} from '@aws-sdk/client-sfn';
import type { EmbeddedAws } from '../../local/embedded-aws.ts';
import { embeddedPlatform } from '../scenarios/embedded-platform.ts';
import type { Platform } from '../scenarios/platform.ts';
import { startInterpreter } from './interpreter.ts';

export async function interpreterPlatform(): Promise<Platform> {
  const { promise, resolve } = Promise.withResolvers<EmbeddedAws>();
  const embedded = await embeddedPlatform({ started: resolve });
  const aws = await promise;
  const interpreter = await startInterpreter(aws);

  /** A function's own variable wins over the embedded AWS's. */
  function moveFunctions(): void {
    const moved = { AWS_ENDPOINT_URL_SFN: interpreter.endpoint };
    const configs = aws.lambda.functionNames().map((name) => aws.lambda.configOf(name));
    aws.lambda.updateFunctions(
      configs
        .filter(({ environment }) => environment?.['AWS_ENDPOINT_URL_SFN'] === undefined)
        .map((config) => ({ ...config, environment: { ...config.environment, ...moved } })),
    );
  }

  async function moveStateMachine(sfn: SFNClient, stateMachineArn: string): Promise<void> {
    const { name, definition } = aws.stepFunctions.describeStateMachine(stateMachineArn);
    const roleArn = `arn:aws:iam::${aws.accountId}:role/${name}`;
    try {
      await sfn.send(new CreateStateMachineCommand({ name, definition, roleArn }));
    } catch (error) {
      if (!(error instanceof StateMachineAlreadyExists)) throw error;
      await sfn.send(new UpdateStateMachineCommand({ stateMachineArn, definition }));
    }
  }

  return {
    async deploy(specs) {
      const deployments = await embedded.deploy(specs);
      moveFunctions();
      for (const [environment, deployment] of deployments) {
        const sfn = new SFNClient({ ...deployment.options, endpoint: interpreter.endpoint });
        await moveStateMachine(sfn, deployment.stateMachineArn);
        deployments.set(environment, { ...deployment, sfn });
      }
      return deployments;
    },
    notifications: embedded.notifications,
    async close() {
      await interpreter.close();
      await embedded.close();
    },
  };
}
