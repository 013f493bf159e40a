// The words of a migration's state and of a halt, and how good or bad it is: the same on the terminal and on the dashboard.
import type { Did, HaltReason, Said } from '../ledger/entries.ts';
import type { Decision } from '../names/names.ts';
import { withoutControls } from '../text/plain.ts';
import { progressOf, progressText } from './progress.ts';
import type { MigrationState, MigrationView } from './view.ts';

/** `good`: done. `busy`: it goes on by itself. `warn`: look at it, nothing is wrong yet. `bad`: somebody has to act. `quiet`: nothing to see. */
export type Tone = 'good' | 'bad' | 'busy' | 'warn' | 'quiet';

export const TONES: Record<MigrationState, Tone> = {
  applied: 'good',
  'marked-applied': 'good',
  baseline: 'good',
  skipped: 'quiet',
  pending: 'quiet',
  late: 'warn',
  starting: 'busy',
  running: 'busy',
  stopped: 'busy',
  succeeded: 'busy',
  decided: 'busy',
  halted: 'bad',
  aborted: 'bad',
  failed: 'bad',
  unknown: 'bad',
};

const NAMES: Partial<Record<MigrationState, string>> = {
  'marked-applied': 'marked applied',
  succeeded: 'recording',
  stopped: 'at a checkpoint',
};

/** A state in words: `marked applied`. */
export const stateName = (state: MigrationState): string => NAMES[state] ?? state;

/** The state of one migration, with what was decided of it: `retry decided`. */
export function stateWord({
  state,
  decision,
  waitsUntil,
}: Pick<MigrationView, 'state' | 'decision' | 'waitsUntil'>): string {
  if (state === 'decided' && decision !== undefined) return `${decision} decided`;
  return waitsUntil === undefined ? stateName(state) : 'waiting';
}

const HALTS: Record<HaltReason, string> = {
  failed: 'it failed',
  unknown: 'its outcome is unknown, it may have run in part',
  cancelled: 'it was cancelled, and stopped at a checkpoint',
  'code-changed': 'it began with other code than is deployed now',
  'file-gone': 'its file is not deployed any more',
  'not-started': 'its function did not start',
  unrecorded: 'what became of it is known, but its completion could not be recorded',
};

/** Why it halted, to follow "halted:". */
export const haltText = (reason: HaltReason): string => HALTS[reason];

/** `arn:aws:iam::111122223333:user/alice (verified)`, `Alice (claimed)` */
export const who = ({ by, identity }: Said): string =>
  identity?.is === 'verified' ? `${by} (verified)` : `${withoutVerified(by)} (claimed)`;

/** `alice (verified) asked it to stop: too slow` */
export const askedToStop = ({ reason, ...said }: Said & { reason?: string | undefined }): string =>
  `${who(said)} asked it to stop${reason === undefined ? '' : `: ${reason}`}`;

/** Whatever was typed there, and cannot be seen in it: joiners, and letters of another width or tied together. */
function withoutVerified(by: string): string {
  const shown = withoutControls(by);
  const plain = shown.normalize('NFKC').replaceAll(/[\u200c\u200d]|\p{Variation_Selector}/gu, '');
  return /verified/i.test(plain) ? plain.replaceAll(/verified/gi, '…') : shown;
}

/**
 * The same with the person alone: `alice (verified)` of `arn:aws:sts::111122223333:assumed-role/Operator/alice`, and `dashboard (claimed)`
 * of one who pressed a button there and gave no name.
 */
export function whoShort({ by, identity }: Said): string {
  const name = by.replace(/^(dashboard) .*/s, '$1').replace(/ \(dashboard .*\)$/s, '');
  return who({ by: name.startsWith('arn:') ? (name.split('/').at(-1) ?? name) : name, identity });
}

/** `4000 of 4000 (100 %)  moved to incoming/`, as much of it as was said; empty when nothing was. Of others' text. */
export function didText({ done, total, note }: Did): string {
  const counts = progressText(progressOf({ done, total, time: '' }));
  return [counts, note ?? ''].filter((text) => text !== '').join('  ');
}

/** What is said of one that ended well, and had not awaited all that it had begun. */
export const leftOverText = (leftOver: readonly string[]): string =>
  `it was over, and what it had begun was not: ${leftOver.join(', ')}. That ended with its process; await, clear or close all that it starts`;

/**
 * What comes next of one that waits at a checkpoint.
 * @param until as it is read where it is shown
 */
export const waitsText = (until: string): string =>
  `waits until ${until}, as its checkpoint says; no function runs until then`;

/**
 * Until when nothing comes of a decision, and why.
 * @param until as it is read where it is shown
 */
export const heldBackText = (until: string, decision?: Decision): string =>
  `${decision === undefined ? 'A decision' : `The decision ${decision}`} is held back until ${until}, because its code may be running until then.`;
