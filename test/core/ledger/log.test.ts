import { describe, expect, it } from 'vitest';
import type { LogWriter } from '../../../core/ledger/log.ts';
import type { EntryContent } from '../../../core/ledger/log.ts';
import { LedgerLog } from '../../../core/ledger/log.ts';
import type { Entry } from '../../../core/ledger/entries.ts';
import { APPENDED_BY, sha256 } from '../../../core/ledger/entries.ts';
import { entryKey } from '../../../core/ledger/keys.ts';
import { MemoryStore } from '../../../core/ledger/memory-store.ts';
import { HookedStore, once, unavailable } from '../../support/hooked-store.ts';
import { thrownBy } from '../../support/thrown.ts';
import type { Said } from './entries.ts';
import { allowed, allowedAfter, completed, halted } from './entries.ts';

const IDENTITY = { environment: 'dev', account: '000000000000', region: 'eu-west-1' };

let nonces = 0;
const WRITER: LogWriter = {
  function: 'list-pending',
  requestId: 'request-1',
  version: '1.0.0',
  now: () => Date.parse('2026-03-01T12:00:00Z'),
  nonce: () => `nonce-${(nonces += 1)}`,
};

const logOn = (store: HookedStore) => new LedgerLog(store, IDENTITY);
const always = (said: object) => () => Promise.resolve(said as EntryContent);
const add = (log: LedgerLog, said: Said) =>
  log.append({ ...WRITER, function: APPENDED_BY[said.kind][0] ?? '' }, always(said));

async function filled(...said: Said[]): Promise<HookedStore> {
  const store = new HookedStore();
  const log = logOn(store);
  for (const content of said) await add(log, content);
  store.calls.length = 0;
  return store;
}

const textOf = ({ environment, account, region }: typeof IDENTITY) => `${environment} in ${account}, ${region}`;

const entryIn = async (store: HookedStore, number: number) =>
  JSON.parse((await store.inner.get(entryKey(number)))?.body ?? 'null') as Entry;

