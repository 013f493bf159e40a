// A whole ledger is examined after something in it was damaged: each kind of damage is found, under the key where it is.
import { describe, expect, it } from 'vitest';
import { moveCheckpoint } from '../../../core/ledger/checkpoints.ts';
import type { LedgerFinding } from '../../../core/ledger/examine.ts';
import { examineLedger, isWrong } from '../../../core/ledger/examine.ts';
import type { LogState } from '../../../core/ledger/fold.ts';
import {
  batchKey,
  checkpointKey,
  claimKey,
  completedKey,
  entryKey,
  failuresKey,
  outcomeKey,
  STATE_KEY,
  waiterKey,
} from '../../../core/ledger/keys.ts';
import { identityText, sha256 } from '../../../core/ledger/entries.ts';
import { claimBatch, endBatch, markBatch, planBatch } from '../../../core/ledger/batches.ts';
import { LedgerLog } from '../../../core/ledger/log.ts';
import { MemoryStore } from '../../../core/ledger/memory-store.ts';
import { formatStateFile } from '../../../core/ledger/state-file.ts';
import { createClock } from '../../support/clock.ts';
import { HookedStore, once, unavailable } from '../../support/hooked-store.ts';
import { ledgerBefore } from '../../support/ledger.ts';
import { createWorld, IDENTITY } from '../../support/services.ts';

/**
 * Entries 1 and 2: 0001 was applied. 3 to 6: 0002 failed, was retried, and runs. All that a real ledger has beside them is there:
 * claims, outcomes, a waiter, a checkpoint, the copy of a completion, and the kept state.
 */
async function soundLedger() {
  const empty = emptyLedger();
  const { before, copy, keep, store, clock } = empty;
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
  return empty;
}

/**
 * 0001 has a plan of two batches (turn 1), of which the second failed (turn 2), was retried, and succeeded (turn 5). Entry 6 completes
 * it.
 */
async function plannedLedger() {
  const empty = emptyLedger();
  const { before, put, copy, keep, store, clock } = empty;
  const writer = before.writer('0001');
  const referenceTo = async (key: string) => ({ key, sha256: sha256((await store.get(key))?.body ?? '') });
  const planning = await before.allow('0001');
  await before.claim(planning);
  for (const batch of [1, 2]) await planBatch(store, planning, writer, batch, [batch]);
  const turns = [{ turn: 1, sha256: planning.sha256, batches: 2 }];
  const content = { cursor: 2, plan: { turns, items: 2, sealed: true } };
  const stoppedAt = await moveCheckpoint(store, planning, undefined, content, clock.now());
  await before.close(planning, 'stopped', { stoppedAt });

  const first = await before.allow('0001', {
    slice: 2,
    begin: 'checkpoint',
    restsOn: { turn: await referenceTo(outcomeKey(planning)) },
    batches: { of: 2, plan: turns, rest: '1-2' },
  });
  for (const batch of [1, 2]) await claimBatch(store, first, writer, batch);
  await before.claim(first, { claim: 'void' });
  await endBatch(store, first, writer, 1, { outcome: 'succeeded' });
  await endBatch(store, first, writer, 2, { outcome: 'failed' });
  await markBatch(store, first, writer, 2, 'failed');
  await put(failuresKey(first), '{"batch":2}\n');
  const failures = await referenceTo(failuresKey(first));
  await before.close(first, 'failed', { batches: { of: 2, succeeded: 1, failed: 1, unknown: 0, left: 1, failures } });
  const halt = await before.halt(first, 'failed', { outcome: await referenceTo(outcomeKey(first)) });
  const decided = await before.decide(halt, 'retry');

  const second = await before.allow('0001', {
    attempt: 2,
    begin: 'checkpoint',
    restsOn: { decision: { key: entryKey(decided.number), sha256: decided.sha256 } },
    batches: { of: 2, plan: turns, rest: '2' },
  });
  await claimBatch(store, second, writer, 2);
  await before.claim(second, { claim: 'void' });
  await endBatch(store, second, writer, 2, { outcome: 'succeeded' });
  await before.close(second, 'succeeded', { batches: { of: 2, succeeded: 2, failed: 0, unknown: 0, left: 0 } });
  await before.complete('0001', 'applied', { restsOn: await referenceTo(outcomeKey(second)) });
  await copy(entryKey(6), completedKey('0001'));
  await keep(await before.look());
  return empty;
}

