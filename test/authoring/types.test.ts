// What the types of `odin-migrate/types` take and refuse: `npm run typecheck` fails where one of the lines below is not as it says.
// That what they take is taken by synth too is tried here.
/* eslint-disable @typescript-eslint/require-await -- none of this code runs */
import type { S3Client } from '@aws-sdk/client-s3';
import { expect, expectTypeOf, it } from 'vitest';
import type {
  Batch,
  BatchMigration,
  Checkpoint,
  CheckpointedMigration,
  Migration,
  Parallel,
  Permissions,
  PermissionsGiven,
  PermissionStatement,
  Plan,
  PlannedItems,
} from '../../authoring/types.ts';
import type * as root from '../../infra/index.ts';
import type {
  DeletedCursor,
  ListedObject,
  PageCursor,
  RowCursor,
  StageCursor,
  UnderCursor,
} from '../../authoring/s3.ts';
import { deletePrefix, inventory, manifestKeys, objectsUnder, pages, stages } from '../../authoring/s3.ts';
import type { Permission } from '../../project/permission.ts';
import { PermissionList } from '../../project/permission.ts';
import type { Given } from '../../project/placeholder.ts';
import type { YieldedCheckpoint } from '../../lambdas/run-migration/user-code/yielded.ts';

/** Code of this shape compiles; none of it runs. */
const compiles = (code: () => unknown): void => expect(code).toBeTypeOf('function');
declare const s3: S3Client;

it('a plain migration', () => {
  const plain: Migration = async () => {};
  // @ts-expect-error -- what it gives back is nobody's
  const value: Migration = async () => 1;
  // @ts-expect-error -- nobody awaits these
  const promises: Migration = async () => [Promise.resolve()];
  // @ts-expect-error -- a migration is no promise
  const begun: Migration = Promise.resolve();
  // @ts-expect-error -- a generator that is not async
  const notAsync: Migration = function* () {
    yield { cursor: 1 };
  };
  expect([plain, value, promises, begun, notAsync]).toHaveLength(5);
});

it('one with checkpoints, as an arrow, a function, of a listing and of stages', () => {
  const counted: Migration = async function* (resume?: number) {
    yield { cursor: (resume ?? 0) + 1, done: 1, total: 2, note: 'one', save: true, notBefore: new Date() };
  };
  const typed: CheckpointedMigration<number> = async function* (resume) {
    expectTypeOf(resume).toEqualTypeOf<number | undefined>();
    yield { cursor: 1 };
  };
  async function* listed(resume?: PageCursor): AsyncGenerator<Checkpoint<PageCursor>> {
    for await (const { checkpoint } of pages({ s3, bucket: 'data', resume })) yield checkpoint;
  }
  async function* staged(resume?: StageCursor): AsyncGenerator<Checkpoint<StageCursor>> {
    yield* stages({ listed, check: async () => {} }, resume);
  }
  async function* any(): AsyncGenerator<Checkpoint> {
    yield { cursor: 'a' };
    yield { cursor: { after: ['a', null] } };
    // @ts-expect-error -- JSON would leave it out
    yield { cursor: undefined };
    // @ts-expect-error -- it has no cursor
    yield { done: 1 };
    // @ts-expect-error -- it is called done
    yield { cursor: 1, doen: 1 };
    // @ts-expect-error -- a number
    yield { cursor: 1, total: '2' };
    // @ts-expect-error -- a Date of JavaScript
    yield { cursor: 1, notBefore: '2026-03-01T12:00:00Z' };
  }
  // @ts-expect-error -- its cursor is a number
  const other: CheckpointedMigration<number> = async function* () {
    yield { cursor: 'a' };
  };
  // @ts-expect-error -- it has no cursor
  const none: Migration = async function* () {
    yield { done: 1 };
  };
  // @ts-expect-error -- the first slice is given undefined
  const always: CheckpointedMigration<number> = async function* (resume: number) {
    yield { cursor: resume + 1 };
  };
  const all: Migration[] = [counted, typed, listed, staged, any, async () => any()];
  compiles(() => [all, other, none, always]);
});

it('one with a plan', () => {
  const plan: Plan<string, number> = async function* (resume = 0) {
    yield { items: ['a'], cursor: resume + 1, done: 1 };
  };
  const migration: Migration = async (items: string[], batch) => {
    expectTypeOf(batch).toEqualTypeOf<Batch>();
    console.log(items, batch.number / batch.of);
  };
  const typed: BatchMigration<string> = async (items) => {
    expectTypeOf(items).toEqualTypeOf<string[]>();
  };
  async function* objects(): AsyncGenerator<PlannedItems<{ key: string }, object>> {
    yield* objectsUnder({ s3, bucket: 'data', prefixes: [''] });
  }
  const parallel: Parallel = { itemsPerBatch: 100, concurrency: 5, toleratedFailures: '5%' };
  // @ts-expect-error -- a plan has items
  const without: Plan = async function* () {
    yield { cursor: 1 };
  };
  // @ts-expect-error -- its items are strings
  const numbers: Plan<string> = async function* () {
    yield { items: [1], cursor: 1 };
  };
  // @ts-expect-error -- it is called concurrency
  const misnamed: Parallel = { concurency: 5 };
  compiles(() => [plan, migration, typed, objects, parallel, without, numbers, misnamed]);
});

