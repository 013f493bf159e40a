// What a deployment may not take away without its being said twice.
import { describe, expect, it } from 'vitest';
import { lackingError, lackingOf } from '../../core/decision/lacking.ts';
import { ALLOW_REMOVED, parseAllowed, refusedRemovals, removedBy } from '../../core/decision/removals.ts';
import { errorLines } from '../../core/errors.ts';
import type { LogState } from '../../core/ledger/fold.ts';
import { fold } from '../../core/ledger/fold.ts';
import { allowed, completed, decided, halted, logOf } from './ledger/entries.ts';

const functions = (...ids: string[]) => ({ migrations: ids.map((id) => ({ id })) });
const doneOf = (...ids: string[]) => ids.flatMap((id) => [allowed(id), completed([id])]);

/** @returns the messages, in the words of a terminal; each is a refusal that a deployment knows by its code */
function refused(
  deployed: string[],
  next: { files: string[]; pruned?: string[] },
  state: LogState,
  may: string[] = [],
): string[] {
  const [of, to] = [functions(...deployed), { ...functions(...next.files), pruned: next.pruned }];
  const removed = removedBy(of, to, may);
  return refusedRemovals(removed, { environment: 'odin-dev', deployed: of, next: to, state }).map((error) => {
    expect(error).toMatchObject({ code: 'FunctionsRemoved', source: 'user' });
    return errorLines(error).join(' ');
  });
}

describe('every function that is deployed', () => {
  const done = fold(logOf(...doneOf('0001', '0002')));

  it('is not removed by an empty folder, completed or not', () => {
    const [message = '', ...more] = refused(['0001', '0002'], { files: [] }, done);
    expect(more).toEqual([]);
    expect(message).toBe(
      'To deploy like this would be to remove every function of odin-dev that is deployed, and 2 migrations of those are not completed and pruned: 0001, 0002. ' +
        'An empty folder, a wrong one and another branch look like this. ' +
        'Deploy from where the files are; or, if this is meant, deploy with -c allow-removed=0001,0002. What is completed is pruned by: ' +
        'npx --no-install odin-migrate prune odin-dev',
    );
    expect(refused(['0001'], { files: [] }, fold([]))).toHaveLength(1);
  });

  it('is not removed by a folder of other numbers, unless all of them are completed: then new work is beside what needs none', () => {
    const [message = ''] = refused(['0001', '0003'], { files: ['0101'] }, done);
    expect(message).toContain('1 migration of those is not completed: 0003.');
    expect(refused(['0001', '0002'], { files: ['0101'] }, done)).toEqual([]);
  });

  it('is removed in one step when all of them are completed and pruned', () => {
    expect(refused(['0001', '0002'], { files: [], pruned: ['0001', '0002'] }, done)).toEqual([]);
    expect(refused(['0001', '0002'], { files: ['0003'], pruned: ['0001', '0002'] }, done)).toEqual([]);
  });

  it('is not removed when completed.json names what this ledger does not have as completed', () => {
    const [message = ''] = refused(['0001', '0003'], { files: [], pruned: ['0001', '0003'] }, done);
    expect(message).toContain('1 migration of those is not completed and pruned: 0003');
  });

  it('is removed when that was said twice, of each of them or of all', () => {
    expect(refused(['0001', '0002'], { files: [] }, done, ['0001'])).toHaveLength(1);
    expect(refused(['0001', '0002'], { files: [] }, done, ['0001', '0002'])).toEqual([]);
    expect(refused(['0001', '0002'], { files: [] }, done, ['all'])).toEqual([]);
  });

  it('of many is told to be said as all', () => {
    const many = ['0001', '0002', '0003', '0004', '0005', '0006'];
    expect(refused(many, { files: [] }, done).join()).toContain('-c allow-removed=all.');
    expect(refused(many.slice(0, 5), { files: [] }, done).join()).toContain(
      '-c allow-removed=0001,0002,0003,0004,0005.',
    );
  });

  it('is not concerned when one of them stays, or when there was none', () => {
    expect(refused(['0001', '0002', '0003'], { files: ['0003'] }, done)).toEqual([]);
    expect(refused([], { files: ['0001'] }, done)).toEqual([]);
  });
});

