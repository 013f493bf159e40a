// EventBridge as far as PutEvents goes: what is put on the default bus is kept in memory, and in a file, one per line.

import { randomUUID } from 'node:crypto';
import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { AwsError } from '../http.ts';

/** An event as rules and targets get it. */
export interface BusEvent {
  readonly version: '0';
  readonly id: string;
  readonly 'detail-type': string;
  readonly source: string;
  readonly account: string;
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: unknown;
}

export interface EventsOptions {
  readonly file: string;
  readonly region: string;
  readonly accountId: string;
}

interface Entry {
  readonly Source?: string;
  readonly DetailType?: string;
  readonly Detail?: string;
  readonly Resources?: readonly string[];
  /** Epoch seconds. */
  readonly Time?: number;
  readonly EventBusName?: string;
}

export type EmbeddedEvents = ReturnType<typeof createEventBus>;

export function createEventBus({ file, region, accountId }: EventsOptions) {
  const taken: BusEvent[] = [];

  /** One entry's answer: as EventBridge, it refuses an entry and not the request. */
  function put(entry: Entry): { EventId: string } | { ErrorCode: string; ErrorMessage: string } {
    const { Source = '', DetailType = '', Detail, Resources = [], Time, EventBusName = 'default' } = entry;
    const refused = (ErrorCode: string, ErrorMessage: string) => ({ ErrorCode, ErrorMessage });
    if (EventBusName !== 'default') return refused('InvalidArgument', `There is no event bus ${EventBusName} here.`);
    if (Source === '')
      return refused('InvalidArgument', 'Parameter Source is not valid. Reason: Source is a required argument.');
    if (Source.startsWith('aws.')) return refused('NotAuthorizedForSourceException', 'Not authorized for the source.');
    if (DetailType === '')
      return refused(
        'InvalidArgument',
        'Parameter DetailType is not valid. Reason: DetailType is a required argument.',
      );
    const detail = parseDetail(Detail);
    if (detail === undefined) return refused('MalformedDetail', 'Detail is malformed.');
    const event: BusEvent = {
      version: '0',
      id: randomUUID(),
      'detail-type': DetailType,
      source: Source,
      account: accountId,
      time: new Date(Time === undefined ? Date.now() : Time * 1000).toISOString(),
      region,
      resources: Resources,
      detail,
    };
    mkdirSync(dirname(file), { recursive: true });
    appendFileSync(file, `${JSON.stringify(event)}\n`);
    taken.push(event);
    return { EventId: event.id };
  }

  return {
    /** Everything that was put since the start, oldest first. */
    taken: taken as readonly BusEvent[],

    putEvents(input: Record<string, unknown>) {
      const entries = entriesOf(input);
      if (entries.length < 1 || entries.length > 10) {
        throw new AwsError('ValidationException', `Entries: expected 1 to 10, found ${entries.length}`);
      }
      const bytes = entries.reduce((sum, entry) => sum + sizeOf(entry), 0);
      if (bytes > 262_144)
        throw new AwsError('ValidationException', 'Total size of the entries in the request is over the limit.');
      const Entries = entries.map(put);
      return { FailedEntryCount: Entries.filter((entry) => 'ErrorCode' in entry).length, Entries };
    },
  };
}

function entriesOf({ Entries = [] }: Record<string, unknown>): Entry[] {
  if (Array.isArray(Entries) && Entries.every(isEntry)) return Entries;
  throw new AwsError('SerializationException', 'Entries: expected a list of objects of texts, with Time as a number');
}

function isEntry(value: unknown): value is Entry {
  if (typeof value !== 'object' || value === null) return false;
  const { Time, Resources = [], ...texts } = value as Record<string, unknown>;
  const isText = (text: unknown) => text === undefined || typeof text === 'string';
  return (
    (Time === undefined || (typeof Time === 'number' && !Number.isNaN(new Date(Time * 1000).getTime()))) &&
    Array.isArray(Resources) &&
    Resources.every(isText) &&
    Object.values(texts).every(isText)
  );
}

/** EventBridge's own rule: 14 bytes for a time, and the UTF-8 of everything else. */
const sizeOf = ({ Source = '', DetailType = '', Detail = '', Resources = [], Time }: Entry): number =>
  [Source, DetailType, Detail, ...Resources].reduce(
    (sum, text) => sum + Buffer.byteLength(text),
    Time === undefined ? 0 : 14,
  );

/** A detail is a JSON object. */
function parseDetail(text: string | undefined): object | undefined {
  try {
    const detail: unknown = JSON.parse(text ?? '');
    return typeof detail === 'object' && detail !== null && !Array.isArray(detail) ? detail : undefined;
  } catch {
    return undefined;
  }
}
