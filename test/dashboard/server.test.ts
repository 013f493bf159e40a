// Who may use the server on localhost: its own page with the token, and nobody else.
import { request as httpRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DashboardServer, WidgetRequest } from '../../cli/dashboard/server.ts';
import { startDashboardServer } from '../../cli/dashboard/server.ts';
import { OdinError } from '../../core/errors.ts';

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

  it('answers to no other name, not even with its page', async () => {
    const headers = { host: 'evil.example', 'content-length': '' };
    expect(await ask({ method: 'GET', path: '/', headers })).toMatchObject({ status: 403 });
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