function emptyLedger() {
  const clock = createClock();
  const store = new MemoryStore(clock.now);
  const ledger = { log: new LedgerLog(store, IDENTITY), store };
  const before = ledgerBefore({ store: new HookedStore(store), clock });

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
  return { ledger, store, clock, before, put, copy, edit, keep, remove, examine };
}

type Sound = ReturnType<typeof emptyLedger>;

/** All that a finding says, in one line. */
const told = ({ finding, key, entry, why }: LedgerFinding): string =>
  `${finding} ${key}${entry === undefined ? '' : ` of entry ${entry}`}${why === undefined ? '' : `: ${why}`}`;

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
      `broken-log ${entryKey(4)}: The ledger's ${entryKey(4)} cannot stand where it is: it is about attempt 1 of 0002, which has no open turn.`,
      `stray-object ${claimKey(TURN_2)}: entry 3 allows no turn of 0002`,
      `stray-object ${outcomeKey(TURN_2)}: entry 3 allows no turn of 0002`,
    ],
  ],
  [
    'the last entry is no JSON',
    ({ put }) => put(entryKey(6), 'x'),
    [
      `stray-object ${checkpointKey('0002')}: entry 6 allows no turn of 0002`,
      `unreadable-entry ${entryKey(6)}: The ledger's record ${entryKey(6)} cannot be read: it is not JSON.`,
      `ignored-state ${STATE_KEY}: it was made of another ${entryKey(6)} than stands there`,
      `stray-object ${claimKey(TURN_3)}: entry 6 allows no turn of 0002`,
    ],
  ],
  [
    'an entry was changed, so that the next one does not follow from it',
    (sound) => sound.edit(entryKey(5), (entry) => ({ ...entry, by: 'somebody else' })),
    [`broken-log ${entryKey(6)}: it does not follow entry 5 as it is stored`],
  ],
  [
    'the first entry is of another account',
    (sound) => sound.edit(entryKey(1), (entry) => ({ ...entry, ledger: { ...IDENTITY, account: '000000000000' } })),
    [
      `other-ledger ${entryKey(1)}: ${identityText({ ...IDENTITY, account: '000000000000' })}`,
      `broken-log ${entryKey(2)}: it does not follow entry 1 as it is stored`,
      `wrong-state ${STATE_KEY} of entry 6`,
      `spoiled ${claimKey(TURN_1)} of entry 1: it was made for entry 1, with another hash`,
      `spoiled ${outcomeKey(TURN_1)} of entry 1: it was made for entry 1, with another hash`,
    ],
  ],
  [
    'an outcome on which a completion rests is gone',
    ({ remove }) => remove(outcomeKey(TURN_1)),
    [`unclosed-turn ${outcomeKey(TURN_1)} of entry 1`, `missing-object ${outcomeKey(TURN_1)} of entry 2`],
  ],
  [
    'an outcome on which a completion rests says something else now',
    (sound) => sound.edit(outcomeKey(TURN_1), (outcome) => ({ ...outcome, time: '2026-03-01T12:00:01Z' })),
    [`changed-object ${outcomeKey(TURN_1)} of entry 2`],
  ],
  [
    'a claim is no JSON',
    ({ put }) => put(claimKey(TURN_3), 'x'),
    [`spoiled ${claimKey(TURN_3)} of entry 6: it cannot be read`],
  ],
  [
    'an outcome has no claim',
    ({ remove }) => remove(claimKey(TURN_2)),
    [`contradiction ${outcomeKey(TURN_2)}: its turn was never claimed`],
  ],
  [
    'an outcome is of a turn that is void',
    (sound) => sound.edit(claimKey(TURN_2), (claim) => ({ ...claim, claim: 'void' })),
    [`contradiction ${outcomeKey(TURN_2)}: its turn is void: no code of it ever ran`],
  ],
  [
    'the log has gone on from a turn that has no outcome',
    ({ remove }) => remove(outcomeKey(TURN_2)),
    [`unclosed-turn ${outcomeKey(TURN_2)} of entry 3`],
  ],
  [
    'the copy of a completion is gone',
    ({ remove }) => remove(completedKey('0001')),
    [`missing-copy ${completedKey('0001')} of entry 2`],
  ],
  [
    'the copy of a completion is of another entry',
    ({ copy }) => copy(entryKey(1), completedKey('0001')),
    [`changed-copy ${completedKey('0001')} of entry 2`],
  ],
  [
    'there is a copy of a completion that never was',
    ({ copy }) => copy(entryKey(2), completedKey('0002')),
    [`stray-object ${completedKey('0002')}: no entry of the log completes it`],
  ],
  [
    'a claim was made in advance',
    ({ put }) => put(claimKey(NEVER), '{}'),
    [`stray-object ${claimKey(NEVER)}: entry 5 allows no turn of 0002`],
  ],
  [
    'a waiter is of no halt',
    ({ put }) => put(waiterKey(5, 'run-1'), '{}'),
    [`stray-object ${waiterKey(5, 'run-1')}: entry 5 is no halt`],
  ],
  [
    'a waiter is of no entry',
    ({ put }) => put(waiterKey(9, 'run-1'), '{}'),
    [`stray-object ${waiterKey(9, 'run-1')}: entry 9 is no halt`],
  ],
  [
    'an entry is of a newer version',
    (sound) => sound.edit(entryKey(6), (entry) => ({ ...entry, format: 99 })),
    [
      `stray-object ${checkpointKey('0002')}: entry 6 allows no turn of 0002`,
      `unreadable-entry ${entryKey(6)}: The ledger's ${entryKey(6)} was written by version 0.0.0 of odin-migrate, in format 99; this one reads up to 1.`,
      `ignored-state ${STATE_KEY}: it was made of another ${entryKey(6)} than stands there`,
      `stray-object ${claimKey(TURN_3)}: entry 6 allows no turn of 0002`,
    ],
  ],
  [
    'the log has gone on from a turn that was never claimed',
    ({ remove }) => [claimKey(TURN_2), outcomeKey(TURN_2)].forEach(remove),
    [`unclosed-turn ${claimKey(TURN_2)} of entry 3`],
  ],
  [
    'a checkpoint is no JSON',
    ({ put }) => put(checkpointKey('0002'), 'x'),
    [`spoiled ${checkpointKey('0002')}: it cannot be read`],
  ],
  [
    'a checkpoint is of a turn of another migration',
    (sound) => sound.edit(checkpointKey('0002'), (checkpoint) => ({ ...checkpoint, turn: 1 })),
    [`stray-object ${checkpointKey('0002')}: entry 1 allows no turn of 0002`],
  ],
  [
    'the kept state stands for an entry that is not there',
    ({ remove }) => [claimKey(TURN_3), checkpointKey('0002'), entryKey(6)].forEach(remove),
    [`wrong-state ${STATE_KEY}: it stands for ${entryKey(6)}, which is not there`],
  ],
  [
    'the kept state is spoiled',
    ({ put }) => put(STATE_KEY, '{}'),
    [`ignored-state ${STATE_KEY}: it is spoiled, or of another version`],
  ],
  ['a key is none of ours', ({ put }) => put('notes.txt', 'x'), ['foreign-key notes.txt']],
];

