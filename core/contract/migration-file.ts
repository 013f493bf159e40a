// What a migration's file may export, as its author's editor sees it (docs/migrations.md).
import type { Batch, Tolerance } from '../ledger/plan.ts';

export type { Batch, Tolerance };

/** What is JSON may be one: `undefined` is not, and neither is what JSON would leave out or change. */
export type CheckpointCursor = string | number | boolean | object | null;

/** What a checkpointed migration yields. */
export interface Checkpoint<Cursor extends CheckpointCursor = CheckpointCursor> {
  /** What `migration(resume)` is given to go on from here: JSON of at most 64 KiB, another one each time. */
  cursor: Cursor;
  /** How many of `total` are done; operators see the share, the rate and the time left. */
  done?: number | undefined;
  total?: number | undefined;
  /** For operators, at most 500 characters. */
  note?: string | undefined;
  /** It is saved before the code after it runs, however soon it comes after the one before it. */
  save?: boolean | undefined;
  /**
   * What comes after it begins at this time, by S3's clock, or later: within a year. The slice ends here, and the state machine waits. One
   * that is over is waited for no longer.
   */
  notBefore?: Date | undefined;
}

/** What `plan()` of a parallel migration yields. */
export interface PlannedItems<
  Item = unknown,
  Cursor extends CheckpointCursor = CheckpointCursor,
> extends Checkpoint<Cursor> {
  /** JSON, 1 MiB of it at most. */
  items: readonly Item[];
}

export type PlainMigration = () => Promise<void>;

// Each migration has a cursor, or items, of a type of its own.
/* eslint-disable @typescript-eslint/no-explicit-any */
type Yields<Resume extends CheckpointCursor, Yielded> = (
  resume?: Resume,
) => AsyncIterable<Yielded> | Promise<AsyncIterable<Yielded>>;

/** @param resume the cursor of the last checkpoint that was saved; undefined when there is none */
export type CheckpointedMigration<Cursor extends CheckpointCursor = any> = Yields<Cursor, Checkpoint<Cursor>>;

/** `plan` of a parallel migration. */
export type Plan<Item = any, Cursor extends CheckpointCursor = any> = Yields<Cursor, PlannedItems<Item, Cursor>>;

/** `migration` of a parallel one: it does a batch of what its `plan` has yielded. */
export type BatchMigration<Item = any> = (items: Item[], batch: Batch) => Promise<void>;

/** `migration`, of whichever kind. */
export type Migration = PlainMigration | CheckpointedMigration | BatchMigration;
/* eslint-enable @typescript-eslint/no-explicit-any */

/** `parallel` of a parallel migration. */
export interface Parallel {
  /** 1 to 10,000; 500 without it. */
  itemsPerBatch?: number | undefined;
  /** How many batches run at the same time, 1 to 1,000; 20 without it. */
  concurrency?: number | undefined;
  /** How many batches may fail before no further one begins, or a share of the plan's: `'5%'`; none without it. */
  toleratedFailures?: Tolerance | undefined;
}

type Texts = string | readonly string[];

/** A statement of an IAM policy, as plain JSON. */
export type PermissionStatement = {
  /** Letters and digits. */
  Sid?: string | undefined;
  Effect: 'Allow' | 'Deny';
  Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined;
} & ({ Action: Texts; NotAction?: undefined } | { NotAction: Texts; Action?: undefined }) &
  ({ Resource: Texts; NotResource?: undefined } | { NotResource: Texts; Resource?: undefined });

/** What permissions may be made of. What only a deployment knows is a text in its place, which is to be put in whole. */
export interface PermissionsGiven {
  /** The environment's, and the file's own. */
  readonly variables: Readonly<Record<string, string>>;
  readonly account: string;
  readonly region: string;
  readonly partition: string;
}

/** `permissions`: what the migration may do in AWS, besides its own part of the ledger. */
export type Permissions =
  readonly PermissionStatement[] | ((given: PermissionsGiven) => readonly PermissionStatement[]);
