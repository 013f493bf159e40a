// What the helpers for `plan()` yield: items, so many at once, with the cursor behind them.

export interface Planned<Item, Cursor> {
  items: Item[];
  /** What `plan(resume)` is given to go on behind them. */
  cursor: Cursor;
  /** Items up to here. */
  done: number;
}

/** Of each of these helpers. */
export interface PlannedOptions<Cursor> {
  /** The cursor of the last checkpoint: what `plan(resume)` is given. */
  resume?: Cursor | undefined;
  /**
   * Items that are yielded at once, 1 to 10,000; 5,000 without it. A batch never spans two of these, so let it be a multiple of
   * `itemsPerBatch`. There are fewer where they would be 1 MiB of JSON.
   */
  itemsPerYield?: number | undefined;
}

export const ITEMS_PER_YIELD = 5_000;

/** A plan may yield 1 MiB at once; the rest is for the commas, and for what an author adds. */
const MAX_BYTES = 900 * 1024;

/** The items of one `yield`. */
export class Gathered<Item> {
  #items: Item[] = [];
  #bytes = 0;
  readonly #most: number;

  constructor(most = ITEMS_PER_YIELD) {
    this.#most = most;
  }

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  /** @returns false, and it is not taken, when it has to wait for the next one */
  add(item: Item): boolean {
    const bytes = Buffer.byteLength(JSON.stringify(item)) + 1;
    if (!this.isEmpty && (this.#items.length >= this.#most || this.#bytes + bytes > MAX_BYTES)) return false;
    this.#items.push(item);
    this.#bytes += bytes;
    return true;
  }

  /** What has been gathered, and begins anew. */
  take(): Item[] {
    const items = this.#items;
    this.#items = [];
    this.#bytes = 0;
    return items;
  }
}
