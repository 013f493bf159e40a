// What the helpers throw when some objects could not be dealt with, and how a failure is worded.
import { OdinError } from '../../core/errors.ts';
import { describeThrown } from '../../core/thrown.ts';

export interface KeyFailure {
  key: string;
  /** What happened to it, and where one knows it, what to do. */
  reason: string;
}

const SHOWN = 20;

/** Some of the objects could not be dealt with; the others were. */
export class ObjectsFailed extends OdinError {
  /** All of them; the message names the first ones. */
  readonly failures: readonly KeyFailure[];

  constructor(verb: string, failures: readonly KeyFailure[], of: number) {
    const shown = failures.slice(0, SHOWN).map(({ key, reason }) => `${key}: ${reason}`);
    if (failures.length > SHOWN) shown.push(`and ${failures.length - SHOWN} more`);
    const what = [`${failures.length} of ${of} objects could not be ${verb}:`, ...shown].join('\n  ');
    const next = `\nThe others were ${verb}. When what is named is mended, a retry goes on with what is left.`;
    super({ code: 'ObjectsFailed', source: 'user', what, next });
    this.failures = failures;
  }
}

/** One object that cannot be dealt with, and why. */
export const refused = (what: string, cause?: unknown): OdinError =>
  new OdinError({ code: 'ObjectsFailed', source: 'user', what, cause });

/** The key stands beside it. */
export const reasonOf = (thrown: unknown): string =>
  thrown instanceof OdinError ? thrown.what : describeThrown(thrown, () => '');

/** By its form: a migration may have another copy of the SDK than this file. */
export function statusOf(thrown: unknown): number | undefined {
  const { $metadata: metadata } = (thrown ?? {}) as { $metadata?: { httpStatusCode?: number } };
  return metadata?.httpStatusCode;
}
