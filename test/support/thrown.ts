// What a promise or a function failed with, as an OdinError: a test then looks at code, what, why and next.
import { expect } from 'vitest';
import { OdinError } from '../../core/errors.ts';

export async function thrownBy(work: Promise<unknown> | (() => unknown)): Promise<OdinError> {
  let answer: unknown;
  try {
    answer = await (typeof work === 'function' ? work() : work);
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(OdinError);
    return thrown as OdinError;
  }
  throw new Error(`Expected an OdinError, and nothing was thrown. The answer was ${JSON.stringify(answer)}.`);
}
