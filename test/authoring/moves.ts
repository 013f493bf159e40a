// A world in which objects are moved while their owners go on writing and the mover dies again and again; and what must be
// there: a plain map, which knows of S3 only the index and the files of the embedded one, and of the helpers nothing.
import { S3Client } from '@aws-sdk/client-s3';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import type { PageCursor } from '../../authoring/s3.ts';
import { moveObjects, ObjectsFailed, pages } from '../../authoring/s3.ts';
import type { HttpAnswer } from '../../local/http.ts';
import type { S3 } from '../../local/s3/protocol.ts';
import { createS3 } from '../../local/s3/protocol.ts';
import { temporaryFolder } from '../local/support.ts';
import { draw, pick } from '../simulation/random.ts';

const BUCKET = 'world';

export interface Played {
  /** Of the sources at the beginning. */
  objects: number;
  deaths: number;
  checkpoints: number;
  /** Writes of others while it ran. */
  writes: number;
  moved: number;
  /** Sources that were left at the end, each named by an error. */
  left: number;
}

/**
 * Moves so many objects to the end, over as many deaths as the seed wants.
 * @throws Error which names the seed and the object that is lost, changed, or left without a word
 */
export async function playMoves(seed: number, objects: number): Promise<Played> {
  const folder = temporaryFolder();
  const world = new World(seed, objects, createS3({ directory: folder.path, buckets: [BUCKET] }));
  try {
    return await world.play();
  } catch (thrown) {
    throw new Error(`playMoves(${seed}, ${objects}): ${thrown instanceof Error ? thrown.message : String(thrown)}`, {
      cause: thrown,
    });
  } finally {
    world.close();
    folder.remove();
  }
}

/** Each makes of an object another one. */
const OTHERS: readonly Record<string, string>[] = [
  { 'content-type': 'text/other' },
  { 'content-encoding': 'br' },
  { 'content-language': 'de' },
  { 'content-disposition': 'inline' },
  { 'cache-control': 'max-age=1' },
  { expires: 'Wed, 02 Jan 2030 00:00:00 GMT' },
  { 'x-amz-meta-a': 'other' },
  { 'x-amz-tagging': 'other=1' },
  { 'x-amz-website-redirect-location': '/elsewhere' },
  { 'x-amz-storage-class': 'ONEZONE_IA' },
];

/** All that an object is, as text. */
type Whole = string;

class World {
  readonly #seed: number;
  readonly #objects: number;
  readonly #s3: S3;
  readonly #client: S3Client;
  /** What people wrote, and nobody but the mover may have taken away since. */
  readonly #must = new Map<string, Whole>();
  /** All that was ever written under a key. */
  readonly #ever = new Map<string, Set<Whole>>();
  /** The key that each source goes to, by a rule of the seed. */
  readonly #targets = new Map<string, string>();
  /** The sources that go to each. */
  readonly #comers = new Map<string, string[]>();
  readonly #disturbed = new Set<string>();
  readonly #hashes = new Map<string, string>();
  #requests = 0;
  #writes = 0;
  /** The request at which the mover dies next, and whether that one is still carried out. */
  #death = { at: Infinity, after: false };
  #dead = false;
  #quiet = false;

