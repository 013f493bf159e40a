// Who may use the server on localhost: its own page with the token, and nobody else.
import { request as httpRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DashboardServer, WidgetRequest } from '../../cli/dashboard/server.ts';
import { startDashboardServer } from '../../cli/dashboard/server.ts';
import { OdinError } from '../../core/errors.ts';
import type { ButtonCall } from '../../lambdas/dashboard/action.ts';

let server: DashboardServer;
let calls: WidgetRequest[];
let runs: number;
let failure: Error | undefined;

beforeEach(async () => {
  calls = [];
  runs = 0;
  failure = undefined;
  server = await start();
});
afterEach(() => server.close());

const start = (port = 0, withRun = true) =>
  startDashboardServer({
    environment: 'odin-dev',
    place: 'on this machine',
    port,
    pollMs: 1000,
    callWidget: (request) => {
      calls.push(request);
      return failure === undefined ? Promise.resolve('<p>widget</p>') : Promise.reject(failure);
    },
    startRun: withRun
      ? () => {
          runs += 1;
          return Promise.resolve({ tone: 'good', said: 'A run was started.' });
        }
      : undefined,
  });

interface Ask {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: string;
}

const LOOK: WidgetRequest = { call: {}, theme: 'dark', timezone: '+00:00', forms: {} };

/** One of each kind that the widget draws. */
const BUTTONS: {
  [Kind in ButtonCall extends infer Call ? (Call extends object ? keyof Call : never) : never]: ButtonCall;
} = {
  decide: { decide: { decision: 'retry', halt: 7 } },
  preview: { preview: { migration: '0004' }, page: 2 },
  tune: { tune: { migration: '0004' }, page: 2 },
  page: { page: 2 },
};

/** What the page itself would send, with changes. fetch() would not let a test choose the Host. */
async function ask({ method = 'POST', path = '/widget', headers = {}, body = JSON.stringify(LOOK) }: Ask = {}) {
  const { origin, port, hash } = new URL(server.url);
  const sent: Record<string, string | number> = {
    origin,
    'x-odin-token': hash.slice(1),
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...headers,
  };
  const present = Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== ''));
  return new Promise<{ status: number; headers: Record<string, unknown>; body: string }>((resolve, reject) => {
    httpRequest({ host: '127.0.0.1', port, path, method, headers: present }, (answer) => {
      text(answer).then((body) => {
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body });
      }, reject);
    })
      .once('error', reject)
      .end(method === 'GET' ? '' : body);
  });
}

