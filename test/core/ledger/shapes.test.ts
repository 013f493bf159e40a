// What each record must hold, and may: written down a second time, beside the schemas.
import { describe, expect, it } from 'vitest';
import { BatchClaim, BatchItems, BatchMarked, BatchOutcome } from '../../../core/ledger/batches.ts';
import { CheckpointRecord } from '../../../core/ledger/checkpoints.ts';
import { APPENDED_BY, APPENDERS, COMPLETIONS, Entry, HALT_REASONS } from '../../../core/ledger/entries.ts';
import { CaughtError } from '../../../core/ledger/error-records.ts';
import { Claim, Outcome } from '../../../core/ledger/turns.ts';
import { Waiter } from '../../../core/ledger/waiters.ts';
import { DECISIONS } from '../../../core/names/names.ts';
import type * as z from '../../../core/schema.ts';
import { nested, pathsOf, replaceAt } from '../../support/hostile.ts';

const HASH = 'a'.repeat(64);
const TIME = '2026-03-01T12:00:00Z';
const WRITER = { function: 'list-pending', requestId: 'request', version: '1.0.0' };
const REFERENCE = { key: 'turns/0004/00000002/outcome.json', sha256: HASH };
const ERROR = { name: 'Error', message: 'no room', stack: 'at a place' };
const SOURCES = { version: 2, files: HASH, packages: HASH };
const DID = { done: 1, total: 2, note: 'of them' };
const VERIFIED = { is: 'verified' };

const envelope = { format: 1, number: 2, previous: HASH, time: TIME, nonce: 'nonce', writer: WRITER };
const LEDGER = { app: 'shop', environment: 'dev', account: '111122223333', region: 'eu-west-1' };
const ofTurn = { format: 1, entry: { number: 2, sha256: HASH }, time: TIME, nonce: 'nonce', writer: WRITER };

const ALLOWED = {
  ...envelope,
  ...{ kind: 'allowed', migration: '0004', attempt: 1, slice: 2, run: 'run', execution: 'arn', ledger: LEDGER },
  ...{ sourceSha256: HASH, sources: SOURCES, codeSha256: HASH, gitCommit: 'abc', timeoutMs: 1, begin: 'checkpoint' },
  batches: { of: 3, plan: [{ turn: 1, sha256: HASH, batches: 3 }], rest: '1-2', tolerated: 1, slowed: 1 },
  restsOn: { completion: REFERENCE, turn: REFERENCE, decision: REFERENCE },
};
const HALTED = {
  ...envelope,
  ...{ kind: 'halted', migration: '0004', attempt: 1, turn: 2, run: 'run', reason: 'failed' },
  ...{ commits: { began: 'abc', deployed: 'def' }, error: ERROR, outcome: REFERENCE },
};
const DECIDED = {
  ...envelope,
  ...{ kind: 'decided', decision: 'retry', migration: '0004', attempt: 1, of: 3, by: 'anna', identity: VERIFIED },
  ...{ reason: 'looked', instead: 4, retry: { codeSha256: HASH, begin: 'start' } },
};
const COMPLETED = {
  ...envelope,
  ...{ kind: 'completed', ids: ['0004'], completion: 'applied', by: 'anna', identity: { is: 'claimed', why: 'no' } },
  ...{ reason: 'looked', startedAt: TIME, finishedAt: TIME, leftOver: ['2 timers'], did: DID, restsOn: REFERENCE },
};
const CHECKPOINT = {
  ...{ format: 1, turn: 2, attempt: 1, slice: 1, codeSha256: HASH, sequence: 3, time: TIME, cursor: 'a' },
  ...{ done: 1, total: 2, note: 'of them', began: { time: TIME, done: 1 } },
  plan: { turns: [{ turn: 1, sha256: HASH, batches: 3 }], items: 9, sealed: true },
  notBefore: TIME,
};
const OUTCOME = {
  ...ofTurn,
  ...{ outcome: 'stopped', error: ERROR, durationMs: 1, checkpoints: 2, leftOver: ['2 timers'], did: DID },
  stoppedAt: { checkpoint: CHECKPOINT, etag: '"1"' },
  batches: { of: 3, succeeded: 1, failed: 1, unknown: 0, left: 2, slowed: 1, failures: REFERENCE },
};
const WAITER = {
  ...{ format: 1, halt: 3, execution: 'arn', run: 'run', allowOutOfOrder: true, allowRenumbered: ['0004'] },
  ...{ acceptChanged: ['0004'], token: 'token', since: TIME },
};

