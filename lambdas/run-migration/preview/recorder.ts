// Stands between a migration and the AWS SDK: reads are sent, everything else is recorded and answered as if it had
// worked. It replaces `send` of the class that a client of the SDK inherits from, before user code is evaluated: paginators,
// waiters, the aggregated and the document clients all go through it.
import { OdinError } from '../../../core/errors.ts';
import { isReadOnly } from '../../../core/preview/read-only.ts';
import { plausibleAnswer } from './answers.ts';
import type { CallListener, SdkClient, SdkCommand } from './call.ts';
import { operationOf, targetsOf } from './call.ts';
import type { HeldBack } from './s3-shadow.ts';
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

/**
 * @param throughTheGuard runs what may use the network (guard.ts)
 * @param asRequest has a write that is held back count as a request without an answer, until its answer is there
 * @returns what puts the SDK back as it was
 */
export function installRecorder(
  clients: readonly ClientModule[],
  listener: CallListener,
  throughTheGuard: <T>(work: () => Promise<T>) => Promise<T> = (work) => work(),
  asRequest: AsRequest = (_, work) => work(),
): () => void {
  const HeadObjectCommand = clients.find(({ HeadObjectCommand }) => HeadObjectCommand)?.HeadObjectCommand;
  const recorder = new Recorder(listener, asRequest, HeadObjectCommand);
  const classes = new Set(clients.map(({ __Client }) => __Client as { prototype: { send: Sender } }));
  const restores = [...classes].map(standBefore);
  return () => {
    for (const restore of restores) restore();
  };

  function standBefore({ prototype }: { prototype: { send: Sender } }): () => void {
    const original = prototype.send;
    prototype.send = function send(command, options?: unknown, callback?: Callback) {
      const then = typeof options === 'function' ? (options as Callback) : callback;
      const passed = typeof options === 'function' ? undefined : options;
      const answer = recorder.send(this, command, (sent) => throughTheGuard(() => original.call(this, sent, passed)));
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
  readonly #s3 = new S3Shadow();
  /** What was written in other services, by service and target. */
  readonly #written = new Set<string>();

  readonly #HeadObjectCommand: ClientModule['HeadObjectCommand'];

  constructor(listener: CallListener, asRequest: AsRequest, HeadObjectCommand: ClientModule['HeadObjectCommand']) {
    this.#listener = listener;
    this.#asRequest = asRequest;
    this.#HeadObjectCommand = HeadObjectCommand;
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
        const { output, seen } = await this.#s3.read(operation, input, sendToS3);
        if (seen === 'stale') this.#listener.occurrence('stale', name, targets[0] ?? '');
        if (seen === 'simulated') this.#listener.occurrence('simulated', name, bucketOf(targets));
        return output;
      }
      for (const target of new Set(targets)) {
        if (this.#written.has(`${service} ${target}`)) this.#listener.occurrence('stale', name, target);
      }
      return await original(command);
    }

    const { output, bytes, unsized } = await this.#asRequest(`${name} ${targets[0] ?? ''}`, (): Promise<HeldBack> =>
      service === 'S3'
        ? this.#s3.write(operation, input, sendToS3)
        : Promise.resolve({ output: plausibleAnswer(service, operation, input), bytes: jsonSize(input), unsized: 0 }),
    );
    this.#listener.call({ ...subject, sent: false, bytes, unsized });
    if (service !== 'S3') for (const target of targets) this.#written.add(`${service} ${target}`);
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
