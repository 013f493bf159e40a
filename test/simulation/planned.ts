// What is deployed in a simulation: migrations, and versions of the whole stack.
import { createHash } from 'node:crypto';
import type { Manifest } from '../../core/contract/manifest.ts';
import type { EnvironmentId } from '../../core/names/names.ts';

export const ENVIRONMENT = 'simulated';

/** A migration of the simulated environment. */
export interface PlannedMigration {
  id: string;
  /** Steps of its user code; between two of them it can die. */
  steps: number;
  stepMs: number;
  timeoutMs: number;
  /** Set: every step is a checkpoint, and slices end after so long. */
  sliceMs: number | undefined;
  /**
   * Set: a parallel one, which plans so many batches of two items, a checkpoint for each `yields` of them, and runs so many at once,
   * until more than `tolerated` have failed.
   */
  batches?: { of: number; yields: number; atOnce: number; tolerated?: number | undefined } | undefined;
  /** Set: at each of its checkpoints but every third, what comes next is to wait for so long. */
  waitMs?: number | undefined;
  /** Its source, where another migration has the same. */
  text?: string | undefined;
  /** Counts its codes: another one is another bundle. Absent: its first. */
  code?: number | undefined;
}

export const planned = (id: string, more: Partial<PlannedMigration> = {}): PlannedMigration => ({
  id,
  steps: 2,
  stepMs: 20_000,
  timeoutMs: 60_000,
  sliceMs: undefined,
  ...more,
});

/** What one `cdk deploy` asks for. */
export interface Version {
  number: number;
  manifest: Manifest;
  /** By function name. */
  migrations: ReadonlyMap<string, PlannedMigration>;
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Other steps are other code. */
export const codeOf = (one: PlannedMigration): string => hash(`bundle of ${JSON.stringify(one)}`);

export function versionOf(
  number: number,
  migrations: readonly PlannedMigration[],
  nameOf: (of: EnvironmentId, migration: string) => string,
  pruned: readonly string[] = [],
): Version {
  return {
    number,
    manifest: {
      formatVersion: 1,
      environment: ENVIRONMENT,
      gitCommit: `commit-${number}`,
      pruned: pruned.length > 0 ? [...pruned] : undefined,
      migrations: migrations.map((one) => ({
        id: one.id,
        file: `migrations/${ENVIRONMENT}/${one.id}.ts`,
        functionName: nameOf({ environment: ENVIRONMENT }, one.id),
        sourceSha256: hash(one.text ?? `source of ${JSON.stringify(one)}`),
        codeSha256: codeOf(one),
        timeoutSeconds: one.timeoutMs / 1000,
        checkpointed: one.sliceMs !== undefined || one.batches !== undefined,
        parallel: one.batches && { concurrency: one.batches.atOnce, toleratedFailures: one.batches.tolerated },
      })),
    },
    migrations: new Map(migrations.map((one) => [nameOf({ environment: ENVIRONMENT }, one.id), one])),
  };
}

/** On whose behalf a function is invoked. */
export interface Caller {
  /** ARN of the execution; undefined: a person, a schedule, a deployment. */
  execution?: string | undefined;
  /** Of that execution's input. */
  allowOutOfOrder: boolean;
  /** Set by an answer of `list-pending`: ids of the manifest that it was deployed with, those that were pruned among them. */
  listed?: readonly string[] | undefined;
}
