// One part of the bench: what it measures, and what it gives to the table.
import type { Measurable, Cost } from './measure.ts';
import type { RowName } from './goals.ts';

export interface Figure {
  row: RowName;
  /** In the row's unit. */
  value: number;
  /** A peer or a floor of the same run, in the same unit. */
  beside: { what: string; value: number };
  note?: string | undefined;
}

export interface Bench {
  /** Under two minutes in all, and without the network. */
  short: boolean;
  /** A temporary folder. */
  folder: string;
  /** A bare process of Node.js, in CPU seconds: the floor where there is no other. Measured once. */
  bare: () => Promise<number>;
  /** Says what is being done. */
  tell: (text: string) => void;
}

export type Subject = (bench: Bench) => AsyncGenerator<Figure, void, undefined>;

export const megabytes = ({ peakBytes }: Cost): number => peakBytes / 1e6;

export const withEnv = (command: Measurable, env: Record<string, string>): Measurable => ({
  ...command,
  env: { ...command.env, ...env },
});
