// An S3 that fails, in front of the emulator's: every request of the functions passes here, and a test says what becomes
// of it. The tests' own clients go past it.
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Passing {
  method: string;
  bucket: string;
  /** Of an object; of a list the prefix. */
  key: string;
}

/** `unavailable`: 503, nothing was done. `lost`: it was done, and the answer is a 503. */
export type Fate = 'pass' | 'unavailable' | 'lost';

/** Asked for each request, in turn, until one has an answer. It may wait, and so hold the request. */
export type Rule = (passing: Passing) => Fate | undefined | Promise<Fate | undefined>;

export interface FaultProxy extends AsyncDisposable {
  readonly endpoint: string;
  readonly rules: Set<Rule>;
  /** Where S3 is. */
  target: string;
}

export async function startFaultProxy(): Promise<FaultProxy> {
  const rules = new Set<Rule>();
  const server = createServer((incoming, outgoing) => {
    // A client that has gone, or a target that has stopped: the other side is told by a closed connection.
    serve(proxy, incoming, outgoing).catch(() => void outgoing.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const proxy: FaultProxy = {
    endpoint: `http://127.0.0.1:${port}`,
    rules,
    target: '',
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  return proxy;
}

async function serve({ rules, target }: FaultProxy, incoming: IncomingMessage, outgoing: ServerResponse) {
  const { method = '', url = '' } = incoming;
  const { pathname, searchParams } = new URL(url, target);
  const [, bucket = '', ...rest] = decodeURIComponent(pathname).split('/');
  const body = await bytesOf(incoming);
  const passing = { method, bucket, key: rest.join('/') || (searchParams.get('prefix') ?? '') };

  let fate: Fate | undefined;
  for (const rule of [...rules]) fate ??= await rule(passing);
  if (fate === 'unavailable') {
    answerUnavailable(outgoing);
    return;
  }
  const forwarded = request(new URL(url, target), { method, headers: incoming.headers });
  forwarded.end(body);
  const [answer] = (await once(forwarded, 'response')) as [IncomingMessage];
  const content = await bytesOf(answer);
  if (fate === 'lost') answerUnavailable(outgoing);
  else outgoing.writeHead(answer.statusCode ?? 500, answer.rawHeaders).end(content);
}

function answerUnavailable(outgoing: ServerResponse): void {
  const body = '<?xml version="1.0"?><Error><Code>ServiceUnavailable</Code><Message>Please reduce.</Message></Error>';
  outgoing.writeHead(503, { 'content-type': 'application/xml' }).end(body);
}

async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Holds the first request of this kind, until it is let go. */
export function hold(proxy: FaultProxy, fits: (passing: Passing) => boolean) {
  const held = Promise.withResolvers<undefined>();
  const gone = Promise.withResolvers<undefined>();
  let first = true;
  const rule: Rule = async (passing) => {
    if (!first || !fits(passing)) return undefined;
    first = false;
    held.resolve(undefined);
    await gone.promise;
    return 'pass';
  };
  proxy.rules.add(rule);
  return { held: held.promise, letGo: () => gone.resolve(undefined) };
}
