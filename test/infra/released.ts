// What the last release deploys, in released.json, and its machine's definition: upgrade.test.ts compares. `npm run record-release`
// stores what today's deploys.
import { Template } from 'aws-cdk-lib/assertions';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DEFINITION } from '../../core/contract/payloads.ts';
import { VERSION } from '../../core/names/version.ts';
import { offlineApp } from '../../infra/build-app.ts';
import type { Resource } from '../support/resources.ts';
import { nameOf } from '../support/resources.ts';
import { stackOf } from '../support/stack.ts';
import { storeDefinition } from './definitions.ts';

/** Logical id → type and name. With another of the three CloudFormation makes a new resource, and deletes the one that was. */
export type Deployed = Record<string, string>;

export interface Released {
  /** Null before a first release: what is stored is then the first that was meant to last. */
  version: string | null;
  /** Version of its machine's definition: its file is never changed. Null before a first release. */
  definition: number | null;
  resources: Deployed;
}

const FILE = path.join(import.meta.dirname, 'released.json');

export const released = (): Released => JSON.parse(readFileSync(FILE, 'utf8')) as Released;

/** An environment of two migrations, with everything that can be there. */
export function deployedToday(): Deployed {
  const directory = mkdtempSync(path.join(tmpdir(), 'odin-released-'));
  try {
    const stack = stackOf(offlineApp(directory), [{ id: '0001' }, { id: '0004' }], {
      environment: { stack: { notify: ['mailto:team@example.com'], runOnDeploy: true } },
    });
    const { Resources } = Template.fromStack(stack).toJSON() as { Resources: Record<string, Resource> };
    const entries = Object.entries(Resources).map(
      ([id, resource]) => [id, `${resource.Type} ${nameOf(resource)}`] as const,
    );
    return Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The logical ids of what an upgrade deletes: it is gone, or is made anew. */
export const replaced = (before: Deployed, now: Deployed): string[] =>
  Object.keys(before).filter((id) => before[id] !== now[id]);

function store(version: string | null): void {
  if ((released().definition ?? 0) < DEFINITION) storeDefinition();
  const definition = version === null ? released().definition : DEFINITION;
  const today = { version, definition, resources: deployedToday() } satisfies Released;
  writeFileSync(FILE, `${JSON.stringify(today, undefined, 2)}\n`);
}

if (import.meta.main) store(process.argv.includes('--unreleased') ? null : VERSION);
