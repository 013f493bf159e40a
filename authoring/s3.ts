// What migrations do with many S3 objects: go through them page by page, move, copy and delete them. Import it as
// `odin-migrate/s3`.
export { pages } from './objects/listing.ts';
export type { ListedObject, Listing, Page, PageCursor } from './objects/listing.ts';
export { copyObjects, moveObjects } from './objects/copy.ts';
export type { Copies } from './objects/copy.ts';
export { deleteObjects } from './objects/delete.ts';
export type { Deletions } from './objects/delete.ts';
export { ObjectsFailed } from './objects/failures.ts';
export type { KeyFailure } from './objects/failures.ts';