const PLANNING = { migration: '0001', number: 1 };
const BATCHES = { migration: '0001', number: 2 };
const AGAIN = { migration: '0001', number: 5 };

const DAMAGED_BATCHES: [what: string, damage: (sound: Sound) => unknown, found: string[]][] = [
  ['nothing', () => undefined, []],
  [
    'the items of a batch are no JSON',
    ({ put }) => put(batchKey(PLANNING, 1, 'items'), 'x'),
    [`spoiled ${batchKey(PLANNING, 1, 'items')} of entry 1: it cannot be read, or was made for another entry`],
  ],
  [
    'the claim of a batch is of another turn',
    ({ copy }) => copy(batchKey(AGAIN, 2, 'claim'), batchKey(BATCHES, 1, 'claim')),
    [`spoiled ${batchKey(BATCHES, 1, 'claim')} of entry 2: it cannot be read, or was made for another entry`],
  ],
  [
    'the marks of batches are no JSON',
    async ({ put }) => {
      await put(batchKey(BATCHES, 1, 'later'), 'x');
      await put(batchKey(BATCHES, 2, 'failed'), 'x');
    },
    [
      `spoiled ${batchKey(BATCHES, 1, 'later')} of entry 2: it cannot be read, or was made for another entry`,
      `spoiled ${batchKey(BATCHES, 2, 'failed')} of entry 2: it cannot be read, or was made for another entry`,
    ],
  ],
  [
    'a batch has a record that is none of ours',
    ({ put }) => put('turns/0001/00000002/batches/000001-other.json', 'x'),
    ['foreign-key turns/0001/00000002/batches/000001-other.json'],
  ],
  [
    'a batch has an outcome, and was never claimed',
    ({ remove }) => remove(batchKey(BATCHES, 1, 'claim')),
    [`contradiction ${batchKey(BATCHES, 1, 'outcome')}: its batch was never claimed`],
  ],
  [
    'a turn has succeeded, and none of its batches ever began',
    ({ remove }) => [batchKey(AGAIN, 2, 'claim'), batchKey(AGAIN, 2, 'outcome')].forEach(remove),
    [
      `contradiction ${outcomeKey(AGAIN)}: its turn is void: no code of it ever ran`,
      `contradiction ${outcomeKey(AGAIN)}: it says succeeded, and these batches did not: 2`,
    ],
  ],
  [
    'a turn has succeeded, and not each of its batches',
    (sound) => sound.edit(batchKey(AGAIN, 2, 'outcome'), (outcome) => ({ ...outcome, outcome: 'failed' })),
    [`contradiction ${outcomeKey(AGAIN)}: it says succeeded, and these batches did not: 2`],
  ],
  [
    'what its batches said is gone',
    ({ remove }) => remove(failuresKey(BATCHES)),
    [`missing-object ${failuresKey(BATCHES)} of entry 2`],
  ],
  [
    'what its batches said was changed',
    ({ put }) => put(failuresKey(BATCHES), 'x'),
    [`changed-object ${failuresKey(BATCHES)} of entry 2`],
  ],
  [
    'batches, and what they said, are of no turn',
    async ({ put }) => {
      await put(batchKey({ migration: '0001', number: 3 }, 1, 'claim'), 'x');
      await put(failuresKey({ migration: '0002', number: 9 }), 'x');
    },
    [
      `stray-object ${batchKey({ migration: '0001', number: 3 }, 1, 'claim')}: entry 3 allows no turn of 0001`,
      `stray-object ${failuresKey({ migration: '0002', number: 9 })}: entry 9 allows no turn of 0002`,
    ],
  ],
  [
    'the outcome that a halt and what its batches said rest on is gone',
    ({ remove }) => remove(outcomeKey(BATCHES)),
    [`unclosed-turn ${outcomeKey(BATCHES)} of entry 2`, `missing-object ${outcomeKey(BATCHES)} of entry 3`],
  ],
  [
    'the outcome that the next slice rests on was changed',
    (sound) => sound.edit(outcomeKey(PLANNING), (outcome) => ({ ...outcome, time: '2026-03-01T12:00:01Z' })),
    [`changed-object ${outcomeKey(PLANNING)} of entry 2`],
  ],
  [
    'the decision that an attempt rests on was changed',
    (sound) => sound.edit(entryKey(4), (entry) => ({ ...entry, by: 'somebody else' })),
    [
      `changed-object ${entryKey(4)} of entry 5`,
      `broken-log ${entryKey(5)}: it does not follow entry 4 as it is stored`,
    ],
  ],
  [
    'the decision that an attempt rests on is gone',
    ({ remove }) => remove(entryKey(4)),
    [
      `missing-entry ${entryKey(4)}`,
      `missing-object ${entryKey(4)} of entry 5`,
      expect.stringMatching(new RegExp(`^broken-log ${entryKey(5)}: `)) as string,
    ],
  ],
];

