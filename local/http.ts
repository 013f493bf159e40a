// What the parts of the embedded AWS answer with, before it becomes HTTP, and the errors that AWS names.

import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export interface HttpRequest {
  readonly method: string;
  /** Not decoded and not normalised: an S3 key may be `a//b` or `../c`. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readable;
}

export interface HttpAnswer {
  readonly status: number;
  /** What is undefined is not sent. */
  readonly headers?: Record<string, string | undefined> | undefined;
  readonly body?: string | Buffer | Readable | undefined;
}

/** An error as an AWS service reports it: its code is what the SDK shows as `error.name`. */
export class AwsError extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.name = code;
    this.code = code;
    this.status = status;
  }
}

export function header(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** Whose signature it has, in a header or in its address, and for which service. */
export function signerOf({ headers, query }: HttpRequest): { accessKey: string; service: string } | undefined {
  const signed = header(headers, 'authorization') ?? `Credential=${query.get('X-Amz-Credential') ?? ''}`;
  const [, accessKey, service] = /\bCredential=([^/]*)\/\d{8}\/[^/]*\/([^/]+)\/aws4_request/.exec(signed) ?? [];
  return accessKey === undefined || service === undefined ? undefined : { accessKey, service };
}

export async function readBody(body: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Every answer has the ids by which AWS's support finds a request. */
export async function sendAnswer(response: ServerResponse, answer: HttpAnswer): Promise<void> {
  const { body } = answer;
  const headers = {
    'x-amzn-requestid': randomUUID(),
    'x-amz-request-id': randomUUID(),
    'content-length': lengthOf(answer),
    ...answer.headers,
  };
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value);
  response.writeHead(answer.status);
  if (body instanceof Readable) await pipeline(body, response);
  else response.end(body);
}

/** Undefined for a stream, and where HTTP allows no length. */
function lengthOf({ status, body }: HttpAnswer): string | undefined {
  if (body === undefined) return status === 204 ? undefined : '0';
  if (typeof body === 'string') return String(Buffer.byteLength(body));
  return Buffer.isBuffer(body) ? String(body.length) : undefined;
}

/** XML 1.0 cannot hold control characters at all; S3 writes them as character references, and so does this. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"\p{Cc}]/gu, (character) => XML_ENTITIES[character] ?? `&#${character.charCodeAt(0)};`);
}

/** Whether XML 1.0 can hold it: no control characters, not as references either. S3 refuses such a request whole. */
export function isXml(text: string): boolean {
  // eslint-disable-next-line no-control-regex -- these are what it is about
  return !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(unescapeXml(text));
}

export function unescapeXml(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(amp|lt|gt|quot|apos));/gi, (_, hex, decimal, name: string) => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex as string, 16));
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    return XML_NAMES[name] ?? '';
  });
}

const XML_ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const XML_NAMES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
