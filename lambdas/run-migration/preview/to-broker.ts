// The process's side of the broker: what sends the requests of the clients of the AWS SDK, in the place of their own handlers.
import type { IncomingHttpHeaders } from 'node:http2';
import { connect, constants } from 'node:http2';
import { Socket } from 'node:net';
import { OdinError } from '../../../core/errors.ts';
import { PIPE } from '../user-code/messages.ts';
import type { RequestHandler, SdkClient, SdkRequest } from './call.ts';
import { FAILED, OBJECTED, percentEncoded, PLACEHOLDER_CREDENTIALS, withoutConnection } from './carried.ts';

/** One for all clients. A client with credentials of its own keeps its own handler, whose connections the guard refuses. */
export function openBroker(): (client: SdkClient) => void {
  // So much of an answer is on its way before somebody takes it.
  const settings = { initialWindowSize: 256 * 1024 };
  const pipe = new Socket({ fd: PIPE, readable: true, writable: true });
  const session = connect('http://preview', { createConnection: () => pipe, settings, maxSessionMemory: 100 });
  session.on('error', () => undefined); // each request says it
  session.unref();
  const carried = new WeakSet<object>();
  let open = 0;

  return ({ config }) => {
    const own = config.requestHandler;
    if (!own || carried.has(own)) return;
    const handler: RequestHandler = {
      metadata: { handlerProtocol: 'http/1.1' },
      handle: (request, options) =>
        isSignedWithPlaceholder(request) ? send(request, options?.abortSignal) : own.handle(request, options),
      destroy: () => own.destroy?.(),
      updateHttpClientConfig: (key, value) => own.updateHttpClientConfig?.(key, value),
      httpHandlerConfigs: () => own.httpHandlerConfigs?.() ?? {},
    };
    carried.add(handler);
    config.requestHandler = handler;
  };

  async function send(request: SdkRequest, abortSignal: AbortSignal | undefined) {
    const { promise, resolve, reject } = Promise.withResolvers<{ response: object }>();
    if (abortSignal?.aborted) throw aborted();
    const body = bodyOf(request);
    const headers = { ...withoutConnection(request.headers), ...pseudoHeaders(request) };
    if (session.destroyed) throw new NoAnswer('EPIPE the way to it is closed');
    const stream = session.request(headers, { endStream: body === undefined });
    // Idle, it keeps no process alive.
    if ((open += 1) === 1) session.ref();
    const onAbort = () => {
      stream.close(constants.NGHTTP2_CANCEL);
      reject(aborted());
    };
    abortSignal?.addEventListener('abort', onAbort);
    stream.on('error', (error: Error) => {
      reject(new NoAnswer(`ECONNRESET ${error.message}`));
    });
    stream.on('close', () => {
      abortSignal?.removeEventListener('abort', onAbort);
      reject(new NoAnswer('ECONNRESET it was broken off'));
      if ((open -= 1) === 0) session.unref();
    });
    stream.on('response', ({ ':status': statusCode, ...found }: IncomingHttpHeaders) => {
      const { [OBJECTED]: objected, [FAILED]: noAnswer } = found;
      if (objected === undefined && noAnswer === undefined) {
        resolve({ response: { statusCode, headers: joined(found), body: stream } });
        return;
      }
      stream.resume();
      reject(noAnswer === undefined ? notSent(decoded(objected)) : new NoAnswer(decoded(noAnswer)));
    });
    if (body !== undefined) stream.end(body);
    return promise;
  }
}

const isSignedWithPlaceholder = ({ headers }: SdkRequest): boolean =>
  (headers['authorization'] ?? '').includes(` Credential=${PLACEHOLDER_CREDENTIALS.AWS_ACCESS_KEY_ID}/`);

const decoded = (text: unknown): string => decodeURIComponent(String(text));

function pseudoHeaders({ method, protocol, hostname, port, path, query, headers }: SdkRequest) {
  const search = queryOf(query ?? {});
  return {
    ':method': method,
    ':scheme': (protocol ?? 'https:').replace(/:$/, ''),
    ':authority': headers['host'] ?? (port === undefined ? hostname : `${hostname}:${port}`),
    ':path': search === '' ? path : `${path}?${search}`,
  };
}

/** As the SDK's own handlers write it. */
const queryOf = (query: Readonly<Record<string, string | string[] | null>>): string =>
  Object.keys(query)
    .sort()
    .flatMap((name) => {
      const value = query[name];
      if (value === null || value === undefined) return [percentEncoded(name)];
      return [value].flat().map((each) => `${percentEncoded(name)}=${percentEncoded(each)}`);
    })
    .join('&');

/** Undefined for none. */
function bodyOf({ body }: SdkRequest): string | Uint8Array | undefined {
  if (body === undefined || body === null || body === '') return undefined;
  if (typeof body === 'string' || body instanceof Uint8Array) return body;
  if (body instanceof ArrayBuffer) return new Uint8Array(body);
  throw notSent('its body is a stream, which no read has');
}

const joined = (headers: IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, [value].flat().join(', ')]],
    ),
  );

const aborted = (): Error => new DOMException('Request aborted', 'AbortError');

/** As a connection fails under the SDK's own handlers: by its code the SDK decides whether to try again. */
class NoAnswer extends Error {
  override name = 'NoAnswer';
  readonly code: string;

  /** @param text begins with the code: `ECONNRESET …` */
  constructor(text: string) {
    super(text);
    [this.code = ''] = text.split(' ');
  }
}

const notSent = (why: string): OdinError =>
  new OdinError({
    code: 'RefusedInPreview',
    source: 'user',
    what: `A preview sends what it knows to be a read, and nothing else: ${why}.`,
    next: 'Let the client send its requests as it makes them, with the credentials of the function.',
  });
