// Faults of the world around a deployed environment: processes that are killed, an S3 that fails, executions that are
// stopped in any state, and one that is lost altogether. Nothing is lost, and nothing runs twice unless an operator says so.
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { GetExecutionHistoryCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Deployment } from '../../client/deployment.ts';
import { claimKey, entryKey, outcomeKey } from '../../core/ledger/keys.ts';
import { lookAtTurn, readClaim } from '../../core/ledger/turns.ts';
import { checkpointed, fails, waitsToBeKilledAtFirst, works } from '../scenarios/migrations.ts';
import type { EnvironmentSpec, Platform } from '../scenarios/platform.ts';
import { DATA_BUCKET } from '../scenarios/platform.ts';
import { until, World } from '../scenarios/world.ts';
import { emulatorPlatform } from './emulator-platform.ts';
import type { FaultProxy, Passing, Rule } from './fault-proxy.ts';
import { hold, startFaultProxy } from './fault-proxy.ts';

/** The first turn of an environment. */
const FIRST = { migration: '0001', number: 1 };

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
    const { world } = enter('killed');
    const run = await world.start();
    const pid = await until('the process of 0001', async () => {
      const [key] = await world.objects('process/killed');
      if (key === undefined) return undefined;
      const { Body } = await world.deployment.s3.send(new GetObjectCommand({ Bucket: DATA_BUCKET, Key: key }));
      return Number(await Body?.transformToString());
    });
    process.kill(pid, 'SIGKILL');
    expect(await world.halted('0001', run)).toMatchObject({ attempt: 1, reason: 'unknown' });
    expect(await world.outcome('0001')).toBeUndefined();
    expect(await world.effects('0002')).toBe(0);
    await world.decide('retry');
    expect(await world.ended(run)).toMatchObject({ status: 'SUCCEEDED' });
    expect([await world.effects('0001'), await world.effects('0002')]).toEqual([2, 1]);
    const { deadline = Infinity } = (await world.claimed('0001')) ?? {};
    expect((await world.claimed('0001', 2))?.at).toBeGreaterThanOrEqual(deadline);
    expect(await world.outcome('0001')).toMatchObject({ outcome: 'unknown' });
  });

  it('an S3 that fails every other request, before it or after it: the run ends well, each effect is there once', async () => {
    const { world } = enter('flaky-s3');
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
    expect(await world.checkpoint('0003')).toMatchObject({ done: 3 });
    expect(await world.objects('list/flaky-s3/')).toHaveLength(3);
  });

  it('an outcome that S3 does not take: unknown, and no code after it; decided, the run goes on', async () => {
    const { world, ofLedger } = enter('no-outcome');
    const isOutcome = ofLedger('PUT', outcomeKey(FIRST));
    const fail: Rule = (passing) => (isOutcome(passing) ? 'unavailable' : undefined);
    proxy.rules.add(fail);
    const run = await world.start();
    expect(await world.halted('0001', run)).toMatchObject({ attempt: 1, reason: 'unknown' });
    expect([await world.effects('0001'), await world.effects('0002')]).toEqual([1, 0]);
    proxy.rules.delete(fail); // the run takes the key, after the deadline
    await world.decide('mark-applied', 'alice', 'its effect is there');
    expect(await world.ended(run)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await world.completions()).toEqual({ '0001': 'marked-applied', '0002': 'applied' });
    expect([await world.effects('0001'), await world.effects('0002')]).toEqual([1, 1]);
  });

  it('stopped in List pending: the next one runs everything', async () => {
    const { world, ofLedger } = enter('in-list');
    const gate = hold(proxy, ofLedger('GET', 'log/'));
    const stopped = await world.start();
    await gate.held;
    await world.stop(stopped);
    gate.letGo();
    expect(await world.runToEnd()).toMatchObject({ status: 'SUCCEEDED' });
    expect(await world.describe(stopped)).toMatchObject({ status: 'ABORTED' });
    await expectEachOnce(world);
  });

  it('stopped in Run migration, before its claim: the next one makes that turn void and runs another, and the first finds it so', async () => {
    const { world, ofLedger, ledger } = enter('in-run');
    const gate = hold(proxy, ofLedger('PUT', claimKey(FIRST)));
    const stopped = await world.start();
    await gate.held;
    await world.stop(stopped);
    const next = await world.start();
    expect(await world.ended(next)).toMatchObject({ status: 'SUCCEEDED' });
    const answered = hold(proxy, ofLedger('GET', claimKey(FIRST)));
    gate.letGo();
    await answered.held; // it was told that the claim exists, and looks whose it is
    answered.letGo();
    const [first, second] = (await world.entries('allowed')).filter(({ migration }) => migration === '0001');
    expect([first?.execution, second?.execution]).toEqual([stopped, next]);
    expect(first && (await readClaim(ledger.store, first))).toMatchObject({ claim: 'void' });
    expect(second && (await readClaim(ledger.store, second))).toMatchObject({ claim: 'claimed' });
    await expectEachOnce(world);
  });

  it('stopped in Record completion: the next one records it, and the late request changes nothing', async () => {
    const { world, ofLedger } = enter('in-record');
    const gate = hold(proxy, ofLedger('PUT', entryKey(2)));
    const stopped = await world.start();
    await gate.held;
    await world.stop(stopped);
    const next = await world.start();
    expect(await world.ended(next)).toMatchObject({ status: 'SUCCEEDED' });
    const answered = hold(proxy, ofLedger('GET', entryKey(2)));
    gate.letGo();
    await answered.held; // it was told that the entry exists, and looks whose it is
    answered.letGo();
    await expectEachOnce(world);
  });

  it('stopped in Wait: nothing of the run that it waited for is disturbed', async () => {
    const { world, ofLedger } = enter('in-wait');
    const gate = hold(proxy, ofLedger('PUT', outcomeKey(FIRST)));
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
    const gate = hold(proxy, ofLedger('PUT', entryKey(2)));
    const stopped = await world.start();
    await gate.held;
    await world.stop(stopped);
    const next = await world.start();
    await world.halted('0001', next);
    gate.letGo();
    await world.halted('0001', stopped); // too late, and it does not take the token of the next one away
    expect(await world.halted('0001', next)).toMatchObject({ attempt: 1, number: 2, reason: 'failed' });
    await world.decide('skip', 'alice', 'not needed');
    expect(await world.ended(next)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await world.completions()).toEqual({ '0001': 'skipped', '0002': 'applied' });
    expect([await world.effects('0001'), await world.effects('0002')]).toEqual([1, 1]);
  });

  it('a hundred migrations in one run: in order, each once', async () => {
    const { world, ledger } = enter('many');
    const run = await world.start();
    for (const id of MANY) await until(`the completion of ${id}`, () => world.completion(id));
    expect(await world.ended(run)).toMatchObject({ status: 'SUCCEEDED' });
    expect(Object.keys(await world.completions()).sort()).toEqual(MANY);
    const turns = await world.entries('allowed');
    expect(turns.map(({ migration }) => migration)).toEqual(MANY);
    const claims = await Promise.all(turns.map((turn) => readClaim(ledger.store, turn)));
    const looks = await Promise.all(turns.map((turn) => lookAtTurn(ledger.store, turn, ledger.log.lookedAt)));
    const outcomes = looks.map((look) => (look.seen === 'closed' ? look.outcome : undefined));
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
      expect(carried).toMatch(/:continue-00000003$/); // the decision's entry
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
