// The types of what a migration's file exports. Import them as `odin-migrate/types`, which loads nothing, or from `odin-migrate`,
// which loads the declarations of CDK.
export type * from '../core/contract/migration-file.ts';
