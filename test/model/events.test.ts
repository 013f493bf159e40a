import { describe, expect, it } from 'vitest';
import type { RequestLine } from '../simulation/recorder.ts';
import { eventsOf, OutOfScope } from './events.ts';
import { SIZE } from './schedules.ts';

const line = (actor: string, request: string, more: Partial<RequestLine> = {}): RequestLine => ({
  time: 1_000_000,
  actor,
  request,
  effect: 'now',
  answer: 'done',
  ...more,
});
const LIST = 'list-pending#request-1';
const begins = line(LIST, 'begins', {
  body: { payload: { ask: 'next', execution: 'arn:x:run-1', input: {} }, manifest: { '0010': 'a', '0030': 'b' } },
});
const allowed = {
  number: 1,
  kind: 'allowed',
  migration: '0010',
  attempt: 1,
  slice: 1,
  execution: 'arn:x:run-1',
  codeSha256: 'a',
  timeoutMs: 60_000,
};
const started = [line('run-1', 'starts'), begins];
const open = [
  ...started,
  line(LIST, 'list log/'),
  line(LIST, 'create log/00000001.json', { body: allowed }),
  line('run-1', 'hears of List pending', { body: { step: 'run' } }),
];
const CLAIM = 'turns/0010/00000001/claim.json';
const OUTCOME = 'turns/0010/00000001/outcome.json';

/** Of the migration's function, as the entry says it. */
const asked = { ask: 'run', execution: 'arn:x:run-1', migration: '0010', attempt: 1, slice: 1, turn: 1 };

const words = (...lines: RequestLine[]): string[] =>
  eventsOf(lines, SIZE).map(({ word, by, fields }) => [word, by, ...fields.map((field) => field ?? '-')].join(' '));

