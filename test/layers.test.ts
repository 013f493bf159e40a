// The rules of .dependency-cruiser.js, each shown to catch an offence that is planted in an otherwise clean project.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';

const PROJECT = path.resolve(import.meta.dirname, '..');

const CDK = 'no-cdk-where-it-is-not-needed';

type Form = 'type' | 'import()' | 'export';

/** Whose import of what breaks which rule. Imports are of code where nothing else is said. */
const OFFENCES: [rule: string, from: string, to: string, form?: Form][] = [
  ['core-imports-only-what-is-below', 'core/text/a.ts', 'aws/target.ts'],
  ['core-imports-only-what-is-below', 'core/text/b.ts', 'lambdas/shared/target.ts', 'type'],
  ['core-imports-only-what-is-below', 'core/text/c.ts', 'test/target.ts', 'import()'],
  ['core-imports-only-what-is-below', 'core/text/d.ts', 'migrations/sample/target.ts', 'export'],
  ['aws-imports-only-what-is-below', 'aws/a.ts', 'lambdas/shared/target.ts'],
  ['lambdas-imports-only-what-is-below', 'lambdas/halt/a.ts', 'infra/target.ts', 'type'],
  ['lambdas-imports-only-what-is-below', 'lambdas/halt/b.ts', 'client/target.ts'],
  ['project-imports-only-what-is-below', 'project/a.ts', 'infra/target.ts'],
  ['infra-imports-only-what-is-below', 'infra/a.ts', 'lambdas/shared/target.ts', 'type'],
  ['infra-imports-only-what-is-below', 'infra/b.ts', 'client/target.ts'],
  ['local-imports-only-what-is-below', 'local/a.ts', 'infra/target.ts'],
  ['local-imports-only-what-is-below', 'local/b.ts', 'lambdas/shared/target.ts'],
  ['client-imports-only-what-is-below', 'client/a.ts', 'cli/target.ts'],
  ['client-imports-only-what-is-below', 'client/b.ts', 'lambdas/shared/target.ts'],
  ['cli-imports-only-what-is-below', 'cli/a.ts', 'infra/target.ts'],
  ['cli-imports-only-what-is-below', 'cli/b.ts', 'lambdas/shared/target.ts', 'import()'],
  ['cli-imports-only-what-is-below', 'cli/c.ts', 'test/target.ts'],
  ['authoring/s3.ts-imports-only-what-is-below', 'authoring/s3.ts', 'client/target.ts'],
  ['authoring/testing.ts-imports-only-what-is-below', 'authoring/testing.ts', 'infra/target.ts'],
  ['migrations-imports-only-what-is-below', 'migrations/sample/a.ts', 'core/text/target.ts'],
  ['migrations-import-the-package', 'migrations/sample/b.ts', 'authoring/target.ts'],
  ['core/ledger-imports-only-what-is-below', 'core/ledger/a.ts', 'core/decision/target.ts', 'type'],
  ['core/text-imports-only-what-is-below', 'core/text/e.ts', 'core/preview/target.ts'],
  ['core-is-pure', 'core/names/a.ts', 'node:fs'],
  ['core-is-pure', 'core/names/b.ts', 'timers/promises'],
  ['core-is-pure', 'core/names/c.ts', '@aws-sdk/client-s3', 'type'],
  ['core-is-pure', 'core/names/d.ts', 'aws-cdk-lib'], // and the rule of the CDK
  [CDK, 'aws/b.ts', 'aws-cdk-lib/aws-s3', 'type'],
  [CDK, 'project/b.ts', 'constructs'],
  [CDK, 'migrations/sample/c.ts', 'aws-cdk-lib', 'import()'],
  ['what-is-deployed-takes-zod-from-core', 'lambdas/halt/g.ts', 'zod'],
  ['one-function-knows-no-other', 'lambdas/halt/c.ts', 'lambdas/resume/target.ts'],
  ['one-function-knows-no-other', 'lambdas/halt/d.ts', 'lambdas/run-migration/preview/target.ts'],
  ['one-function-knows-no-other', 'lambdas/shared/a.ts', 'lambdas/resume/target.ts'],
  ['no-circle-of-files', 'local/s3/a.ts', 'local/s3/b.ts', 'type'],
  ['no-circle-of-folders', 'client/one/a.ts', 'client/two/target.ts'],
];

