// Names and exports: what synth would refuse (project/inspect.ts), for every file and not for the first bad one alone.
import { readFileSync } from 'node:fs';
import { asOdinError } from '../../core/errors.ts';
import type { Sources } from '../../core/ledger/sources.ts';
import { readSources } from '../../project/bundle.ts';
import type { DiscoveredEnvironment, MigrationFile } from '../../project/discover.ts';
import type { BrokenMigration, InspectedMigration } from '../../project/inspect.ts';
import { returnedText } from '../../project/discover.ts';
import { inspectFiles, isFine } from '../../project/inspect.ts';
import { isNotWritten } from '../../project/not-written.ts';
import type { Given } from '../../project/placeholder.ts';
import type { Finding } from './finding.ts';

export const nameFindings = ({ name: environment, warnings }: DiscoveredEnvironment): Finding[] =>
  warnings.map(({ message, nearMiss }) => {
    return { environment, severity: nearMiss ? 'error' : 'warning', rule: 'name', message };
  });

/** Files that are as `new` has written them: deployed, each of them halts the run. */
export const unwrittenFindings = (environment: string, migrations: readonly MigrationFile[]): Finding[] =>
  migrations
    .filter((file) => isNotWritten(readFileSync(file.path, 'utf8')))
    .map(({ file }) => ({
      environment,
      severity: 'warning',
      rule: 'exports',
      file,
      message: 'Its work is not written yet: it throws, and a run halts there.',
    }));

/** Files of migrations that completed.json names: what was meant to run there never would. */
export const returnedFindings = ({ name: environment, returned }: DiscoveredEnvironment): Finding[] =>
  returned.map((file) => ({
    environment,
    severity: file.changed ? 'error' : 'warning',
    rule: 'completed',
    file: file.file,
    message: returnedText(file).slice(file.file.length + 1),
  }));

/** @param given what is known of the environment here; @param directory the project */
export function inspectEach(
  environment: string,
  migrations: readonly MigrationFile[],
  given: Given,
  directory: string,
): { inspected: InspectedMigration[]; findings: Finding[] } {
  const files = inspectFiles(migrations, given, directory);
  return {
    inspected: files.filter(isFine),
    findings: files.flatMap((file) =>
      isFine(file) ? remarkFindings(environment, file) : [brokenFinding(environment, file)],
    ),
  };
}

/** What each migration's bundle would be made of, and what keeps one from being made. @param directory the project */
export function sourcesOfEach(
  environment: string,
  migrations: readonly MigrationFile[],
  directory: string,
): { of: Map<string, Sources>; findings: Finding[] } {
  try {
    return { of: readSources(directory, migrations), findings: [] };
  } catch {
    // The error does not say for certain which file it is of, so each is read alone.
    const of = new Map<string, Sources>();
    const findings = migrations.flatMap((migration) => {
      try {
        for (const [id, sources] of readSources(directory, [migration])) of.set(id, sources);
        return [];
      } catch (thrown) {
        return [brokenFinding(environment, { ...migration, problem: asOdinError(thrown) })];
      }
    });
    return { of, findings };
  }
}

function brokenFinding(environment: string, { file, problem }: BrokenMigration): Finding {
  const { what, remark = what, why } = problem;
  const message = [remark, why].filter((text) => text !== undefined).join(' ');
  return { environment, severity: 'error', rule: 'exports', file, message };
}

const remarkFindings = (environment: string, { file, remarks }: InspectedMigration): Finding[] =>
  remarks.map((message) => ({ environment, severity: 'warning', rule: 'exports', file, message }));