describe('Log', () => {
  it('appends entries that any other reader folds to the same', async () => {
    const store = new HookedStore();
    const log = logOn(store);
    const first = await add(log, allowed('0001'));
    const second = await add(log, completed(['0001']));
    expect([first.entry?.number, second.entry?.number]).toEqual([1, 2]);
    expect(second.state.migrations['0001']?.completion?.number).toBe(2);
    expect(store.calls.slice(-2)).toEqual([
      { operation: 'list', key: 'log/' },
      { operation: 'create', key: 'log/00000002.json' },
    ]);
    expect(await log.look()).toEqual(second.state);
    expect(await logOn(store).look()).toEqual(second.state);
    expect(store.writes()).toEqual(['create log/00000001.json', 'create log/00000002.json']);
  });

  it('writes entries that a person can read: who, when, whose log, and the hash of the one before', async () => {
    const store = await filled(allowed('0001'), completed(['0001']));
    const body = (await store.inner.get(entryKey(1)))?.body ?? '';
    expect(body).toContain('\n  "kind": "allowed"');
    expect(await entryIn(store, 1)).toMatchObject({ previous: null, ledger: IDENTITY });
    const second = await entryIn(store, 2);
    expect(second).toMatchObject({
      format: 1,
      number: 2,
      previous: sha256(body),
      time: '2026-03-01T12:00:00.000Z',
      writer: { function: 'record-completion', requestId: 'request-1', version: '1.0.0' },
    });
    expect(second).not.toHaveProperty('ledger');
  });

  it('reads each entry once, and a list from the last one', async () => {
    const store = await filled(allowed('0001'), completed(['0001']), allowed('0002'));
    const log = logOn(store);
    const after: (string | undefined)[] = [];
    const list = store.inner.list.bind(store.inner);
    store.inner.list = (prefix, startAfter) => {
      after.push(startAfter);
      return list(prefix, startAfter);
    };
    await log.look();
    expect(store.calls.map(({ key }) => key)).toEqual(['state.json', 'log/', ...[1, 2, 3].map(entryKey)]);
    store.calls.length = 0;
    await log.look();
    expect(store.calls).toEqual([{ operation: 'list', key: 'log/' }]);
    expect(after).toEqual([0, 2].map(entryKey));
    await add(logOn(store), halted(3, '0002'));
    store.calls.length = 0;
    expect((await log.look()).turn?.halt?.halted.number).toBe(4);
    expect(store.calls.map(({ key }) => key)).toEqual(['log/', entryKey(4)]);
  });

  it('appends nothing when nothing is asked for, or when the question throws', async () => {
    const store = await filled(allowed('0001'));
    const log = logOn(store);
    expect(await log.append(WRITER, () => Promise.resolve(undefined))).toMatchObject({
      entry: undefined,
      state: { number: 1 },
    });
    expect((await thrownBy(log.append(WRITER, () => Promise.reject(unavailable())))).code).toBe('LedgerUnavailable');
    expect(store.writes()).toEqual([]);
  });

  it('asks again, at what is true by then, when somebody else was faster', async () => {
    const store = await filled(allowed('0001'));
    store.before = once('create', entryKey(2), () => add(logOn(store), completed(['0001'])));
    const asked: number[] = [];
    const { entry, state } = await logOn(store).append(WRITER, (now) => {
      asked.push(now.number);
      return Promise.resolve((now.turn ? allowedAfter('0001', 1, 2) : allowed('0002')) as unknown as EntryContent);
    });
    expect(asked).toEqual([1, 2]);
    expect(entry).toMatchObject({ number: 3, kind: 'allowed', migration: '0002' });
    expect(state.turn?.allowed.number).toBe(3);
  });

  it('knows its own entry when only the answer was lost', async () => {
    const store = await filled(allowed('0001'));
    const inner = store.inner;
    // The SDK repeats a request whose answer was lost, and the repetition meets what the first one wrote.
    store.before = once('create', entryKey(2), () => {
      const create = inner.create.bind(inner);
      inner.create = async (key, body) => {
        inner.create = create;
        await create(key, body);
        return create(key, body);
      };
    });
    let asked = 0;
    const log = logOn(store);
    const { entry, state } = await log.append(WRITER, () => {
      asked += 1;
      return Promise.resolve(allowedAfter('0001', 1, 2) as unknown as EntryContent);
    });
    expect([entry?.number, asked]).toEqual([2, 1]);
    expect(await logOn(store).look()).toEqual(state);
    store.calls.length = 0;
    expect(await log.look()).toEqual(state);
    expect(store.calls).toEqual([{ operation: 'list', key: 'log/' }]);
  });

  it('asks again when what was in its way is not there when it is read', async () => {
    const store = await filled(allowed('0001'));
    const create = store.inner.create.bind(store.inner);
    store.inner.create = () => {
      store.inner.create = create;
      return Promise.resolve('exists');
    };
    expect((await add(logOn(store), completed(['0001']))).entry?.number).toBe(2);
  });

  it('gives up when others are faster each time, and has appended nothing', async () => {
    const store = await filled(completed(['0001'], 'baseline'));
    let others = 1;
    store.before = async ({ operation }) => {
      if (operation !== 'create') return;
      others += 1;
      const id = String(others).padStart(4, '0');
      await add(logOn(new HookedStore(store.inner)), completed([id], 'baseline'));
    };
    expect(await thrownBy(add(logOn(store), completed(['0100'], 'baseline')))).toMatchObject({
      code: 'LedgerUnavailable',
      source: 'system',
      what: 'Others appended to the log each of the 20 times that an entry was to be appended.',
      next: 'Try again.',
    });
    const { number, migrations } = await logOn(new HookedStore(store.inner)).look();
    expect([number, others]).toEqual([21, 21]);
    expect(migrations).not.toHaveProperty('0100');
  });

  it('takes what is listed, and cannot be read, for unreadable and not for absent', async () => {
    const store = await filled(allowed('0001'));
    store.inner.get = () => Promise.resolve(undefined);
    expect(await thrownBy(logOn(store).look())).toMatchObject({
      code: 'RecordUnreadable',
      what: "The ledger's record log/00000001.json cannot be read: it is listed, or exists for a conditional write, and not for a read.",
    });
  });

  it('lets one of many at the same time append each number', async () => {
    const store = new HookedStore();
    const ids = Array.from({ length: 12 }, (_, n) => String(n + 1).padStart(4, '0'));
    await Promise.all(ids.map((id) => add(logOn(store), completed([id], 'baseline'))));
    const state = await logOn(store).look();
    expect(state.number).toBe(12);
    expect(Object.keys(state.migrations).sort()).toEqual(ids);
  });

  it('refuses to write what may not stand there', async () => {
    const store = await filled(allowed('0001'));
    const error = await thrownBy(add(logOn(store), allowed('0002')));
    expect(error.code).toBe('LogBroken');
    expect(store.writes()).toEqual([]);
  });

  it('starts anew when what it read is no longer what stands there', async () => {
    const store = await filled(allowed('0001'), completed(['0001']));
    const log = logOn(store);
    await log.look();
    const other = await filled(completed(['0007'], 'baseline'), completed(['0008'], 'baseline'));
    for (const number of [1, 2]) {
      const { etag } = (await store.inner.get(entryKey(number))) ?? {};
      const { body = '' } = (await other.inner.get(entryKey(number))) ?? {};
      await store.inner.replace(entryKey(number), body, etag);
    }
    expect(Object.keys((await log.look()).migrations)).toEqual(['0007', '0008']);
  });

  it('passes over keys that no entry has', async () => {
    const store = await filled(allowed('0001'));
    for (const key of ['log/README.txt', 'log/1.json', 'log/00000001.json.bak']) await store.inner.create(key, 'x');
    expect((await logOn(store).look()).number).toBe(1);
    const log = logOn(store);
    await log.look();
    expect((await log.look()).number).toBe(1);
  });

  it.each<[string, string, string]>([
    ['what is no JSON', 'it is not JSON', '{'],
    ['null', 'entry: Invalid input: expected object, received null', 'null'],
    ['what is no entry', 'number: Invalid input: expected number, received undefined', '{"format":1,"kind":"allowed"}'],
    [
      'what is no identity',
      'ledger.environment: Invalid input: expected string, received undefined',
      '{"format":1,"kind":"completed","number":1,"previous":null,"ledger":{}}',
    ],
    ['an older format', 'format: Invalid input: expected 1', '{"format":0,"kind":"allowed"}'],
    ['a format that is no number', 'format: Invalid input: expected 1', '{"format":"2","kind":"allowed"}'],
    ['an entry of another number', 'it says that it is entry 1', ''],
  ])('stops at %s, and takes nothing as absent', async (_, why, body) => {
    const store = await filled(allowed('0001'));
    const first = (await store.inner.get(entryKey(1)))?.body ?? '';
    await store.inner.create(entryKey(2), body || first);
    expect(await thrownBy(logOn(store).look())).toMatchObject({
      code: 'RecordUnreadable',
      source: 'system',
      what: `The ledger's record ${entryKey(2)} cannot be read: ${why}.`,
      why: 'Nothing is taken as "not applied" because of it: the run stops here.',
      next: `Look at ${entryKey(2)} in the ledger's bucket, and at the versions of that object: an earlier one may be whole.`,
    });
  });

  it('stops at a first entry that follows another, and at a later one that follows none', async () => {
    const store = await filled(allowed('0001'), completed(['0001']));
    const previous = async (number: number, of: string | null) => {
      const entry = { ...(await entryIn(store, number)), previous: of };
      const spoiled = await filled(...(number === 1 ? [] : [allowed('0001')]));
      await spoiled.inner.create(entryKey(number), JSON.stringify(entry));
      return await thrownBy(logOn(spoiled).look());
    };
    for (const error of [await previous(1, 'a'.repeat(64)), await previous(2, null)]) {
      expect(error.code).toBe('RecordUnreadable');
      expect(error.what).toContain('cannot be read: previous: entry 1 alone follows no other.');
    }
  });

  it.each([
    ['{"format":2,"writer":{"version":"9.1.0"}}', 'version 9.1.0'],
    ['{"format":2,"writer":{"version":9}}', 'a newer version'],
    ['{"format":2,"writer":null}', 'a newer version'],
    ['{"format":2}', 'a newer version'],
  ])('stops at an entry of a newer format: %s', async (body, version) => {
    const store = await filled(allowed('0001'));
    await store.inner.create(entryKey(2), body);
    expect(await thrownBy(logOn(store).look())).toMatchObject({
      code: 'NewerLedger',
      source: 'system',
      what: `The ledger's ${entryKey(2)} was written by ${version} of odin-migrate, in format 2; this one reads up to 1.`,
      why: 'An older reader could misunderstand it: the run stops here.',
      next: 'Deploy with that version, or a later one.',
    });
  });

  it('stops at a gap', async () => {
    const store = await filled(allowed('0001'), completed(['0001']), allowed('0002'));
    const third = (await store.inner.get(entryKey(3)))?.body ?? '';
    const gapped = await filled(allowed('0001'));
    await gapped.inner.create(entryKey(3), third);
    expect((await thrownBy(logOn(gapped).look())).code).toBe('LogBroken');
  });

  it("refuses another environment's, account's or region's log", async () => {
    const store = await filled(allowed('0001'));
    for (const other of [{ environment: 'prod' }, { account: '111111111111' }, { region: 'us-east-1' }]) {
      const log = new LedgerLog(store, { ...IDENTITY, ...other });
      const expected = { ...IDENTITY, ...other };
      expect(await thrownBy(log.look())).toMatchObject({
        code: 'AnotherAppsLedger',
        source: 'system',
        what: `This ledger is of ${textOf(IDENTITY)}; expected ${textOf(expected)}.`,
        why: 'What was run for another environment says nothing about this one.',
        next: 'Look at the bucket that the functions of this environment name, and deploy the stack that belongs to it.',
      });
      expect((await thrownBy(add(log, completed(['0001'])))).code).toBe('AnotherAppsLedger');
    }
    expect(store.writes()).toEqual([]);
  });

  it('fails when the store does, without having decided anything', async () => {
    const store = await filled(allowed('0001'));
    for (const operation of ['list', 'get'] as const) {
      store.before = once(operation, /^log\//, () => Promise.reject(unavailable()));
      expect((await thrownBy(logOn(store).look())).code).toBe('LedgerUnavailable');
    }
    store.before = once('create', /^log\//, () => Promise.reject(unavailable()));
    expect((await thrownBy(add(logOn(store), completed(['0001'])))).code).toBe('LedgerUnavailable');
    expect((await logOn(store).look()).number).toBe(1);
  });

  describe('that is kept in state.json', () => {
    /** As a version that keeps something else would seal it. */
    const resealed = (body: string): string =>
      body.replace(/^([^]*)(\n {2}"seal": ")[0-9a-f]+/, (_, text: string, key: string) => text + key + sha256(text));

    async function kept(...said: Said[]) {
      const store = await filled(...said);
      const log = logOn(store);
      await log.look();
      await log.keep();
      store.calls.length = 0;
      return { store, log };
    }

    it('is read in two requests, however long it is', async () => {
      const many = Array.from({ length: 30 }, (_, n) => completed([String(n + 1).padStart(4, '0')], 'baseline'));
      const { store } = await kept(...many, allowed('0031'), halted(31, '0031'));
      const state = await logOn(store).look();
      expect(store.calls.map(({ key }) => key)).toEqual(['state.json', 'log/']);
      await store.inner.replace('state.json', '{}', (await store.inner.get('state.json'))?.etag);
      expect(await logOn(store).look()).toEqual(state);
    });

    it('can be read by a person: the open halt on top, a line for each migration', async () => {
      const { store } = await kept(allowed('0001'), completed(['0001']), allowed('0002'), halted(3, '0002'));
      const lines = ((await store.inner.get('state.json'))?.body ?? '').split('\n');
      expect(lines.findIndex((line) => line.startsWith('  "openHalt"'))).toBe(3);
      expect(lines).toContain('    "kind": "halted",');
      expect(lines.filter((line) => /^ {4}"000\d": \{"attempts":1/.test(line))).toHaveLength(2);
    });

    it('is gone on from when more was appended', async () => {
      const { store } = await kept(allowed('0001'), completed(['0001']));
      await add(logOn(store), allowed('0002'));
      store.calls.length = 0;
      expect((await logOn(store).look()).turn?.allowed.migration).toBe('0002');
      expect(store.calls.map(({ key }) => key)).toEqual(['state.json', 'log/', entryKey(3)]);
    });

    it('is ignored when it is of another version, spoiled, or of entries that stand there no more', async () => {
      const { store, log } = await kept(allowed('0001'), completed(['0001']));
      const state = await log.look();
      const { body = '' } = (await store.inner.get('state.json')) ?? {};
      const others = [
        resealed(body.replace(/"fold": \d+/, '"fold": 1').replace('"0001":', '"0009":')),
        resealed(body.replace(/"etag": "[^,]*",/, '"etag": "other",')),
        resealed(body.replace('"number": 2', '"number": 9')),
        body.replace('"number": 2', '"number": 1'),
        body.replace('"0001":', '"0009":'),
        body.replace('"completion":"applied"', '"completion":7'),
        body.replace(/"seal": "[^"]*"/, '"seal": "x"'),
        `${body}x`,
        '{',
        'null',
      ];
      expect(resealed(body)).toBe(body);
      for (const other of others) {
        expect(other).not.toBe(body);
        await store.inner.replace('state.json', other, (await store.inner.get('state.json'))?.etag);
        expect(await logOn(store).look()).toEqual(state);
      }
    });

    it('stands as another writer left it who has seen as much, and is written by who has seen more', async () => {
      const { store, log } = await kept(allowed('0001'));
      const other = logOn(store);
      await add(other, completed(['0001']));
      expect(await other.keep()).toBe(true);
      await log.look();
      expect(await log.keep()).toBe(false);
      await add(log, allowed('0002'));
      expect(await log.keep()).toBe(true);
      expect((await store.inner.get('state.json'))?.body).toContain('"number": 3');
    });

    it('is written over what another one has kept meanwhile who has seen less', async () => {
      const { store, log } = await kept(allowed('0001'));
      const other = logOn(store);
      await add(other, completed(['0001']));
      await add(log, allowed('0002'));
      expect(await other.keep()).toBe(true);
      expect(await log.keep()).toBe(true);
      expect((await store.inner.get('state.json'))?.body).toContain('"number": 3');
    });

    it('may be some entries behind', async () => {
      const { store, log } = await kept(allowed('0001'));
      await add(log, completed(['0001']));
      expect(await log.keep(2)).toBe(false);
      await add(log, allowed('0002'));
      expect(await log.keep(2)).toBe(true);
      expect((await store.inner.get('state.json'))?.body).toContain('"number": 3');
      store.calls.length = 0;
      expect(await log.keep()).toBe(false);
      expect(store.calls).toEqual([]);
    });

    it('is not written of an empty log', async () => {
      const { store } = await kept();
      expect(store.writes()).toEqual([]);
      expect(await store.inner.get('state.json')).toBeUndefined();
    });
  });

  it.each(['attempts/0001/0001/started.json', 'completed/0001.json'])(
    'refuses a ledger from before the log, by name: %s',
    async (key) => {
      const store = new HookedStore();
      await store.inner.create(key, '{}');
      const error = await thrownBy(logOn(store).look());
      expect(error).toMatchObject({
        code: 'OldLedger',
        source: 'user',
        what: `The ledger's bucket holds ${key} and no log: it is in the format from before the log, which this version does not read.`,
        why: 'With an empty log, everything would run again.',
      });
      expect(error.message).toContain(
        `Deploy to a new bucket, and record there what is done: npx --no-install odin-migrate baseline ${IDENTITY.environment} --through <id> --reason "..."`,
      );
      expect(store.writes()).toEqual([]);
    },
  );

  it('is empty where the bucket holds other things, and no record of before', async () => {
    const store = new HookedStore();
    for (const key of ['README.txt', 'checkpoints/0001.json']) await store.inner.create(key, '{}');
    expect((await logOn(store).look()).number).toBe(0);
  });

  it('is not one from before the log when another has begun it meanwhile, and has left a copy of a completion', async () => {
    const store = new HookedStore();
    store.after = once('list', 'log/', async () => {
      await add(logOn(new HookedStore(store.inner)), completed(['0001'], 'baseline'));
      await store.inner.create('completed/0001.json', '{}');
    });
    expect((await logOn(store).look()).migrations['0001']?.completion?.number).toBe(1);
  });

  it('knows when the store answered, by the clock of the store', async () => {
    const at = Date.parse('2026-03-01T12:00:07Z');
    const log = logOn(new HookedStore(new MemoryStore(() => at)));
    await log.look();
    expect(log.lookedAt).toBe(at);
  });

  it('gives all entries only when each follows the one before it', async () => {
    const store = await filled(allowed('0001'), completed(['0001']), allowed('0002'));
    const log = logOn(store);
    await log.look();
    const changed = { ...(await entryIn(store, 2)), reason: 'another' };
    await store.inner.replace(entryKey(2), JSON.stringify(changed), (await store.inner.get(entryKey(2)))?.etag);
    expect((await log.look()).number).toBe(3);
    expect((await thrownBy(log.entries())).what).toContain('it does not follow entry 2 as it is stored');
  });

  it('gives one entry, undefined when it is not there, and all of them in order', async () => {
    const store = await filled(allowed('0001'), completed(['0001']));
    expect(await logOn(store).entry(2)).toMatchObject({ number: 2, kind: 'completed' });
    expect(await logOn(store).entry(3)).toBeUndefined();
    expect((await logOn(store).entries()).map(({ number, kind }) => [number, kind])).toEqual([
      [1, 'allowed'],
      [2, 'completed'],
    ]);
  });
});
