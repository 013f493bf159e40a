// The words of a migration's state, and how good or bad it is: the same on the terminal and on the dashboard.
import type { Decision } from '../names/names.ts';
import type { MigrationState } from './view.ts';

/** `good`: done. `busy`: it goes on by itself. `warn`: look at it, nothing is wrong yet. `bad`: somebody has to act. `quiet`: nothing to see. */
export type Tone = 'good' | 'bad' | 'busy' | 'warn' | 'quiet';

export const TONES: Record<MigrationState, Tone> = {
  applied: 'good',
  'marked-applied': 'good',
  baseline: 'good',
  skipped: 'quiet',
  pending: 'quiet',
  late: 'warn',
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
export const stateWord = ({ state, decision }: { state: MigrationState; decision?: Decision | undefined }): string =>
  state === 'decided' && decision !== undefined ? `${decision} decided` : stateName(state);
