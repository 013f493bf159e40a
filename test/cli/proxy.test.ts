// The proxy that the environment names, as `cdk` takes it: a real one, that is asked for a tunnel to AWS.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { PROJECT } from '../support/project.ts';

const asked: string[] = [];
const proxy = createServer((request, response) => {
  asked.push(`${request.method ?? ''} ${request.url ?? ''}`);
  response.writeHead(403, { 'content-type': 'text/xml' }).end('<Error><Code>AccessDenied</Code></Error>');
});
proxy.on('connect', (request, socket) => {
  asked.push(`CONNECT ${request.url ?? ''}`);
  socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
});
let url: string;

beforeAll(async () => {
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
});
beforeEach(() => {
  asked.length = 0;
});
afterAll(() => {
  proxy.close();
});

async function status(more: Record<string, string>) {
  const env = {
    PATH: process.env['PATH'],
    HOME: '/none',
    NO_COLOR: '1',
    AWS_ACCESS_KEY_ID: 'a',
    AWS_SECRET_ACCESS_KEY: 'b',
    AWS_REGION: 'eu-west-1',
    AWS_MAX_ATTEMPTS: '1',
    ...more,
  };
  const program = [path.join(PROJECT, 'cli/odin-migrate.js'), 'status', 'odin-dev', '--app', 'shop'];
  const child = spawn(process.execPath, program, { cwd: PROJECT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => (text += part));
  const [code] = (await once(child, 'close')) as [number];
  return { code, text };
}

it.each(['HTTPS_PROXY', 'https_proxy'])('%s is asked for a tunnel to AWS, and what it says is told', async (name) => {
  const { code, text } = await status({ [name]: url });
  expect(asked).toEqual(['CONNECT ssm.eu-west-1.amazonaws.com:443']);
  expect(text).toMatch(
    /^AwsUnreachable: AWS did not answer: .*502[^]*\n {2}Check the network, --region and HTTPS_PROXY\./,
  );
  expect(code).toBe(1);
});

it('HTTP_PROXY is asked for an endpoint without TLS, and NO_PROXY keeps one from it', async () => {
  const endpoint = { AWS_ENDPOINT_URL: 'http://aws.invalid:4566', HTTP_PROXY: url };
  await status(endpoint);
  expect(asked).toEqual([expect.stringMatching(/^POST http:\/\/aws\.invalid:4566\//)]);
  asked.length = 0;
  expect((await status({ ...endpoint, NO_PROXY: 'other.invalid,.aws.invalid,aws.invalid' })).text).toContain(
    'AwsUnreachable',
  );
  expect(asked).toEqual([]);
});
