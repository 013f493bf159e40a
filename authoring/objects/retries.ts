// S3 asks now and then to be asked again; and what takes long is told.
import { setTimeout as sleep } from 'node:timers/promises';
import { describeThrown, isError, nameOf, partOf } from '../../core/thrown.ts';
import { countText, duration } from '../../core/text/format.ts';
import { isSlowDown, SLOW_DOWN, statusOf } from './failures.ts';

/** Pauses before the tries after the first, each cut by up to half at random: 16 to 32 s in all. The SDK's own come on top. */
const PAUSES_MS = [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000];

/** Codes in the body of a 200, where no status tells. */
const PASSING = new Set([
  ...SLOW_DOWN,
  'InternalError',
  'RequestTimeout',
  'OperationAborted',
  'ConditionalRequestConflict',
]);
const CONNECTION = /^(ECONN|EPIPE|ETIMEDOUT|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH|UND_ERR|ERR_STREAM_PREMATURE_CLOSE)/;

/** Whether it is S3's to ask for the same again: too many requests, its own error, a conflict of the moment, a lost connection. */
export const passes = (code: string): boolean => PASSING.has(code);

export function isPassing(thrown: unknown): boolean {
  if (!isError(thrown)) return false;
  const status = statusOf(thrown) ?? 0;
  const name = nameOf(thrown);
  const code = partOf(thrown, 'code');
  return (
    passes(name) ||
    (status >= 500 && status !== 501) ||
    status === 429 ||
    status === 409 ||
    (typeof code === 'string' && CONNECTION.test(code)) ||
    name === 'TimeoutError'
  );
}

/** Of the requests of one call of a helper. */
export class Retries {
  /** One was sent again for all of its time, and S3 still asks for fewer: further ones are not to be begun. */
  gaveUp = false;
  readonly #told = new Map<string, number>();
  /** Until then S3 has asked them to wait, by `performance.now()`. */
  #slowUntil = 0;

  /** @param what it is about, e.g. `CopyObject of s3://bucket/key`: the first of a kind is told in the log */
  async again<T>(what: string, work: () => Promise<T>): Promise<T> {
    for (let tries = 0; ; tries += 1) {
      await this.#whileSlow();
      try {
        return await work();
      } catch (thrown) {
        if (!isPassing(thrown)) throw thrown;
        const slow = isSlowDown(thrown);
        const longest = PAUSES_MS[tries];
        if (longest === undefined) {
          this.gaveUp ||= slow;
          throw thrown;
        }
        const code = isError(thrown) ? nameOf(thrown) : 'an error';
        const count = (this.#told.get(code) ?? 0) + 1;
        this.#told.set(code, count);
        if (count === 1) tell(`${what}: ${describeThrown(thrown)}; it is tried again, with pauses`);
        const pause = longest * (0.5 + Math.random() / 2);
        if (slow) this.#slowUntil = Math.max(this.#slowUntil, performance.now() + pause);
        await sleep(pause);
      }
    }
  }

  /** What one is asked holds for all of them; they do not come back at one moment. */
  async #whileSlow(): Promise<void> {
    const ms = this.#slowUntil - performance.now();
    if (ms > 0) await sleep(ms * (1 + Math.random() / 2));
  }

  /** Tells how often, when it was more than once. */
  tell(): void {
    for (const [code, count] of this.#told) {
      if (count > 1) tell(`${countText(count)} requests were tried again because of ${code}`);
    }
  }
}

// eslint-disable-next-line no-console -- the migration's own log, where its author looks
export const tell = (line: string): void => console.warn(line);

const LONG_MS = 60_000;

/** Tells every minute what has been at work for longer than that, so that a function that runs out of time has said at what. */
export class AtWork {
  readonly #since = new Map<string, number>();
  readonly #timer = setInterval(() => {
    this.#tell();
  }, LONG_MS).unref();

  async on<T>(what: string, work: () => Promise<T>): Promise<T> {
    this.#since.set(what, performance.now());
    try {
      return await work();
    } finally {
      this.#since.delete(what);
    }
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #tell(): void {
    for (const [what, since] of this.#since) {
      const ms = performance.now() - since;
      if (ms >= LONG_MS) tell(`${what} has taken ${duration(ms)}, and goes on; a function has fifteen minutes`);
    }
  }
}
