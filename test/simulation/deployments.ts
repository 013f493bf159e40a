// Which version each function has. A deployment gives it to one function after the other, so that for minutes half of it is there.
import type { World } from './world.ts';
import type { Version } from './planned.ts';

export class Deployments {
  readonly #world: World;
  /** By function name: the migrations' functions, and those of the system that were ever updated. */
  readonly #functions = new Map<string, Version>();
  readonly #systemFunctions: readonly string[];
  /** The last one that was asked for. */
  newest: Version;
  /** The last one that is there as a whole. */
  #whole: Version;

  constructor(world: World, first: Version, systemFunctions: readonly string[]) {
    this.#world = world;
    this.newest = first;
    this.#whole = first;
    this.#systemFunctions = systemFunctions;
    for (const name of [...systemFunctions, ...first.migrations.keys()]) this.#functions.set(name, first);
  }

  /** Undefined when no function of that name is deployed (any more). */
  of(functionName: string): Version | undefined {
    return this.#functions.get(functionName);
  }

  get inProgress(): boolean {
    return this.newest !== this.#whole;
  }

  /**
   * CloudFormation refuses a second deployment while one goes on, and removes last what is not wanted any more.
   * @param overMs how long it takes; 0: all at once
   * @param order in [0, 1) for each function: when in that time it is updated
   */
  deploy(next: Version, overMs: number, order: (functionName: string) => number): void {
    if (this.inProgress) return;
    this.newest = next;
    for (const name of [...this.#systemFunctions, ...next.migrations.keys()]) {
      this.#world.after(overMs * order(name), () => this.#functions.set(name, next));
    }
    this.#world.after(overMs, () => {
      const wanted = new Set([...this.#systemFunctions, ...next.migrations.keys()]);
      for (const name of this.#functions.keys()) if (!wanted.has(name)) this.#functions.delete(name);
      this.#whole = next;
    });
  }

  /** A deployment that has come to one function, and to no other yet. */
  updateOne(functionName: string, next: Version): void {
    this.#functions.set(functionName, next);
  }
}