describe('the server on localhost', () => {
  it('serves its page, which nobody may frame and which runs no script but its own', async () => {
    const { status, headers, body } = await ask({ method: 'GET', path: '/', headers: { 'content-length': '' } });
    expect(status).toBe(200);
    expect(body).toContain('<title>odin-dev · odin-migrate</title>');
    expect(body).not.toContain('{{');
    expect(headers['content-security-policy']).toContain("script-src 'self';");
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
  });

  it('has no secret in its page: the token is behind the # of the address', async () => {
    const token = new URL(server.url).hash.slice(1);
    for (const path of ['/', '/page.js', '/page.css']) {
      const { status, body } = await ask({ method: 'GET', path, headers: { 'content-length': '' } });
      expect(status).toBe(200);
      expect(body).not.toContain(token);
    }
  });

  it('calls the widget for its page', async () => {
    expect(await ask()).toMatchObject({ status: 200, body: '{"html":"<p>widget</p>"}' });
    expect(calls).toEqual([LOOK]);
  });

  it('says in words what AWS has answered, as the command line does', async () => {
    failure = Object.assign(new Error('The security token included in the request is expired'), {
      name: 'ExpiredTokenException',
      $metadata: { httpStatusCode: 403 },
    });
    const { status, body } = await ask();
    expect(status).toBe(500);
    expect(body).toContain('Your credentials have expired: ExpiredTokenException');
    expect(body).toMatch(/Sign in again.*, and type the same command\./); // with the command of the profile, if that has one
  });

  it.each<[string, Record<string, string>]>([
    ['another page', { origin: 'https://evil.example' }],
    ['another port of this machine', { origin: 'http://127.0.0.1:1' }],
    ['no page at all', { origin: '' }],
    ['a page that has been made to reach this server by a name of its own', { host: 'evil.example' }],
    ['a page without the token', { 'x-odin-token': '' }],
    ['a page with another token', { 'x-odin-token': 'A'.repeat(32) }],
    ['a form', { 'content-type': 'text/plain' }],
    ['something endless', { 'content-length': '', 'transfer-encoding': 'chunked' }],
  ])('refuses %s', async (_, headers) => {
    for (const path of ['/widget', '/run']) expect(await ask({ path, headers })).toMatchObject({ status: 403 });
    expect([calls, runs]).toEqual([[], 0]);
  });

  it.each(['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'])('does nothing for %s', async (method) => {
    const override = { 'x-http-method-override': 'POST', 'x-http-method': 'POST', 'x-method-override': 'POST' };
    for (const path of ['/widget', '/run', '/widget?_method=POST']) {
      for (const given of [{}, override]) {
        const headers = method === 'GET' ? { ...given, 'content-length': '' } : given;
        const { status } = await ask({ method, path, headers });
        expect([path, status]).toEqual([path, 404]);
      }
    }
    expect([calls, runs]).toEqual([[], 0]);
  });

  it('knows its paths as they are written, and nothing that might mean the same', async () => {
    const { origin } = new URL(server.url);
    const ways = (path: string) => [
      ...[
        `/${path}`,
        `${path}/`,
        `${path}.`,
        `${path};x`,
        `${path}?x`,
        `${path}%20`,
        `${path}%2f`,
        `${path}%00`,
        `/.${path}`,
      ],
      ...[
        `/x/..${path}`,
        `/x%2f..${path}`,
        `/%2e${path}`,
        path.toUpperCase(),
        path.replace('/', '%2f'),
        path.replace('/', '\\'),
      ],
      ...[
        `${origin}${path}`,
        `http://evil.example${path}`,
        path.replace(/[wr]/, (letter) =>
          encodeURIComponent(letter).replace(letter, `%${letter.charCodeAt(0).toString(16)}`),
        ),
      ],
    ];
    for (const path of [...ways('/widget'), ...ways('/run')]) {
      const { status } = await ask({ path });
      expect([path, status === 404 || status === 400]).toEqual([path, true]);
    }
    expect([calls, runs]).toEqual([[], 0]);
  });

  it.each([
    'application/json; charset=utf-8',
    'Application/JSON',
    'application/json, text/plain',
    'text/json',
    'multipart/form-data; boundary=x',
    'application/x-www-form-urlencoded',
  ])('takes nothing that says it is %s: of these a form of another page may send some', async (type) => {
    expect(await ask({ headers: { 'content-type': type } })).toMatchObject({ status: 403 });
    expect(calls).toEqual([]);
  });

  it('takes the token of no other server, nor in another place', async () => {
    const other = await start();
    const [mine, theirs] = [server, other].map(({ url }) => new URL(url).hash.slice(1));
    await other.close();
    expect(mine).not.toBe(theirs);
    const places: [string, Record<string, string>][] = [
      ['/widget', { 'x-odin-token': theirs ?? '' }],
      ['/widget', { 'x-odin-token': `${mine}, ${theirs}` }],
      ['/widget', { 'x-odin-token': '', authorization: `Bearer ${mine}` }],
      ['/widget', { 'x-odin-token': '', cookie: `x-odin-token=${mine}` }],
      [`/widget?x-odin-token=${mine}`, { 'x-odin-token': '' }],
    ];
    for (const [path, headers] of places) expect(await ask({ path, headers })).toMatchObject({ status: 403 });
    expect(calls).toEqual([]);
  });

  it('believes nobody who says in a header who asks, or whom they ask', async () => {
    const { host, port } = new URL(server.url);
    const said = {
      'x-amzn-oidc-identity': 'admin',
      'x-amz-user-agent': 'admin',
      'x-forwarded-user': 'admin',
      'x-forwarded-for': '127.0.0.1',
      authorization: 'Basic YWRtaW46YWRtaW4=',
    };
    expect(await ask({ headers: said })).toMatchObject({ status: 200 });
    expect(calls).toEqual([LOOK]);
    for (const name of ['x-forwarded-host', 'x-host', 'x-original-host', 'forwarded']) {
      const headers = { host: `evil.example:${port}`, [name]: name === 'forwarded' ? `host=${host}` : host };
      expect([name, (await ask({ headers })).status]).toEqual([name, 403]);
    }
    for (const name of ['x-original-url', 'x-rewrite-url', 'x-forwarded-prefix']) {
      expect([name, (await ask({ path: '/x', headers: { [name]: '/run' } })).status]).toEqual([name, 404]);
    }
    expect([calls, runs]).toEqual([[LOOK], 0]);
  });

  it('answers to no other name, not even with its page', async () => {
    const { port } = new URL(server.url);
    for (const host of ['evil.example', `evil.example:${port}`, `127.0.0.1.evil.example:${port}`, 'localhost:1']) {
      const headers = { host, 'content-length': '' };
      expect(await ask({ method: 'GET', path: '/', headers }), host).toMatchObject({ status: 403 });
    }
    const headers = { host: `localhost:${port}`, 'content-length': '' };
    expect(await ask({ method: 'GET', path: '/', headers })).toMatchObject({ status: 200 });
  });

  it('passes every button on, and nothing but what it says', async () => {
    for (const [button, call] of Object.entries(BUTTONS)) {
      expect((await ask({ body: JSON.stringify({ ...LOOK, call }) })).status, button).toBe(200);
      expect(calls.at(-1)?.call).toEqual(call);
    }
  });

  it('says in words why the widget could not be called', async () => {
    failure = new OdinError({ code: 'Internal', source: 'system', what: 'It failed.', next: 'Look.' });
    expect(await ask()).toMatchObject({ status: 500, body: '{"error":"It failed. Look."}' });
  });

  it('takes nothing but what the page sends', async () => {
    expect(await ask({ body: JSON.stringify({ ...LOOK, call: { describe: true } }) })).toMatchObject({ status: 400 });
    expect(await ask({ body: '{' })).toMatchObject({ status: 400 });
    expect(calls).toEqual([]);
  });

  it('starts a run where it can, and only there', async () => {
    expect(await ask({ path: '/run' })).toMatchObject({
      status: 200,
      body: '{"tone":"good","said":"A run was started."}',
    });
    expect(runs).toBe(1);
    await server.close();
    server = await start(0, false);
    expect(await ask({ path: '/run' })).toMatchObject({ status: 404 });
    expect(runs).toBe(1);
  });

  it('says that a port is taken', async () => {
    await expect(start(Number(new URL(server.url).port))).rejects.toMatchObject({ code: 'BadUsage' });
  });
});
