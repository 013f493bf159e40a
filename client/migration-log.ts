// What the migrations' functions of a deployed environment wrote: CloudWatch Logs, asked again and again.
import type { FilteredLogEvent } from '@aws-sdk/client-cloudwatch-logs';
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { logGroupName, partName } from '../core/names/names.ts';
import { awsError } from './aws-errors.ts';
import type { Deployment } from './deployment.ts';
import { isEnd } from './log-line.ts';

export interface LogEvent {
  /** Epoch milliseconds. */
  time: number;
  /** Of the function that wrote it, where the name of its stream says so. */
  migration: string | undefined;
  /** As it was written. */
  message: string;
}

export interface LogRange {
  /** Epoch milliseconds. */
  from: number;
  /** Undefined: whatever comes. */
  until?: number | undefined;
}

/** A line may come so long after one that was written later: the instances of a function write streams of their own. */
const LATE_MS = 30_000;
/** CloudWatch Logs answers five of these a second in an account and region; whoever is refused waits longer each time. */
const ATTEMPTS = 8;

export class MigrationLog {
  readonly group: string;
  readonly #client: CloudWatchLogsClient;
  readonly #migrations: string;
  readonly #range: LogRange;
  #newest = 0;
  /** Of the events that were told, when they happened, by their ids; as far back as they are asked for again. */
  #told = new Map<string, number>();

  constructor(deployment: Pick<Deployment, 'app' | 'environment' | 'options'>, range: LogRange) {
    this.group = logGroupName(deployment, 'migrations');
    this.#migrations = partName(deployment, '');
    this.#client = new CloudWatchLogsClient({ maxAttempts: ATTEMPTS, ...deployment.options });
    this.#range = range;
  }

  /**
   * What was not told before, in the order of its time as far as it is there. A group that does not exist yet has nothing.
   * @throws OdinError as awsError
   */
  async *look(): AsyncGenerator<LogEvent> {
    const { from, until } = this.#range;
    const startTime = Math.max(from, this.#newest - LATE_MS, 0);
    for (const [id, time] of this.#told) if (time < startTime) this.#told.delete(id);
    let nextToken: string | undefined;
    for (;;) {
      const page = await this.#page(startTime, until, nextToken);
      const events = (page?.events ?? []).toSorted((a, b) => (a.timestamp ?? 0) - (b.timestamp ?? 0));
      for (const event of events) {
        const { timestamp: time = 0, message = '' } = event;
        const id = event.eventId ?? JSON.stringify(event);
        if (this.#told.has(id)) continue;
        this.#told.set(id, time);
        this.#newest = Math.max(this.#newest, time);
        yield { time, migration: this.#migrationOf(event), message };
      }
      // A page may be empty and not the last one; one that leads to itself leads nowhere.
      if (page?.nextToken === undefined || page.nextToken === nextToken) return;
      ({ nextToken } = page);
    }
  }

  async #page(startTime: number, endTime: number | undefined, nextToken: string | undefined) {
    try {
      return await this.#client.send(
        new FilterLogEventsCommand({ logGroupName: this.group, startTime, endTime, nextToken }),
      );
    } catch (thrown) {
      if (thrown instanceof Error && thrown.name === 'ResourceNotFoundException') return undefined;
      throw awsError(thrown) ?? thrown;
    }
  }

  /** `2026/11/30/shop--odin-dev--0004[$LATEST]5f…`: in a group of several functions the stream names its own (docs/aws-facts.md). */
  #migrationOf({ logStreamName = '' }: FilteredLogEvent): string | undefined {
    const name = /^\d{4}\/\d\d\/\d\d\/([^[]+)\[/.exec(logStreamName)?.[1];
    return name?.startsWith(this.#migrations) ? name.slice(this.#migrations.length) : undefined;
  }
}

/** A run's last lines are there a few seconds after they were printed, and nothing waits longer for them. */
const PATIENCE_MS = 10_000;
const BETWEEN_LOOKS_MS = 2_000;

/** The log beside a run that is followed. Whatever becomes of it, the run is followed on. */
export class LogBeside {
  readonly #log: MigrationLog;
  readonly #now: () => number;
  readonly #onEvent: (event: LogEvent) => void;
  readonly #onFailure: (error: unknown) => void;
  #lookedAt = -Infinity;
  /** When an invocation ended that is in the log, last. */
  #ended = 0;

  constructor(
    log: MigrationLog,
    on: { event: (event: LogEvent) => void; failure: (error: unknown) => void },
    now: () => number = () => performance.now(),
  ) {
    this.#log = log;
    this.#onEvent = on.event;
    this.#onFailure = on.failure;
    this.#now = now;
  }

  /** Not more often than every two seconds. It never rejects. */
  async look(): Promise<void> {
    if (this.#now() - this.#lookedAt < BETWEEN_LOOKS_MS) return;
    try {
      for await (const event of this.#log.look()) {
        if (isEnd(event.message)) this.#ended = Math.max(this.#ended, event.time);
        this.#onEvent(event);
      }
    } catch (thrown) {
      this.#onFailure(thrown);
    }
    this.#lookedAt = this.#now();
  }

  /**
   * Until the end is in the log of an invocation that was allowed at that time: what it printed came before.
   * @param pause waits so many milliseconds
   */
  async upToEndOf(allowedAt: number, pause: (ms: number) => Promise<void>): Promise<void> {
    const until = this.#now() + PATIENCE_MS;
    for (;;) {
      await this.look();
      if (this.#ended >= allowedAt || this.#now() >= until) return;
      await pause(BETWEEN_LOOKS_MS);
    }
  }
}
