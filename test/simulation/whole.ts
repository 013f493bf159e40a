// The whole of a simulation, as its parts know it; simulation.ts is it.
import type { Sandboxes } from './sandbox.ts';
import type { Surroundings } from './surroundings.ts';

export interface Whole extends Surroundings {
  readonly sandboxes: Sandboxes;
}
