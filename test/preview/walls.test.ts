// No way out of a previewed process but the broker, and no write through that: each way of doors.ts is tried by a migration in a preview,
// while real servers count what reaches them.
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { builtinModules } from 'node:module';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Occurrence } from '../../core/preview/preview.ts';
import { embeddedPlatform } from '../scenarios/embedded-platform.ts';
import { DATA_BUCKET, type Platform } from '../scenarios/platform.ts';
import { World } from '../scenarios/world.ts';
import { DOORS, doorsOf, THIRDS } from './doors/doors.ts';

const DOORS_FILE = path.join(import.meta.dirname, 'doors/doors.ts');
/** What Node.js of this major version had when somebody looked last. */
const LOOKED_AT = JSON.parse(readFileSync(path.join(import.meta.dirname, 'doors/looked-at.json'), 'utf8')) as {
  node: number;
  /** By owner, with spaces between them. */
  functions: Record<string, string>;
};

/** Modules of Node.js that open nothing by themselves: no file, socket, process, thread or native code. */
const OPEN_NOTHING = [
  ...['assert', 'buffer', 'console', 'constants', 'diagnostics_channel', 'domain', 'events', 'path', 'perf_hooks'],
  ...['punycode', 'querystring', 'readline', 'sea', 'stream', 'string_decoder', 'sys', 'timers', 'tty', 'url', 'util'],
  'zlib',
];
/** They open what they open by the others. */
const BY_OTHERS = [
  '_http_agent',
  '_http_client',
  '_http_common',
  '_http_incoming',
  '_http_outgoing',
  '_http_server',
].concat(
  ['_stream_duplex', '_stream_passthrough', '_stream_readable', '_stream_transform', '_stream_wrap'],
  ['_stream_writable', '_tls_common', '_tls_wrap', 'repl'],
);

/** They are a part of another, or the same in other words. */
const PARTS = [
  ...['assert/strict', 'dns/promises', 'fs/promises', 'inspector/promises', 'path/posix', 'path/win32'],
  ...['readline/promises', 'stream/consumers', 'stream/promises', 'stream/web', 'test/reporters', 'timers/promises'],
  'util/types',
];

/** Of those that open something, by module; `process` with its report, and `globalThis`. */
function functionsOfNode(): Record<string, string[]> {
  const modules = builtinModules
    .map((name) => name.replace(/^node:/, ''))
    .filter((name) => Object.hasOwn(DOORS, name.split('/')[0] ?? ''))
    .map((name): [string, object] => [name, process.getBuiltinModule(`node:${name}`) as object]);
  const owners = [
    ...modules,
    ['process', process],
    ['process.report', process.report],
    ['globalThis', globalThis],
  ] as const;
  return Object.fromEntries(owners.map(([name, owner]) => [name, functionsIn(owner)]));
}

/** Also what a property gives. Vitest adds some with underscores to the global ones. */
const functionsIn = (owner: object): string[] =>
  Object.entries(Object.getOwnPropertyDescriptors(owner))
    .filter(([name, found]) => ('get' in found || typeof found.value === 'function') && !name.startsWith('__'))
    .map(([name]) => name)
    .sort();

/** More than one packet: events of its body come from the connection. */
const THERE = 'a line\n'.repeat(300_000);

/** The migrations that try them. */
const TRIED = ['0001', '0005', '0006'] as const;

let platform: Platform;
let world: World;
let s3: S3Client;
let folder: string;
let close: () => void;
/** What reached the servers. */
let arrived: string[];

const outside = async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'odin-outside-'));
  writeFileSync(path.join(folder, 'victim'), 'as it was', { mode: 0o600 });
  mkdirSync(path.join(folder, 'links'));
  symlinkSync(path.join(folder, 'victim'), path.join(folder, 'links/link'));
  const servers = [path.join(folder, 'socket'), 0].map((at) => {
    const server = createServer((socket) => {
      arrived.push(`a connection to ${typeof at === 'string' ? 'the socket file' : 'TCP'}`);
      socket.on('error', () => undefined).end();
    });
    return typeof at === 'string' ? server.listen(at) : server.listen(at, '127.0.0.1');
  });
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const { port } = servers[1]?.address() as AddressInfo;
  const datagrams = createSocket('udp4', () => arrived.push('a datagram')).bind(port, '127.0.0.1');
  await once(datagrams, 'listening');
  close = () => {
    for (const server of servers) server.close();
    datagrams.close();
    rmSync(folder, { recursive: true });
  };
  return { port, socket: path.join(folder, 'socket'), folder, bucket: DATA_BUCKET };
};

beforeAll(async () => {
  arrived = [];
  const at = await outside();
  platform = await embeddedPlatform();
  const migrationFile = (name: string, before = '', more = '') =>
    `import { ${name} } from ${JSON.stringify(DOORS_FILE)};\n${before}` +
    `export const migration = () => ${name}(${JSON.stringify(at)}${more});\n`;
  const files = {
    '0001.ts': migrationFile('tryDoors', '', ', 0'),
    '0002.ts': migrationFile('tryDoorsBesideAllowed', "export const previewAllows = ['network:localhost'];\n"),
    '0003.ts': migrationFile('speakToBroker'),
    '0004.ts': migrationFile('readAll'),
    '0005.ts': migrationFile('tryDoors', '', ', 1'),
    '0006.ts': migrationFile('tryDoors', '', ', 2'),
  };
  const deployment = (await platform.deploy([{ environment: 'walls', files }])).get('walls');
  if (!deployment) throw new Error('walls was not deployed');
  world = new World(platform, 'walls', deployment);
  const { endpoint, region, credentials } = deployment.options;
  s3 = new S3Client({ endpoint, region, credentials, forcePathStyle: true } as never);
  await s3.send(new PutObjectCommand({ Bucket: DATA_BUCKET, Key: 'there', Body: THERE }));
});
afterAll(async () => {
  close();
  await platform.close();
});
beforeEach(() => {
  arrived = [];
});

