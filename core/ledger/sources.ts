// What was run under a number, and whether the file that stands there now is the same.
import * as z from '../schema.ts';

/** Raised when the same sources give other hashes: those of two versions are not compared. */
export const SOURCES_VERSION = 2;

const Sha256 = z.string().check(z.regex(/^[0-9a-f]{64}$/));

/** Of what a migration's bundle was made of (project/sources.ts). */
export const Sources = z.object({
  version: z.int().check(z.minimum(2)),
  /** Of the texts of the migration and of the project's files that it imports: without white space, comments and names. */
  files: Sha256,
  /** Of the names and versions of the packages that it imports. */
  packages: Sha256,
});
export type Sources = z.infer<typeof Sources>;

/** Of an entry, or of a manifest's. `sources` is absent in those of before; a baseline has neither. */
export interface SourceHashes {
  /** Of the migration's own text, with one kind of line end. */
  sourceSha256?: string | undefined;
  sources?: Sources | undefined;
}

/** How the second differs from the first; undefined also when nothing is known of one of them. */
export function differenceOf(ran: SourceHashes, now: SourceHashes): 'files' | 'packages' | undefined {
  if (ran.sourceSha256 === undefined || now.sourceSha256 === undefined) return undefined;
  const [before, after] = [ran.sources, now.sources];
  if (!before || before.version !== after?.version) return ran.sourceSha256 === now.sourceSha256 ? undefined : 'files';
  if (before.files !== after.files) return 'files';
  return before.packages === after.packages ? undefined : 'packages';
}

/** Whether it is known that both are made of the same files. */
export const isSameWork = (one: SourceHashes, other: SourceHashes): boolean =>
  one.sourceSha256 !== undefined && other.sourceSha256 !== undefined && differenceOf(one, other) !== 'files';
