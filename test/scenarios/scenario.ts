// One thing that users of the system live through, in an environment of its own.
import { fails, works } from './migrations.ts';
import type { Files } from './platform.ts';
import type { World } from './world.ts';

export interface Scenario {
  title: string;
  environment: string;
  files: Files;
  /** What is wrong with the ledger afterwards, because the scenario spoils it; nothing without it. */
  spoils?: string[];
  live: (world: World) => Promise<void>;
}

export const three = { '0001.ts': works(), '0002.ts': works(), '0003.ts': works() };
export const secondFails = { ...three, '0002.ts': fails() };
