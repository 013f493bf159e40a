// Which packages are shipped beside a bundle, how they are laid out there, and which native addons fit.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packagesBeside, shipBeside, targetOf } from '../../project/beside.ts';
import { findPackage } from '../../project/node-modules.ts';
import { thrownBy } from '../support/thrown.ts';

const FILE = 'migrations/odin-dev/0001.ts';

let project: string;
beforeEach(() => {
  project = realpathSync(mkdtempSync(path.join(tmpdir(), 'odin-beside-')));
  write('package.json', '{"name":"shop"}');
});
afterEach(() => {
  rmSync(project, { recursive: true, force: true });
});

function write(file: string, content: string | Buffer = ''): string {
  const to = path.join(project, file);
  mkdirSync(path.dirname(to), { recursive: true });
  writeFileSync(to, content);
  return to;
}
/** @returns its file */
function packageAt(directory: string, manifest: object = {}, files: Record<string, string | Buffer> = {}): string {
  const name = directory.replace(/^.*node_modules\//, '');
  write(`${directory}/package.json`, JSON.stringify({ name, ...manifest }));
  for (const [file, content] of Object.entries(files)) write(`${directory}/${file}`, content);
  return write(`${directory}/index.js`);
}

function header(size: number, numbers: [offset: number, bytes: number, value: number][], text = ''): Buffer {
  const content = Buffer.alloc(size);
  for (const [offset, bytes, value] of numbers) content.writeUIntLE(value, offset, bytes);
  return Buffer.concat([content, Buffer.from(text)]);
}
const elf = (machine: number, text = '') =>
  header(
    64,
    [
      [0, 4, 0x46_4c_45_7f],
      [18, 2, machine],
    ],
    text,
  );
const X64 = elf(0x3e);
const ARM64 = elf(0xb7);
const MAC = header(64, [
  [0, 4, 0xfe_ed_fa_cf],
  [4, 4, 0x01_00_00_0c],
]);
const WINDOWS = header(256, [
  [0, 2, 0x5a_4d],
  [0x3c, 4, 128],
  [132, 2, 0x86_64],
]);

const beside = (...files: string[]) => packagesBeside(files, [project]).sort();
const rootOf = (name: string) => ({ name, directory: findPackage(name, project) ?? '' });
const ship = (name: string, architecture: string) =>
  [...shipBeside([rootOf(name)], targetOf(architecture), FILE).keys()].sort();
const addons = (name: string, architecture: string) =>
  ship(name, architecture).filter((file) => file.endsWith('.node'));

describe('packagesBeside', () => {
  it('are those with addons or WebAssembly, and those that need such a package', () => {
    const files = [
      write('migrations/0001.ts'),
      packageAt('node_modules/plain', { dependencies: { missing: '1' } }),
      packageAt('node_modules/@shop/wasm', {}, { 'lib/a.wasm': '' }),
      packageAt('node_modules/needs', { dependencies: { '@shop/wasm': '1' } }),
      packageAt('node_modules/native', { optionalDependencies: { 'native-linux': '1' } }),
      packageAt('node_modules/far', { dependencies: { needs: '1' } }),
    ];
    packageAt('node_modules/native-linux', {}, { 'a.node': X64 });
    expect(beside(...files)).toEqual(['@shop/wasm', 'native', 'needs']);
  });

  it("are not those whose package's package has them, nor the project itself", () => {
    write('own.node');
    const file = packageAt('node_modules/outer');
    packageAt('node_modules/outer/node_modules/inner', {}, { 'a.node': X64 });
    expect(beside(file, write('index.js'))).toEqual([]);
  });

  it('are linked ones too, unless they are TypeScript, which Node.js does not load as a package', () => {
    const js = packageAt('packages/js', { name: 'js' }, { 'build/a.node': X64 });
    packageAt('packages/ts', { name: 'ts' }, { 'a.wasm': '' });
    expect(beside(js, write('packages/ts/index.ts'))).toEqual(['js']);
  });
});

describe('shipBeside', () => {
  it('leaves each package what it found where it is installed, in two versions if need be', () => {
    packageAt('node_modules/native', { dependencies: { a: '1', b: '1' } }, { 'x.node': X64 });
    packageAt('node_modules/a', { dependencies: { b: '2' }, peerDependencies: { c: '*', missing: '*' } });
    packageAt('node_modules/a/node_modules/b', { version: '2.0.0', dependencies: { c: '1' } });
    packageAt('node_modules/b', { version: '1.0.0', dependencies: { native: '1' } });
    packageAt('node_modules/c');
    packageAt('node_modules/other');
    expect(ship('native', 'x86_64').filter((file) => file.endsWith('package.json'))).toEqual([
      'node_modules/a/node_modules/b/package.json',
      'node_modules/a/package.json',
      'node_modules/b/package.json',
      'node_modules/c/package.json',
      'node_modules/native/package.json',
    ]);
  });

  it('follows links, as pnpm makes them', () => {
    const store = 'node_modules/.pnpm';
    packageAt(`${store}/native@1/node_modules/native`, { dependencies: { dep: '1' } }, { 'x.node': X64 });
    packageAt(`${store}/dep@1/node_modules/dep`);
    symlinkSync(path.join(project, store, 'native@1/node_modules/native'), path.join(project, 'node_modules/native'));
    symlinkSync(
      path.join(project, store, 'dep@1/node_modules/dep'),
      path.join(project, store, 'native@1/node_modules/dep'),
    );
    expect(ship('native', 'x86_64')).toEqual([
      'node_modules/dep/index.js',
      'node_modules/dep/package.json',
      'node_modules/native/index.js',
      'node_modules/native/package.json',
      'node_modules/native/x.node',
    ]);
  });

  it('leaves out what compilers read and leave', () => {
    packageAt(
      'node_modules/native',
      {},
      {
        'build/Release/x.node': X64,
        'build/Release/obj.target/x.node': X64,
        'build/config.gypi': 'a path of this machine',
        'src/x.cc': '',
        'index.d.ts': '',
      },
    );
    expect(ship('native', 'x86_64').map((file) => path.basename(file))).toEqual(['x.node', 'index.js', 'package.json']);
  });

  const PREBUILDS = {
    'prebuilds/linux-x64/a.node': X64,
    'prebuilds/linux-arm64/a.node': ARM64,
    'prebuilds/linux-arm64/a.musl.node': elf(0xb7, '\0libc.musl-aarch64.so.1\0'),
    'prebuilds/darwin-arm64/a.node': MAC,
    'prebuilds/win32-x64/a.node': WINDOWS,
  };

  it.each([
    ['arm64', 'linux-arm64'],
    ['x86_64', 'linux-x64'],
  ])('of the addons of a package ships those for %s on Linux', (architecture, folder) => {
    packageAt('node_modules/native', {}, PREBUILDS);
    expect(addons('native', architecture)).toEqual([`node_modules/native/prebuilds/${folder}/a.node`]);
  });

  it('of the packages for several systems ships the one that fits', () => {
    packageAt('node_modules/native', {
      optionalDependencies: { 'native-mac': '1', 'native-arm': '1', 'native-x': '1' },
    });
    packageAt('node_modules/native-mac', {}, { 'a.node': MAC });
    packageAt('node_modules/native-arm', {}, { 'a.node': ARM64 });
    packageAt('node_modules/native-x', {}, { 'a.node': X64 });
    expect(addons('native', 'arm64')).toEqual(['node_modules/native-arm/a.node']);
    expect(ship('native', 'arm64').join()).not.toContain('native-mac');
  });

  it.each<[string, Record<string, string | Buffer>, string]>([
    ['another processor', { 'a.node': X64 }, 'a.node for linux x64'],
    ['another system', { 'a.node': MAC, 'b.node': WINDOWS }, 'a.node for darwin arm64, b.node for win32 x64'],
    ['musl', { 'a.node': elf(0xb7, 'libc.musl-aarch64.so.1') }, 'a.node for linux arm64 with musl'],
    ['nothing that is known', { 'a.node': 'text' }, 'a.node for no system that is known'],
  ])('refuses a package that has addons for %s alone, by name', async (_, files, found) => {
    packageAt('node_modules/native', {}, files);
    const error = await thrownBy(() => ship('native', 'arm64'));
    expect(error).toMatchObject({ code: 'BundlingFailed', source: 'user' });
    expect(error.what).toBe(`${FILE}: the package native has no native addon for linux arm64, found ${found}.`);
  });

  it.each(['dependencies', 'optionalDependencies'])('refuses one whose %s do not fit, naming that', async (field) => {
    packageAt('node_modules/native', { [field]: { 'native-x': '1' } });
    packageAt('node_modules/native-x', {}, { 'a.node': X64 });
    expect((await thrownBy(() => ship('native', 'arm64'))).what).toContain('the package native-x has no native addon');
  });

  it('refuses more than Lambda unpacks, and names what is largest', async () => {
    packageAt('node_modules/large', { dependencies: { larger: '1' } }, { 'a.wasm': '' });
    packageAt('node_modules/larger', {}, { 'b.wasm': '' });
    truncateSync(path.join(project, 'node_modules/large/a.wasm'), 100_000_000);
    truncateSync(path.join(project, 'node_modules/larger/b.wasm'), 162_000_000);
    expect(ship('large', 'arm64')).toHaveLength(6); // just below
    truncateSync(path.join(project, 'node_modules/larger/b.wasm'), 163_000_000);
    expect(await thrownBy(() => ship('large', 'arm64'))).toMatchObject({
      code: 'BundlingFailed',
      what: `${FILE}: the packages that are shipped beside its bundle have 263.0 MB, expected 262.1 MB at most: larger 163.0 MB, large 100.0 MB.`,
    });
    expect(shipBeside([rootOf('large')], targetOf(undefined), FILE).size).toBe(6); // this machine takes it
  });

  it('takes one that has an addon which fits, and something optional besides that does not', () => {
    packageAt('node_modules/native', { optionalDependencies: { faster: '1' } }, { 'a.node': ARM64 });
    packageAt('node_modules/faster', {}, { 'a.node': MAC });
    expect(addons('native', 'arm64')).toEqual(['node_modules/native/a.node']);
  });
});
