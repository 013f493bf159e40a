// Ways out of a previewed process, as a migration would try them: what walls.test.ts bundles as a migration, and holds against what
// arrived at a real server. Each is refused, and told in the report.
/* eslint-disable @typescript-eslint/no-unsafe-assignment, @typescript-eslint/no-unsafe-argument, @typescript-eslint/no-unsafe-call,
   @typescript-eslint/no-unsafe-member-access, @typescript-eslint/no-unsafe-return, @typescript-eslint/no-deprecated,
   @typescript-eslint/unbound-method -- the inside of Node.js, which it goes at, has no types */
import { GetObjectCommand, GetObjectTaggingCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import async_hooks from 'node:async_hooks';
import childProcess from 'node:child_process';
import cluster from 'node:cluster';
import crypto from 'node:crypto';
import dgram from 'node:dgram';
import dns from 'node:dns';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import inspector from 'node:inspector';
import module from 'node:module';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import type sqlite from 'node:sqlite';
import { PassThrough, type Readable } from 'node:stream';
import tls from 'node:tls';
import traceEvents from 'node:trace_events';
import { promisify } from 'node:util';
import v8 from 'node:v8';
import vm from 'node:vm';
import wasi from 'node:wasi';
import workerThreads from 'node:worker_threads';

/** Where nothing must arrive. */
export interface Outside {
  /** Of TCP and of UDP, on 127.0.0.1. */
  port: number;
  socket: string;
  /** A folder that is not the preview's own, with a file `victim`, and a folder `links` in which `link` leads to it. */
  folder: string;
  bucket: string;
}

interface Door {
  /** As the report has it, after "it was not let"; undefined where Node.js refuses it and says nothing. */
  told: string | undefined;
  /** How often: the SDK tries again. Once when left out. */
  times?: number;
  /** Rejects or throws when it is refused. */
  open: (outside: Outside) => unknown;
}

const connection = 'open a connection of its own';
const file = 'write a file';

/** What has no types. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- handles of Node.js
type Untyped = any;

/** An error may come twice: the second is nobody's. */
function happened(emitter: NodeJS.EventEmitter, event: string): Promise<unknown> {
  emitter.on('error', () => undefined);
  return once(emitter, event);
}
const connected = (socket: net.Socket): Promise<unknown> => happened(socket, 'connect');
const url = ({ port }: Outside): string => `http://127.0.0.1:${port}/`;
const remove = (outside: Outside): Promise<unknown> => fetch(url(outside), { method: 'DELETE' });
const connect = ({ port }: Outside): Promise<unknown> => connected(net.connect(port, '127.0.0.1'));

/** A link to a folder that lies less deep than itself: `/var/run`, to `/run`. */
const SHALLOW = '/var/run';

/** Asks for work on a file of its scratch folder, and is in another folder when that work begins. */
async function later({ folder }: Outside, work: (name: string) => Promise<unknown>): Promise<void> {
  const before = process.cwd();
  process.chdir(os.tmpdir());
  const busy = Array.from({ length: 8 }, () => promisify(crypto.pbkdf2)('a', 'b', 100_000, 64, 'sha512'));
  const done = work('written');
  process.chdir(folder);
  try {
    await Promise.allSettled([...busy, done]);
    await done;
  } finally {
    process.chdir(before);
  }
  if (!fs.existsSync(path.join(folder, 'written')))
    throw Object.assign(new Error('it is not there'), { code: 'elsewhere' });
}

/** A folder by another path, that of what is open. */
const opened = (folder: string): string => `/dev/fd/${fs.openSync(folder, 'r')}`;

/** The report of Node.js goes to a folder of which its permissions need not know. */
async function reporting(directory: string, work: () => unknown): Promise<void> {
  const before = fs.readdirSync(directory).length;
  Object.assign(process.report, { directory, filename: '' });
  await work();
  if (fs.readdirSync(directory).length === before)
    throw Object.assign(new Error('there is none'), { code: 'no report' });
}

const s3 = (): S3Client => new S3Client({ maxAttempts: 1 });
const get = ({ bucket }: Outside) => new GetObjectCommand({ Bucket: bucket, Key: 'there' });
const bodyOf = async (outside: Outside) => (await s3().send(get(outside))).Body as Readable;

/** What a listener of an event does, as its own promise. */
async function inEvent(emitter: NodeJS.EventEmitter, event: string, work: () => unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    emitter.once(event, () => {
      Promise.resolve().then(work).then(resolve, reject);
    });
  });
}

type Changed = (request: Untyped) => unknown;

/** A client whose requests user code changes when they are signed, or before. */
function changing(client: { middlewareStack: Untyped }, step: 'build' | 'finalizeRequest', change: Changed): Untyped {
  client.middlewareStack.add(
    (next: Untyped) => async (args: Untyped) => {
      await change(args.request);
      return next(args);
    },
    { step, priority: 'low' },
  );
  return client;
}

