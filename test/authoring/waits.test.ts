// A migration that waits between two checkpoints, in the environment of a test: nobody waits, and the test sees for what it would have.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TestEnvironment } from '../../authoring/testing.ts';
import { startTestEnvironment } from '../../authoring/testing.ts';
import { caveats } from '../../core/preview/words.ts';
import type { TemporaryProject } from '../support/project.ts';
import { temporaryProject } from '../support/project.ts';

const HOUR = 3_600_000;
const MIGRATION = `
export async function* migration(resume = 0): AsyncGenerator<{ cursor: number; notBefore?: Date }> {
  if (resume < 1) yield { cursor: 1, notBefore: new Date(Date.now() + 12 * ${HOUR}) };
  if (resume < 2) yield { cursor: 2 };
  if (resume < 3) yield { cursor: 3, notBefore: new Date('2020-01-01') };
  console.log('went on');
}
`;

let project: TemporaryProject;
let environment: TestEnvironment;
beforeAll(async () => {
  project = temporaryProject(
    { 'migrations/odin-dev/0001.ts': MIGRATION, 'odin-migrate.json': '{}' },
    { sources: true },
  );
  environment = await startTestEnvironment({ environment: 'odin-dev', project });
});
afterAll(async () => {
  await environment.close();
  project.remove();
});

const isInTwelveHours = (time: number): boolean => Math.abs(time - Date.now() - 12 * HOUR) < HOUR;

it('is run at once, and says for which times it would have waited', async () => {
  await environment.forget();
  const { waits, ...ran } = await environment.run('0001');
  expect(ran).toMatchObject({ outcome: 'finished', attempt: 1, slices: 3, checkpoints: 3 });
  expect(waits).toHaveLength(2);
  expect(waits[0] && isInTwelveHours(waits[0].getTime())).toBe(true);
  expect(waits[1]).toEqual(new Date('2020-01-01'));
});

it('goes on after a crash in its wait', async () => {
  await environment.forget();
  expect(await environment.run('0001', { crashAfterCheckpoint: 1 })).toMatchObject({ outcome: 'crashed', waits: [] });
  const { waits, ...ran } = await environment.run('0001');
  expect(ran).toMatchObject({ outcome: 'finished', attempt: 2, slices: 3, checkpoints: 2 });
  expect(waits[0] && isInTwelveHours(waits[0].getTime())).toBe(true);
});

it('is previewed at once, and the report says until when it would wait', async () => {
  await environment.forget();
  const previewed = await environment.preview('0001');
  expect(previewed).toMatchObject({ outcome: 'finished', slices: 1, checkpoints: 3 });
  expect(isInTwelveHours(Date.parse(previewed.waitsUntil ?? ''))).toBe(true);
  expect(caveats(previewed)[0]).toMatch(
    /^it would wait at a checkpoint until \d{4}-\d\d-\d\d \d\d:\d\d UTC or later; the preview went on at once/,
  );
});
