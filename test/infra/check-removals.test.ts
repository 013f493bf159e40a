// The check of removals in the synthesised stack: another resource for another set of functions, before the manifest is deployed.
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Resource } from '../support/resources.ts';
import { stackOf } from '../support/stack.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'odin-removals-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let apps = 0;
type Made = Resource & { DependsOn?: string[] };

function resourcesOf(ids: string[], context: Record<string, unknown> = {}): Record<string, Made> {
  const outdir = path.join(directory, String((apps += 1)));
  const app = new App({ outdir, context, analyticsReporting: false, builtinCloudFormationValidation: false });
  const stack = stackOf(
    app,
    ids.map((id) => ({ id })),
  );
  return (Template.fromStack(stack).toJSON() as { Resources: Record<string, Made> }).Resources;
}

function checkIn(resources: Record<string, Made>) {
  const [found, ...more] = Object.entries(resources).filter(([, { Type }]) => Type === 'Custom::OdinMigrateRemovals');
  if (!found || more.length > 0) throw new Error(`expected one check, and there are ${more.length + (found ? 1 : 0)}`);
  return { id: found[0], ...found[1] };
}

describe('the check of removals', () => {
  it('is the same resource for the same set of functions, and another one for another set', () => {
    const two = checkIn(resourcesOf(['0001', '0002'])).id;
    expect(checkIn(resourcesOf(['0001', '0002'])).id).toBe(two);
    const others = [[], ['0001'], ['0001', '0003']].map((ids) => checkIn(resourcesOf(ids)).id);
    expect(new Set([two, ...others]).size).toBe(4);
  });

  it('comes before list-pending, which it asks what is deployed, and goes without asking anybody', () => {
    const resources = resourcesOf(['0001']);
    const { id, ...check } = checkIn(resources);
    expect(check).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
    expect(check.Properties).toMatchObject({ ServiceTimeout: '300' });
    const [, listPending] = Object.entries(resources).find(([name]) => /^ListPending\w{8}$/.test(name)) ?? [];
    expect(listPending?.DependsOn).toContain(id);
    const [, role] = Object.entries(resources).find(([name]) => /^CheckRemovalsRole\w{8}$/.test(name)) ?? [];
    const policies = JSON.stringify(role?.Properties?.['Policies']);
    expect(policies).toContain(':function:odin-migrate-odin-dev-list-pending"');
    expect(policies).not.toMatch(/s3:PutObject|states:|sns:|odin-migrate-odin-dev-0/);
  });

  it.each([
    ['0001', ['0001']],
    ['0001, 0002', ['0001', '0002']],
    ['all', ['all']],
    [
      ['0001', '0002'],
      ['0001', '0002'],
    ],
  ])('is told what the context %j allows', (said, allowed) => {
    expect(checkIn(resourcesOf(['0003'], { 'allow-removed': said })).Properties).toMatchObject({
      AllowRemoved: allowed,
    });
  });

  it('stays the same resource when something is allowed, so that nobody is asked again when that is taken back', () => {
    const [without, said] = [{}, { 'allow-removed': 'all' }].map((context) => checkIn(resourcesOf(['0003'], context)));
    expect(said?.id).toBe(without?.id);
    expect(without?.Properties).not.toHaveProperty('AllowRemoved');
  });

  it.each(['yes', '', 5, true])('refuses the context %j', (said) => {
    expect(() => resourcesOf(['0003'], { 'allow-removed': said })).toThrow(
      /The context allow-removed: expected migrations' four digits.*Found/,
    );
  });
});
