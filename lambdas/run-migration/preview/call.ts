// One call of the AWS SDK, as a preview understands it: what it does to which targets.

import { cut } from '../../../core/ledger/summaries.ts';

/** A client of the AWS SDK v3, as far as a preview looks into it. */
export interface SdkClient {
  config: { serviceId?: string; requestHandler?: RequestHandler | undefined };
}

/** A request as the SDK hands it to what sends it: serialised, and most often signed. */
export interface SdkRequest {
  method: string;
  protocol?: string | undefined;
  hostname: string;
  port?: number | undefined;
  /** Encoded, without its query. */
  path: string;
  /** Not encoded. */
  query?: Record<string, string | string[] | null> | undefined;
  headers: Record<string, string>;
  body?: unknown;
}

export interface RequestHandler {
  metadata?: { handlerProtocol: string } | undefined;
  handle: (request: SdkRequest, options?: { abortSignal?: AbortSignal | undefined }) => Promise<{ response: object }>;
  destroy?: (() => void) | undefined;
  updateHttpClientConfig?: ((key: never, value: never) => void) | undefined;
  httpHandlerConfigs?: (() => object) | undefined;
}

/** A command of the AWS SDK v3. Those of the DynamoDB document client wrap the one that is sent. */
export interface SdkCommand {
  input: Record<string, unknown>;
  /** Of newer clients: the operation's schema, whose third entry is its name. */
  schema?: unknown;
  clientCommand?: SdkCommand;
}

export interface Call {
  /** Reads are sent; writes are recorded and held back. */
  sent: boolean;
  service: string;
  operation: string;
  /** One for each item: `s3://bucket/key`, a table's name. */
  targets: string[];
  /** Of the items whose size is known. */
  bytes: number;
  /** Items whose size is not known. */
  unsized: number;
}

export interface CallListener {
  call: (call: Call) => void;
  /**
   * `simulated`, `stale`: a read of what an earlier held-back write would have changed, answered as if it had, or with what
   * is really there. `refused`: something that is no call of the SDK.
   * @param of the earlier migration whose write it was; undefined for its own
   */
  occurrence: (kind: 'simulated' | 'stale' | 'refused', what: string, target: string, of?: string) => void;
}

/** `PutObject` of a PutObjectCommand. */
export function operationOf(command: SdkCommand): string {
  const { schema } = command.clientCommand ?? command;
  const named: unknown = Array.isArray(schema) ? schema[2] : undefined;
  return typeof named === 'string'
    ? named
    : (command.clientCommand ?? command).constructor.name.replace(/Command$/, '');
}

/** Fields that hold one entry per item, in the services that take several at once. */
const BATCHES = ['Entries', 'Records', 'TransactItems', 'Statements', 'PublishBatchRequestEntries'];

/** What a call is about: the objects of S3; else the first field that names something, once for each item of a batch. */
export function targetsOf(service: string, input: Record<string, unknown>): string[] {
  if (service === 'S3') return s3Targets(input);
  const { RequestItems: byTable } = input;
  if (typeof byTable === 'object' && byTable !== null) {
    return Object.entries(byTable).flatMap(([table, items]) =>
      Array.isArray(items) ? items.map(() => table) : [table],
    );
  }
  const named = Object.entries(input).find(([field, value]) => typeof value === 'string' && NAMING.test(field));
  const target = cut((named?.[1] ?? '') as string, MAX_TARGET);
  const batch = BATCHES.map((field) => input[field]).find((value) => Array.isArray(value));
  return batch === undefined ? [target] : batch.map(() => target);
}

/** An S3 key has 1,024 bytes at most; a name elsewhere should be no longer. */
const MAX_TARGET = 1_024;

const NAMING = /(^|[a-z])(arn|name|url|id)$/i;

function s3Targets({ Bucket, Key, Prefix, Delete }: Record<string, unknown>): string[] {
  if (typeof Bucket !== 'string') return ['s3://'];
  const uri = (key: unknown) => `s3://${Bucket}/${typeof key === 'string' ? key : ''}`;
  const objects = (Delete as { Objects?: { Key?: string }[] } | undefined)?.Objects;
  return objects ? objects.map((object) => uri(object.Key)) : [uri(Key ?? Prefix)];
}
