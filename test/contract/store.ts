// What the ledger relies on of a store (core/ledger/store.ts). Every adapter is held to the same sentences.
import pMap from 'p-map';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Store } from '../../core/ledger/store.ts';

/** @param makeStore gives an empty store at every call */
export function storeContract(name: string, makeStore: () => Promise<Store> | Store): void {
  describe(`store contract: ${name}`, () => {
    let store: Store;
    beforeEach(async () => {
      store = await makeStore();
    });
    const bodyOf = async (key: string) => (await store.get(key))?.body;
    const etagOf = async (key: string) => (await store.get(key))?.etag;
    const keysOf = async (prefix: string) => (await store.list(prefix)).objects.map(({ key }) => key);

    describe('get', () => {
      it('is undefined for a key that is not there', async () => {
        await store.create('a/1.json', '{}');
        expect(await store.get('a/2.json')).toBeUndefined();
        expect(await store.get('a')).toBeUndefined();
        expect(await store.get('a/')).toBeUndefined();
      });

      it('gives what was created, with an ETag that stays as long as the object does', async () => {
        await store.create('a/1.json', '{"a":1}\n');
        const first = await store.get('a/1.json');
        expect(first).toEqual({
          body: '{"a":1}\n',
          etag: expect.stringMatching(/./) as unknown,
          modified: expect.any(Number) as unknown,
        });
        expect(await store.get('a/1.json')).toEqual(first);
      });

      it.each([
        ['of several scripts', 'ä ẞ 日本語 עברית \u{1F9A5}\u{1F1EA}\u{1F1FA}'],
        ['with control characters and separators', 'a\u0000b\u0007\r\nc\u2028d\u2029e\ufeff'],
        ['of combining characters, which are not normalised', 'e\u0301 é'],
        ['like XML', '<a>&amp;]]></a>'],
        ['of 1 MB', 'ü€'.repeat(200_000)],
      ])('gives a body %s back as it was', async (_, body) => {
        await store.create('a.json', body);
        expect((await bodyOf('a.json')) === body).toBe(true);
        await store.replace('a.json', `${body}!`, await etagOf('a.json'));
        expect((await bodyOf('a.json')) === `${body}!`).toBe(true);
      });
    });

    describe('create', () => {
      it('creates a key that is not there', async () => {
        const written = await store.create('a', 'one');
        expect(await bodyOf('a')).toBe('one');
        expect(written).toEqual({ etag: await etagOf('a') });
      });

      it('leaves a key that is there as it is, whatever the body', async () => {
        await store.create('a', 'one');
        const before = await store.get('a');
        expect(await store.create('a', 'two')).toBe('exists');
        expect(await store.create('a', 'one')).toBe('exists');
        expect(await store.get('a')).toEqual(before);
      });

      it('is won by exactly one of 50 at the same time', async () => {
        const bodies = Array.from({ length: 50 }, (_, n) => `body ${n}`);
        const answers = await Promise.all(bodies.map((body) => store.create('claim', body)));
        const winners = bodies.filter((_, n) => answers[n] !== 'exists');
        expect(answers.filter((answer) => answer === 'exists')).toHaveLength(49);
        expect(winners).toEqual([await bodyOf('claim')]);
      });
    });

    describe('replace', () => {
      it('writes when the ETag is the one that stands there, and changes the ETag', async () => {
        await store.create('a', 'one');
        const etag = await etagOf('a');
        const written = await store.replace('a', 'two', etag);
        expect(await bodyOf('a')).toBe('two');
        expect(written).toEqual({ etag: await etagOf('a') });
        expect(await etagOf('a')).not.toBe(etag);
      });

      it('conflicts when the ETag is an older one', async () => {
        await store.create('a', 'one');
        const stale = await etagOf('a');
        await store.replace('a', 'two', stale);
        expect(await store.replace('a', 'three', stale)).toBe('conflict');
        expect(await bodyOf('a')).toBe('two');
      });

      it('conflicts when an ETag is given for a key that is not there', async () => {
        await store.create('a', 'one');
        expect(await store.replace('b', 'two', await etagOf('a'))).toBe('conflict');
        expect(await store.get('b')).toBeUndefined();
      });

      it('creates without an ETag, and conflicts when the key is there', async () => {
        expect(await store.replace('a', 'one', undefined)).toEqual({ etag: await etagOf('a') });
        expect(await store.replace('a', 'two', undefined)).toBe('conflict');
        expect(await bodyOf('a')).toBe('one');
      });

      it.each(['with the same ETag', 'without one'])(
        'is won by exactly one of 20 at the same time, %s',
        async (how) => {
          if (how === 'with the same ETag') await store.create('a', 'first');
          const etag = await etagOf('a');
          const bodies = Array.from({ length: 20 }, (_, n) => `body ${n}`);
          const answers = await Promise.all(bodies.map((body) => store.replace('a', body, etag)));
          const winners = bodies.filter((_, n) => answers[n] !== 'conflict');
          expect(answers.filter((answer) => answer === 'conflict')).toHaveLength(19);
          expect(winners).toEqual([await bodyOf('a')]);
        },
      );
    });

    describe('list', () => {
      it('is empty when nothing has the prefix', async () => {
        expect(await keysOf('')).toEqual([]);
        await store.create('a/1', 'x');
        expect(await keysOf('b/')).toEqual([]);
        expect(await keysOf('a/1/')).toEqual([]);
      });

      it('gives the keys with the prefix and no others, ascending, each with its ETag', async () => {
        const all = ['attempts/0002/0001/started.json', 'completed/0010.json', 'completed/0002.json', 'completed'];
        for (const key of [...all, 'Completed/0001.json', 'completed/0001.json']) await store.create(key, key);
        expect(await keysOf('completed/')).toEqual([
          'completed/0001.json',
          'completed/0002.json',
          'completed/0010.json',
        ]);
        expect(await keysOf('completed')).toHaveLength(4);
        expect(await keysOf('')).toEqual([...all, 'Completed/0001.json', 'completed/0001.json'].sort());
        for (const { key, etag } of (await store.list('')).objects) expect(etag).toBe(await etagOf(key));
      });

      it('gives the keys after one, which need not be there, over several pages', async () => {
        const keys = Array.from({ length: 1_050 }, (_, n) => `log/${String(n).padStart(8, '0')}.json`);
        await pMap(keys, (key) => store.create(key, 'x'), { concurrency: 32 });
        const after = async (key: string) => (await store.list('log/', key)).objects.map((found) => found.key);
        expect(await after('log/00000020.json')).toEqual(keys.slice(21));
        expect(await after('log/00000020')).toEqual(keys.slice(20));
        expect(await after('log/00001049.json')).toEqual([]);
        expect(await after('')).toEqual(keys);
      });

      it('says when it answered, on the clock that says when an object was written: nothing that it shows is later', async () => {
        await store.create('a', 'one');
        const { at } = await store.list('');
        const { modified } = (await store.get('a'))!;
        expect(at).toBeGreaterThanOrEqual(modified);
        expect(at - modified).toBeLessThan(600_000);
      });

      it('shows what was written before, at once', async () => {
        await store.create('a', 'one');
        const [before] = (await store.list('a')).objects;
        await store.replace('a', 'two', before?.etag);
        const [after] = (await store.list('a')).objects;
        expect(after?.etag).not.toBe(before?.etag);
        expect(after?.etag).toBe(await etagOf('a'));
      });

      it('gives more than the 1,000 keys of one S3 page, each once and in order', async () => {
        const keys = Array.from(
          { length: 1_050 },
          (_, n) => `attempts/${String(n).padStart(4, '0')}/0001/started.json`,
        );
        await pMap([...keys].reverse(), (key) => store.create(key, 'x'), { concurrency: 32 });
        expect(await keysOf('attempts/')).toEqual(keys);
      });
    });
  });
}
