// Names and exports: what synth would refuse (project/inspect.ts), for every file and not for the first bad one alone.
import { asOdinError } from '../../core/errors.ts';
import type { DiscoveredEnvironment, MigrationFile } from '../../project/discover.ts';
import type { InspectedMigration } from '../../project/inspect.ts';
import { inspectMigrations } from '../../project/inspect.ts';
import type { Finding } from './finding.ts';

export const nameFindings = ({ name: environment, warnings }: DiscoveredEnvironment): Finding[] =>
  warnings.map(({ message, nearMiss }) => {
    return { environment, severity: nearMiss ? 'error' : 'warning', rule: 'name', message };
  });

export function inspectEach(
  environment: string,
  migrations: readonly MigrationFile[],
  workDirectory: string,
): { inspected: InspectedMigration[]; findings: Finding[] } {
  const { inspected, findings } = inspectAll(environment, migrations, workDirectory);
  return { inspected, findings: [...findings, ...inspected.flatMap((each) => misspeltFindings(environment, each))] };
}

function inspectAll(environment: string, migrations: readonly MigrationFile[], workDirectory: string) {
  try {
    return { inspected: inspectMigrations(migrations, workDirectory), findings: [] };
  } catch {
    // The error names only the first bad file, so each file is looked at alone.
    const each = migrations.map((migration) => inspectOne(environment, migration, workDirectory));
    return {
      inspected: each.flatMap(({ inspected }) => inspected),
      findings: each.flatMap(({ findings }) => findings),
    };
  }
}

function inspectOne(environment: string, migration: MigrationFile, workDirectory: string) {
  try {
    return { inspected: inspectMigrations([migration], workDirectory), findings: [] };
  } catch (thrown) {
    const { what, why } = asOdinError(thrown);
    const finding: Finding = {
      environment,
      severity: 'error',
      rule: 'exports',
      file: migration.file,
      message: [what.replace(`${migration.file}, `, ''), why].filter((text) => text !== undefined).join(' '),
    };
    return { inspected: [], findings: [finding] };
  }
}

const misspeltFindings = (environment: string, { file, misspelt }: InspectedMigration): Finding[] =>
  misspelt.map((message) => ({ environment, severity: 'warning', rule: 'exports', file, message }));
