// What is offered at a halt, and in which words.
import { expect, it } from 'vitest';
import { meaningOf, meanings, needsReason, resumeCommand, saysWhy } from '../../core/decision/meanings.ts';
import { nothingHalted } from '../../core/decision/nothing-halted.ts';
import { HALT_REASONS } from '../../core/ledger/entries.ts';

it.each(HALT_REASONS.filter((reason) => reason !== 'unrecorded'))(
  'offers the four decisions at a halt: %s',
  (reason) => {
    expect(meanings(reason)).toEqual([
      {
        decision: 'retry',
        meaning: 'runs it again with the code that is deployed now, from its last checkpoint if it has one',
      },
      { decision: 'mark-applied', meaning: 'records it as applied, because you made sure that its effect is there' },
      { decision: 'skip', meaning: 'records it as skipped: it is not needed, and never runs' },
      { decision: 'abort', meaning: 'ends this run as failed; the next run halts here again' },
    ]);
  },
);

it('offers nothing that would say what is known already, where only the completion is missing', () => {
  expect(meanings('unrecorded')).toEqual([
    { decision: 'retry', meaning: 'records now what is known of it; nothing is run twice' },
    { decision: 'abort', meaning: 'ends this run as failed; the next run halts here again' },
  ]);
  for (const decision of ['mark-applied', 'skip'] as const) {
    expect(meaningOf(decision, 'unrecorded')).toBe(
      'is refused if its code succeeded; else it is a retry: what was decided first stays',
    );
  }
});

it('asks for a reason where something is recorded that nobody ran', () => {
  const needing = (['retry', 'mark-applied', 'skip', 'abort'] as const).filter(needsReason);
  expect(needing).toEqual(['mark-applied', 'skip']);
  expect(['retry', 'skip'].map((decision) => resumeCommand('odin-dev', decision as 'retry' | 'skip', 45))).toEqual([
    { verb: 'resume', environment: 'odin-dev', args: ['retry', '--halt 45'] },
    { verb: 'resume', environment: 'odin-dev', args: ['skip', '--halt 45', '--reason "..."'] },
  ]);
});

it('takes for a reason what has a letter or a digit in it', () => {
  for (const reason of ['a', '7', 'ü', '東', '... looked ...']) expect(saysWhy(reason)).toBe(true);
  for (const reason of [undefined, '', ' ', '...', '-', '_', '\n']) expect(saysWhy(reason)).toBe(false);
});

it('says of an environment in which nothing is halted what to type', () => {
  const said = {
    code: 'NothingHalted',
    source: 'user',
    next: { words: 'Start a run', verb: 'run', environment: 'dev' },
  };
  expect(nothingHalted('dev')).toMatchObject({
    ...said,
    what: 'No migration of dev is halted, so there is nothing to decide.',
  });
  expect(nothingHalted('dev', 'Its halt is over.')).toMatchObject({ ...said, what: 'Its halt is over.' });
});