  constructor(seed: number, objects: number, s3: S3) {
    this.#seed = seed;
    this.#objects = objects;
    this.#s3 = s3;
    const handler = {
      metadata: {},
      handle: (request: unknown) => this.#answer(request as SdkRequest),
      destroy: () => undefined,
    };
    this.#client = new S3Client({
      endpoint: 'http://127.0.0.1',
      region: 'eu-west-1',
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
      forcePathStyle: true,
      maxAttempts: 1,
      requestHandler: handler as never,
    });
  }

  close(): void {
    this.#client.destroy();
    this.#s3.close();
  }

  async play(): Promise<Played> {
    await this.#fill();
    const played = { objects: this.#objects, deaths: 0, checkpoints: 0, moved: 0 };
    const pageSize = Math.max(7, Math.ceil(this.#objects / 20));
    let durable: PageCursor | undefined;
    for (let life = 0; ; life += 1) {
      this.#dead = false;
      const spread = pageSize * 8;
      const at = this.#requests + 1 + Math.floor(draw(this.#seed, 'death', life) * spread);
      // Every second life ends right at a checkpoint, the others at a request.
      this.#death = { at: life % 2 === 0 ? at : Infinity, after: draw(this.#seed, 'after', life) < 0.5 };
      const end = await this.#live(durable, pageSize, (cursor) => {
        played.checkpoints += 1;
        // It dies before the checkpoint is durable, or right after.
        if (draw(this.#seed, 'durable', life, played.checkpoints) < 0.7) durable = cursor;
        return life % 2 === 1;
      });
      await this.#check();
      if (end === 'finished') break;
      played.deaths += 1;
    }
    const left = await this.#end(pageSize);
    const moved = [...this.#targets.keys()].filter((key) => this.#read(key) === undefined).length;
    return { ...played, writes: this.#writes, moved, left };
  }

  /** One life of the mover. What it cannot move it leaves, as an author may who looks at the errors. */
  async #live(
    resume: PageCursor | undefined,
    pageSize: number,
    diesAt: (cursor: PageCursor) => boolean,
    failed: (error: ObjectsFailed) => void = () => undefined,
  ): Promise<'finished' | 'died'> {
    const where = { s3: this.#client, bucket: BUCKET };
    const to = (key: string) => this.#targetOf(key);
    try {
      for await (const { objects, checkpoint } of pages({ ...where, prefix: 'in/', resume, pageSize })) {
        await moveObjects({ ...where, objects, to }).catch((thrown: unknown) => {
          if (this.#dead || !(thrown instanceof ObjectsFailed)) throw thrown;
          failed(thrown);
        });
        if (diesAt(checkpoint.cursor)) return 'died';
      }
      return 'finished';
    } catch (thrown) {
      if (this.#dead) return 'died';
      throw thrown;
    }
  }

  /** When nobody disturbs any more: what can be moved is, and what cannot is named. */
  async #end(pageSize: number): Promise<number> {
    this.#quiet = true;
    this.#death = { at: Infinity, after: false };
    const named = new Set<string>();
    await this.#live(
      undefined,
      pageSize,
      () => false,
      ({ failures }) => {
        for (const { key } of failures) named.add(key);
      },
    );
    await this.#check();
    const left = [...this.#s3.store.list(BUCKET, { prefix: 'in/', after: '' })].map(({ key }) => key);
    for (const key of left) if (!named.has(key)) throw new Error(`${key} was left, and no error names it`);
    for (const key of named) if (!left.includes(key)) throw new Error(`${key} was named, and is not there`);
    for (const key of left) {
      if (!this.#mayStay(key)) throw new Error(`${key} was left, though nothing is in its way`);
    }
    return left.length;
  }

  #mayStay(key: string): boolean {
    const target = this.#targetOf(key);
    return target === key || (this.#comers.get(target)?.length ?? 0) > 1 || this.#read(target) !== undefined;
  }

  // --- what is written -------------------------------------------------------------------------------------------

  async #fill(): Promise<void> {
    for (let n = 0; n < this.#objects; n += 1) {
      const key = this.#keyOf(n);
      const target = this.#targetFor(n, key);
      this.#targets.set(key, target);
      this.#comers.set(target, [...(this.#comers.get(target) ?? []), key]);
      await this.#write(key, n, 'first');
    }
    for (const [key, target] of this.#targets) {
      const n = this.#numberOf(key);
      const chance = draw(this.#seed, 'there', n);
      if (chance > 0.12 || target === key) continue;
      // A copy that is there already, the same bytes under other headers, or something else.
      const { body, headers } = this.#drawn(n, 'first');
      if (chance < 0.04) await this.#put(target, body, headers);
      else if (chance < 0.08)
        await this.#put(target, body, { ...headers, ...pick(OTHERS, draw(this.#seed, 'other', n)) });
      else await this.#put(target, `other ${n}`, headers);
    }
  }

  readonly #keyOf = (n: number) => `in/${String(n).padStart(6, '0')}/${n % 9 === 0 ? 'ü &+' : 'a'}`;
  readonly #numberOf = (key: string) => Number(key.slice(3, 9));
  readonly #targetOf = (key: string) => this.#targets.get(key) ?? `out/unknown/${key}`;

  #targetFor(n: number, key: string): string {
    const chance = draw(this.#seed, 'target', n);
    if (chance < 0.01) return key;
    // Some come together, near each other and far away.
    if (chance < 0.06) return `out/together/${n % 50}`;
    return `out/${key.slice(3)}`;
  }

  /** Few bodies, so that many are equal, and empty ones. */
  #drawn(n: number, what: string): { body: string; headers: Record<string, string> } {
    const by = (purpose: string) => draw(this.#seed, `${what} ${purpose}`, n);
    const body = pick(['', 'x', 'the same', `own ${n}`], by('body'));
    const all: [string, string][] = [
      ['content-type', pick(['text/plain', 'text/csv'], by('type'))],
      ['cache-control', 'no-store'],
      ['content-encoding', 'gzip'],
      ['content-disposition', 'attachment'],
      ['expires', 'Tue, 01 Jan 2030 00:00:00 GMT'],
      ['x-amz-meta-a', String(n % 3)],
      ['x-amz-tagging', `n=${n % 3}`],
      ['x-amz-website-redirect-location', '/there'],
      ['x-amz-storage-class', pick(['STANDARD_IA', 'GLACIER_IR'], by('class'))],
      ['x-amz-server-side-encryption', 'AES256'],
    ];
    return { body, headers: Object.fromEntries(all.filter(([name]) => by(name) < 0.2)) };
  }

  async #write(key: string, n: number, what: string): Promise<void> {
    const { body, headers } = this.#drawn(n, what);
    await this.#put(key, body, headers);
  }

  /** As a person does it, past the requests. */
  async #put(key: string, body: string, headers: Record<string, string>): Promise<void> {
    const received = await this.#s3.store.receive(Buffer.from(body));
    const crc = received.checksums.crc32?.toString('base64') ?? '';
    this.#replaced(key);
    const own = { 'content-type': 'binary/octet-stream', ...headers };
    const checksum = { 'x-amz-checksum-crc32': crc, 'x-amz-checksum-type': 'FULL_OBJECT' };
    this.#s3.store.put(BUCKET, key, received, { headers: { ...own, ...checksum } });
    this.#wrote(key);
  }

  #wrote(key: string): void {
    const whole = this.#read(key);
    if (whole === undefined) throw new Error(`${key} could not be written`);
    this.#must.set(key, whole);
    const ever = this.#ever.get(key) ?? new Set();
    this.#ever.set(key, ever.add(whole));
  }

  /** What a person writes over or deletes is that person's to lose: also the copy of something that was moved there. */
  #replaced(key: string): void {
    this.#must.delete(key);
    for (const source of this.#comers.get(key) ?? []) {
      if (this.#read(key) === this.#must.get(source)) this.#must.delete(source);
    }
  }

  // --- what is there ---------------------------------------------------------------------------------------------

  #read(key: string): Whole | undefined {
    const object = this.#s3.store.get(BUCKET, key);
    if (!object) return undefined;
    const headers = Object.entries(object.headers).filter(
      ([name, value]) =>
        !name.startsWith('x-amz-checksum-') && !(name === 'x-amz-server-side-encryption' && value === 'AES256'),
    );
    // Each body has a file of its own, which is never written again.
    const bytes = this.#hashes.get(object.file) ?? createHash('sha256').update(readFileSync(object.file)).digest('hex');
    this.#hashes.set(object.file, bytes);
    return JSON.stringify([bytes, headers.sort(([a], [b]) => (a < b ? -1 : 1))]);
  }

  async #check(): Promise<void> {
    for (const [key, whole] of this.#must) {
      if (this.#read(key) === whole) continue;
      const target = this.#targets.get(key);
      if (target !== undefined && this.#read(target) === whole) continue;
      throw new Error(
        `${key} is lost: ${whole} is neither there nor at ${target}, where ${target && this.#read(target)} is`,
      );
    }
    for (const { key } of this.#s3.store.list(BUCKET, { prefix: '', after: '' })) {
      const whole = this.#read(key) ?? '';
      const from = [key, ...(this.#comers.get(key) ?? [])];
      // A copy of an object whose headers were changed while it was copied may have some of both: it is named, and the source stays.
      if (from.some((each) => this.#disturbed.has(each))) continue;
      if (!from.some((each) => this.#ever.get(each)?.has(whole)))
        throw new Error(`nobody wrote what is at ${key}: ${whole}`);
    }
    await Promise.resolve();
  }

  // --- the requests of the mover ---------------------------------------------------------------------------------

  async #answer(request: SdkRequest): Promise<{ response: object }> {
    this.#requests += 1;
    const body = Readable.from(request.body === undefined ? [] : [Buffer.from(request.body as Uint8Array)]);
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value]),
    );
    const query = new URLSearchParams(
      Object.entries(request.query).map(([name, value]): [string, string] => [name, value ?? '']),
    );
    const http = { method: request.method, path: request.path, query, headers, body };
    if (this.#dead) throw new Dead();
    const dies = this.#requests >= this.#death.at;
    if (dies) this.#dead = true;
    if (dies && !this.#death.after) throw new Dead();
    const { operation, key = '' } = this.#s3.target(http);
    if (!this.#quiet) await this.#disturb(operation, key);
    const answer = await this.#s3.handle(http);
    if (!this.#quiet && operation === 'CopyObject') await this.#disturb('after CopyObject', key);
    if (dies) throw new Dead();
    return { response: responseOf(answer) };
  }

  /** Somebody writes, right before a request of the mover is carried out, or right after it. Each object is disturbed once at most. */
  async #disturb(operation: string, key: string): Promise<void> {
    const chance = draw(this.#seed, `disturb ${operation}`, this.#requests);
    if (chance > 0.08) return;
    const near = key.startsWith('in/') ? key : this.#comers.get(key)?.[0];
    const source = near ?? this.#keyOf(Math.floor(draw(this.#seed, 'whom', this.#requests) * this.#objects));
    if (this.#disturbed.has(source)) return;
    this.#disturbed.add(source);
    this.#writes += 1;
    const n = this.#requests;
    const whole = { body: `anew ${n}`, headers: { 'x-amz-meta-new': String(n) } };
    const there = this.#s3.store.get(BUCKET, source);
    if (chance < 0.015 || !there) await this.#put(source, whole.body, whole.headers);
    else if (chance < 0.012) {
      const target = this.#targetOf(source);
      if (target !== source) await this.#put(target, whole.body, whole.headers);
    } else if (chance < 0.025) {
      this.#replaced(source);
      this.#s3.store.delete(BUCKET, source);
    } else if (operation.endsWith('CopyObject') || (operation === 'HeadObject' && near === key)) {
      // The same bytes, with other headers or tags: S3 has no condition for these, so not after the last look at them.
      const body = readFileSync(there.file, 'utf8');
      if (chance < 0.05) await this.#put(source, body, whole.headers);
      else {
        this.#replaced(source);
        this.#s3.store.tag(BUCKET, source, `anew=${n}`);
        this.#wrote(source);
      }
    }
  }
}

interface SdkRequest {
  method: string;
  path: string;
  query: Record<string, string | null>;
  headers: Record<string, string>;
  body?: unknown;
}

class Dead extends Error {
  override readonly name = 'Dead';
}

function responseOf({ status, headers = {}, body }: HttpAnswer): object {
  const given = Object.entries(headers).filter(([, value]) => value !== undefined);
  const stream = body instanceof Readable ? body : Readable.from(body === undefined ? [] : [Buffer.from(body)]);
  return { statusCode: status, headers: Object.fromEntries(given), body: stream };
}
