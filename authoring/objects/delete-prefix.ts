// Deletes what is under a prefix, page by page.
import { deleteObjects } from './delete.ts';
import type { ListedObject, Listing, PageCursor } from './listing.ts';
import { LISTING, pages } from './listing.ts';
import { BUCKET, CLIENT, FUNCTION, checkOptions, wrong } from './options.ts';

export interface PrefixDeletion extends Listing {
  /** Which objects are deleted, as they were listed; all of them without it. */
  filter?: ((object: ListedObject) => boolean) | undefined;
  resume?: DeletedCursor | undefined;
}

/** Where it goes on; `deleted` counts what is deleted of those that are `done` with. */
export interface DeletedCursor extends PageCursor {
  deleted: number;
}

/**
 * Deletes the objects under a prefix, or those of them that the filter chooses, for `yield*` in `migration()`: each as it was listed, and
 * not what was put under its key since. Needs `s3:ListBucket`, `s3:DeleteObject` and `s3:GetObject`.
 * @throws ObjectsFailed which names every key that could not be; OdinError BadArgument
 */
export function deletePrefix(options: PrefixDeletion): AsyncGenerator<DeletionCheckpoint, void, undefined> {
  checkOptions('deletePrefix', options, {
    required: { s3: CLIENT, bucket: BUCKET },
    optional: { ...LISTING, filter: FUNCTION },
  });
  if (options.prefix === undefined && options.prefixes === undefined) {
    throw wrong('deletePrefix', "expected prefix or prefixes, found neither: the whole bucket is prefix: ''");
  }
  return deletionsOf(options);
}

export interface DeletionCheckpoint {
  cursor: DeletedCursor;
  done: number;
  total?: number;
  note: string;
}

async function* deletionsOf({
  filter,
  ...listing
}: PrefixDeletion): AsyncGenerator<DeletionCheckpoint, void, undefined> {
  const { s3, bucket, resume } = listing;
  let deleted = resume?.deleted ?? 0;
  for await (const { objects, checkpoint } of pages(listing)) {
    const doomed = filter ? objects.filter(filter) : objects;
    await deleteObjects({ s3, bucket, objects: doomed });
    deleted += doomed.length;
    const { cursor, done } = checkpoint;
    yield { ...checkpoint, cursor: { ...cursor, deleted }, note: `${deleted} deleted, ${done - deleted} kept` };
  }
}
