// What migrations do with many S3 objects: go through them page by page, move, copy, rewrite and delete them. Import it as
// `odin-migrate/s3`.
export { pages } from './objects/listing.ts';
export type { ListedObject, Listing, Page, PageCursor } from './objects/listing.ts';
export { copyObjects, moveObjects } from './objects/copy.ts';
export type { Copies } from './objects/copy.ts';
export { deleteObjects } from './objects/delete.ts';
export type { Deletions } from './objects/delete.ts';
export { deletePrefix } from './objects/delete-prefix.ts';
export type { DeletedCursor, DeletionCheckpoint, PrefixDeletion } from './objects/delete-prefix.ts';
export { rewriteObjects } from './objects/rewrite.ts';
export type { Rewrites, Rewritten } from './objects/rewrite.ts';
export { exists, folders } from './objects/exists.ts';
export type { Folders, ObjectPlace } from './objects/exists.ts';
export { stages } from './objects/stages.ts';
export type { Stage, StageCursor } from './objects/stages.ts';
export { ObjectsFailed } from './objects/failures.ts';
export type { KeyFailure } from './objects/failures.ts';
export { objectsUnder } from './objects/under.ts';
export type { ObjectsUnder, UnderCursor } from './objects/under.ts';
export { inventory, manifestKeys } from './objects/manifest.ts';
export type { InventoryReport, ManifestFile, ManifestItem, RowCursor } from './objects/manifest.ts';
export type { Planned, PlannedOptions } from './objects/planned.ts';
