// What the parts of the page need besides the view of the environment.
import type { Decide } from './event.ts';
import type { EnvironmentId } from '../../core/names/names.ts';
import type { Trail } from '../../core/views/history.ts';
import type { Previewed } from '../../core/preview/preview.ts';
import type { Subscribers } from '../../core/views/subscribers.ts';
import type { Tone } from '../../core/views/words.ts';
import type { Theme } from './style.ts';
import type { Clock } from './words.ts';

/**
 * How long the migration's code may run. With the cold starts of both functions, and two reads of the ledger, that is well below
 * the 90 s of this function.
 */
export const PREVIEW_SECONDS = 20;

/** What every part gets besides the view. */
export interface Frame extends EnvironmentId {
  /** ARN of this function: where the buttons' calls and the links lead. */
  functionArn: string;
  theme: Theme;
  clock: Clock;
  /** On the embedded AWS: there is no console for links to lead to. */
  local: boolean;
  /** Whether there are buttons that decide and preview. */
  acts: boolean;
  /** Which page of older ones is open; undefined: none is. */
  page: number | undefined;
  /** What happened to those that are shown, by their ids; undefined when it could not be read. */
  trails?: ReadonlyMap<string, Trail> | undefined;
  /** What came of a press on a button. */
  notice?: Notice | undefined;
  /** What the operator had typed when the press was refused. */
  typed?: Typed | undefined;
  /** Who is told of halts; undefined where that is not known. */
  subscribers?: Subscribers | undefined;
  /** What came of a press on Preview. */
  preview?: Previewed | undefined;
}

export interface Notice {
  tone: Tone;
  title: string;
  lines: string[];
  /** Buttons, where there is more than one way to go on. */
  answers?: NoticeAnswer[] | undefined;
}

export interface NoticeAnswer {
  label: string;
  /** What it means, and what is asked before it is sent. */
  meaning: string;
  decide: Decide;
}

export interface Typed {
  reason: string;
  name: string;
}