it('what the helpers of odin-migrate/s3 give back is a plan, and a migration', () => {
  const listed: Plan<ListedObject> = (resume?: UnderCursor) =>
    objectsUnder({ s3, bucket: 'data', prefixes: [''], resume });
  const reported: Plan<ListedObject> = (resume?: RowCursor) =>
    inventory({ s3, bucket: 'data', manifest: 's3://a/b', resume });
  const named: Plan<{ key: string }> = (resume?: RowCursor) =>
    manifestKeys({ s3, bucket: 'data', manifest: 's3://a/b', resume });
  const staged: Plan<ListedObject> = (resume?: StageCursor) =>
    stages({ listed, check: async () => {}, reported }, resume);
  async function* written(resume?: StageCursor): AsyncGenerator<PlannedItems<ListedObject, StageCursor>> {
    yield* stages({ listed, reported }, resume);
  }
  const inFull: Plan = written;
  // @ts-expect-error -- these yield no items
  const without: Plan = (resume?: StageCursor) =>
    stages({ deleted: () => deletePrefix({ s3, bucket: 'data', prefix: '' }) }, resume);
  // @ts-expect-error -- its items are objects
  const numbers: Plan<number> = (resume?: UnderCursor) => objectsUnder({ s3, bucket: 'data', prefixes: [''], resume });
  const deleted: Migration = (resume?: DeletedCursor) => deletePrefix({ s3, bucket: 'data', prefix: '', resume });
  const inStages: Migration = (resume?: StageCursor) => stages({ deleted, check: async () => {} }, resume);
  const all: Migration[] = [deleted, inStages, listed, reported, named, staged, written];
  compiles(() => [all, inFull, without, numbers]);
});

it('permissions', () => {
  const permissions: Permissions = [
    { Effect: 'Allow', Action: 's3:GetObject', Resource: ['arn:aws:s3:::data/*'] },
    {
      Sid: 'No',
      Effect: 'Deny',
      NotAction: ['s3:*'],
      NotResource: '*',
      Condition: { Bool: { 'aws:SecureTransport': true } },
    },
  ];
  const made: Permissions = ({ variables, partition, account, region }) => [
    {
      Effect: 'Allow',
      Action: 's3:GetObject',
      Resource: `arn:${partition}:s3:${region}:${account}:${variables['DATA']}/*`,
    },
  ];
  expect(PermissionList.parse(permissions)).toEqual(permissions);
  const statement = { Action: 's3:GetObject', Resource: '*' };
  const wrong: Permissions[] = [
    // @ts-expect-error -- as a policy has it: with a capital letter
    [{ effect: 'Allow', ...statement }],
    // @ts-expect-error -- Allow or Deny
    [{ Effect: 'allow', ...statement }],
    // @ts-expect-error -- of what?
    [{ Effect: 'Allow', Action: 's3:GetObject' }],
    // @ts-expect-error -- either of them
    [{ Effect: 'Allow', ...statement, NotAction: 's3:PutObject' }],
    // @ts-expect-error -- the policy of a role has none
    [{ Effect: 'Allow', Action: 's3:GetObject', Resource: '*', Principal: '*' }],
    // @ts-expect-error -- a list of such
    { Effect: 'Allow', ...statement },
    // @ts-expect-error -- a variable may not be there
    ({ variables }) => [{ Effect: 'Allow', Action: '*', Resource: variables.DATA.trim() }],
  ];
  // What the types refuse, synth refuses; the last one is a function.
  expect(wrong.slice(0, -1).map((each) => PermissionList.safeParse(each).success)).toEqual(
    wrong.slice(0, -1).map(() => false),
  );
  compiles(() => made);
});

it('they say what synth, the functions and the package’s main entry say', () => {
  expectTypeOf<Given>().toExtend<PermissionsGiven>();
  expectTypeOf<Permission>().toHaveProperty('Effect').toEqualTypeOf<PermissionStatement['Effect']>();
  expectTypeOf<keyof Permission>().toEqualTypeOf<keyof PermissionStatement>();
  expectTypeOf<Exclude<keyof YieldedCheckpoint, 'batches'>>().toEqualTypeOf<keyof Checkpoint>();
  expectTypeOf<root.Migration>().toEqualTypeOf<Migration>();
  expectTypeOf<root.Checkpoint>().toEqualTypeOf<Checkpoint>();
  expectTypeOf<root.Permissions>().toEqualTypeOf<Permissions>();
});
