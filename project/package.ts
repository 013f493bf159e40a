// This package's own files, and not those of the team that uses it. In its repository everything runs from the sources; what is
// installed runs from what scripts/build.ts made of them. Which of the two it is, is asked here and nowhere else.
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { OdinError } from '../core/errors.ts';

/** Its root. What was built lies in `dist/`, as this file does in `project/`: one below the root. */
export const PACKAGE_DIRECTORY = path.resolve(import.meta.dirname, '..');

/** Where scripts/build.ts puts what Lambda runs. */
export const BUILT_FUNCTIONS = path.join(PACKAGE_DIRECTORY, 'dist/functions');

export const isBuilt = !import.meta.filename.endsWith('.ts');

/** Of what Lambda runs, in the repository. */
export const ownSource = (name: string): string =>
  path.join(
    PACKAGE_DIRECTORY,
    'lambdas',
    name === 'practice-fault' || name === 'user-process' ? `run-migration/${name}.ts` : `${name}/handler.ts`,
  );

/** The script of a process that runs one function's bundle. */
export const sandboxWorker = path.join(PACKAGE_DIRECTORY, isBuilt ? 'dist/worker.mjs' : 'local/lambda/worker.ts');

/** The folder of what the local dashboard's server serves. */
export const dashboardPage = path.join(PACKAGE_DIRECTORY, isBuilt ? 'dist/page' : 'cli/dashboard/page');

/** What project/iam-names.ts reads. */
export const iamNamesFile = path.join(PACKAGE_DIRECTORY, isBuilt ? 'dist/iam-names.txt' : 'project/iam-names.txt');

/** @throws OdinError BadConfiguration under Yarn's Plug'n'Play: the files of a migration are evaluated by a Node.js that knows none of it */
export function refusePlugAndPlay(): void {
  if (process.versions['pnp'] === undefined) return;
  throw new OdinError({
    code: 'BadConfiguration',
    source: 'user',
    what: "Yarn's Plug'n'Play is not supported: odin-migrate needs a node_modules folder.",
    next: 'Write "nodeLinker: node-modules" into .yarnrc.yml, and type "yarn install".',
  });
}

/** The files that this package's own code is read from, where assemblies are made. */
export const ownSources = (): string[] =>
  (isBuilt ? ['dist'] : ['core', 'infra', 'project', 'client'])
    .map((folder) => path.join(PACKAGE_DIRECTORY, folder))
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => path.join(folder, file)),
    );
