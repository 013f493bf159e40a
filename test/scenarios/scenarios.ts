// What users of the system live through, written once and run in several places.
import { RedriveExecutionCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Deployment } from '../../client/deployment.ts';
import { BATCHES } from './batches.ts';
import { CHECKPOINTS } from './checkpoints.ts';
import { HALTS } from './halts.ts';
import type { Platform } from './platform.ts';
import { REDRIVES } from './redrive.ts';
import { RUNS } from './runs.ts';
import type { Scenario } from './scenario.ts';
import { World } from './world.ts';

/** A place to run the scenarios in, and what it does not have of Step Functions. */
interface Place {
  title: string;
  /** Then the scenarios of Redrive are left out, and a test asserts that it is still so. */
  withoutRedrive?: { reason: string; error: string } | undefined;
}

export const PLACES = {
  embedded: { title: 'on the embedded AWS' },
  emulator: {
    title: 'on the emulator, after a real cdk deploy',
    withoutRedrive: { reason: 'MiniStack 1.5.33 does not know it', error: 'InvalidAction' },
  },
  interpreter: {
    title: "on LocalStack's interpreter, with the embedded AWS around it",
    withoutRedrive: { reason: 'LocalStack 4.9.2 does not know it', error: 'InternalFailure' },
  },
} satisfies Record<string, Place>;

/** Above the patience of world.ts, so that a scenario that hangs says what it waited for. */
const TIMEOUT_MS = 600_000;

export const SCENARIOS = [...HALTS, ...REDRIVES, ...CHECKPOINTS, ...BATCHES, ...RUNS];

export function runScenarios(
  { title: place, withoutRedrive }: Place,
  makePlatform: () => Promise<Platform>,
  all: readonly Scenario[] = SCENARIOS,
): void {
  const scenarios = all.filter((scenario) => !withoutRedrive || !REDRIVES.includes(scenario));

  describe(place, { concurrent: true, timeout: TIMEOUT_MS }, () => {
    let platform: Platform;
    let deployments: Map<string, Deployment>;
    const deploymentOf = (environment: string) => {
      const deployment = deployments.get(environment);
      if (!deployment) throw new Error(`${environment} was not deployed`);
      return deployment;
    };

    beforeAll(async () => {
      platform = await makePlatform();
      deployments = await platform.deploy(scenarios);
    });
    afterAll(async () => {
      await platform.close();
    });

    for (const { title, environment, live, spoils = [] } of scenarios) {
      it(title, async () => {
        const world = new World(platform, environment, deploymentOf(environment));
        await live(world);
        expect(await world.wrong()).toEqual(spoils);
      });
    }
    if (!withoutRedrive) return;
    it(`RedriveExecution is not there: ${withoutRedrive.reason}`, async () => {
      const { sfn, stateMachineArn } = deploymentOf(scenarios[0]?.environment ?? '');
      const executionArn = `${stateMachineArn.replace(':stateMachine:', ':execution:')}:none`;
      const redrive = sfn.send(new RedriveExecutionCommand({ executionArn }));
      await expect(redrive).rejects.toMatchObject({ name: withoutRedrive.error });
    });
  });
}