/** What is as it should be: nothing is said of it. */
const ALLOWED: [from: string, to: string][] = [
  ['core/contract/a.ts', 'core/ledger/target.ts'],
  ['core/ledger/b.ts', 'core/errors.ts'],
  ['core/ledger/c.ts', 'node:crypto'],
  ['core/ledger/d.ts', 'core/schema.ts'],
  ['core/schema.ts', 'zod'],
  ['aws/c.ts', '@aws-sdk/client-s3'],
  ['lambdas/halt/e.ts', 'lambdas/shared/target.ts'],
  ['lambdas/halt/f.ts', 'node:fs'],
  ['lambdas/run-migration/a.ts', 'lambdas/run-migration/preview/target.ts'],
  ['lambdas/run-migration/preview/a.ts', 'lambdas/run-migration/target.ts'],
  ['infra/c.ts', 'aws-cdk-lib'],
  ['infra/d.ts', 'project/target.ts'],
  ['client/c.ts', 'infra/target.ts'],
  ['cli/d.ts', 'client/target.ts'],
  ['migrations/sample/d.ts', 'odin-migrate/target'],
  ['test/a.ts', 'infra/target.ts'],
  // The other halves of the circles, which are reported once.
  ['local/s3/b.ts', 'local/s3/a.ts'],
  ['client/two/b.ts', 'client/one/target.ts'],
];

it('catches every offence, by the rule that it breaks, and nothing else', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'odin-layers-'));
  try {
    plant(directory);
    const { stdout } = spawnSync(
      process.execPath,
      [
        path.join(PROJECT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs'),
        ...['--config', path.join(PROJECT, '.dependency-cruiser.js'), '--output-type', 'json', '.'],
      ],
      { cwd: directory, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
    );
    const { summary } = JSON.parse(stdout) as { summary: { violations: Violation[] } };
    const found = summary.violations
      .map(({ rule, from }) => `${rule.name}: ${from}`)
      // Imports up and down between the same folders are circles of these too; what is asked for is the planted one.
      .filter((violation) => !violation.startsWith('no-circle-of-folders') || violation.endsWith('client/one'));
    expect(found.sort()).toEqual([...OFFENCES.map(offence), `${CDK}: core/names/d.ts`].sort());
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

/** Of folders the rule names the folder. */
const offence = ([rule, from]: (typeof OFFENCES)[number]): string =>
  `${rule}: ${rule === 'no-circle-of-folders' ? path.dirname(from) : from}`;

interface Violation {
  from: string;
  rule: { name: string };
}

function plant(directory: string): void {
  const write = (file: string, text: string) => {
    mkdirSync(path.join(directory, path.dirname(file)), { recursive: true });
    writeFileSync(path.join(directory, file), text);
  };
  write(
    'package.json',
    '{ "name": "odin-migrate", "type": "module", "exports": { "./target": "./authoring/target.ts" } }',
  );
  for (const name of ['aws-cdk-lib', 'aws-cdk-lib/aws-s3', 'constructs', '@aws-sdk/client-s3', 'zod']) {
    write(`node_modules/${name}/index.js`, 'export const it = 1;\n');
    write(`node_modules/${name}/package.json`, JSON.stringify({ name, main: 'index.js' }));
  }
  write('core/errors.ts', 'export const it = 1;\n');
  for (const [from, to, form] of [
    ...OFFENCES.map(([, ...offence]) => offence),
    ...ALLOWED.map(([from, to]) => [from, to, undefined] as const),
  ]) {
    const isFile = to.endsWith('.ts');
    if (to.endsWith('target.ts')) write(to, 'export const it = 1;\n');
    const module = isFile ? relative(from, to) : to;
    write(from, importing(module, form));
  }
}

const relative = (from: string, to: string): string => {
  const result = path.posix.relative(path.posix.dirname(from), to);
  return result.startsWith('.') ? result : `./${result}`;
};

function importing(module: string, form: Form | undefined): string {
  switch (form) {
    case 'type':
      return `import type { it } from '${module}';\nexport type It = typeof it;\n`;
    case 'import()':
      return `export const loaded = await import('${module}');\n`;
    case 'export':
      return `export * from '${module}';\n`;
    case undefined:
      return `import { it } from '${module}';\nexport const its = it;\n`;
  }
}