/** Variables of the process, for as long as the work takes. */
async function withVariables(variables: Record<string, string>, work: () => Promise<unknown>): Promise<unknown> {
  const before = { ...process.env };
  Object.assign(process.env, variables);
  try {
    return await work();
  } finally {
    for (const name of Object.keys(variables)) {
      if (before[name] === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = before[name];
    }
  }
}

const handleError = (result: number): void => {
  if (result !== 0) throw Object.assign(new Error('refused by the handle'), { code: `errno ${result}` });
};

const PLACEHOLDER_CREDENTIALS =
  'AWS4-HMAC-SHA256 Credential=PREVIEW/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=00';

/** By the module of Node.js, or `sdk`. */
export const DOORS: Record<string, Record<string, Door>> = {
  sdk: {
    'fetch in an event of a body': {
      told: connection,
      open: async (outside) => {
        const body = await bodyOf(outside);
        const done = inEvent(body, 'end', () => remove(outside));
        body.resume();
        await done;
      },
    },
    'net.connect in a readline event of a body': {
      told: connection,
      open: async (outside) =>
        inEvent(readline.createInterface({ input: await bodyOf(outside) }), 'line', () => connect(outside)),
    },
    'a connection in its middleware': {
      told: connection,
      open: (outside) => changing(s3(), 'finalizeRequest', () => connect(outside)).send(get(outside)),
    },
    'a connection of a credential provider': {
      told: connection,
      open: (outside) =>
        new S3Client({
          maxAttempts: 1,
          credentials: async () => {
            await remove(outside);
            return { accessKeyId: 'a', secretAccessKey: 'b' };
          },
        }).send(get(outside)),
    },
    'credentials of its own': {
      told: connection,
      open: (outside) =>
        new S3Client({ maxAttempts: 1, credentials: { accessKeyId: 'a', secretAccessKey: 'b' } }).send(get(outside)),
    },
    "a socket of its handler's pool": {
      told: connection,
      open: async (outside) => {
        const httpAgent = new http.Agent({ keepAlive: true });
        await (await new S3Client({ requestHandler: { httpAgent } }).send(get(outside))).Body?.transformToString();
        const [pooled] = Object.values(httpAgent.freeSockets).flatMap((sockets) => sockets ?? []);
        if (pooled) return pooled.write(`DELETE /${outside.bucket}/there HTTP/1.1\r\nhost: x\r\n\r\n`);
        return happened(http.request(url(outside), { agent: httpAgent, method: 'DELETE' }).end(), 'response');
      },
    },
    'a handler of its own': {
      told: connection,
      open: async (outside) =>
        new S3Client({
          maxAttempts: 1,
          credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
          requestHandler: { handle: () => remove(outside) } as never,
        }).send(get(outside)),
    },
    'another method in its middleware': {
      told: 'send what is no read',
      open: (outside) => changing(s3(), 'finalizeRequest', (request) => (request.method = 'DELETE')).send(get(outside)),
    },
    'another method before it is signed': {
      told: 'send what is no read',
      open: (outside) => changing(s3(), 'build', (request) => (request.method = 'PUT')).send(get(outside)),
    },
    'another host in its middleware': {
      told: 'send to what is no endpoint of AWS',
      open: (outside) =>
        changing(s3(), 'finalizeRequest', (request) => {
          request.headers.host = `127.0.0.1:${outside.port}`;
        }).send(get(outside)),
    },
    'another operation in its middleware': {
      told: 'send what is no read',
      open: () =>
        changing(new SSMClient({ maxAttempts: 1 }), 'finalizeRequest', (request) => {
          request.headers['x-amz-target'] = 'AmazonSSM.PutParameter';
          request.body = JSON.stringify({ Name: 'door', Value: 'x', Type: 'String' });
          request.headers['content-length'] = String(request.body.length);
        }).send(new GetParameterCommand({ Name: 'door' })),
    },
    'the operation of a command that says it reads': {
      told: 'send what is no read',
      open: (outside) => {
        const write = new PutObjectCommand({ Bucket: outside.bucket, Key: 'written', Body: 'x' });
        const read = new GetObjectTaggingCommand({ Bucket: outside.bucket, Key: 'there' });
        read.resolveMiddleware = write.resolveMiddleware.bind(write) as never;
        (read as Untyped).input = write.input;
        return s3().send(read);
      },
    },
    'a POST that deletes, in its middleware': {
      told: 'send what is no read',
      open: (outside) =>
        changing(s3(), 'finalizeRequest', (request) => {
          request.method = 'POST';
          request.path = `/${outside.bucket}`;
          request.query = { delete: '' };
          request.body = '<Delete><Object><Key>there</Key></Object></Delete>';
          request.headers['content-length'] = String(request.body.length);
        }).send(get(outside)),
    },
    'another action in a form': {
      told: 'send what is no read',
      open: () =>
        changing(new STSClient({ maxAttempts: 1 }), 'finalizeRequest', (request) => {
          request.body = 'Action=AssumeRole&Version=2011-06-15&RoleSessionName=door&RoleArn=arn:aws:iam::1:role/door';
          request.headers['content-length'] = String(request.body.length);
        }).send(new GetCallerIdentityCommand()),
    },
    'an endpoint that code names': {
      told: 'send to what is no endpoint of AWS',
      open: (outside) =>
        new S3Client({ maxAttempts: 1, endpoint: url(outside), forcePathStyle: true }).send(get(outside)),
    },
    'an endpoint that code puts into a variable': {
      told: 'send to what is no endpoint of AWS',
      open: (outside) =>
        withVariables({ AWS_ENDPOINT_URL: url(outside), AWS_ENDPOINT_URL_S3: url(outside) }, () =>
          s3().send(get(outside)),
        ),
    },
    'a program that a profile names': {
      told: 'start a process',
      times: 2,
      open: (outside) => {
        const file = path.join(os.tmpdir(), 'profiles');
        fs.writeFileSync(file, `[door]\ncredential_process = touch ${outside.folder}/written\n`);
        const files = { AWS_SHARED_CREDENTIALS_FILE: file, AWS_CONFIG_FILE: file };
        return withVariables(files, () => new S3Client({ maxAttempts: 1, profile: 'door' }).send(get(outside)));
      },
    },
    'credentials of a container': {
      told: connection,
      times: 10,
      open: (outside) => {
        const file = path.join(os.tmpdir(), 'profiles of a container');
        fs.writeFileSync(file, '[door]\nrole_arn = arn:aws:iam::1:role/door\ncredential_source = EcsContainer\n');
        const files = { AWS_SHARED_CREDENTIALS_FILE: file, AWS_CONFIG_FILE: file };
        return withVariables({ ...files, AWS_CONTAINER_CREDENTIALS_FULL_URI: url(outside) }, () =>
          new S3Client({ maxAttempts: 1, profile: 'door' }).send(get(outside)),
        );
      },
    },
    'a second request in its path': {
      told: undefined,
      open: (outside) =>
        changing(s3(), 'finalizeRequest', (request) => {
          request.path = `${request.path} HTTP/1.1\r\nhost: x\r\n\r\nDELETE /${outside.bucket}/there`;
        }).send(get(outside)),
    },
    'a second request in a header': {
      told: undefined,
      open: async (outside) => {
        const client = changing(s3(), 'finalizeRequest', (request) => {
          request.headers['x-door'] = `x\r\n\r\nDELETE /${outside.bucket}/there HTTP/1.1\r\nhost: x\r\n\r\n`;
        });
        await client.send(get(outside));
        throw Object.assign(new Error('sent without the header'), { code: 'a read' });
      },
    },
    'a length of what follows, for the next request to be its body': {
      told: undefined,
      open: (outside) =>
        changing(s3(), 'finalizeRequest', (request) => (request.headers['content-length'] = '100')).send(get(outside)),
    },
    'another method in a header': {
      told: 'send what is no read',
      open: (outside) =>
        changing(s3(), 'build', (request) => (request.headers['X-HTTP-Method-Override'] = 'DELETE')).send(get(outside)),
    },
    'a URL that is signed for later': {
      told: connection,
      open: async (outside) => {
        const { endpoint } = s3().config;
        const { hostname, port } = endpoint ? await endpoint() : { hostname: '127.0.0.1', port: outside.port };
        return happened(
          http.request({ hostname, port, method: 'DELETE', path: `/${outside.bucket}/there?X-Amz-Signature=00` }).end(),
          'response',
        );
      },
    },
    'a request past the client': {
      told: 'send what is no read',
      open: async (outside) => {
        const client = s3();
        await client.send(get(outside));
        const { hostname, port, protocol } = new URL(process.env['AWS_ENDPOINT_URL'] ?? '');
        return client.config.requestHandler.handle({
          method: 'DELETE',
          protocol,
          hostname,
          port,
          path: `/${outside.bucket}/there`,
          headers: { host: `${hostname}:${port}`, authorization: PLACEHOLDER_CREDENTIALS },
        } as never);
      },
    },
  },
  globalThis: {
    'fetch by a dispatcher of its own': {
      told: connection,
      open: (outside) => {
        const dispatch = (_: unknown, { onError }: Untyped) => {
          net.connect(outside.port, '127.0.0.1').on('error', onError);
          return true;
        };
        return fetch(url(outside), { dispatcher: { dispatch } } as Untyped);
      },
    },
    fetch: { told: connection, open: remove },
    WebSocket: {
      told: connection,
      open: ({ port }) =>
        new Promise((resolve, reject) => {
          const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
          socket.addEventListener('open', resolve);
          socket.addEventListener('error', () => {
            reject(new Error('refused'));
          });
        }),
    },
  },
  http: {
    'a connection that it is given': {
      told: connection,
      open: (outside) => {
        const createConnection = () => net.connect(outside.port, '127.0.0.1');
        return happened(http.request(url(outside), { createConnection }).end(), 'response');
      },
    },
    'an agent that connects': {
      told: connection,
      open: (outside) => {
        const agent = new http.Agent();
        (agent as Untyped).createConnection = () => net.connect(outside.port, '127.0.0.1');
        return happened(http.request(url(outside), { agent }).end(), 'response');
      },
    },
    'a request to a socket file': {
      told: connection,
      open: ({ socket }) => happened(http.request({ socketPath: socket, method: 'DELETE' }).end(), 'response'),
    },
    'an upgrade': {
      told: connection,
      open: (outside) =>
        happened(http.request(url(outside), { headers: { connection: 'Upgrade', upgrade: 'door' } }).end(), 'upgrade'),
    },
    CONNECT: {
      told: connection,
      open: ({ port }) => happened(http.request({ port, host: '127.0.0.1', method: 'CONNECT' }).end(), 'connect'),
    },
    'a server': {
      told: 'listen for connections',
      open: () => happened(http.createServer().listen(0), 'listening'),
    },
    request: { told: connection, open: (outside) => happened(http.request(url(outside)).end(), 'response') },
  },
  https: {
    get: { told: connection, open: ({ port }) => happened(https.get(`https://127.0.0.1:${port}/`), 'response') },
  },
  http2: {
    'a server': {
      told: 'listen for connections',
      open: () => happened(http2.createServer().listen(0), 'listening'),
    },
    connect: { told: connection, open: (outside) => happened(http2.connect(url(outside)), 'connect') },
  },
  tls: {
    'an engine of OpenSSL': {
      told: undefined,
      open: ({ folder }) => tls.createSecureContext({ clientCertEngine: path.join(folder, 'victim') }),
    },
    'an engine of OpenSSL, for a key': {
      told: undefined,
      open: ({ folder }) =>
        tls.createSecureContext({ privateKeyEngine: path.join(folder, 'victim'), privateKeyIdentifier: 'x' }),
    },
    'a socket that connects itself': {
      told: connection,
      open: ({ port }) => connected(new tls.TLSSocket(new net.Socket()).connect(port, '127.0.0.1')),
    },
    'a server': {
      told: 'listen for connections',
      open: () => happened(tls.createServer().listen(0), 'listening'),
    },
    connect: { told: connection, open: ({ port }) => happened(tls.connect(port, '127.0.0.1'), 'secureConnect') },
  },
  net: {
    'connect by IPv6': { told: connection, open: ({ port }) => connected(net.connect(port, '::ffff:127.0.0.1')) },
    'connect to the first of several addresses': {
      told: connection,
      open: ({ port }) => {
        const lookup = (_: unknown, __: unknown, then: Untyped) =>
          then(null, [
            { address: '127.0.0.1', family: 4 },
            { address: '::1', family: 6 },
          ]);
        return connected(net.connect({ host: 'localhost', port, autoSelectFamily: true, lookup }));
      },
    },
    'connect of a class below it': {
      told: connection,
      open: ({ port }) => {
        class Below extends net.Socket {}
        return connected(new Below().connect(port, '127.0.0.1'));
      },
    },
    'listen on a socket file': {
      told: 'listen for connections',
      open: ({ folder }) => happened(net.createServer().listen(path.join(folder, 'written')), 'listening'),
    },
    'listen on a descriptor': {
      told: 'listen for connections',
      open: () => happened(net.createServer().listen({ fd: 0 }), 'listening'),
    },
    BoundSocket: { told: connection, open: () => new (net as Untyped).BoundSocket({ host: '127.0.0.1', port: 0 }) },
    'BoundSocket of a file': {
      told: connection,
      open: ({ folder }) => new (net as Untyped).BoundSocket({ path: path.join(folder, 'bound') }),
    },
    'BoundSocket of an abstract name': {
      told: connection,
      open: () => new (net as Untyped).BoundSocket({ path: `\0odin-${process.pid}` }),
    },
    'listen past itself': {
      told: connection,
      open: () => {
        const server = net.createServer();
        const listening = happened(server, 'listening');
        (server as Untyped)._listen2('127.0.0.1', 0, 4, 1);
        return listening;
      },
    },

    connect: { told: connection, open: connect },
    'connect to a socket file': { told: connection, open: ({ socket }) => connected(net.connect(socket)) },
    'connect, with a path beside the host': {
      told: connection,
      open: ({ socket }) => connected(net.connect({ host: '127.0.0.1', port: 1, path: socket })),
    },
    listen: { told: 'listen for connections', open: () => happened(net.createServer().listen(0), 'listening') },
    'a handle that listens': {
      told: connection,
      open: () => {
        const found = (net as Untyped)._createServerHandle('127.0.0.1', 0, 4);
        if (typeof found === 'number') handleError(found);
      },
    },
    'the handle of a pipe': {
      told: connection,
      open: ({ socket }) => {
        const Pipe = (process.stdout as Untyped)._handle.constructor;
        handleError(new Pipe(0).connect({}, socket));
      },
    },
    'with builtins of JavaScript replaced': {
      told: connection,
      open: async (outside) => {
        const { includes } = Array.prototype;
        const { apply, call } = Function.prototype;
        const { apply: reflect } = Reflect;
        try {
          Array.prototype.includes = () => true;
          Reflect.apply = (of: Untyped, self: unknown, args: Untyped) => call.call(reflect, Reflect, of, self, args);
          Function.prototype.apply = function stealing(this: Untyped, self: unknown, args: unknown) {
            return call.call(this, self, ...(args as []));
          };
          await connect(outside);
        } finally {
          Array.prototype.includes = includes;
          Function.prototype.apply = apply;
          Reflect.apply = reflect;
        }
      },
    },
  },
  dgram: {
    connect: {
      told: 'send or receive datagrams',
      open: ({ port }) => {
        dgram.createSocket('udp4').connect(port, '127.0.0.1');
      },
    },
    send: {
      told: 'send or receive datagrams',
      open: ({ port }) =>
        new Promise((resolve, reject) => {
          dgram.createSocket('udp4').send('x', port, '127.0.0.1', (error) => {
            if (error) reject(error);
            else resolve(undefined);
          });
        }),
    },
    bind: { told: 'send or receive datagrams', open: () => happened(dgram.createSocket('udp4').bind(0), 'listening') },
    'a group of others': {
      told: connection,
      open: () => {
        dgram.createSocket('udp4').addMembership('232.1.1.1', '127.0.0.1');
      },
    },
    'a group of others, of one source': {
      told: connection,
      open: () => {
        dgram.createSocket('udp4').addSourceSpecificMembership('127.0.0.1', '232.1.1.1', '127.0.0.1');
      },
    },
    'a handle that is bound': {
      told: connection,
      open: () => {
        const found = (dgram as Untyped)._createSocketHandle('127.0.0.1', 0, 'udp4');
        if (typeof found === 'number') handleError(found);
      },
    },
    'its handle': {
      told: connection,
      open: ({ port }) => {
        const socket = dgram.createSocket('udp4') as Untyped;
        const [handle] = Object.getOwnPropertySymbols(socket).flatMap((symbol) => socket[symbol]?.handle ?? []);
        handleError(handle.bind('127.0.0.1', 0, 0));
        handleError(handle.send({}, [Buffer.from('x')], 1, port, '127.0.0.1', false));
      },
    },
  },
  dns: {
    reverse: { told: 'look a host up', open: () => dns.promises.reverse('127.0.0.1') },
    'a resolver of its own': {
      told: 'look a host up',
      open: () => new dns.promises.Resolver().resolve4('secret.example.com'),
    },

    lookup: {
      told: 'look a host up',
      open: () =>
        new Promise((resolve) => {
          dns.lookup('localhost', resolve);
        }),
    },
    'promises.lookup': { told: 'look a host up', open: () => dns.promises.lookup('localhost') },
    lookupService: { told: 'look a host up', open: () => dns.promises.lookupService('127.0.0.1', 80) },
    resolve: { told: 'look a host up', open: () => dns.promises.resolve('example.com', 'TXT') },
    'its handle': {
      told: 'look a host up',
      open: () => {
        handleError((new dns.Resolver() as Untyped)._handle.queryA({}, 'example.com'));
      },
    },
  },
  child_process: {
    spawn: { told: 'start a process', open: () => childProcess.spawn('true') },
    'exec, as a promise': {
      told: 'start a process',
      open: ({ folder }) => promisify(childProcess.exec)(`touch ${folder}/written`),
    },
    'its handle': {
      told: 'start a process',
      open: () => {
        new (childProcess as Untyped).ChildProcess().spawn({ file: '/bin/true', args: [], stdio: [] });
      },
    },
  },
  cluster: { fork: { told: 'start a process', open: () => happened(cluster.fork(), 'online') } },
  worker_threads: {
    Worker: { told: 'start a thread', open: () => new workerThreads.Worker('0', { eval: true }) },
  },
  module: {
    'the extension of addons': {
      told: 'load a native addon',
      open: ({ folder }) => (module as Untyped)._extensions['.node']({ exports: {} }, path.join(folder, 'victim')),
    },
    'a module of text': {
      told: connection,
      open: async ({ port }) => {
        const text: string = "data:text/javascript,export { default } from 'node:net'";
        const found = (await import(text)) as { default: typeof net };
        return connected(found.default.connect(port, '127.0.0.1'));
      },
    },

    register: {
      told: 'start a thread',
      open: () => {
        module.register('data:text/javascript,');
      },
    },
    // It says "skipped", and does not throw.
    enableCompileCache: {
      told: file,
      open: ({ folder }) => {
        const { message } = module.enableCompileCache(path.join(folder, 'cache'));
        throw new Error(message);
      },
    },
  },
  vm: {
    'an import of another script': {
      told: connection,
      open: async ({ port }) => {
        const importModuleDynamically = vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER;
        const load = vm.runInThisContext('(name) => import(name)', { importModuleDynamically });
        return connected((await load('node:net')).default.connect(port, '127.0.0.1'));
      },
    },

    'fetch of another context': {
      told: connection,
      open: (outside) =>
        vm.runInNewContext('fetch(url, { method: "DELETE" })', { fetch, url: url(outside) }) as Promise<unknown>,
    },
  },
  async_hooks: {
    'in the context of a read': {
      told: connection,
      open: async (outside) => {
        const context = new async_hooks.AsyncResource('READ');
        await s3().send(get(outside));
        await context.runInAsyncScope(() => connect(outside));
      },
    },
  },
  test: {
    run: {
      told: 'start a process',
      open: async ({ folder }) => {
        const { run } = process.getBuiltinModule('node:test');
        for await (const { type, data } of run({ files: [path.join(folder, 'victim')] }) as Untyped)
          if (type === 'test:fail') throw data.details.error;
      },
    },
  },
  wasi: {
    WASI: {
      told: 'use WASI',
      open: ({ folder }) => new wasi.WASI({ version: 'preview1', preopens: { '/': folder } }),
    },
  },
  inspector: {
    open: {
      told: 'open a debugger',
      open: () => {
        inspector.open(0);
      },
    },
    'Session of promises': {
      told: 'open a debugger',
      open: () => {
        new (process.getBuiltinModule('node:inspector/promises').Session)().connect();
      },
    },
    Session: {
      told: 'open a debugger',
      open: () => {
        new inspector.Session().connect();
      },
    },
  },
  trace_events: {
    createTracing: {
      told: file,
      open: () => {
        traceEvents.createTracing({ categories: ['node'] }).enable();
      },
    },
  },
  v8: {
    writeHeapSnapshot: { told: file, open: ({ folder }) => v8.writeHeapSnapshot(path.join(folder, 'heap')) },
    setHeapSnapshotNearHeapLimit: {
      told: file,
      open: () => {
        v8.setHeapSnapshotNearHeapLimit(1);
      },
    },
    setFlagsFromString: {
      told: 'set flags of V8',
      open: () => {
        v8.setFlagsFromString('--allow-natives-syntax');
      },
    },
  },
  crypto: {
    setEngine: {
      told: 'load a native addon',
      open: () => {
        crypto.setEngine('/engine.so');
      },
    },
  },
  sqlite: {
    backup: {
      told: 'open a database of node:sqlite',
      open: ({ folder }) => {
        const { backup, DatabaseSync } = process.getBuiltinModule('node:sqlite');
        return backup(Object.create(DatabaseSync.prototype) as never, path.join(folder, 'backup'));
      },
    },

    DatabaseSync: {
      told: 'open a database of node:sqlite',
      open: ({ folder }) => {
        const { DatabaseSync } = module.createRequire(import.meta.url)('node:sqlite') as typeof sqlite;
        new DatabaseSync(path.join(folder, 'database')).exec('CREATE TABLE a (b)');
      },
    },
    'ATTACH of one in memory': {
      told: 'open a database of node:sqlite',
      open: ({ folder }) => {
        const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
        new DatabaseSync(':memory:').exec(`ATTACH '${folder}/attached' AS a; CREATE TABLE a.b (c)`);
      },
    },
  },
  repl: {
    'what it saves': {
      told: file,
      open: async ({ folder }) => {
        const input = new PassThrough();
        const server = process.getBuiltinModule('node:repl').start({ input, output: new PassThrough() });
        input.write(`.save ${path.join(folder, 'written')}\n`);
        await new Promise((resolve) => setTimeout(resolve, 100));
        server.close();
        if (!fs.existsSync(path.join(folder, 'written'))) throw Object.assign(new Error('none'), { code: 'not saved' });
      },
    },
    'its history': {
      told: file,
      open: ({ folder }) =>
        new Promise((resolve, reject) => {
          const server = process
            .getBuiltinModule('node:repl')
            .start({ input: new PassThrough(), output: new PassThrough() });
          server.setupHistory(path.join(folder, 'history'), (error) => {
            server.close();
            if (error) reject(error);
            else resolve(undefined);
          });
        }),
    },
  },
  process: {
    _linkedBinding: { told: 'look into Node.js', open: () => (process as Untyped)._linkedBinding('fs') },
    'a report of what it has not caught': {
      told: file,
      open: ({ folder }) => reporting(folder, () => (process.report.reportOnUncaughtException = true)),
    },
    'a debugger of its own': {
      told: undefined,
      open: async () => {
        process.kill(process.pid, 'SIGUSR1');
        await new Promise((resolve) => setTimeout(resolve, 100));
        if (inspector.url() === undefined) throw Object.assign(new Error('none'), { code: 'no debugger' });
      },
    },
    'what ends with it': {
      told: connection,
      open: (outside) => {
        process.once('exit', () => {
          fs.writeFileSync(path.join(outside.folder, 'written'), '');
        });
        return connect(outside);
      },
    },
    'kill of its group': { told: 'touch another process', open: () => process.kill(0, 'SIGUSR2') },
    'kill of all': { told: 'touch another process', open: () => process.kill(-1, 0) },
    'descriptors of its own': { told: 'read a file', open: () => fs.readdirSync('/proc/self/fd') },
    'variables of its function, by a thread': {
      told: 'read a file',
      open: () => fs.readFileSync(`/proc/thread-self/root/proc/${process.ppid}/environ`),
    },

    dlopen: {
      told: 'load a native addon',
      open: () => {
        process.dlopen({ exports: {} }, '/addon.node');
      },
    },
    binding: { told: 'look into Node.js', open: () => (process as Untyped).binding('tcp_wrap') },
    execve: { told: 'start a process', open: () => (process as Untyped).execve('/bin/true', ['true']) },
    'report.writeReport': {
      told: file,
      open: ({ folder }) => process.report.writeReport(path.join(folder, 'report.json')),
    },
    'report.writeReport, into its folder': {
      told: file,
      open: ({ folder }) => reporting(folder, () => process.report.writeReport()),
    },
    'a report at a signal': {
      told: file,
      open: ({ folder }) =>
        reporting(folder, async () => {
          Object.assign(process.report, { signal: 'SIGUSR2', reportOnSignal: true });
          process.kill(process.pid, 'SIGUSR2');
          await new Promise((resolve) => setTimeout(resolve, 300));
        }),
    },
    'a report at a fatal error': {
      told: file,
      open: ({ folder }) => reporting(folder, () => (process.report.reportOnFatalError = true)),
    },
    'terminals of others': { told: 'read a file', open: () => fs.readdirSync('/dev/pts') },
    'memory and disks of the machine': { told: 'read a file', open: () => fs.openSync('/dev/mem', 'r') },
    'what is open, by its folder': { told: 'read a file', open: () => fs.readdirSync('/dev/fd') },
    'variables of its function, from an open folder': {
      told: 'read a file',
      open: () => fs.readFileSync(`${opened('/usr')}/../proc/${process.ppid}/environ`),
    },
    'kill of its function': { told: 'touch another process', open: () => process.kill(process.ppid, 'SIGUSR1') },
    _kill: { told: 'touch another process', open: () => (process as Untyped)._kill(process.ppid, 10) },
    _debugProcess: { told: 'touch another process', open: () => (process as Untyped)._debugProcess(process.ppid) },
    'variables of its function': { told: 'read a file', open: () => fs.readFileSync(`/proc/${process.ppid}/environ`) },
    'memory of its function': { told: 'read a file', open: () => fs.openSync(`/proc/${process.ppid}/mem`, 'r') },
    'files of its function': { told: 'read a file', open: () => fs.opendirSync(`/proc/${process.ppid}/fd`) },
  },
  os: {
    setPriority: {
      told: 'touch another process',
      open: () => {
        os.setPriority(process.ppid, 1);
      },
    },
  },
  fs: {
    'a stream that reads, opened to be written': {
      told: file,
      open: ({ folder }) => happened(fs.createReadStream(path.join(folder, 'victim'), { flags: 'w' }), 'open'),
    },
    'read, and emptied': {
      told: file,
      open: ({ folder }) => fs.readFileSync(path.join(folder, 'victim'), { flag: 'w+' }),
    },
    'read, and made': {
      told: file,
      open: ({ folder }) => fs.promises.readFile(path.join(folder, 'written'), { flag: 'a+' }),
    },
    truncate: { told: file, open: ({ folder }) => fs.promises.truncate(path.join(folder, 'victim')) },
    chown: {
      told: file,
      open: ({ folder }) => {
        fs.chownSync(path.join(folder, 'victim'), 1, 1);
      },
    },
    lchown: { told: file, open: ({ folder }) => fs.promises.lchown(path.join(folder, 'links/link'), 1, 1) },
    mkdir: { told: file, open: ({ folder }) => fs.mkdirSync(path.join(folder, 'made/deep'), { recursive: true }) },
    unlink: {
      told: file,
      open: ({ folder }) => {
        fs.unlinkSync(path.join(folder, 'links/link'));
      },
    },
    'a link there, into its scratch folder': {
      told: file,
      open: ({ folder }) => {
        fs.symlinkSync(os.tmpdir(), path.join(folder, 'written'));
      },
    },
    'moved there': {
      told: file,
      open: ({ folder }) => {
        fs.writeFileSync(path.join(os.tmpdir(), 'to be moved'), '');
        fs.renameSync(path.join(os.tmpdir(), 'to be moved'), path.join(folder, 'written'));
      },
    },
    'linked there': {
      told: file,
      open: ({ folder }) => {
        fs.writeFileSync(path.join(os.tmpdir(), 'to be linked'), '');
        fs.linkSync(path.join(os.tmpdir(), 'to be linked'), path.join(folder, 'written'));
      },
    },
    'its own memory': { told: 'read a file', open: () => fs.openSync('/proc/self/mem', 'r+') },
    'a path of bytes that says another': {
      told: file,
      open: ({ folder }) => {
        const bytes = Buffer.from(path.join(folder, 'written'));
        bytes.toString = () => path.join(os.tmpdir(), 'written');
        fs.writeFileSync(bytes, '');
      },
    },
    'what was open before it': {
      told: undefined,
      open: () => {
        const others = Array.from({ length: 200 }, (_, index) => 6 + index).filter((descriptor) => {
          try {
            const found = fs.fstatSync(descriptor);
            return found.isFile() || found.isSocket();
          } catch {
            return false;
          }
        });
        if (others.length === 0) throw Object.assign(new Error('there is none'), { code: 'none' });
        console.log(`open: ${others.map((each) => fs.readlinkSync(`/dev/fd/${each}`)).join()}`);
      },
    },
    utimes: {
      told: file,
      open: ({ folder }) => {
        fs.utimesSync(path.join(folder, 'victim'), 1, 1);
      },
    },
    lutimes: {
      told: file,
      open: ({ folder }) => {
        fs.lutimesSync(path.join(folder, 'victim'), 1, 1);
      },
    },
    futimes: {
      told: undefined,
      open: ({ folder }) => {
        fs.futimesSync(fs.openSync(path.join(folder, 'victim'), 'r'), 1, 1);
      },
    },
    fchown: {
      told: undefined,
      open: ({ folder }) => {
        fs.fchownSync(fs.openSync(path.join(folder, 'victim'), 'r'), 1, 1);
      },
    },
    'utimes of a handle': {
      told: undefined,
      open: async ({ folder }) => {
        await using handle = await fs.promises.open(path.join(folder, 'victim'), 'r');
        await handle.utimes(1, 1);
      },
    },
    'a path of bytes': {
      told: file,
      open: ({ folder }) => fs.openSync(Buffer.from(path.join(folder, 'victim')), 'r+'),
    },
    'an encoded URL': {
      told: file,
      open: ({ folder }) => {
        fs.writeFileSync(new URL(`file://${folder}/%77ritten`), '');
      },
    },
    'opened to be read, and made': {
      told: file,
      open: ({ folder }) => fs.openSync(path.join(folder, 'written'), fs.constants.O_CREAT),
    },
    'opened to be read, and emptied': {
      told: file,
      open: ({ folder }) => fs.openSync(path.join(folder, 'victim'), fs.constants.O_TRUNC),
    },
    mkdtemp: { told: file, open: ({ folder }) => fs.mkdtempSync(path.join(folder, 'made')) },
    cp: {
      told: file,
      open: ({ folder }) => {
        fs.cpSync(path.join(folder, 'victim'), path.join(folder, 'copy'));
      },
    },
    rm: {
      told: file,
      open: ({ folder }) => {
        fs.rmSync(path.join(folder, 'victim'));
      },
    },
    'the memory that processes share': {
      told: file,
      open: () => {
        fs.writeFileSync(`/dev/shm/odin-${process.pid}`, '');
      },
    },
    'a relative link out of its scratch folder': {
      told: file,
      open: ({ folder }) => {
        fs.mkdirSync(path.join(os.tmpdir(), 'a/b'), { recursive: true });
        fs.symlinkSync(`../../../${path.basename(folder)}/victim`, path.join(os.tmpdir(), 'a/b/link'));
      },
    },

    writeFileSync: {
      told: file,
      open: ({ folder }) => {
        fs.writeFileSync(path.join(folder, 'written'), '');
      },
    },
    'promises.writeFile': { told: file, open: ({ folder }) => fs.promises.writeFile(path.join(folder, 'written'), '') },
    createWriteStream: {
      told: file,
      open: ({ folder }) => happened(fs.createWriteStream(path.join(folder, 'written')), 'open'),
    },
    'beside its scratch folder': {
      told: file,
      open: () => {
        fs.writeFileSync(`${os.tmpdir()}-beside`, '');
      },
    },
    'out of its scratch folder': {
      told: file,
      open: ({ folder }) => {
        fs.writeFileSync(`${os.tmpdir()}/../${path.basename(folder)}/written`, '');
      },
    },
    'a link into its scratch folder': {
      told: file,
      open: ({ folder }) => {
        fs.linkSync(path.join(folder, 'victim'), path.join(os.tmpdir(), 'linked'));
        fs.writeFileSync(path.join(os.tmpdir(), 'linked'), '');
      },
    },
    symlink: {
      told: file,
      open: ({ folder }) => {
        fs.symlinkSync(path.join(folder, 'victim'), path.join(os.tmpdir(), 'linked'));
      },
    },
    rename: {
      told: file,
      open: ({ folder }) => {
        fs.renameSync(path.join(folder, 'victim'), path.join(os.tmpdir(), 'moved'));
      },
    },
    chmod: {
      told: file,
      open: ({ folder }) => {
        fs.chmodSync(path.join(folder, 'victim'), 0o777);
      },
    },
    fchmod: {
      told: undefined,
      open: ({ folder }) => {
        fs.fchmodSync(fs.openSync(path.join(folder, 'victim'), 'r'), 0o777);
      },
    },
    'chmod of a handle': {
      told: undefined,
      open: async ({ folder }) => {
        await using handle = await fs.promises.open(path.join(folder, 'victim'), 'r');
        await handle.chmod(0o777);
      },
    },
    'a relative path after chdir': {
      told: file,
      open: ({ folder }) => {
        process.chdir(folder);
        fs.writeFileSync('written', '');
      },
    },
    'a relative path, when the folder has changed before the work begins': {
      told: undefined,
      open: (outside) => later(outside, (name) => fs.promises.writeFile(name, '')),
    },
    'the same by a stream': {
      told: file,
      open: (outside) => later(outside, (name) => happened(new (fs.WriteStream as Untyped)(name).end(), 'close')),
    },
    'the same by a URL that changes its mind': {
      told: undefined,
      open: ({ folder }) => {
        let looks = 0;
        const at = {
          href: 'file:///',
          protocol: 'file:',
          hostname: '',
          get pathname() {
            looks += 1;
            return path.join(looks === 1 ? os.tmpdir() : folder, 'written');
          },
        };
        fs.writeFileSync(at as unknown as URL, '');
        throw Object.assign(new Error('it is in the scratch folder'), { code: `${looks} look` });
      },
    },
    'a link that is copied with its folder': {
      told: file,
      open: ({ folder }) => {
        const copied = path.join(os.tmpdir(), 'copied');
        fs.cpSync(path.join(folder, 'links'), copied, { recursive: true, filter: undefined });
        fs.writeFileSync(path.join(copied, 'link'), '');
      },
    },
    'a link that is copied as it is': {
      told: file,
      open: ({ folder }) => {
        const copied = path.join(os.tmpdir(), 'copied as it is');
        fs.cpSync(path.join(folder, 'links'), copied, { recursive: true, verbatimSymlinks: true });
        fs.writeFileSync(path.join(copied, 'link'), '');
      },
    },
    'a link that is copied for what it leads to': {
      told: undefined,
      open: ({ folder }) => {
        const copied = path.join(os.tmpdir(), 'copied for it');
        fs.cpSync(path.join(folder, 'links'), copied, { recursive: true, dereference: true });
        fs.writeFileSync(path.join(copied, 'link'), '');
        throw Object.assign(new Error('it is a file of its own'), { code: 'copied' });
      },
    },
    'promises.cp of a link': {
      told: file,
      open: ({ folder }) => fs.promises.cp(path.join(folder, 'links/link'), path.join(os.tmpdir(), 'copied link')),
    },
    'a link by a way back': {
      told: file,
      open: ({ folder }) => {
        fs.symlinkSync(`${os.tmpdir()}/a/../../${path.basename(folder)}/victim`, path.join(os.tmpdir(), 'back'));
      },
    },
    'a link to bytes': {
      told: file,
      open: ({ folder }) => {
        fs.symlinkSync(Buffer.from(path.join(folder, 'victim')), path.join(os.tmpdir(), 'bytes'));
      },
    },
    Utf8Stream: {
      told: file,
      open: ({ folder }) => new (fs as Untyped).Utf8Stream({ dest: path.join(folder, 'written'), sync: true }),
    },
    'Utf8Stream of a relative path, when the folder has changed before the work begins': {
      told: undefined,
      open: (outside) => later(outside, (name) => happened(new (fs as Untyped).Utf8Stream({ dest: name }), 'ready')),
    },
    'from an open folder': {
      told: file,
      open: ({ folder }) => {
        fs.writeFileSync(`${opened(folder)}/written`, '');
      },
    },
    mkdtempDisposableSync: {
      told: file,
      open: ({ folder }) => (fs as Untyped).mkdtempDisposableSync(path.join(folder, 'made')),
    },
    'chown of a handle': {
      told: undefined,
      open: async ({ folder }) => {
        await using handle = await fs.promises.open(path.join(folder, 'victim'), 'r');
        await handle.chown(1, 1);
      },
    },
    'fchmod, with a callback': {
      told: undefined,
      open: ({ folder }) =>
        new Promise((resolve, reject) => {
          fs.fchmod(fs.openSync(path.join(folder, 'victim'), 'r'), 0o777, (error) => {
            if (error) reject(error);
            else resolve(undefined);
          });
        }),
    },
    'copied over': {
      told: file,
      open: ({ folder }) => fs.promises.copyFile(path.join(os.tmpdir(), '.'), path.join(folder, 'victim')),
    },
    'variables of its function, through a link and back': {
      told: undefined,
      open: () => fs.readFileSync(`${SHALLOW}/../proc/${process.ppid}/environ`),
    },
    'the same in bytes': {
      told: undefined,
      open: () => fs.promises.readFile(Buffer.from(`${SHALLOW}/../proc/${process.ppid}/environ`)),
    },
    'the same by a change of folders': {
      told: undefined,
      open: () => {
        process.chdir(`${SHALLOW}/../proc/${process.ppid}`);
      },
    },
    'the same by the links of what is open': {
      told: 'read a file',
      open: () => fs.readFileSync(`/dev/fd/../root/proc/${process.ppid}/environ`),
    },
    'variables of its function, as its own': {
      told: undefined,
      open: () => {
        process.loadEnvFile(`${SHALLOW}/../proc/${process.ppid}/environ`);
      },
    },
    'memory of its function, through a link and back': {
      told: undefined,
      open: () => fs.promises.open(`${SHALLOW}/../proc/${process.ppid}/mem`, 'r'),
    },
    'through /proc/self/root': {
      told: file,
      open: ({ folder }) => {
        fs.writeFileSync(`/proc/self/root${folder}/written`, '');
      },
    },
  },
};

/** In three: a report names so many refusals, and no more. */
export const THIRDS = [0, 1, 2] as const;

/** @returns each with its name, `net, connect` */
export function doorsOf(third: (typeof THIRDS)[number]): [string, Door][] {
  const all = Object.entries(DOORS).flatMap(([module, doors]) =>
    Object.entries(doors).map(([door, each]): [string, Door] => [`${module}, ${door}`, each]),
  );
  return all.filter((_, index) => index % THIRDS.length === third);
}

/** Tries each, and says what came of it. */
export async function tryDoors(outside: Outside, third: (typeof THIRDS)[number]): Promise<void> {
  for (const [name, { open }] of doorsOf(third)) console.log(`${name}: ${await outcomeOf(() => open(outside))}`);
}

export async function outcomeOf(work: () => unknown): Promise<string> {
  try {
    await work();
    return 'open';
  } catch (thrown) {
    const { name, code, cause } = thrown as { name?: string; code?: string; cause?: { name?: string } };
    return `shut (${cause?.name ?? code ?? name ?? ''})`;
  }
}

/** With one host allowed: no other is reached by its name, its lookup, or its handle. */
export async function tryDoorsBesideAllowed({ port }: Outside): Promise<void> {
  const say = async (what: string, work: () => unknown) => {
    console.log(`${what}: ${await outcomeOf(work)}`);
  };
  const elsewhere = (options: object) => connected(net.connect({ host: 'localhost', port, ...options }));
  await say('the host itself', () => elsewhere({}));
  await say('one whose name ends like it', () => elsewhere({ host: 'not-localhost' }));
  await say('one whose name begins like it', () => elsewhere({ host: 'localhost.example.com' }));
  await say('a lookup of its own', () =>
    elsewhere({
      lookup: (_: unknown, __: unknown, then: Untyped) => then(null, [{ address: '127.0.0.2', family: 4 }]),
    }),
  );
  await say('a host that changes', () => {
    let read = 0;
    return connected(
      new net.Socket().connect({
        port,
        get host() {
          return (read += 1) === 1 ? 'localhost' : '127.0.0.2';
        },
      }),
    );
  });
  await say('its handle', () => {
    const socket = net.connect({ host: 'localhost', port });
    const { _handle: handle } = socket as Untyped;
    socket.on('error', () => undefined).destroy();
    handleError(new handle.constructor(0).connect({}, '127.0.0.2', port));
  });
  await say('the request of a lookup', async () => {
    const requests: Untyped[] = [];
    const hook = async_hooks
      .createHook({
        init: (_, type, __, resource) => {
          if (type === 'GETADDRINFOREQWRAP') requests.push(resource);
        },
      })
      .enable();
    await elsewhere({});
    hook.disable();
    for (const request of requests) request.callback(null, '127.0.0.2', 4);
    return elsewhere({ host: '127.0.0.2' });
  });
}

/** Writes to the pipe itself: it breaks what it may have said next. */
export async function speakToBroker(outside: Outside): Promise<void> {
  fs.writeSync(5, `DELETE /${outside.bucket}/there HTTP/1.1\r\nauthorization: ${PLACEHOLDER_CREDENTIALS}\r\n\r\n`);
  console.log(await outcomeOf(() => s3().send(get(outside))));
}

/** What the broker carries: bodies of any size, many at once and not taken, errors, and an end before the end. */
export async function readAll({ bucket }: Outside): Promise<void> {
  const client = s3();
  const send = (Key: string, options: object = {}) =>
    client.send(new GetObjectCommand({ Bucket: bucket, Key }), options);
  console.log(await outcomeOf(() => send('nowhere')));
  let bytes = 0;
  const before = process.memoryUsage.rss();
  let most = 0;
  for await (const chunk of (await send('large')).Body as Readable) {
    bytes += (chunk as Buffer).length;
    most = Math.max(most, process.memoryUsage.rss() - before);
  }
  console.log(`${bytes} bytes, ${most < 40_000_000 ? 'flat' : `${most} bytes more`}`);
  const notTaken = await Promise.all(Array.from({ length: 30 }, () => send('some')));
  console.log(`${notTaken.length} at once, ${(await send('there')).ContentLength} bytes`);
  for (const { Body } of notTaken) (Body as Readable).destroy();
  console.log(await outcomeOf(() => send('there', { abortSignal: AbortSignal.abort() })));
  const controller = new AbortController();
  const sending = outcomeOf(() => send('there', { abortSignal: controller.signal }));
  setImmediate(() => {
    controller.abort();
  });
  console.log(/^(open|shut \(AbortError\))$/.test(await sending));
  console.log(await outcomeOf(() => send('there')));
}
