// One run of a Distributed Map: how many of its children run at the same time, which may be changed while it goes on.

export class MapRun {
  readonly arn: string;
  readonly startDate: number;
  stopDate: number | undefined;
  #most: number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** @param most at the same time; 0: all */
  constructor(arn: string, startDate: number, most: number) {
    this.arn = arn;
    this.startDate = startDate;
    this.#most = most;
  }

  get maxConcurrency(): number {
    return this.#most;
  }

  set maxConcurrency(most: number) {
    this.#most = most;
    this.#next();
  }

  /** When there is room for it, in the order in which they came. */
  async run<T>(child: () => Promise<T>): Promise<T> {
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
      this.#next();
    });
    try {
      return await child();
    } finally {
      this.#running -= 1;
      this.#next();
    }
  }

  #next(): void {
    while (this.#most === 0 || this.#running < this.#most) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#running += 1;
      next();
    }
  }
}