describe('of batches it is told with its key, when what is wrong is', () => {
  it.each(DAMAGED_BATCHES)('%s', async (_, damage, expected) => {
    const planned = await plannedLedger();
    await damage(planned);
    const found = await planned.examine();
    expect(found.map(told)).toEqual(expected);
  });

  it('and all of a sound one was looked at', async () => {
    const looked = await examineLedger((await plannedLedger()).ledger, IDENTITY);
    expect(looked).toMatchObject({ findings: [], entries: 6, turns: 3, references: 5, copies: 1 });
  });
});

describe('a completion', () => {
  const completedWith = async (
    completion: 'applied' | 'marked-applied' | 'skipped',
    restsOn: (sound: Sound, halt: number) => Promise<string | undefined>,
    outcome: 'failed' | 'succeeded' = 'failed',
  ) => {
    const sound = emptyLedger();
    const { before, copy, store } = sound;
    await before.complete('0000', 'baseline');
    await copy(entryKey(1), completedKey('0000'));
    const turn = await before.allow('0001');
    await before.claim(turn);
    await before.close(turn, outcome);
    const halt = await before.halt(turn);
    if (completion !== 'applied') await before.decide(halt, completion === 'skipped' ? 'skip' : 'mark-applied');
    const key = await restsOn(sound, halt.number);
    const body = key === undefined ? undefined : (await store.get(key))?.body;
    const last = await before.complete('0001', completion, {
      restsOn: key === undefined ? undefined : { key, sha256: sha256(body ?? '') },
    });
    await copy(entryKey(last.number), completedKey('0001'));
    return (await sound.examine()).map(told);
  };
  const OUTCOME = outcomeKey({ migration: '0001', number: 2 });
  const outcome = () => Promise.resolve(OUTCOME);
  const decision = () => Promise.resolve(entryKey(4));
  const nothing = () => Promise.resolve(undefined);

  it('rests on an outcome that succeeded, or on a decision; a baseline rests on none', async () => {
    expect(await completedWith('applied', outcome, 'succeeded')).toEqual([]);
    expect(await completedWith('marked-applied', decision)).toEqual([]);
    expect(await completedWith('skipped', decision)).toEqual([]);
  });

  it('that rests on something else, or on nothing, is told', async () => {
    const without = (completion: string, what: string, entry: number) =>
      `contradiction ${entryKey(entry)}: it says ${completion}, and does not rest on ${what}`;
    expect(await completedWith('applied', nothing)).toEqual([without('applied', 'an outcome', 4)]);
    expect(await completedWith('applied', () => Promise.resolve(entryKey(3)))).toEqual([
      without('applied', 'an outcome', 4),
    ]);
    expect(await completedWith('skipped', nothing)).toEqual([without('skipped', 'a decision', 5)]);
    expect(await completedWith('marked-applied', outcome)).toEqual([without('marked-applied', 'a decision', 5)]);
    expect(await completedWith('applied', () => Promise.resolve('elsewhere'))).toEqual([
      `missing-object elsewhere of entry 4`,
      without('applied', 'an outcome', 4),
    ]);
  });

  it('as applied of code that failed is told', async () => {
    expect(await completedWith('applied', outcome)).toEqual([
      `contradiction ${entryKey(4)}: it says applied, and its code failed`,
    ]);
  });
});

