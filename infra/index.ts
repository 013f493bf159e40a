// `odin-migrate`: what a team's own CDK app imports.
export { Migrations, type MigrationsProps } from './migrations.ts';
export type { Migration } from './migration.ts';
export type { MigrationsGrants } from './grants.ts';
export type { IMigrations, MigrationsAttributes } from './imported.ts';
