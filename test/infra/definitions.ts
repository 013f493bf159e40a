// The machine's definitions as they were deployed, kept as files: an execution keeps the one that it began with, and may wait in a
// halt for a year. `npm run record-release` stores today's (docs/versions.md).
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { stateMachineDefinition } from '../../core/contract/machine-definition.ts';
import { DEFINITION } from '../../core/contract/payloads.ts';

const FOLDER = path.join(import.meta.dirname, 'definitions');
const STORED_OF = { environment: 'odin-dev' };

const fileOf = (version: number): string => path.join(FOLDER, `${version}.json`);

/** Ascending; the last is today's. */
export const storedDefinitions = (): number[] =>
  readdirSync(FOLDER)
    .map((name) => Number.parseInt(name))
    .sort((one, other) => one - other);

/** As it was deployed for an environment. */
export const storedDefinition = (version: number, environment: string): string =>
  readFileSync(fileOf(version), 'utf8').replaceAll(STORED_OF.environment, environment);

export const todaysDefinition = (): string => `${JSON.stringify(stateMachineDefinition(STORED_OF), undefined, 2)}\n`;

export const storeDefinition = (): void => {
  writeFileSync(fileOf(DEFINITION), todaysDefinition());
};
