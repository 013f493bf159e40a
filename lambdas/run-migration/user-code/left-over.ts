// What a migration has begun and not awaited. Its process ends with it, so that work ends half done: a request without an answer
// is a failure, and whatever else keeps the process alive is told of.
//
//   it returned ─▶ nothing is alive: its end                  ─▶ a request has no answer, or begins now: NotAwaited
//               ─▶ something is alive: a moment for what it throws ─▶ its end, with what was alive
import { subscribe } from 'node:diagnostics_channel';
import { clearInterval, setImmediate, setInterval } from 'node:timers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { OdinError } from '../../../core/errors.ts';
import type { AskedOf } from '../../../core/thrown.ts';
import { cut, errorSummary, keptText } from '../../../core/ledger/summaries.ts';
import { numberOf } from '../../../core/text/format.ts';
import type { EndMessage } from './protocol.ts';
import { LEFT_OVER } from './limits.ts';

/** What closes by itself needs less. */
const CLOSING_MS = 50;
/** So long what is left may still throw, or ask for something. */
const MOMENT_MS = 1_000;

interface Request {
  /** `PUT https://host/path` */
  asked: string;
  /** For certain: a POST may only ask for something. */
  changes: boolean;
}

/** Of Node.js's own client of HTTP, which the SDK uses. */
interface Response {
  statusCode?: number | undefined;
  headers?: Record<string, unknown> | undefined;
}

/** Where AWS puts the id of a request, which its SDK has in the `$metadata` of an error. */
const REQUEST_IDS = ['x-amzn-requestid', 'x-amzn-request-id', 'x-amz-request-id'];
/** An error that is thrown is rarely older. */
const MAX_FAILED = 1_000;

export class LeftOverWork {
  /** Requests that have no answer yet. */
  readonly #open = new Map<unknown, Request>();
  /** Those that began since it returned; undefined: it has not. */
  #late: Request[] | undefined;
  // Before user code can replace it.
  readonly #alive = process.getActiveResourcesInfo.bind(process);
  /** The streams that it prints to. */
  #before: string[] = [];
  /** The last requests of which AWS said that they failed, by the id that it gave them: its errors do not say what was asked. */
  readonly #failed = new Map<string, string>();

  /** Called before any user code: what is alive now is none of it. */
  begin(): void {
    this.#before = this.#alive();
    this.#followRequests();
  }

  /** Follows the requests of `http`, `https`, `http2` and `fetch`, and with them those of the AWS SDK. */
  #followRequests(): void {
    for (const { channel, read } of BEGUN) {
      subscribe(channel, (message) => {
        const { key, method, url } = read(message as never);
        if (this.#open.has(key)) return;
        const asked = `${method} ${decoded(url.split('?')[0] ?? '')}`;
        this.began(key, { asked, changes: CHANGING.includes(method) });
        // It was broken off, or has become a connection of another kind.
        (key as { once?: (event: 'close', listener: () => void) => void }).once?.('close', () => {
          this.answered(key);
        });
      });
    }
    for (const channel of ANSWERED) {
      subscribe(channel, (message) => {
        const { request, stream, response } = message as { request?: unknown; stream?: unknown; response?: Response };
        const key = request ?? stream;
        const asked = this.#open.get(key);
        if (asked && response) this.#failedWith(asked, response);
        this.answered(key);
      });
    }
  }

  #failedWith({ asked }: Request, { statusCode = 0, headers = {} }: Response): void {
    const id = statusCode < 400 ? undefined : REQUEST_IDS.map((name) => headers[name]).find(Boolean);
    if (typeof id !== 'string') return;
    this.#failed.set(id, asked);
    const [oldest] = this.#failed.keys();
    if (this.#failed.size > MAX_FAILED && oldest !== undefined) this.#failed.delete(oldest);
  }

  /** What was asked under the request id of an error of AWS. */
  readonly askedOf: AskedOf = (requestId) => this.#failed.get(requestId);

  began(key: unknown, request: Request): void {
    this.#open.set(key, request);
    this.#late?.push(request);
  }

  answered(key: unknown): void {
    this.#open.delete(key);
  }

  /** Of a write that never leaves the process: its answer is not there at once, as that of no service is. */
  async asRequest<T>(asked: string, work: () => Promise<T>): Promise<T> {
    const key = {};
    this.began(key, { asked, changes: true });
    try {
      const answer = await work();
      await nextTurn();
      return answer;
    } finally {
      this.answered(key);
    }
  }