describe('a trace in the words of the model', () => {
  it('a look has the manifest of its function, two bits for each id, and an entry what it says', () => {
    expect(words(...open)).toEqual(['START 0', 'LOOK_LIST 0 17 0', 'PUT 0 ALLOWED 1 1 1 0 0 1']);
  });

  it('a batch is a bit: its turn is looked at, it is claimed, and looked at again; what is left of a turn is listed after its claim', () => {
    const child = '0010#request-2';
    const again = 'list-pending#request-3';
    const BATCHES = 'turns/0010/00000001/batches/';
    const said = words(
      ...started,
      line(LIST, 'list log/'),
      line(LIST, 'create log/00000001.json', { body: { ...allowed, batches: { of: 3, rest: '1,3' } } }),
      line('run-1', 'hears of List pending', { body: { step: 'run batches' } }),
      line(child, 'begins', {
        body: { payload: { ...asked, ask: 'batch', batch: 3 }, manifest: { '0010': 'a' } },
      }),
      line(child, `get ${CLAIM}`, { answer: 'absent' }),
      line(child, `create ${BATCHES}000003-claim.json`, { body: { claim: 'claimed' } }),
      line(child, `get ${CLAIM}`, { answer: 'absent' }),
      line(child, 'user code starts 1'),
      line('0010#user code', 'user code ends 1 3', { answer: 'returned' }),
      line(child, `create ${BATCHES}000003-outcome.json`, { body: { outcome: 'succeeded' } }),
      line(child, 'answers {"batch":3}'),
      { ...begins, actor: again },
      line(again, 'list log/'),
      line(again, `get ${OUTCOME}`, { answer: 'absent' }),
      line(again, `get ${CLAIM}`),
      line(again, `list ${BATCHES}`),
      line(again, `get ${BATCHES}000003-outcome.json`),
      line(again, `list ${BATCHES}`),
    );
    expect(said.slice(2)).toEqual([
      'PUT 0 ALLOWED 1 1 1 5 0 1',
      'INVOKE 141 1 0 1 4',
      'IS_CLOSED 100 1 0',
      'TAKE_BATCH 100 1 4 CLAIMED 1',
      'IS_CLOSED 100 1 0',
      'CODE_STARTS 100',
      'CODE_ENDS 100 RETURNED',
      'TAKE_BATCH 100 1 4 SUCCEEDED 1',
      'LOOK_LIST 0 17 0',
      'READ 0 1 0 1 0',
      'LOOK_BATCHES 0',
    ]);
  });

  it('caches, copies, messages and entries that were listed are no events; the number that another has is one', () => {
    const exists = line(LIST, 'create log/00000001.json', { answer: 'exists', body: allowed });
    const aside = ['get state.json', 'list completed/', 'get log/00000001.json', 'publishes'].map((what) =>
      line(LIST, what),
    );
    expect(words(...started, line(LIST, 'list log/'), ...aside, exists)).toEqual([
      'START 0',
      'LOOK_LIST 0 17 0',
      'MISS 0',
    ]);
  });

  it('a turn is read at a moment at which both answers are true: after its claim, when that came between the two', () => {
    const again = 'list-pending#request-2';
    const claim = { claim: 'claimed' };
    const read = words(
      ...open,
      { ...begins, actor: again },
      line(again, 'list log/'),
      line(again, `get ${OUTCOME}`, { answer: 'absent' }),
      line('0010#request-3', 'begins', { body: { payload: asked, manifest: { '0010': 'a' } } }),
      line('0010#request-3', `create ${CLAIM}`, { body: claim }),
      line(again, `get ${CLAIM}`),
    );
    expect(read.slice(-2)).toEqual(['TAKE 100 1 CLAIMED 1', 'READ 0 1 0 1 0']);
  });

  it('a request without an effect is none, one that takes effect late is two, and what a dead function reads is none', () => {
    const create = 'create log/00000001.json';
    const late = [
      line(LIST, create, { effect: 'none', answer: 'LedgerUnavailable', fault: 'late', body: allowed }),
      line('run-1', 'hears of List pending', { answer: 'LedgerUnavailable' }),
      line(LIST, create, { effect: 'late', fault: 'late', body: allowed }),
      line(LIST, 'list completed/', { effect: 'late' }),
      line(LIST, `get ${OUTCOME}`, { effect: 'late', answer: 'absent' }),
    ];
    expect(words(...started, line(LIST, 'list log/'), ...late).slice(2)).toEqual([
      'LATE 0',
      'HEARS 0 ERROR',
      'EFFECT 140 ALLOWED 1 1 1 0 0 1',
    ]);
    const fails = line(LIST, create, { effect: 'none', answer: 'LedgerUnavailable', fault: 'fails', body: allowed });
    expect(words(...started, line(LIST, 'list log/'), fails)).toHaveLength(2);
  });

  it('who reads what stands under a key to see whether it is its own decides nothing on it', () => {
    const again = 'list-pending#request-2';
    const outcome = line(again, `get ${OUTCOME}`);
    const took = line(again, `create ${OUTCOME}`, { body: { outcome: 'unknown' }, answer: 'exists' });
    const lines = [...open, { ...begins, actor: again }, line(again, 'list log/'), took, outcome];
    expect(words(...lines).slice(-1)).toEqual(['TAKE 0 1 UNKNOWN 0']);
    expect(words(...lines, outcome).slice(-1)).toEqual(['READ 0 1 1 - 0']);
  });

  it('an execution is handed over to the one that its function names', () => {
    const there = line('run-2', 'starts');
    const told = { body: { step: 'handed over', execution: 'arn:x:run-2' } };
    const ends = line('run-1', 'ends SUCCEEDED');
    expect(words(there, ...started, line('run-1', 'hears of List pending', told), ends)).toEqual([
      'START 0',
      'START 1',
      'HEARS 1 DONE 0',
    ]);
  });

  it('what a function reads after its execution was redriven is none, and that it writes is larger than the model', () => {
    const redriven = [line('run-1', 'ends ABORTED'), line('run-1', 'is redriven from List pending')];
    const lines = [...started, line(LIST, 'list log/'), ...redriven, line(LIST, `get ${OUTCOME}`)];
    expect(words(...lines).slice(-2)).toEqual(['ENDS 0 STOPPED', 'REDRIVEN 0']);
    const writes = line(LIST, 'create log/00000001.json', { body: allowed });
    expect(words(...lines, { ...writes, answer: 'exists' })).toHaveLength(4);
    expect(() => words(...lines, writes)).toThrow(OutOfScope);
    const twoAtOnce = [
      { ...begins, actor: 'list-pending#request-2' },
      { ...begins, actor: 'list-pending#request-3' },
    ];
    expect(() => words(...lines, ...twoAtOnce)).toThrow(OutOfScope);
  });

  it('a preview is none, nor is what a function refuses; one that claims what no entry says is an error', () => {
    const own = '0010#request-2';
    const invoked = (body: object) => [...open, line(own, 'begins', { body: { payload: body, manifest: {} } })];
    const previewed = [line(own, 'preview of 0010, step 0'), line(own, 'answers {}')];
    expect(words(...invoked({ ask: 'preview' }), ...previewed)).toEqual(words(...open));
    const other = invoked({ ...asked, attempt: 2 });
    const refused = line(own, 'fails with NotAllowed: it is not there');
    expect(words(...other, line(own, 'get log/00000001.json'), refused)).toEqual(words(...open));
    expect(() => words(...other, line(own, `create ${CLAIM}`, { body: { claim: 'claimed' } }))).toThrow('no rule for');
    expect(words(...invoked(asked)).slice(-1)).toEqual(['INVOKE 141 1 0 2 0']);
  });

  it('an execution waits for the invocation of whose end it hears at once, and not for another one that ended before it hears', () => {
    const own = '0010#request-2';
    const byHand = '0010#request-3';
    const begin = (actor: string, execution: string) =>
      line(actor, 'begins', { body: { payload: { ...asked, execution }, manifest: { '0010': 'a' } } });
    const claims = (actor: string, answer: string) =>
      line(actor, `create ${CLAIM}`, { answer, body: { claim: 'claimed' } });
    const invoked = [...open, begin(own, 'arn:x:run-1'), claims(own, 'done')];
    const hears = line('run-1', 'hears of Run migration', { body: { outcome: 'finished' } });
    const answers = line(own, 'answers {}');
    const INVOKE = 'INVOKE 0 1 0 1 0';
    expect(words(...invoked, answers, hears)).toContain(INVOKE);
    const later = { ...hears, time: hears.time + 1 };
    expect(words(...invoked, answers, later)).not.toContain(INVOKE);
    const another = [
      line('run-2', 'starts'),
      begin(byHand, 'arn:x:run-1'),
      claims(byHand, 'exists'),
      line(byHand, 'answers {}'),
    ];
    const said = words(...invoked, ...another, line('run-2', 'hears of Run migration', { answer: 'Lambda.Unknown' }));
    expect(said.filter((word) => word.startsWith('INVOKE'))).toEqual(['INVOKE 141 1 0 1 0', 'INVOKE 141 1 1 1 0']);
  });

  it('the deadline passes before the first look that knows it', () => {
    const later = (what: string, time: number) => ({ ...line('list-pending#request-2', what), time });
    const claimed = [
      line('0010#request-3', 'begins', { body: { payload: asked, manifest: { '0010': 'a' } } }),
      line('0010#request-3', `create ${CLAIM}`, { body: { claim: 'claimed' } }),
      { ...begins, actor: 'list-pending#request-2' },
    ];
    const looks = (time: number) => words(...open, ...claimed, later('list log/', time));
    expect(looks(1_070_999)).not.toContain('PASSES 141 1');
    expect(looks(1_071_000).slice(-2)).toEqual(['PASSES 141 1', 'LOOK_LIST 0 17 0']);
  });

  it('what is not known is an error, and what is larger than the model is another one', () => {
    expect(() => words(...started, line(LIST, 'list secrets/'))).toThrow('no rule for');
    expect(() => words(...started, line(LIST, 'fails with LogBroken: a gap'))).toThrow('no rule for');
    const many = Array.from({ length: SIZE.starts + 1 }, (_, at) => line(`run-${at + 1}`, 'starts'));
    expect(() => words(...many)).toThrow(OutOfScope);
  });
});
