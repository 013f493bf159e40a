// Nothing that a release has deployed is replaced by the next one in silence (docs/versions.md).
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { DEFINITION } from '../../core/contract/payloads.ts';
import { VERSION } from '../../core/names/version.ts';
import { PROJECT } from '../support/project.ts';
import { storedDefinition, storedDefinitions, todaysDefinition } from './definitions.ts';
import { deployedToday, released, replaced } from './released.ts';

const changelog = readFileSync(path.join(PROJECT, 'CHANGELOG.md'), 'utf8');
const [, unreleased = ''] = /^## Unreleased\n([\s\S]*?)(?=^## |$(?![\s\S]))/m.exec(changelog) ?? [];

it('the changelog names each resource of the last release that an upgrade replaces', () => {
  const before = released().resources;
  expect(Object.keys(before).length).toBeGreaterThan(40);
  expect(replaced(before, deployedToday()).filter((id) => !unreleased.includes(`\`${id}\``))).toEqual([]);
});

it('the ledger is never replaced, whatever the changelog says', () => {
  const before = released().resources;
  const ledger = Object.keys(before).filter((id) => before[id]?.startsWith('AWS::S3::Bucket'));
  expect(ledger).toHaveLength(2); // the bucket and its policy
  expect(replaced(before, deployedToday()).filter((id) => ledger.includes(id))).toEqual([]);
});

it('the role of the machine is never replaced: what is halted goes on with the role that it began with', () => {
  const before = released().resources;
  const role = Object.keys(before).filter((id) => /^StateMachineRole[0-9A-F]{8}$/.test(id));
  expect(role).toHaveLength(1);
  expect(replaced(before, deployedToday())).not.toContain(role[0]);
});

it('what is gone, of another type or of another name is replaced; what is new replaces nothing', () => {
  const before = { A: 'AWS::S3::Bucket -', B: 'AWS::IAM::Role one', C: 'AWS::SNS::Topic -', D: 'AWS::SNS::Topic -' };
  const now = { A: 'AWS::S3::Bucket -', B: 'AWS::IAM::Role two', C: 'AWS::SQS::Queue -', E: 'AWS::SNS::Topic -' };
  expect(replaced(before, now)).toEqual(['B', 'C', 'D']);
});

it('the definition of the machine is the one that is stored under its version: one that was released never changes', () => {
  const { definition } = released();
  const todo =
    definition === DEFINITION
      ? `definition ${DEFINITION} was released: raise DEFINITION in core/contract/payloads.ts, then npm run record-release -- --unreleased`
      : 'npm run record-release -- --unreleased stores it';
  expect(storedDefinitions().at(-1), todo).toBe(DEFINITION);
  expect(todaysDefinition(), todo).toBe(storedDefinition(DEFINITION, 'odin-dev'));
});

it('the changelog has the version of package.json: released, or as the next one', () => {
  expect(changelog.includes(`\n## ${VERSION} `) || unreleased.includes(`\n${VERSION}`)).toBe(true);
  const { version } = released();
  if (version !== null) expect(changelog).toContain(`\n## ${version} `);
});
