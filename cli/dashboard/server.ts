// Serves the widget on localhost, in a page that stands in for the CloudWatch console.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import * as z from 'zod';
import { awsError } from '../../client/aws-errors.ts';
import { asOdinError, OdinError } from '../../core/errors.ts';
import { isForThisServer, isSecret } from '../../local/door.ts';
import { dashboardPage } from '../../project/package.ts';
import { typedError } from '../terminal/commands.ts';

export interface DashboardServerOptions {
  environment: string;
  /** Where the environment is, for the page's head: `on this machine`, `eu-west-1`. */
  place: string;
  /** 0 takes a free one. */
  port: number;
  /** How long the page waits between two looks, in milliseconds. */
  pollMs: number;
  /** Asks the widget's function for its HTML. */
  callWidget: (request: WidgetRequest) => Promise<string>;
  /** Starts a run, where the page may, and says what came of it. */
  startRun?: (() => Promise<RunStarted>) | undefined;
}

export interface RunStarted {
  tone: 'good' | 'warn';
  /** A sentence. */
  said: string;
}

export interface DashboardServer {
  /** With the token, without which the page can do nothing. */
  url: string;
  close: () => Promise<void>;
}

const WidgetRequest = z.strictObject({
  /** The payload of the button that was pressed; empty for a look. The widget's function validates it. */
  call: z.strictObject({
    decide: z.unknown().optional(),
    preview: z.unknown().optional(),
    tune: z.unknown().optional(),
    page: z.number().optional(),
  }),
  theme: z.enum(['light', 'dark']),
  timezone: z.string(),
  forms: z.record(z.string(), z.string()),
});
export type WidgetRequest = z.infer<typeof WidgetRequest>;

const MAX_BODY_BYTES = 65_536;

/**
 * Whoever can make requests to this server could decide with the user's AWS identity, so none but the page may: the
 * server listens on the loopback address, knows its own names only (DNS rebinding), takes a request that acts from its
 * own origin only (cross-site requests), and with the token that the terminal printed (other users of the machine).
 * @throws OdinError BadUsage when the port is taken
 */
export async function startDashboardServer(options: DashboardServerOptions): Promise<DashboardServer> {
  const token = randomBytes(24).toString('base64url');
  const server = createServer((request, response) => {
    void serve(request, response, options, token);
  });
  await listen(server, options.port);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/#${token}`,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function listen(server: ReturnType<typeof createServer>, port: number): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, '127.0.0.1', resolve);
    });
  } catch (cause) {
    throw new OdinError({
      code: 'BadUsage',
      source: 'user',
      what: `Port ${port} cannot be listened on: ${(cause as Error).message}.`,
      next: 'Name another with --port, or none to take a free one.',
      cause,
    });
  }
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  options: DashboardServerOptions,
  token: string,
): Promise<void> {
  const refusal = isForThisServer(request)
    ? request.method === 'POST' && whyNotFromPage(request, token)
    : 'This is not a name of this server.';
  if (refusal) {
    sendJson(response, 403, { error: refusal });
    return;
  }
  try {
    await answer(request, response, options);
  } catch (thrown) {
    sendJson(response, 500, { error: typedError(awsError(thrown) ?? asOdinError(thrown)).join(' ') });
  }
}

function whyNotFromPage({ headers }: IncomingMessage, token: string): string | undefined {
  if (headers.origin !== `http://${headers.host ?? ''}`) return 'This request did not come from the page.';
  if (!isSecret(String(headers['x-odin-token'] ?? ''), token)) {
    return 'Open the address that the terminal shows, with everything behind the #.';
  }
  if (headers['content-type'] !== 'application/json') return 'Expected JSON.';
  return Number(headers['content-length'] ?? Infinity) > MAX_BODY_BYTES ? 'The request is too large.' : undefined;
}

async function answer(request: IncomingMessage, response: ServerResponse, options: DashboardServerOptions) {
  switch (`${request.method ?? ''} ${request.url ?? ''}`) {
    case 'GET /':
      send(response, 200, 'text/html', indexPage(options));
      return;
    case 'GET /page.js':
      send(response, 200, 'text/javascript', file('page.js'));
      return;
    case 'GET /page.css':
      send(response, 200, 'text/css', file('page.css'));
      return;
    case 'POST /widget':
      await answerWidget(await text(request), response, options);
      return;
    case 'POST /run':
      if (!options.startRun) break;
      sendJson(response, 200, await options.startRun());
      return;
  }
  sendJson(response, 404, { error: 'There is nothing here.' });
}

async function answerWidget(body: string, response: ServerResponse, { callWidget }: DashboardServerOptions) {
  const asked = WidgetRequest.safeParse(jsonOf(body));
  if (asked.success) sendJson(response, 200, { html: await callWidget(asked.data) });
  else
    sendJson(response, 400, {
      error: `Not a request of this page: ${z.prettifyError(asked.error).split('\n')[0] ?? ''}`,
    });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Names of environments are letters, digits and hyphens, places are regions: nothing here needs escaping. */
function indexPage({ environment, place, pollMs, startRun }: DashboardServerOptions): string {
  const values: Record<string, string> = {
    environment,
    place,
    pollMs: String(pollMs),
    canRun: String(startRun !== undefined),
  };
  return file('index.html').replace(/\{\{(\w+)\}\}/g, (_, name: string) => values[name] ?? '');
}

const file = (name: string): string => readFileSync(path.join(dashboardPage, name), 'utf8');

const sendJson = (response: ServerResponse, status: number, value: object): void => {
  send(response, status, 'application/json', JSON.stringify(value));
};

/** No script but the page's own runs, whatever the widget's HTML holds, and no other page may frame this one. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src data:; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'content-type': `${type}; charset=utf-8`,
    'content-security-policy': POLICY,
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  });
  response.end(body);
}