const OF_DID = ['did', 'did.done', 'did.total', 'did.note'];
const OF_ENTRY = ['ledger'];

interface Shape {
  schema: z.ZodMiniType;
  /** All that such a record may hold. */
  whole: Record<string, unknown>;
  /** What may be left out of it. */
  optional: readonly string[];
}

const SHAPES: Record<string, Shape> = {
  allowed: {
    schema: Entry,
    whole: ALLOWED,
    optional: [
      ...[...OF_ENTRY, 'ledger.app', 'sources', 'gitCommit', 'batches', 'batches.tolerated', 'batches.slowed'],
      ...['restsOn.completion', 'restsOn.turn', 'restsOn.decision'],
    ],
  },
  halted: {
    schema: Entry,
    whole: HALTED,
    optional: [...['commits', 'commits.began', 'commits.deployed'], ...['error', 'error.stack', 'outcome']],
  },
  decided: { schema: Entry, whole: DECIDED, optional: ['identity', 'reason', 'instead', 'retry'] },
  completed: {
    schema: Entry,
    whole: COMPLETED,
    optional: ['by', 'identity', 'reason', 'startedAt', 'finishedAt', 'leftOver', 'restsOn', ...OF_DID],
  },
  claim: {
    schema: Claim,
    whole: { ...ofTurn, claim: 'void', otherCodeSha256: HASH },
    optional: ['otherCodeSha256'],
  },
  outcome: {
    schema: Outcome,
    whole: OUTCOME,
    optional: [
      ...['error', 'error.stack', 'durationMs', 'checkpoints', 'leftOver', 'stoppedAt', ...OF_DID],
      ...['done', 'total', 'note', 'began', 'plan', 'notBefore'].map((field) => `stoppedAt.checkpoint.${field}`),
      ...['batches', 'batches.slowed', 'batches.failures'],
    ],
  },
  checkpoint: {
    schema: CheckpointRecord,
    whole: CHECKPOINT,
    optional: ['done', 'total', 'note', 'began', 'plan', 'notBefore'],
  },
  waiter: { schema: Waiter, whole: WAITER, optional: ['allowRenumbered', 'acceptChanged'] },
  'items of a batch': { schema: BatchItems, whole: { ...ofTurn, items: [1, { a: null }] }, optional: [] },
  'claim of a batch': { schema: BatchClaim, whole: { ...ofTurn, claim: 'claimed' }, optional: [] },
  'outcome of a batch': {
    schema: BatchOutcome,
    whole: { ...ofTurn, outcome: 'failed', error: ERROR, durationMs: 1, leftOver: ['2 timers'] },
    optional: ['error', 'error.stack', 'durationMs', 'leftOver'],
  },
  'mark of a batch': { schema: BatchMarked, whole: { ...ofTurn, marks: 'failed' }, optional: [] },
  'caught error': { schema: CaughtError, whole: { Error: 'E', Cause: 'c' }, optional: ['Error', 'Cause'] },
};

describe.each(Object.entries(SHAPES))('%s', (_, { schema, whole, optional }) => {
  it('is kept whole', () => {
    expect(schema.parse(whole)).toEqual(whole);
  });

  it('may lack what is optional, and nothing else', () => {
    const fields = pathsOf(whole).filter((path) => path.length > 0 && !path.some((part) => /^\d+$/.test(part)));
    const free = fields.filter((path) => schema.safeParse(replaceAt(whole, path, undefined)).success);
    // Any JSON value may be the items of a batch, and its parts are nothing of the record's.
    expect(free.map((path) => path.join('.')).sort()).toEqual([...optional].sort());
  });

  it('is nothing else than an object of these types', () => {
    for (const path of pathsOf(whole).filter(([first]) => first !== 'items' && first !== 'cursor')) {
      if (path.at(-1) === 'cursor') continue;
      const other = replaceAt(whole, path, [{ other: true }]);
      expect([path.join('.'), schema.safeParse(other).success]).toEqual([path.join('.'), false]);
    }
  });
});