  /**
   * @param outcome a stopped generator may be reading ahead: of its requests those alone are a failure that change something
   * @param end is called once, and leaves the process
   */
  afterReturn(outcome: 'finished' | 'stopped', end: (message: EndMessage) => void): void {
    const late: Request[] = (this.#late = []);
    const atReturn = [...this.#open.values()];
    const unanswered = () =>
      [...new Set([...atReturn, ...late])].filter(({ changes }) => changes || outcome === 'finished');
    let left: string[] = [];
    let beats = 0;
    const finish = () => {
      clearInterval(beat);
      const requests = unanswered();
      if (requests.length > 0) end({ type: 'end', outcome: 'threw', error: errorSummary(notAwaited(requests)) });
      else end({ type: 'end', outcome, leftOver: left.length > 0 ? left : undefined });
    };
    const beat = setInterval(() => {
      beats += 1;
      // In the next turn of the event loop, if there is one: where one took long, on a busy machine, its timers come before Node.js looks
      // whether anything is alive.
      if (beats === 1) setImmediate(() => (left = this.#leftOf(atReturn))).unref();
      if (unanswered().length > 0 || beats * CLOSING_MS >= MOMENT_MS) finish();
    }, CLOSING_MS);
    beat.unref();
    // Nothing else is alive. Before any listener of user code, which might begin something.
    process.prependOnceListener('beforeExit', finish);
    if (unanswered().length > 0) finish();
  }

  #leftOf(atReturn: readonly Request[]): string[] {
    return [...atReturn.map(textOf), ...resources(this.#alive(), this.#before)].slice(0, LEFT_OVER.items);
  }
}

/** As it is told, without what may be secret in it. Not of each when it begins: there may be millions. */
const textOf = ({ asked }: Request): string => keptText(asked, LEFT_OVER.length);

/** As people write a key. */
function decoded(url: string): string {
  try {
    return decodeURIComponent(url);
  } catch {
    return url;
  }
}

const CHANGING = ['PUT', 'DELETE', 'PATCH'];

interface HttpRequest {
  method: string;
  protocol: string;
  path: string;
  getHeader: (name: 'host') => unknown;
}

const ofHttp = ({ request }: { request: HttpRequest }) => {
  const { method, protocol, path } = request;
  return { key: request, method, url: `${protocol}//${String(request.getHeader('host'))}${path}` };
};
const ofFetch = ({ request }: { request: { method: string; origin: unknown; path: string } }) => ({
  key: request,
  method: request.method,
  url: `${String(request.origin)}${request.path}`,
});
const ofHttp2 = ({ stream, headers }: { stream: unknown; headers: Record<string, string | undefined> }) => ({
  key: stream,
  method: headers[':method'] ?? 'GET',
  url: `https://${headers[':authority'] ?? ''}${headers[':path'] ?? '/'}`,
});

interface Begun {
  channel: string;
  read: (message: never) => { key: unknown; method: string; url: string };
}

/** Node.js's own names of what happens. `created` came later than `start`, which waits for the body. */
const BEGUN: Begun[] = [
  { channel: 'http.client.request.created', read: ofHttp },
  { channel: 'http.client.request.start', read: ofHttp },
  { channel: 'undici:request:create', read: ofFetch },
  { channel: 'http2.client.stream.start', read: ofHttp2 },
];

const ANSWERED = [
  'http.client.response.finish',
  'http.client.request.error',
  'undici:request:headers',
  'undici:request:error',
  'http2.client.stream.finish',
  'http2.client.stream.error',
  'http2.client.stream.close',
];

/** @param names of `process.getActiveResourcesInfo()`: an idle connection that is kept for the next request is none of them */
function resources(names: readonly string[], before: string[]): string[] {
  const counts = new Map<string, number>();
  for (const name of names) {
    const known = before.indexOf(name);
    if (known >= 0) {
      before.splice(known, 1);
      continue;
    }
    const [, word = name] = WORDS.find(([pattern]) => pattern.test(name)) ?? [];
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  if (counts.size === 0) return ['something that Node.js does not name'];
  return [...counts].map(([word, count]) => cut(numberOf(count, word), LEFT_OVER.length));
}

const WORDS: [RegExp, string][] = [
  [/^(Timeout|Immediate)$/, 'timer'],
  [/^(FSReq|FileHandle)/, 'file operation'],
  [/^(GetAddrInfo|GetNameInfo|Query)/, 'host lookup'],
  [/ServerWrap$/, 'server'],
  [/^ProcessWrap$/, 'process'],
  [/^(TCP|TLS|UDP|Pipe|HTTP|Write|Shutdown)/i, 'connection'],
];

const notAwaited = (requests: readonly Request[]): OdinError =>
  new OdinError({
    code: 'NotAwaited',
    source: 'user',
    what:
      `migration() was over, and ${numberOf(requests.length, 'request')} that it had begun had no answer: ` +
      `${requests.slice(0, LEFT_OVER.items).map(textOf).join(', ')}. Whether they did their work is not known.`,
    next: 'Await all that it starts; deploy, and retry.',
  });
