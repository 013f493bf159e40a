// A whole ledger is examined after something in it was damaged: each kind of damage is found, under the key where it is.
import { describe, expect, it } from 'vitest';
import { moveCheckpoint } from '../../../core/ledger/checkpoints.ts';
import { examineLedger, isWrong } from '../../../core/ledger/examine.ts';
import type { LogState } from '../../../core/ledger/fold.ts';
import {
  checkpointKey,
  claimKey,
  completedKey,
  entryKey,
  outcomeKey,
  STATE_KEY,
  waiterKey,
} from '../../../core/ledger/keys.ts';
import { LedgerLog } from '../../../core/ledger/log.ts';
import { MemoryStore } from '../../../core/ledger/memory-store.ts';
import { formatStateFile } from '../../../core/ledger/state-file.ts';
import { createClock } from '../../support/clock.ts';
import { HookedStore } from '../../support/hooked-store.ts';
import { ledgerBefore } from '../../support/ledger.ts';
import { createWorld, IDENTITY } from '../../support/services.ts';

/**
 * Entries 1 and 2: 0001 was applied. 3 to 6: 0002 failed, was retried, and runs. All that a real ledger has beside them is there:
 * claims, outcomes, a waiter, a checkpoint, the copy of a completion, and the kept state.
 */
async function soundLedger() {
  const clock = createClock();
  const store = new MemoryStore(clock.now);
  const ledger = { log: new LedgerLog(store, IDENTITY), store };
  const before = ledgerBefore({ store: new HookedStore(store), clock });
  const first = await before.allow('0001');
  await before.claim(first);
  const outcome = await before.close(first, 'succeeded');
  if (outcome.taken !== 'mine') throw new Error('nobody else writes here');
  await before.complete('0001', 'applied', { restsOn: outcome.reference });
  await copy(entryKey(2), completedKey('0001'));
  const second = await before.allow('0002');
  await before.claim(second);
  await before.close(second, 'failed');
  const halted = await before.halt(second);
  await before.wait(halted, second.execution, 'token');
  await before.decide(halted, 'retry');
  const third = await before.allow('0002', { attempt: 2 });
  await before.claim(third);
  await moveCheckpoint(store, third, undefined, { cursor: 'zebra' }, clock.now());
  await keep(await before.look());

  async function put(key: string, body: string): Promise<void> {
    await store.replace(key, body, (await store.get(key))?.etag);
  }
  async function bodyOf(key: string): Promise<string> {
    const stored = await store.get(key);
    if (!stored) throw new Error(`${key} is not there`);
    return stored.body;
  }
  async function copy(from: string, to: string): Promise<void> {
    await put(to, await bodyOf(from));
  }
  async function edit(key: string, change: (json: object) => object): Promise<void> {
    await put(key, JSON.stringify(change(JSON.parse(await bodyOf(key)) as object)));
  }
  /** As the ledger keeps it, with the ETag of its last entry. */
  async function keep(state: LogState): Promise<void> {
    const etag = (await store.get(entryKey(state.number)))?.etag ?? '';
    await put(STATE_KEY, formatStateFile({ state, etag }));
  }
  function remove(key: string): void {
    if (!store.objects.delete(key)) throw new Error(`${key} is not there`);
  }
  const examine = async () => (await examineLedger(ledger, IDENTITY)).findings;
  return { ledger, before, put, copy, edit, keep, remove, examine };
}

type Sound = Awaited<ReturnType<typeof soundLedger>>;

describe('of a sound ledger', () => {
  it('nothing is found, and all of it was looked at', async () => {
    const { ledger } = await soundLedger();
    const { findings, ...looked } = await examineLedger(ledger, IDENTITY);
    expect(findings).toEqual([]);
    expect(looked).toEqual({ objects: 15, entries: 6, turns: 3, references: 1, copies: 1 });
  });

  it('that is empty nothing is found', async () => {
    const { findings, ...looked } = await examineLedger(createWorld().ledger, IDENTITY);
    expect({ findings, looked }).toEqual({
      findings: [],
      looked: { objects: 0, entries: 0, turns: 0, references: 0, copies: 0 },
    });
  });
});

const TURN_1 = { migration: '0001', number: 1 };
const TURN_2 = { migration: '0002', number: 3 };
const TURN_3 = { migration: '0002', number: 6 };
const NEVER = { migration: '0002', number: 5 };

