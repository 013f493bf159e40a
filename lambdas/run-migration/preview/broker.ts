// The one way out of a previewed process: HTTP/2 over a pipe to its function. Each stream is one request as the AWS SDK would have sent
// it. What is no read is answered with an objection; a read is signed with the session that can only read, sent, and its answer comes
// back as it is, as fast as it is taken.
//
//   user code ─▶ recorder ─▶ SDK ─▶ to-broker.ts ═pipe═▶ judge ─▶ signature ─▶ AWS
import http from 'node:http';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { constants, performServerHandshake } from 'node:http2';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describeThrown } from '../../../core/thrown.ts';
import { FAILED, OBJECTED, withoutConnection } from './carried.ts';
import type { Objection } from './judge.ts';
import { objectionTo } from './judge.ts';
import type { Credentials, SignedRequest } from './signature.ts';
import { signatureOf, signedAgain } from './signature.ts';

export interface BrokerOptions {
  credentials: Credentials;
  /** Besides those of AWS. */
  endpoints: readonly URL[];
  onObjection: (objection: Objection, target: string) => void;
}

/** In bytes: more than any request that reads has. */
const MAX_BODY = 16 * 1024 * 1024;
/** As many as the SDK has for one client. */
const CONNECTIONS = { keepAlive: true, maxSockets: 50 };

/** Serves a process until the pipe is closed, with which every request ends. */
export function serveReads(pipe: Duplex, { credentials, endpoints, onObjection }: BrokerOptions): void {
  const agents = { 'http:': new http.Agent(CONNECTIONS), 'https:': new https.Agent(CONNECTIONS) };
  const session = performServerHandshake(pipe, { settings: { maxConcurrentStreams: 10_000 }, maxSessionMemory: 100 });
  // What is no HTTP/2 ends it: then there are no more reads.
  session.on('error', () => undefined);
  session.on('close', () => {
    for (const agent of Object.values(agents)) agent.destroy();
  });
  session.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => undefined); // it was broken off
    serve(stream, headers).catch((thrown: unknown) => {
      answer(stream, FAILED, describeThrown(thrown));
    });
  });

  async function serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    const request = await requestOf(stream, headers);
    const signature = signatureOf(request.headers['authorization']);
    const target = new URL(`${String(headers[':scheme'])}://${request.headers['host'] ?? ''}`);
    const objection = signature
      ? objectionTo(request, signature.service, target, endpoints)
      : { what: 'send what is no read', why: 'it is not signed as a request of the SDK' };
    if (objection || !signature) {
      const path = request.path.split('?')[0] ?? '';
      if (objection) onObjection(objection, `${request.method} ${target.origin}${path}`);
      answer(stream, OBJECTED, objection?.why ?? '');
      return;
    }
    send(stream, target, { ...request, headers: signedAgain(request, signature, credentials) });
  }

  function send(stream: ServerHttp2Stream, target: URL, { method, path, headers, body }: SignedRequest): void {
    const [library, agent] = target.protocol === 'https:' ? [https, agents['https:']] : [http, agents['http:']];
    const { hostname, port } = target;
    // An IPv6 address has brackets in a URL alone.
    const host = hostname.replace(/^\[|\]$/g, '');
    const sent = library.request({ method, host, port, path, headers, agent }, (incoming) => {
      if (stream.closed || stream.destroyed) {
        incoming.destroy();
        return;
      }
      stream.respond({ ':status': incoming.statusCode, ...withoutConnection(incoming.headers) });
      if (method === 'HEAD') incoming.resume();
      else pipeline(incoming, stream, () => undefined);
    });
    sent.on('error', (error: NodeJS.ErrnoException) => {
      answer(stream, FAILED, `${error.code ?? ''} ${error.message}`);
    });
    stream.on('close', () => {
      if (!sent.closed) sent.destroy();
    });
    sent.end(body);
  }
}

/** @throws Error for one that is too large, or was broken off */
async function requestOf(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<SignedRequest> {
  let size = 0;
  stream.on('data', ({ length }: Buffer) => {
    size += length;
    if (size > MAX_BODY) stream.close();
  });
  const body = await buffer(stream);
  const { ':method': method, ':path': path, ':authority': host } = headers;
  const own = Object.entries(headers).flatMap(([name, value]): [string, string][] =>
    name.startsWith(':') || value === undefined ? [] : [[name, String(value)]],
  );
  return {
    method: String(method),
    path: String(path),
    headers: { ...Object.fromEntries(own), host: String(host) },
    body,
  };
}

function answer(stream: ServerHttp2Stream, header: string, text: string): void {
  if (stream.closed || stream.destroyed) return;
  if (stream.headersSent) stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  else stream.respond({ ':status': 502, [header]: encodeURIComponent(text) }, { endStream: true });
}
