// Stands between a migration and the AWS SDK: reads are sent, everything else is recorded and answered as if it had
// worked. It replaces `send` of the class that a client of the SDK inherits from, before user code is evaluated: paginators,
// waiters, the aggregated and the document clients all go through it.
import { OdinError } from '../../../core/errors.ts';
import { isReadOnly } from '../../../core/preview/read-only.ts';
import { plausibleAnswer } from './answers.ts';
import type { CallListener, SdkClient, SdkCommand } from './call.ts';
import { operationOf, targetsOf } from './call.ts';
import type { HeldBack, HeldInS3 } from './s3-shadow.ts';
import { S3Shadow } from './s3-shadow.ts';

type Sender = (this: SdkClient, command: SdkCommand, options?: unknown) => Promise<Record<string, unknown>>;
type Callback = (error: unknown, output?: unknown) => void;

/** What a client's package exports, as far as a preview needs it. Each has a class of its own (project/clients.ts). */
export interface ClientModule {
  __Client: unknown;
  /** Of the client of S3. */
  HeadObjectCommand?: (new (input: never) => unknown) | undefined;
}

export type AsRequest = <T>(text: string, work: () => Promise<T>) => Promise<T>;

/** All that was held back, for the slices and migrations that come after. */
export interface HeldWrites {
  s3: HeldInS3;
  /** What was written in other services, by service and target; the migration, undefined for this one. */
  written: Map<string, string | undefined>;
}

export interface RecorderOptions {
  /** Has the reads of a client sent by the broker (to-broker.ts). */
  throughBroker?: (client: SdkClient) => void;
  /** Has a write that is held back count as a request without an answer, until its answer is there. */
  asRequest?: AsRequest;
  /** What earlier slices and migrations held back. */
  before?: HeldWrites | undefined;
}

export interface InstalledRecorder {
  /** Puts the SDK back as it was. */
  restore: () => void;
  handOn: () => HeldWrites;
}

export function installRecorder(
  clients: readonly ClientModule[],
  listener: CallListener,
  { throughBroker = () => undefined, asRequest = (_, work) => work(), before }: RecorderOptions = {},
): InstalledRecorder {
  const HeadObjectCommand = clients.find(({ HeadObjectCommand }) => HeadObjectCommand)?.HeadObjectCommand;
  const recorder = new Recorder(listener, asRequest, HeadObjectCommand, before);
  const classes = new Set(clients.map(({ __Client }) => __Client as { prototype: { send: Sender } }));
  const restores = [...classes].map(standBefore);
  return {
    restore: () => {
      for (const restore of restores) restore();
    },
    handOn: () => recorder.handOn(),
  };

  function standBefore({ prototype }: { prototype: { send: Sender } }): () => void {
    const original = prototype.send;
    prototype.send = function send(command, options?: unknown, callback?: Callback) {
      const then = typeof options === 'function' ? (options as Callback) : callback;
      const passed = typeof options === 'function' ? undefined : options;
      throughBroker(this);
      const answer = recorder.send(this, command, (sent) => original.call(this, sent, passed));
      if (then === undefined) return answer;
      void answer.then(
        (output) => {
          then(null, output);
        },
        (error: unknown) => {
          then(error);
        },
      );
      return undefined as never; // as the SDK answers whoever gives a callback
    };
    return () => {
      prototype.send = original;
    };
  }
}

class Recorder {
  readonly #listener: CallListener;
  readonly #asRequest: AsRequest;
  readonly #s3: S3Shadow;
  readonly #written: HeldWrites['written'];
  readonly #HeadObjectCommand: ClientModule['HeadObjectCommand'];

  constructor(
    listener: CallListener,
    asRequest: AsRequest,
    HeadObjectCommand: ClientModule['HeadObjectCommand'],
    before: HeldWrites | undefined,
  ) {
    this.#listener = listener;
    this.#asRequest = asRequest;
    this.#HeadObjectCommand = HeadObjectCommand;
    this.#s3 = new S3Shadow(before?.s3);
    this.#written = before?.written ?? new Map<string, string | undefined>();
  }

  handOn(): HeldWrites {
    return { s3: this.#s3.handOn(), written: this.#written };
  }

  async send(
    client: SdkClient,
    command: SdkCommand,
    original: (command: SdkCommand) => Promise<Record<string, unknown>>,
  ): Promise<Record<string, unknown>> {
    const service = client.config.serviceId ?? 'unknown';
    const operation = operationOf(command);
    const { input } = command.clientCommand ?? command;
    const targets = targetsOf(service, input);
    const subject = { service, operation, targets };
    const name = `${service}:${operation}`;
    const sendToS3 = (which: 'same' | 'HeadObject', changed: Record<string, unknown>) =>
      original(which === 'same' ? withInput(command, changed) : this.#headObject(changed));

    if (isReadOnly(service, operation)) {
      this.#listener.call({ ...subject, sent: true, bytes: 0, unsized: 0 });
      if (service === 'S3') {
        const { output, seen, by } = await this.#s3.read(operation, input, sendToS3);
        if (seen !== 'real') {
          const target = seen === 'stale' ? (targets[0] ?? '') : bucketOf(targets);
          for (const of of by) this.#listener.occurrence(seen, name, target, of);
        }
        if (output instanceof Error) throw output;
        return output;
      }
      for (const target of new Set(targets)) {
        const written = `${service} ${target}`;
        if (this.#written.has(written)) this.#listener.occurrence('stale', name, target, this.#written.get(written));
      }
      return await original(command);
    }

    const {
      output,
      bytes,
      unsized,
      from,
      unseen = [],
    } = await this.#asRequest(`${name} ${targets[0] ?? ''}`, (): Promise<HeldBack> =>
      service === 'S3'
        ? this.#s3.write(operation, input, sendToS3)
        : Promise.resolve({ output: plausibleAnswer(service, operation, input), bytes: jsonSize(input), unsized: 0 }),
    );
    this.#listener.call({ ...subject, sent: false, bytes, unsized });
    if (from !== undefined) this.#listener.occurrence('simulated', name, bucketOf(targets), from);
    for (const of of unseen) this.#listener.occurrence('stale', name, targets[0] ?? '', of);
    if (service !== 'S3') for (const target of targets) this.#written.set(`${service} ${target}`, undefined);
    return output;
  }

  #headObject(input: Record<string, unknown>): SdkCommand {
    const HeadObjectCommand = this.#HeadObjectCommand;
    if (HeadObjectCommand) return new HeadObjectCommand(input as never) as SdkCommand;
    throw new OdinError({
      code: 'Internal',
      source: 'system',
      what: 'A client of S3 came from elsewhere than its package.',
    });
  }
}

/** One occurrence for all of a bucket: these are many, and nobody has to look at each. */
const bucketOf = ([target = '']: readonly string[]): string => /^s3:\/\/[^/]*/.exec(target)?.[0] ?? target;

/** The command itself when nothing changed: user code may have added middleware to it. */
function withInput(command: SdkCommand, input: Record<string, unknown>): SdkCommand {
  if (input === command.input) return command;
  const copy = Object.create(command) as SdkCommand;
  copy.input = input;
  return copy;
}

/** Bytes of what would have been sent, binary values as they are. */
function jsonSize(input: unknown): number {
  let binary = 0;
  const json = JSON.stringify(input, (_, value: unknown) => {
    if (typeof value === 'bigint') return String(value);
    if (!(value instanceof Uint8Array)) return value;
    binary += value.length;
    return undefined;
  });
  return binary + Buffer.byteLength(json ?? '');
}
