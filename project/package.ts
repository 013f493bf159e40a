// This package's own files, and not those of the team that uses it. In its repository everything runs from the sources; what is
// installed runs from what scripts/build.ts made of them. Which of the two it is, is asked here and nowhere else.
import path from 'node:path';

/** Its root. What was built lies in `dist/`, as this file does in `project/`: one below the root. */
export const PACKAGE_DIRECTORY = path.resolve(import.meta.dirname, '..');

const LAMBDAS = path.join(PACKAGE_DIRECTORY, 'lambdas');

/** Where scripts/build.ts puts what Lambda runs. */
export const BUILT_FUNCTIONS = path.join(PACKAGE_DIRECTORY, 'dist/functions');

/** What the bundle of a migration is made of besides its own file. */
export interface MigrationWrapper {
  /** Exports `migrationHandler`. */
  handler: string;
  /** Exports `withPracticeFault`. */
  practiceFault: string;
}

/** In sources, for the repository and for the build. */
export const WRAPPER_SOURCES: MigrationWrapper = {
  handler: path.join(LAMBDAS, 'run-migration/handler.ts'),
  practiceFault: path.join(LAMBDAS, 'run-migration/practice-fault.ts'),
};

export const systemFunctionSource = (name: string): string => path.join(LAMBDAS, name, 'handler.ts');

export const isBuilt = !import.meta.filename.endsWith('.ts');

export const wrapper: MigrationWrapper = isBuilt
  ? {
      handler: path.join(BUILT_FUNCTIONS, 'run-migration/handler.mjs'),
      practiceFault: path.join(BUILT_FUNCTIONS, 'run-migration/practice-fault.mjs'),
    }
  : WRAPPER_SOURCES;
