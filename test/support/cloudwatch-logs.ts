// CloudWatch Logs as far as a log is read: an HTTP server that takes a FilterLogEvents that botocore's model allows, and no other
// request (data/logs/2014-03-28 of botocore 1.40).
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import * as z from 'zod';

/** FilterLogEventsRequest. */
const Request = z.strictObject({
  logGroupName: z
    .string()
    .max(512)
    .regex(/^[.\-_/#A-Za-z0-9]+$/),
  logStreamNames: z.array(z.string()).min(1).max(100).optional(),
  logStreamNamePrefix: z.string().min(1).optional(),
  startTime: z.int().min(0).optional(),
  endTime: z.int().min(0).optional(),
  filterPattern: z.string().max(1024).optional(),
  nextToken: z.string().min(1).optional(),
  limit: z.int().min(1).max(10_000).optional(),
});
export type LogsRequest = z.infer<typeof Request>;

export interface Event {
  logStreamName: string;
  timestamp: number;
  message: string;
  eventId: string;
}

export interface CloudWatchLogs extends AsyncDisposable {
  endpoint: string;
  asked: LogsRequest[];
  /** @param stream as Lambda calls it */
  put: (group: string, stream: string, message: string, timestamp?: number) => void;
  /** How many events a page has; after each there is an empty one. */
  pageSize: number;
  /** In place of the next answers: an error's name; of the last page, that it leads to itself. */
  next: ('ThrottlingException' | 'AccessDeniedException' | 'ExpiredTokenException' | 'itself')[];
}

export async function startCloudWatchLogs(): Promise<CloudWatchLogs> {
  const groups = new Map<string, Event[]>();
  let ids = 0;
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const answer = answerTo(request.headers['x-amz-target'], request.headers['content-type'], body);
      response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify(answer.body));
    });
  });
  const failed = (name: string, message: string) => ({ status: 400, body: { __type: name, message } });

  function answerTo(target: unknown, type: unknown, body: string) {
    if (target !== 'Logs_20140328.FilterLogEvents' || type !== 'application/x-amz-json-1.1')
      return failed('UnknownOperationException', String(target));
    const parsed = Request.safeParse(JSON.parse(body));
    if (!parsed.success) return failed('InvalidParameterException', parsed.error.message);
    const asked = parsed.data;
    double.asked.push(asked);
    const next = double.next.shift();
    if (next !== undefined && next !== 'itself') return failed(next, 'as the test asked');
    const events = groups.get(asked.logGroupName);
    if (!events) return failed('ResourceNotFoundException', 'The specified log group does not exist.');
    const { startTime = 0, endTime = Infinity, nextToken = '0' } = asked;
    const wanted = events
      .filter(({ timestamp }) => timestamp >= startTime && timestamp <= endTime)
      .toSorted((a, b) => a.timestamp - b.timestamp);
    const page = Number(nextToken);
    const from = Math.ceil(page / 2) * double.pageSize;
    const isEmpty = page % 2 === 1;
    const isLast = from + (isEmpty ? 0 : double.pageSize) >= wanted.length;
    return {
      status: 200,
      body: {
        events: isEmpty ? [] : wanted.slice(from, from + double.pageSize),
        searchedLogStreams: [],
        nextToken: next === 'itself' && isLast ? nextToken : isLast ? undefined : String(page + 1),
      },
    };
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const double: CloudWatchLogs = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: [],
    pageSize: 10_000,
    next: [],
    put: (group, logStreamName, message, timestamp = Date.now()) => {
      ids += 1;
      const event = { logStreamName, timestamp, message, eventId: String(ids) };
      groups.set(group, [...(groups.get(group) ?? []), event]);
    },
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          resolve();
        });
      }),
  };
  return double;
}
