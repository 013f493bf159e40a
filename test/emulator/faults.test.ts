// Faults of the world around a deployed environment: processes that are killed, an S3 that fails, executions that are
// stopped in any state, and one that is lost altogether. Nothing is lost, and nothing runs twice unless an operator says so.
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { GetExecutionHistoryCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Deployment } from '../../client/deployment.ts';
import { checkpointed, fails, waitsToBeKilledAtFirst, works } from '../scenarios/migrations.ts';
import type { EnvironmentSpec, Platform } from '../scenarios/platform.ts';
import { DATA_BUCKET } from '../scenarios/platform.ts';
import { until, World } from '../scenarios/world.ts';
import { emulatorPlatform } from './emulator-platform.ts';
import type { FaultProxy, Passing } from './fault-proxy.ts';
import { hold, startFaultProxy } from './fault-proxy.ts';

const two = { '0001.ts': works(), '0002.ts': works() };
const MANY = Array.from({ length: 100 }, (_, index) => String(index + 1).padStart(4, '0'));

const SPECS: EnvironmentSpec[] = [
  { environment: 'killed', files: { '0001.ts': waitsToBeKilledAtFirst(), '0002.ts': works() } },
  { environment: 'flaky-s3', files: { ...two, '0003.ts': checkpointed(3, -1) } },
  { environment: 'no-outcome', files: { '0001.ts': works('Works', 40), '0002.ts': works() } },
  { environment: 'in-list', files: two },
  { environment: 'in-run', files: two },
  { environment: 'in-record', files: two },
  { environment: 'in-wait', files: two },
  { environment: 'in-halt', files: { '0001.ts': fails(), '0002.ts': works() } },
  { environment: 'lost', files: { '0001.ts': fails(), '0002.ts': works() } },
  { environment: 'many', files: Object.fromEntries(MANY.map((id) => [`${id}.ts`, works()])) },
];