describe('a turn is open, and no fault, as long as nothing follows from it', () => {
  const findings = async (...steps: ('claim' | 'void' | 'halt' | 'complete' | 'again')[]) => {
    const { before, copy, examine, store } = emptyLedger();
    const turn = await before.allow('0001');
    for (const step of steps) {
      if (step === 'claim') await before.claim(turn);
      if (step === 'void') await before.claim(turn, { claim: 'void' });
      if (step === 'halt') await before.decide(await before.halt(turn, 'unknown'), 'mark-applied');
      if (step === 'again') {
        const claim = { key: claimKey(turn), sha256: sha256((await store.get(claimKey(turn)))?.body ?? '') };
        await before.allow('0001', { restsOn: { turn: claim } });
      }
      if (step === 'complete') {
        await before.complete('0001', 'marked-applied', {
          restsOn: { key: entryKey(3), sha256: (await before.look()).sha256 ?? '' },
        });
        await copy(entryKey(4), completedKey('0001'));
      }
    }
    return (await examine()).map(told);
  };

  it.each([
    [[]],
    [['claim']],
    [['claim', 'halt']],
    [['halt']],
    [['void']],
    [['void', 'again']],
    [['void', 'halt', 'complete']],
  ] as const)('%j', async (steps) => {
    expect(await findings(...steps)).toEqual([]);
  });

  it('and is one when its migration is completed, and it was not closed', async () => {
    const key = outcomeKey({ migration: '0001', number: 1 });
    expect(await findings('claim', 'halt', 'complete')).toEqual([`unclosed-turn ${key} of entry 1`]);
  });
});

