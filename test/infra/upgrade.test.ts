// Nothing that a release has deployed is replaced by the next one in silence (docs/versions.md).
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { VERSION } from '../../core/names/version.ts';
import { PROJECT } from '../support/project.ts';
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

it('what is gone, of another type or of another name is replaced; what is new replaces nothing', () => {
  const before = { A: 'AWS::S3::Bucket -', B: 'AWS::IAM::Role one', C: 'AWS::SNS::Topic -', D: 'AWS::SNS::Topic -' };
  const now = { A: 'AWS::S3::Bucket -', B: 'AWS::IAM::Role two', C: 'AWS::SQS::Queue -', E: 'AWS::SNS::Topic -' };
  expect(replaced(before, now)).toEqual(['B', 'C', 'D']);
});

it('the changelog has the version of package.json: released, or as the next one', () => {
  expect(changelog.includes(`\n## ${VERSION} `) || unreleased.includes(`\n${VERSION}`)).toBe(true);
  const { version } = released();
  if (version !== null) expect(changelog).toContain(`\n## ${version} `);
});