describe('faults, on the emulator', { concurrent: true }, () => {
  let proxy: FaultProxy;
  let platform: Platform;
  let deployments: Map<string, Deployment>;

  beforeAll(async () => {
    proxy = await startFaultProxy();
    platform = await emulatorPlatform({ s3: proxy });
    deployments = await platform.deploy(SPECS);
  });
  afterAll(async () => {
    await platform.close();
    await proxy[Symbol.asyncDispose]();
  });

  function enter(environment: string) {
    const deployment = deployments.get(environment);
    if (!deployment) throw new Error(`${environment} was not deployed`);
    const ofLedger = (method: string, key: string | RegExp) => (passing: Passing) =>
      passing.bucket === deployment.ledgerBucket &&
      passing.method === method &&
      (typeof key === 'string' ? passing.key === key : key.test(passing.key));
    return { world: new World(platform, environment, deployment), ledger: deployment.ledger, ofLedger };
  }

  async function expectEachOnce(world: World): Promise<void> {
    expect(await world.completions()).toEqual({ '0001': 'applied', '0002': 'applied' });
    expect([await world.effects('0001'), await world.effects('0002')]).toEqual([1, 1]);
    expect([await world.attempts('0001'), await world.attempts('0002')]).toEqual([1, 1]);
  }

  it('a worker process that is killed in a migration: unknown outcome, halt; retry runs it again', async () => {
    const { world, ledger } = enter('killed');
    const run = await world.start();
    const pid = await until('the process of 0001', async () => {
      const [key] = await world.objects('process/killed');
      if (key === undefined) return undefined;
      const { Body } = await world.deployment.s3.send(new GetObjectCommand({ Bucket: DATA_BUCKET, Key: key }));
      return Number(await Body?.transformToString());
    });
    process.kill(pid, 'SIGKILL');
    expect(await world.halted('0001', run)).toMatchObject({ attempt: 1, outcome: 'unknown' });
    expect(await ledger.finished('0001', 1)).toBeUndefined();
    expect(await world.effects('0002')).toBe(0);
    await world.decide('retry');
    expect(await world.ended(run)).toMatchObject({ status: 'SUCCEEDED' });
    expect([await world.effects('0001'), await world.effects('0002')]).toEqual([2, 1]);
    const deadline = (await ledger.claim('0001', 1, 1))?.deadline ?? '';
    expect(Date.parse((await ledger.claim('0001', 2, 1))?.time ?? '')).toBeGreaterThanOrEqual(Date.parse(deadline));
  });

  it('an S3 that fails every other request, before it or after it: the run ends well, each effect is there once', async () => {
    const { world, ledger } = enter('flaky-s3');
    let requests = 0;
    const fates = { pass: 0, unavailable: 0, lost: 0 };
    proxy.rules.add(({ bucket }) => {
      if (bucket !== world.deployment.ledgerBucket) return undefined;
      requests += 1;
      const fate = requests % 4 === 1 ? 'unavailable' : requests % 4 === 3 ? 'lost' : 'pass';
      fates[fate] += 1;
      return fate;
    });
    expect(await world.runToEnd()).toMatchObject({ status: 'SUCCEEDED' });
    expect(Math.min(...Object.values(fates))).toBeGreaterThan(10);
    expect(await world.completions()).toEqual({ '0001': 'applied', '0002': 'applied', '0003': 'applied' });
    expect([await world.effects('0001'), await world.effects('0002')]).toEqual([1, 1]);
    for (const id of ['0001', '0002', '0003']) expect(await world.attempts(id)).toBe(1);
    // Each checkpoint of the third took so long that it ended its slice.
    expect(await ledger.checkpoint('0003')).toMatchObject({ done: 3, sequence: 3 });
    expect(await world.objects('list/flaky-s3/')).toHaveLength(3);
  });

  it('an outcome that S3 does not take: unknown, and no code after it; decided, the run goes on', async () => {
    const { world, ofLedger } = enter('no-outcome');
    const isOutcome = ofLedger('PUT', 'attempts/0001/0001/finished.json');
    proxy.rules.add((passing) => (isOutcome(passing) ? 'unavailable' : undefined));
    const run = await world.start();
    expect(await world.halted('0001', run)).toMatchObject({ attempt: 1, outcome: 'unknown' });
    expect([await world.effects('0001'), await world.effects('0002')]).toEqual([1, 0]);
    await world.decide('mark-applied', 'alice', 'its effect is there');
    expect(await world.ended(run)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await world.completions()).toEqual({ '0001': 'marked-applied', '0002': 'applied' });
    expect([await world.effects('0001'), await world.effects('0002')]).toEqual([1, 1]);
  });

  it('stopped in List pending: the next one runs everything', async () => {
    const { world, ofLedger } = enter('in-list');
    const gate = hold(proxy, ofLedger('GET', 'attempts/'));
    const stopped = await world.start();
    await gate.held;
    await world.stop(stopped);
    gate.letGo();
    expect(await world.runToEnd()).toMatchObject({ status: 'SUCCEEDED' });
    expect(await world.describe(stopped)).toMatchObject({ status: 'ABORTED' });
    await expectEachOnce(world);
  });

  it('stopped in Run migration, before its claim: the next one runs it, and the first finds it claimed', async () => {
    const { world, ofLedger, ledger } = enter('in-run');
    const gate = hold(proxy, ofLedger('PUT', 'attempts/0001/0001/started.json'));
    const stopped = await world.start();
    await gate.held;
    await world.stop(stopped);
    const next = await world.start();
    expect(await world.ended(next)).toMatchObject({ status: 'SUCCEEDED' });
    const answered = hold(proxy, ofLedger('GET', 'attempts/0001/0001/started.json'));
    gate.letGo();
    await answered.held; // it was told that the claim exists, and looks whose it is
    answered.letGo();
    expect((await ledger.claim('0001', 1, 1))?.execution).toBe(next);
    await expectEachOnce(world);
  });

  it('stopped in Record completion: the next one records it, and the late request changes nothing', async () => {
    const { world, ofLedger, ledger } = enter('in-record');
    const gate = hold(proxy, ofLedger('PUT', 'completed/0001.json'));
    const stopped = await world.start();
    await gate.held;
    await world.stop(stopped);
    const next = await world.start();
    expect(await world.ended(next)).toMatchObject({ status: 'SUCCEEDED' });
    const answered = hold(proxy, ofLedger('GET', 'completed/0001.json'));
    gate.letGo();
    await answered.held;
    answered.letGo();
    expect((await ledger.completion('0001'))?.execution).toBe(next);
    await expectEachOnce(world);
  });

  it('stopped in Wait: nothing of the run that it waited for is disturbed', async () => {
    const { world, ofLedger } = enter('in-wait');
    const gate = hold(proxy, ofLedger('PUT', 'attempts/0001/0001/finished.json'));
    const run = await world.start();
    await gate.held;
    const waits = await world.start();
    await until('the state Wait', async () => {
      const { events = [] } = await world.deployment.sfn.send(new GetExecutionHistoryCommand({ executionArn: waits }));
      return events.some(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name === 'Wait') || undefined;
    });
    await world.stop(waits);
    gate.letGo();
    expect(await world.ended(run)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await world.runToEnd()).toMatchObject({ status: 'SUCCEEDED' });
    await expectEachOnce(world);
  });

  it('stopped in Halt for operator, before it is written: the next one halts, and one decision is enough', async () => {
    const { world, ofLedger } = enter('in-halt');
    const gate = hold(proxy, ofLedger('PUT', 'halts/0001.json'));
    const stopped = await world.start();
    await gate.held;
    await world.stop(stopped);
    const next = await world.start();
    await world.halted('0001', next);
    gate.letGo();
    await world.halted('0001', stopped); // too late, and it does not take the token of the next one away
    expect(await world.halted('0001', next)).toMatchObject({ attempt: 1, halt: 1, outcome: 'failed' });
    await world.decide('skip', 'alice', 'not needed');
    expect(await world.ended(next)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await world.completions()).toEqual({ '0001': 'skipped', '0002': 'applied' });
    expect([await world.effects('0001'), await world.effects('0002')]).toEqual([1, 1]);
  });

  it('a hundred migrations in one run: in order, each once', async () => {
    const { world, ledger } = enter('many');
    const run = await world.start();
    for (const id of MANY) await until(`the completion of ${id}`, () => ledger.completion(id));
    expect(await world.ended(run)).toMatchObject({ status: 'SUCCEEDED' });
    expect(Object.keys(await world.completions()).sort()).toEqual(MANY);
    const claims = await Promise.all(MANY.map((id) => ledger.claim(id, 1, 1)));
    const outcomes = await Promise.all(MANY.map((id) => ledger.finished(id, 1)));
    for (const [index, id] of MANY.entries()) {
      expect([await world.effects(id), await world.attempts(id)], id).toEqual([1, 1]);
      const next = claims[index + 1];
      if (next) expect(Date.parse(next.time)).toBeGreaterThanOrEqual(Date.parse(outcomes[index]?.time ?? ''));
    }
  });

  it('a halted execution that Step Functions does not know any more: its halt is answered all the same', async () => {
    const { world } = enter('lost');
    const run = await world.start();
    await world.halted('0001', run);

    // The emulator again, without its state; of the environment only the ledger is left.
    const other = await emulatorPlatform();
    try {
      const specs = SPECS.filter(({ environment }) => environment === 'lost');
      const deployment = (await other.deploy(specs)).get('lost');
      if (!deployment) throw new Error('lost was not deployed again');
      await copyLedger(world.deployment, deployment);
      const again = new World(other, 'lost', deployment);
      await again.redeploy(two);
      const answer = await again.decide('retry');
      const [carried = ''] = answer.executions;
      expect(carried).toMatch(/:resume-0001-0001-01$/);
      expect(await again.ended(carried)).toMatchObject({ status: 'SUCCEEDED' });
      expect(await again.completions()).toEqual({ '0001': 'applied', '0002': 'applied' });
      expect([await again.effects('0001'), await again.attempts('0001')]).toEqual([1, 2]); // the first is of the other S3
    } finally {
      await other.close();
    }
  });
});

async function copyLedger(from: Deployment, to: Deployment): Promise<void> {
  const { Contents = [] } = await from.s3.send(new ListObjectsV2Command({ Bucket: from.ledgerBucket }));
  for (const { Key } of Contents) {
    const { Body } = await from.s3.send(new GetObjectCommand({ Bucket: from.ledgerBucket, Key }));
    const text = (await Body?.transformToString()) ?? '';
    await to.s3.send(new PutObjectCommand({ Bucket: to.ledgerBucket, Key, Body: text }));
  }
}
