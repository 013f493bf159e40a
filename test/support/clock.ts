// A clock that stands still until a test moves it.

export interface Clock {
  /** Epoch milliseconds. */
  now: () => number;
  iso: () => string;
  advance: (ms: number) => void;
}

export function createClock(start = '2026-03-01T12:00:00.000Z'): Clock {
  let time = Date.parse(start);
  return {
    now: () => time,
    iso: () => new Date(time).toISOString(),
    advance: (ms) => {
      time += ms;
    },
  };
}