describe('a field of a record', () => {
  it.each<[Shape | undefined, string, readonly unknown[], readonly unknown[]]>([
    [SHAPES['allowed'], 'migration', ['0000', '9999'], ['', '4', '00004', 'x0004', '0004x', 'abcd']],
    [
      SHAPES['allowed'],
      'codeSha256',
      ['0'.repeat(64), 'f9'.repeat(32)],
      ['a', `${HASH}a`, 'g'.repeat(64), HASH.toUpperCase()],
    ],
    [SHAPES['allowed'], 'sources.files', ['0'.repeat(64)], ['a', `${HASH}a`, `x${HASH}`, 'g'.repeat(64)]],
    [
      SHAPES['allowed'],
      'batches.rest',
      ['', '7', '17', '1-3', '10-12', '1-3,7', '1,2,10-12,14'],
      [...['-', ',', '1-', '-1', '1,', ',1', '1--2', '1-2-3', '1,,2', 'a', '1-a', 'a-1', '1,a', '1a', 'a1', '1 '], 1],
    ],
    [SHAPES['allowed'], 'begin', ['start', 'checkpoint'], ['', 'end']],
    [SHAPES['allowed'], 'previous', [null], ['', 'a']],
    [SHAPES['allowed'], 'format', [1], [0, 2, '1']],
    [SHAPES['allowed'], 'kind', [], ['', 'other', 'halted']],
    [SHAPES['halted'], 'reason', HALT_REASONS, ['', 'other']],
    [SHAPES['decided'], 'decision', [...DECISIONS, 'cancel'], ['', 'other']],
    [SHAPES['decided'], 'retry.begin', ['start', 'checkpoint'], ['', 'end']],
    [
      SHAPES['decided'],
      'identity',
      [{ is: 'verified' }, { is: 'claimed', why: '' }],
      [{ is: 'claimed' }, { is: '' }, {}],
    ],
    [SHAPES['completed'], 'completion', COMPLETIONS, ['', 'other']],
    [SHAPES['completed'], 'ids', [['0001', '0002']], [[], ['1']]],
    [SHAPES['claim'], 'claim', ['claimed', 'void'], ['', 'other']],
    [SHAPES['outcome'], 'outcome', ['succeeded', 'failed', 'stopped', 'unknown'], ['', 'not-begun']],
    [
      SHAPES['outcome of a batch'],
      'outcome',
      ['succeeded', 'failed', 'unknown', 'not-begun', 'slowed-down'],
      ['', 'stopped'],
    ],
    [SHAPES['claim of a batch'], 'claim', [], ['', 'void']],
    [SHAPES['mark of a batch'], 'marks', ['failed', 'later'], ['', 'other']],
    [SHAPES['checkpoint'], 'format', [1, 2], [0, 3, '1']],
    [SHAPES['checkpoint'], 'cursor', [null, 0, '', [], { a: [{ b: 1 }] }], [() => 1, Number.NaN]],
    [SHAPES['items of a batch'], 'items', [[], [null]], [{}, [() => 1]]],
  ])('%#: %2$s', (shape, field, good, bad) => {
    if (!shape) throw new Error('no such record');
    const taken = (value: unknown) => shape.schema.safeParse(replaceAt(shape.whole, field.split('.'), value)).success;
    expect(good.filter((value) => !taken(value))).toEqual([]);
    expect(bad.filter(taken)).toEqual([]);
  });

  it('that is no JSON, or nested too deep, is said to be so', () => {
    for (const cursor of [() => 1, JSON.parse(nested(50_000)) as unknown]) {
      const [issue] = CheckpointRecord.safeParse({ ...CHECKPOINT, cursor }).error?.issues ?? [];
      expect(issue).toMatchObject({ path: ['cursor'], message: 'expected a JSON value, not nested too deep' });
    }
  });

  it('keeps a cursor as it is, with keys that are special to JavaScript', () => {
    const cursor = JSON.parse('{"__proto__":{"a":1},"b":2}') as unknown;
    const kept = CheckpointRecord.parse({ ...CHECKPOINT, cursor });
    expect(JSON.stringify(kept.cursor)).toBe('{"__proto__":{"a":1},"b":2}');
  });
});

it('says why a halt was, how something was completed, and who appends what, in these words', () => {
  expect(HALT_REASONS).toEqual([
    ...['failed', 'unknown', 'cancelled', 'code-changed', 'file-gone', 'not-started', 'unrecorded'],
  ]);
  expect(COMPLETIONS).toEqual(['applied', 'marked-applied', 'skipped', 'baseline']);
  expect(DECISIONS).toEqual(['retry', 'mark-applied', 'skip', 'abort']);
  expect(APPENDED_BY).toEqual({
    allowed: ['list-pending'],
    halted: ['halt'],
    decided: ['resume'],
    completed: ['record-completion', 'baseline'],
  });
  expect([...APPENDERS].sort()).toEqual(['baseline', 'halt', 'list-pending', 'record-completion', 'resume']);
});
