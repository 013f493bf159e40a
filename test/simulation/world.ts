// Virtual time: what is due first happens first, and everything that follows from it at once, before the next.
import { setImmediate as settled } from 'node:timers/promises';

/** When every schedule begins: 2026-03-01, 12:00 UTC. */
export const START = Date.parse('2026-03-01T12:00:00.000Z');

interface Event {
  time: number;
  order: number;
  work: () => void;
}

export class World {
  /** True time in epoch milliseconds; the functions' clocks differ from it. */
  now = START;
  /** Events that happened. */
  steps = 0;
  #orders = 0;
  readonly #heap: Event[] = [];

  /** Does the work after so many virtual milliseconds. Of two at the same time, the first one asked for is first. */
  after(ms: number, work: () => void): void {
    const heap = this.#heap;
    const event = { time: this.now + Math.max(0, Math.round(ms)), order: (this.#orders += 1), work };
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(event, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }

  /** Runs until nothing is due any more; false when there have been `limit` events and there are more, as of a run that never ends. */
  async run(limit: number): Promise<boolean> {
    while (this.#heap.length > 0) {
      if (this.steps >= limit) return false;
      const event = this.#take();
      if (!event) break;
      this.steps += 1;
      this.now = event.time;
      event.work();
      // Every promise that is settled by now has been followed to its next request, however deep the chain.
      await settled();
    }
    return true;
  }

  #take(): Event | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

const before = (a: Event, b: Event): boolean => a.time < b.time || (a.time === b.time && a.order < b.order);
