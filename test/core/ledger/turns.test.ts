import { beforeEach, describe, expect, it } from 'vitest';
import type { Allowed } from '../../../core/ledger/entries.ts';
import type { Numbered } from '../../../core/ledger/fold.ts';
import type { LogWriter } from '../../../core/ledger/log.ts';
import { claimKey, outcomeKey } from '../../../core/ledger/keys.ts';
import { readRecord } from '../../../core/ledger/turn-records.ts';
import {
  Claim,
  DEADLINE_MARGIN_MS,
  goesOnAt,
  lookAtTurn,
  readClaim,
  takeClaim,
  takeOutcome,
} from '../../../core/ledger/turns.ts';
import { MemoryStore } from '../../../core/ledger/memory-store.ts';
import { HookedStore, once } from '../../support/hooked-store.ts';
import { nested } from '../../support/hostile.ts';
import { allowed, allowedAfter, logOf } from './entries.ts';

const FROM = Date.parse('2026-03-01T12:00:00Z');
const TIMEOUT_MS = 900_000;

const [turn, later] = logOf(allowed('0004', 1, 1, { timeoutMs: TIMEOUT_MS }), allowedAfter('0004', 1, 2)) as [
  Numbered<Allowed>,
  Numbered<Allowed>,
];

let now: number;
let store: HookedStore;
let nonces = 0;
const writer: LogWriter = {
  function: '0004',
  requestId: 'request-1',
  version: '1.0.0',
  now: () => 0, // no function's clock decides anything
  nonce: () => `nonce-${(nonces += 1)}`,
};

beforeEach(() => {
  now = FROM;
  store = new HookedStore(new MemoryStore(() => now));
});

/** An outcome but for its cursor, which may be any JSON. */
const SPOILED_BY_DEPTH = JSON.stringify({
  ...{ format: 1, entry: { number: 1, sha256: turn.sha256 }, time: '2026-03-01T12:00:00Z', nonce: 'n' },
  ...{ writer: { function: '0004', requestId: 'r', version: '1.0.0' }, outcome: 'stopped' },
  stoppedAt: {
    etag: '"1"',
    checkpoint: {
      ...{ format: 1, turn: 1, attempt: 1, slice: 1, codeSha256: 'c', sequence: 1, time: '2026-03-01T12:00:00Z' },
      cursor: 'CURSOR',
    },
  },
}).replace('"CURSOR"', nested(50_000));

const look = () => lookAtTurn(store, turn, now);
const claim = () => takeClaim(store, turn, writer, { claim: 'claimed' });
const deadline = FROM + TIMEOUT_MS + DEADLINE_MARGIN_MS;