const DAMAGES: [what: string, damage: (sound: Sound) => unknown, found: string[]][] = [
  [
    'an entry is gone',
    ({ remove }) => remove(entryKey(3)),
    [
      `missing-entry ${entryKey(3)}`,
      `broken-log ${entryKey(4)}`,
      `stray-object ${claimKey(TURN_2)}`,
      `stray-object ${outcomeKey(TURN_2)}`,
    ],
  ],
  [
    'the last entry is no JSON',
    ({ put }) => put(entryKey(6), 'x'),
    [
      `stray-object ${checkpointKey('0002')}`,
      `unreadable-entry ${entryKey(6)}`,
      `ignored-state ${STATE_KEY}`,
      `stray-object ${claimKey(TURN_3)}`,
    ],
  ],
  [
    'an entry was changed, so that the next one does not follow from it',
    (sound) => sound.edit(entryKey(5), (entry) => ({ ...entry, by: 'somebody else' })),
    [`broken-log ${entryKey(6)}`],
  ],
  [
    'the first entry is of another account',
    (sound) => sound.edit(entryKey(1), (entry) => ({ ...entry, ledger: { ...IDENTITY, account: '000000000000' } })),
    [
      `other-ledger ${entryKey(1)}`,
      `broken-log ${entryKey(2)}`,
      `wrong-state ${STATE_KEY}`,
      `spoiled ${claimKey(TURN_1)}`,
      `spoiled ${outcomeKey(TURN_1)}`,
    ],
  ],
  [
    'an outcome on which a completion rests is gone',
    ({ remove }) => remove(outcomeKey(TURN_1)),
    [`unclosed-turn ${outcomeKey(TURN_1)}`, `missing-object ${outcomeKey(TURN_1)}`],
  ],
  [
    'an outcome on which a completion rests says something else now',
    (sound) => sound.edit(outcomeKey(TURN_1), (outcome) => ({ ...outcome, time: '2026-03-01T12:00:01Z' })),
    [`changed-object ${outcomeKey(TURN_1)}`],
  ],
  ['a claim is no JSON', ({ put }) => put(claimKey(TURN_3), 'x'), [`spoiled ${claimKey(TURN_3)}`]],
  ['an outcome has no claim', ({ remove }) => remove(claimKey(TURN_2)), [`contradiction ${outcomeKey(TURN_2)}`]],
  [
    'an outcome is of a turn that is void',
    (sound) => sound.edit(claimKey(TURN_2), (claim) => ({ ...claim, claim: 'void' })),
    [`contradiction ${outcomeKey(TURN_2)}`],
  ],
  [
    'the log has gone on from a turn that has no outcome',
    ({ remove }) => remove(outcomeKey(TURN_2)),
    [`unclosed-turn ${outcomeKey(TURN_2)}`],
  ],
  [
    'the copy of a completion is gone',
    ({ remove }) => remove(completedKey('0001')),
    [`missing-copy ${completedKey('0001')}`],
  ],
  [
    'the copy of a completion is of another entry',
    ({ copy }) => copy(entryKey(1), completedKey('0001')),
    [`changed-copy ${completedKey('0001')}`],
  ],
  [
    'there is a copy of a completion that never was',
    ({ copy }) => copy(entryKey(2), completedKey('0002')),
    [`stray-object ${completedKey('0002')}`],
  ],
  ['a claim was made in advance', ({ put }) => put(claimKey(NEVER), '{}'), [`stray-object ${claimKey(NEVER)}`]],
  ['a waiter is of no halt', ({ put }) => put(waiterKey(5, 'run-1'), '{}'), [`stray-object ${waiterKey(5, 'run-1')}`]],
  ['a checkpoint is no JSON', ({ put }) => put(checkpointKey('0002'), 'x'), [`spoiled ${checkpointKey('0002')}`]],
  [
    'a checkpoint is of a turn of another migration',
    (sound) => sound.edit(checkpointKey('0002'), (checkpoint) => ({ ...checkpoint, turn: 1 })),
    [`stray-object ${checkpointKey('0002')}`],
  ],
  [
    'the kept state stands for an entry that is not there',
    ({ remove }) => [claimKey(TURN_3), checkpointKey('0002'), entryKey(6)].forEach(remove),
    [`wrong-state ${STATE_KEY}`],
  ],
  ['the kept state is spoiled', ({ put }) => put(STATE_KEY, '{}'), [`ignored-state ${STATE_KEY}`]],
  ['a key is none of ours', ({ put }) => put('notes.txt', 'x'), ['foreign-key notes.txt']],
];

describe('what is wrong is told with its key, when', () => {
  it.each(DAMAGES)('%s', async (_, damage, expected) => {
    const sound = await soundLedger();
    await damage(sound);
    const found = await sound.examine();
    expect(found.map(({ finding, key }) => `${finding} ${key}`)).toEqual(expected);
  });
});

it('says that a state is wrong which has the right hash and another content', async () => {
  const { before, keep, examine } = await soundLedger();
  await keep({ ...(await before.look()), migrations: {} });
  expect((await examine()).map(({ finding }) => finding)).toEqual(['wrong-state']);
});

it('takes what readers pass over, and keys of others, for no fault', () => {
  const names = ['ignored-state', 'foreign-key', 'missing-entry'] as const;
  expect(names.map((finding) => isWrong({ finding, key: 'k' }))).toEqual([false, false, true]);
});

it('compares with no identity when nobody can tell it', async () => {
  const { ledger } = await soundLedger();
  expect((await examineLedger(ledger, undefined)).findings).toEqual([]);
});
