// One thing that users of the system live through, in an environment of its own.
import { expect } from 'vitest';
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

/** Who is recorded to have said it: the name that was given or, where STS vouches for the caller, its identity. */
export const whoSaid = (name: string): string =>
  expect.stringMatching(new RegExp(String.raw`^(?:${name}|arn:aws:iam::\d+:root)$`)) as string;
