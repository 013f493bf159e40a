// What a migration's function and the process that it previews in say to each other.
import type { PreviewReport } from '../../../core/preview/preview.ts';

export interface StartMessage {
  cursor: unknown;
  /** Milliseconds after which it stops at the next checkpoint. */
  sliceMs: number;
  allows: string[];
}

/** Everything but what the function itself knows better: whether the process lived, how long it took, what it printed. */
export type PreviewProgress = Pick<
  PreviewReport,
  'checkpoints' | 'checkpoint' | 'calls' | 'simulated' | 'stale' | 'refused' | 'omitted'
>;

export type ReportMessage =
  | { type: 'progress'; progress: PreviewProgress }
  | { type: 'end'; progress: PreviewProgress; end: Pick<PreviewReport, 'outcome' | 'error'> };
