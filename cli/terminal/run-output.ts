// What a local run prints besides its events: the lines that the migrations themselves print.
import * as z from 'zod';
import type { LambdaLogLine } from '../../local/lambda/host.ts';
import type { Manifest } from '../../core/contract/manifest.ts';
import { Report } from './report.ts';

/** A line of the structured log that user code caused (lambdas/shared/logger.ts). */
const MigrationLine = z.object({
  from: z.literal('migration'),
  migration: z.string(),
  attempt: z.number(),
  message: z.string(),
});

export class RunOutput {
  #report: Report | undefined;

  /** The report for this environment; migrations print through it from now on. */
  reportOf(manifest: Manifest): Report {
    this.#report = new Report(manifest);
    return this.#report;
  }

  readonly onLog = ({ line }: LambdaLogLine): void => {
    const parsed = MigrationLine.safeParse(jsonOf(line)).data;
    if (parsed) this.#report?.log(parsed.migration, parsed.attempt, parsed.message);
  };
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // not a line of the structured log
  }
}
