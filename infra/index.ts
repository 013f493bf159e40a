// `odin-migrate`: what a team's own CDK app imports, and the types of migrations' files.
export { Migrations, type MigrationsProps } from './migrations.ts';
export type { DeployedMigration } from './migration.ts';
export type { MigrationsGrants } from './grants.ts';
export type { IMigrations, MigrationsAttributes } from './imported.ts';
export type * from '../core/contract/migration-file.ts';