describe('the function of what is open', () => {
  const before = doneOf('0001');
  const open = (...entries: Parameters<typeof logOf>) => fold(logOf(...before, ...entries));
  const removed = (state: LogState, may?: string[]) => refused(['0001', '0002'], { files: ['0001'] }, state, may);

  it('is not removed while it is halted', () => {
    const [message = '', ...more] = removed(open(allowed('0002'), halted(3, '0002')));
    expect(more).toEqual([]);
    expect(message).toBe(
      '0002 is halted (attempt 1), and its file is not here: to deploy like this would be to remove its function, and a retry could not run. ' +
        'Put the file back, or decide mark-applied, skip or abort first; or, if it is meant, deploy with -c allow-removed=0002. What is open: ' +
        'npx --no-install odin-migrate status odin-dev',
    );
  });

  it('is not removed while it runs, nor when it is to be retried', () => {
    expect(removed(open(allowed('0002')))[0]).toContain('0002 has not ended');
    const [message = '', ...more] = removed(open(allowed('0002'), halted(3, '0002'), decided(4, 'retry', '0002')));
    expect(more).toEqual([]);
    expect(message).toContain('0002 has not ended (attempt 1)');
  });

  it.each(['mark-applied', 'skip', 'abort'] as const)(
    'is removed when %s was decided: no code is needed',
    (decision) => {
      expect(removed(open(allowed('0002'), halted(3, '0002'), decided(4, decision, '0002')))).toEqual([]);
    },
  );

  it('is removed when that was said twice, and that of another is no matter', () => {
    const state = open(allowed('0002'), halted(3, '0002'));
    expect(removed(state, ['0002'])).toEqual([]);
    expect(refused(['0001', '0002'], { files: ['0002'] }, state)).toEqual([]);
  });

  it('is told beside the removal of all', () => {
    expect(refused(['0001', '0002'], { files: [] }, open(allowed('0002'), halted(3, '0002')))).toHaveLength(2);
  });
});

describe('what the ledger does not have as completed', () => {
  it('is each of what completed.json names, and nothing when there is no such file', () => {
    const state = fold(logOf(...doneOf('0001')));
    expect(lackingOf(state, ['0001', '0002', '0003'])).toEqual(['0002', '0003']);
    expect(lackingOf(state)).toEqual([]);
  });

  it('is a refusal that says what to type: a baseline, or on this machine the run again', () => {
    const said = {
      code: 'NotCompleted',
      source: 'user',
      what: 'completed.json of odin-dev names 0002, 0003 as completed, and this ledger does not.',
      why: 'It may be a new ledger, or that of another environment, or the file was edited.',
    };
    expect(lackingError(['0002', '0003'], 'odin-dev')).toMatchObject({
      ...said,
      next: {
        words:
          'If they did not run, take their lines out of completed.json, bring their files back from git, and deploy. ' +
          'If they ran elsewhere',
        verb: 'baseline',
        environment: 'odin-dev',
        args: ['--pruned', '--reason "..."'],
      },
    });
    expect(lackingError(['0002', '0003'], 'odin-dev', { local: true })).toMatchObject({
      ...said,
      next: {
        words: 'What it names is counted as done here when you type it again',
        verb: 'run',
        environment: 'odin-dev',
      },
    });
  });
});

it('reads what is allowed', () => {
  expect(parseAllowed('0001')).toEqual(['0001']);
  expect(parseAllowed('0001, 0002')).toEqual(['0001', '0002']);
  expect(parseAllowed('all')).toEqual(['all']);
  expect(ALLOW_REMOVED).toBe('allow-removed');
  for (const wrong of ['', '1', '0001,', 'true', '00011', 'x0001', '0001x', 'all,', '0001,x'])
    expect(parseAllowed(wrong), wrong).toBeUndefined();
});