describe('while others write', () => {
  /** The same ledger, of which this key was not there yet when all was listed. */
  const before = ({ ledger, store }: Sound, hidden: string) => {
    const late = new HookedStore(store);
    late.list = async (prefix) => {
      const listed = await store.list(prefix);
      return { ...listed, objects: listed.objects.filter(({ key }) => key !== hidden) };
    };
    return { ...ledger, store: late };
  };

  it('what belongs to an entry that came after the look began is no fault', async () => {
    const sound = await soundLedger();
    expect((await examineLedger(before(sound, entryKey(6)), IDENTITY)).findings).toEqual([]);
    const turn = (await sound.before.look()).turn!.allowed;
    await sound.before.wait(await sound.before.halt(turn), turn.execution, 'token');
    expect((await examineLedger(before(sound, entryKey(7)), IDENTITY)).findings).toEqual([]);
  });

  it('what was listed, and is gone when it is read, is told as gone or passed over', async () => {
    for (const [key, found] of [
      [entryKey(6), `missing-entry ${entryKey(6)}`],
      [checkpointKey('0002'), `spoiled ${checkpointKey('0002')}: it cannot be read`],
    ] as const) {
      const sound = await soundLedger();
      const store = new HookedStore(sound.store);
      store.after = once('list', '', () => sound.remove(key));
      const { findings } = await examineLedger({ ...sound.ledger, store }, IDENTITY);
      expect(findings.map(told)).toContain(found);
    }
  });

  it('a store that does not answer is no finding', async () => {
    const { store } = await soundLedger();
    const hooked = new HookedStore(store);
    hooked.before = ({ operation, key }) => {
      if (operation === 'get' && key === entryKey(3)) throw unavailable();
    };
    await expect(
      examineLedger({ log: new LedgerLog(hooked, IDENTITY), store: hooked }, IDENTITY),
    ).rejects.toMatchObject({ code: 'LedgerUnavailable' });
  });
});

describe('what is wrong is told with its key, when', () => {
  it.each(DAMAGES)('%s', async (_, damage, expected) => {
    const sound = await soundLedger();
    await damage(sound);
    const found = await sound.examine();
    expect(found.map(told)).toEqual(expected);
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
