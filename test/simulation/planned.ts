// What is deployed in a simulation, and who invokes it.
import type { Manifest } from '../../core/contract/manifest.ts';

/** A migration of the simulated environment. */
export interface PlannedMigration {
  id: string;
  /** Steps of its user code; between two of them it can die. */
  steps: number;
  stepMs: number;
  timeoutMs: number;
  /** Set: every step is a checkpoint, and slices end after so long. */
  sliceMs: number | undefined;
}

export interface Deployment {
  version: number;
  manifest: Manifest;
  /** By function name; a migration's predecessor comes from its manifest. */
  migrations: Map<string, { planned: PlannedMigration; predecessor: string | undefined }>;
}

/** Who invokes, and on which grounds. */
export interface Caller {
  execution?: string;
  /** Ids of the manifest by which the execution chose its step. */
  manifest: readonly string[];
  allowOutOfOrder: boolean;
  /** Set by an invocation of `list-pending`: ids of the manifest that it was deployed with. */
  listed?: readonly string[];
}
