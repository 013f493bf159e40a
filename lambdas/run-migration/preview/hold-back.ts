// Makes the process of user code one that changes nothing: installed before the migration's file is evaluated.
import type { HoldBack } from '../user-code/child.ts';
import { installGuard, throughTheGuard } from './guard.ts';
import { installRecorder } from './recorder.ts';
import { Tally } from './tally.ts';

export const holdBack: HoldBack = (allows) => {
  const tally = new Tally();
  installGuard(allows, (what, target) => {
    tally.occurrence('refused', what, target);
  });
  installRecorder(tally, throughTheGuard);
  return () => tally.snapshot();
};
