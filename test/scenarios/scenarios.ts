// What users of the system live through, written once and run on the embedded AWS and on the emulator.
import { afterAll, beforeAll, describe, it } from 'vitest';
import type { Deployment } from '../../client/deployment.ts';
import { CHECKPOINTS } from './checkpoints.ts';
import { HALTS } from './halts.ts';
import type { Platform } from './platform.ts';
import { REDRIVES } from './redrive.ts';
import { RUNS } from './runs.ts';
import { World } from './world.ts';

/** Above the patience of world.ts, so that a scenario that hangs says what it waited for. */
const TIMEOUT_MS = 600_000;

/** @param redrives whether RedriveExecution is there */
export function runScenarios(
  name: string,
  makePlatform: () => Promise<Platform>,
  { redrives }: { redrives: boolean },
): void {
  const scenarios = [...HALTS, ...(redrives ? REDRIVES : []), ...CHECKPOINTS, ...RUNS];

  describe(name, { concurrent: true, timeout: TIMEOUT_MS }, () => {
    let platform: Platform;
    let deployments: Map<string, Deployment>;

    beforeAll(async () => {
      platform = await makePlatform();
      deployments = await platform.deploy(scenarios);
    });
    afterAll(async () => {
      await platform.close();
    });

    for (const { title, environment, live } of scenarios) {
      it(title, async () => {
        const deployment = deployments.get(environment);
        if (!deployment) throw new Error(`${environment} was not deployed`);
        await live(new World(platform, environment, deployment));
      });
    }
  });
}
