// The manifest: the ordered list of an environment's migrations, made at synth and shipped in the deployed functions.
import * as z from '../schema.ts';
import { Sources } from '../ledger/sources.ts';
import { OdinError } from '../errors.ts';
import { MigrationId } from '../names/identifiers.ts';

export const ManifestEntry = z.object({
  id: MigrationId,
  /** Path of the file in the repository, for messages: `migrations/odin-dev/0004.ts`. */
  file: z.string(),
  description: z.optional(z.string()),
  functionName: z.string(),
  /** Of the file's own text. */
  sourceSha256: z.string(),
  /** Of what its bundle was made of; absent in manifests of before. */
  sources: z.optional(Sources),
  /** Of the bundle: the code that a turn is allowed for. */
  codeSha256: z.string(),
  /** Its function is ended after so many seconds. */
  timeoutSeconds: z.int().check(z.minimum(1)),
  checkpointed: z.boolean(),
  /** Of one that plans batches: how many of them run at the same time, and how many may fail before no further one begins. */
  parallel: z.optional(
    z.object({
      concurrency: z.int().check(z.minimum(1)),
      /** A number of batches, or `5%` of the plan's; absent: 0. */
      toleratedFailures: z.optional(z.union([z.int(), z.string()])),
    }),
  ),
});
export type ManifestEntry = z.infer<typeof ManifestEntry>;

export const Manifest = z.object({
  formatVersion: z.literal(1),
  /** Absent of an environment without one. */
  app: z.optional(z.string()),
  environment: z.string(),
  /** What list-pending and halt say, and nobody else: a variable of theirs has it, or every commit would be other bundles. */
  gitCommit: z.nullish(z.string()),
  /** Ascending by id. */
  migrations: z.array(ManifestEntry),
  /** Those that completed.json names, ascending: they have no function. Absent of an environment that was never pruned. */
  pruned: z.optional(z.array(MigrationId)),
});
export type Manifest = z.infer<typeof Manifest>;

/** Ascending: those that were pruned are among them. */
export const deployedIds = ({ migrations, pruned = [] }: DeployedIds): string[] =>
  [...pruned, ...migrations.map(({ id }) => id)].sort();

interface DeployedIds {
  migrations: readonly { id: string }[];
  pruned?: readonly string[] | undefined;
}

/** The paths of these migrations' files, for messages. */
export const filesOf = ({ migrations }: Pick<Manifest, 'migrations'>, ids: readonly string[]): string[] =>
  migrations.filter(({ id }) => ids.includes(id)).map(({ file }) => file);

/**
 * What a baseline is of: for the function that records it, and for who shows it before.
 * @param through four digits; `pruned`: what completed.json names, and nothing else
 * @returns the ids, ascending
 * @throws OdinError UnknownMigration for a number that is not there: most likely a slip of the finger, and it would be everything
 */
export function baselineThrough(manifest: Manifest, through: string): string[] {
  if (through === 'pruned') return manifest.pruned ?? [];
  const known = deployedIds(manifest);
  if (known.includes(through)) return known.filter((id) => id <= through);
  const below = known.filter((id) => id < through).at(-1);
  throw new OdinError({
    code: 'UnknownMigration',
    source: 'user',
    what: `${through} is not among the deployed migrations of ${manifest.environment}, so nothing was recorded.`,
    why: `Deployed: ${known.length === 0 ? 'none' : `${known.length}, from ${[known[0], known.at(-1)].join(' to ')}`}.`,
    next:
      below === undefined
        ? 'There is nothing below it either: no baseline is needed.'
        : `If everything up to ${below} is meant, type --through ${below}.`,
  });
}
