// The same with 20,000 objects, in this process.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { EmbeddedAws } from '../../local/embedded-aws.ts';
import { keyOf, objectOf, runRetried } from './disturbed.ts';
import { embeddedPlatform } from './embedded-platform.ts';
import { FAULTS_IN_BATCHES, movesInBatches } from './migrations.ts';
import { DATA_BUCKET } from './platform.ts';
import { World } from './world.ts';

const OBJECTS = 20_000;
const PER_BATCH = 1_000;

it('20,000 objects are moved by batches that fail, crash, are slowed down and retried, and each lies where it belongs', async () => {
  let aws: EmbeddedAws | undefined;
  const platform = await embeddedPlatform({ started: (started) => (aws = started) });
  try {
    const environment = 'many';
    const files = { '0001.ts': movesInBatches('wild', PER_BATCH, FAULTS_IN_BATCHES, 90) };
    const deployments = await platform.deploy([{ environment, files }]);
    const world = new World(platform, environment, deployments.get(environment)!);
    const { store } = aws!.s3;
    for (let n = 0; n < OBJECTS; n += 1) {
      const { Body, ContentType, Metadata } = objectOf(n);
      store.put(DATA_BUCKET, keyOf('wild/many/', n), await store.receive(Body), {
        headers: { 'content-type': ContentType, 'x-amz-meta-n': Metadata.n },
      });
    }
    expect(await runRetried(world)).toEqual(expect.arrayContaining(['failed']));
    // Of 20 batches four of each kind began twice, and one whose function died.
    expect(await world.effects('0001')).toBe(20 + 13);

    expect([...store.list(DATA_BUCKET, { prefix: 'wild/many/', after: '' })]).toEqual([]);
    const wrong: string[] = [];
    for (let n = 0; n < OBJECTS; n += 1) {
      const { Body, ContentType, Metadata } = objectOf(n);
      const key = `to/${keyOf('wild/many/', n)}`;
      const found = store.get(DATA_BUCKET, key);
      const same =
        found &&
        readFileSync(found.file).equals(Body) &&
        found.headers['content-type'] === ContentType &&
        found.headers['x-amz-meta-n'] === Metadata.n;
      if (!same) wrong.push(key);
    }
    expect(wrong).toEqual([]);
    expect([...store.list(DATA_BUCKET, { prefix: 'to/wild/many/', after: '' })]).toHaveLength(OBJECTS);
    expect(await world.wrong()).toEqual([]);
  } finally {
    await platform.close();
  }
});