describe('a turn', () => {
  it('has its keys below the migration and the number of its entry', () => {
    expect(claimKey(turn)).toBe('turns/0004/00000001/claim.json');
    expect(outcomeKey(later)).toBe('turns/0004/00000002/outcome.json');
  });

  it('is unclaimed, claimed until its deadline by the clock of the store, closed', async () => {
    expect(await look()).toEqual({ seen: 'unclaimed' });
    expect((await claim()).taken).toBe('mine');
    now += 60_000;
    expect(await look()).toEqual({ seen: 'claimed', deadline });
    const { taken } = await takeOutcome(store, turn, writer, { outcome: 'failed', error: { name: 'E', message: 'm' } });
    expect(taken).toBe('mine');
    expect(await look()).toMatchObject({ seen: 'closed', outcome: { outcome: 'failed', error: { name: 'E' } } });
  });

  it('refers to what closed it by key and hash', async () => {
    await claim();
    const taken = await takeOutcome(store, turn, writer, { outcome: 'stopped', checkpoints: 3 });
    now += 60_000;
    expect(await look()).toMatchObject({
      seen: 'closed',
      at: FROM,
      reference: (taken as { reference: object }).reference,
    });
  });

  it('is void when somebody made sure of it: the function then comes second', async () => {
    const taken = await takeClaim(store, turn, writer, { claim: 'void', otherCodeSha256: 'e'.repeat(64) });
    expect(taken).toMatchObject({ taken: 'mine', reference: { key: claimKey(turn) } });
    now += 60_000;
    expect(await claim()).toEqual({ taken: 'by another' });
    expect(await look()).toEqual({
      seen: 'void',
      at: FROM,
      claim: (await readClaim(store, turn)) as object,
      reference: (taken as { reference: object }).reference,
    });
    expect(await readClaim(store, turn)).toMatchObject({ claim: 'void', otherCodeSha256: 'e'.repeat(64) });
  });

  it('that stopped goes on at once, or when its checkpoint says', () => {
    const checkpoint = {
      ...{ format: 1 as const, turn: 1, attempt: 1, slice: 1, codeSha256: 'c', sequence: 1, cursor: 'a' },
      time: '2026-03-01T12:00:00Z',
    };
    const stoppedAt = (notBefore?: string) => ({
      stoppedAt: { etag: '"1"', checkpoint: { ...checkpoint, notBefore } },
    });
    expect(goesOnAt(stoppedAt('2026-03-01T12:00:00Z'))).toBe(FROM);
    expect(goesOnAt(stoppedAt())).toBeUndefined();
    expect(goesOnAt({})).toBeUndefined();
  });

  it('says who took it, as far as anybody can read that', async () => {
    expect(await readClaim(store, turn)).toBeUndefined();
    await claim();
    expect(await readClaim(store, turn)).toMatchObject({
      format: 1,
      claim: 'claimed',
      entry: { number: turn.number, sha256: turn.sha256 },
      time: '1970-01-01T00:00:00.000Z',
      writer: { function: '0004', requestId: 'request-1', version: '1.0.0' },
    });
    expect((await store.get(claimKey(turn)))?.body).toMatch(/^\{\n {2}"format": 1,\n[^]*\n\}\n$/);
    await store.create(claimKey(later), '{');
    expect(await readClaim(store, later)).toBeUndefined();
  });

  it('has records that name its entry by number and by hash', async () => {
    await claim();
    const { body = '' } = (await store.get(claimKey(turn))) ?? {};
    const { number, sha256 } = turn;
    expect(readRecord(Claim, body, { number, sha256 })).toBeDefined();
    expect(readRecord(Claim, body, { number: 2, sha256 })).toBeUndefined();
    expect(readRecord(Claim, body, { number, sha256: later.sha256 })).toBeUndefined();
  });

  it('is taken by another when the key that was in its way is not there any more', async () => {
    store.inner.create = () => Promise.resolve('exists');
    expect(await claim()).toEqual({ taken: 'by another' });
  });

  it('is claimed by one of many, and closed by one of many', async () => {
    const claims = await Promise.all(Array.from({ length: 20 }, claim));
    expect(claims.filter(({ taken }) => taken === 'mine')).toHaveLength(1);
    const outcomes = await Promise.all(
      (['succeeded', 'failed', 'unknown', 'stopped'] as const).map((outcome) =>
        takeOutcome(store, turn, writer, { outcome }),
      ),
    );
    expect(outcomes.filter(({ taken }) => taken === 'mine')).toHaveLength(1);
  });

  it('knows its own key when only the answer was lost', async () => {
    const { inner } = store;
    store.before = once('create', claimKey(turn), () => {
      const create = inner.create.bind(inner);
      inner.create = async (key, body) => {
        await create(key, body);
        return create(key, body);
      };
    });
    expect((await claim()).taken).toBe('mine');
  });

  it('reads one object when it is closed, and two when it is not', async () => {
    await claim();
    store.calls.length = 0;
    await look();
    expect(store.calls.map(({ key }) => key)).toEqual([outcomeKey(turn), claimKey(turn)]);
    await takeOutcome(store, turn, writer, { outcome: 'succeeded' });
    store.calls.length = 0;
    await look();
    expect(store.calls.map(({ key }) => key)).toEqual([outcomeKey(turn)]);
  });

  describe.each([
    ['no JSON', '{'],
    ['null', 'null'],
    ['something else', '{"hello":"world"}'],
    ['for another entry', ''],
    ['nested too deeply', SPOILED_BY_DEPTH],
  ])('whose key holds what is spoiled: %s', (_, body) => {
    const spoiled = async (of: typeof takeClaim | typeof takeOutcome, key: (turn: Numbered<Allowed>) => string) => {
      const content = { claim: 'void', outcome: 'succeeded' } as never;
      await of(store, later, writer, content);
      return body || ((await store.get(key(later)))?.body ?? '');
    };

    it('counts as claimed, when it is the claim', async () => {
      await store.create(claimKey(turn), await spoiled(takeClaim, claimKey));
      expect(await look()).toEqual({ seen: 'claimed', deadline });
      expect(await claim()).toEqual({ taken: 'by another' });
    });

    it('is unknown after the deadline, and until then runs, when it is the outcome', async () => {
      const content = await spoiled(takeOutcome, outcomeKey);
      await store.create(outcomeKey(turn), content);
      expect(await look()).toEqual({ seen: 'unclaimed' });
      await claim();
      now = deadline;
      expect(await look()).toEqual({ seen: 'claimed', deadline });
      now = deadline + 1;
      expect(await look()).toMatchObject({ seen: 'closed', outcome: undefined });
    });

    it('is void all the same, when it is the outcome of a void turn', async () => {
      await store.create(outcomeKey(turn), await spoiled(takeOutcome, outcomeKey));
      await takeClaim(store, turn, writer, { claim: 'void' });
      now = deadline + 1;
      expect((await look()).seen).toBe('void');
    });
  });
});