/** How often each kind of thing was refused. */
function counted(refused: readonly Pick<Occurrence, 'what' | 'count'>[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { what, count } of refused) counts[what] = (counts[what] ?? 0) + count;
  return counts;
}

describe('a previewed process', () => {
  it.each(THIRDS)('finds every door shut, nothing arrives, and each is told: third %i', async (third) => {
    const before = await world.objects('');
    const { output, refused, outcome, error, omitted } = await world.preview(TRIED[third]);
    expect([error, output.at(-1), outcome]).toEqual([undefined, expect.any(String), 'finished']);
    const doors = doorsOf(third);
    // Between them are warnings of Node.js and of the SDK, and the last line tells of bodies that nobody has read.
    const lines = output.filter((line) => /: (shut \(.*\)|open)$/.test(line));
    expect(lines.map((line) => line.replace(/: (shut|open).*$/, ''))).toEqual(doors.map(([name]) => name));
    expect(lines.filter((line) => !/: shut \(.+\)$/.test(line))).toEqual([]);
    expect(arrived).toEqual([]);
    expect(readdirSync(folder).sort()).toEqual(['links', 'socket', 'victim']);
    expect(readFileSync(path.join(folder, 'victim'), 'utf8')).toBe('as it was');
    expect(statSync(path.join(folder, 'victim')).mode & 0o777).toBe(0o600);
    expect(await world.objects('')).toEqual(before);
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: DATA_BUCKET, Key: 'there' }));
    expect(await Body?.transformToString()).toBe(THERE);
    const told = doors.flatMap(([, { told: what, times: count = 1 }]) => (what === undefined ? [] : [{ what, count }]));
    expect(omitted.occurrences).toBe(0);
    expect(counted(refused)).toEqual(counted(told));
  });

  it('was tried with every module that Node.js has', () => {
    const names = new Set(builtinModules.map((name) => name.replace(/^node:/, '')));
    const known = new Set([...Object.keys(DOORS), ...OPEN_NOTHING, ...BY_OTHERS, ...PARTS]);
    expect([...names].filter((name) => !known.has(name))).toEqual([]);
  });

  it.runIf(process.version.startsWith(`v${LOOKED_AT.node}.`))(
    'was tried with every function that Node.js has: a new one is looked at, has a door in doors.ts if it opens something, and is then put into looked-at.json',
    () => {
      const fresh = Object.entries(functionsOfNode()).flatMap(([owner, names]) => {
        const known = new Set(LOOKED_AT.functions[owner]?.split(' '));
        return names.filter((name) => !known.has(name)).map((name) => `${owner}.${name}`);
      });
      expect(fresh).toEqual([]);
    },
  );

  it('reaches a host that its file allows, and no other', async () => {
    const { output, refused } = await world.preview('0002');
    // The last line tells of connections that have not ended yet.
    expect(output.slice(0, 7)).toEqual([
      'the host itself: open',
      ...['one whose name ends like it', 'one whose name begins like it'].map(
        (way) => `${way}: shut (RefusedInPreview)`,
      ),
      'a lookup of its own: open', // which was not asked: it is the host itself
      'a host that changes: open', // the host that was checked
      expect.stringMatching(/^its handle: shut \(errno -13\)$/),
      'the request of a lookup: shut (RefusedInPreview)',
    ]);
    expect(arrived).toEqual(Array.from({ length: 4 }, () => 'a connection to TCP'));
    expect(counted(refused)).toEqual({ 'open a connection of its own': 4 });
  });

  it('speaks to the broker by itself: then there are no more reads', async () => {
    const before = await world.objects('');
    const { output, outcome } = await world.preview('0003');
    expect([outcome, output]).toEqual(['finished', [expect.stringMatching(/^shut \((EPIPE|ECONNRESET)\)$/)]]);
    expect(await world.objects('')).toEqual(before);
  });
});

describe('what the broker carries', () => {
  it('bodies of any size with flat memory, many at once, errors, aborts', async () => {
    const Body = Buffer.alloc(50 * 1024 * 1024, 'x');
    await s3.send(new PutObjectCommand({ Bucket: DATA_BUCKET, Key: 'some', Body: Body.subarray(0, 1024 * 1024) }));
    await s3.send(new PutObjectCommand({ Bucket: DATA_BUCKET, Key: 'large', Body }));
    const { output, refused, error } = await world.preview('0004');
    expect([error, refused]).toEqual([undefined, []]);
    expect(output.slice(0, 6)).toEqual([
      'shut (NoSuchKey)',
      `${Body.length} bytes, flat`,
      `30 at once, ${THERE.length} bytes`,
      'shut (AbortError)',
      'true',
      'open',
    ]);
  });
});
