// Folders of migrations as nobody means them: names, encodings, what a file exports and throws. `check` and synth say what is wrong of
// which file, and what passes runs on the embedded AWS to its end, by decisions at most.
import fc from 'fast-check';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, vi } from 'vitest';
import { invokeFunction } from '../../aws/invoke.ts';
import { checkEnvironment } from '../../cli/commands/check.ts';
import { startRun } from '../../client/deployment.ts';
import { startEmbedded } from '../../client/embedded.ts';
import { OdinError } from '../../core/errors.ts';
import { systemFunctionName } from '../../core/names/names.ts';
import { planEnvironment } from '../../project/plan.ts';
import type { TestProject } from '../cli/project.ts';
import { testProject } from '../cli/project.ts';
import { changed, HOSTILE_TEXT, hostileJson, hostileText } from '../support/hostile.ts';
import { synthesiseStack } from '../support/synth.ts';
import { fuzz } from './fuzz.ts';

beforeEach(() => {
  vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
});
afterEach(() => {
  vi.restoreAllMocks();
});

const fileName = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('0001.ts', '0002.ts', '0003.ts') },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '4.ts',
      '0004.TS',
      '0005.mts',
      '0006.js',
      '0007.ts.ts',
      '٠٠٠١.ts',
      'completed.json',
      'a/0008.ts',
      '0009.d.ts',
    ),
  },
  {
    weight: 1,
    arbitrary: hostileText
      .map((name) => Buffer.from(name.replaceAll(/[/\0]/g, '').toWellFormed()).subarray(0, 100).toString())
      .filter((name) => !['', '.', '..'].includes(name) && !name.includes('\ufffd')),
  },
);

const FIELDS = [
  'description',
  'timeoutMinutes',
  'memoryMb',
  'ephemeralStorageMb',
  'permissions',
  'access',
  'previewAllows',
  'variables',
  'then',
  'default',
];
const VALUES = {
  description: 'what it does',
  timeoutMinutes: 5,
  permissions: [
    { Effect: 'Allow', Action: ['s3:GetObject'], Resource: 'arn:aws:s3:::b/*', Condition: { Bool: { a: 'true' } } },
  ],
  access: ['data'],
  previewAllows: ['network:example.com'],
};
const field = fc
  .tuple(
    fc.constantFrom(...FIELDS),
    fc.oneof(
      hostileJson,
      changed(VALUES).map((all) => Object.values(all ?? {})[0] as unknown),
    ),
  )
  .map(
    ([name, value]) =>
      (name === 'default' ? 'export default ' : `export const ${name} = `) +
      `${(JSON.stringify(value) ?? 'undefined').slice(0, 5_000)};\n`,
  );

const HOSTILE = JSON.stringify(HOSTILE_TEXT);
const ENDS = [
  '',
  'throw null;',
  'throw Object.create(null);',
  'throw { get message() { throw 1; } };',
  `throw new Error(${HOSTILE}.repeat(2000));`,
  'throw new AggregateError([new Error("a"), 5], "several");',
  'const e = new Error("round"); e.cause = e; throw e;',
  'const again = (): never => again(); again();',
  'process.exit(0);',
  'process.abort();',
  'process.kill(process.pid, "SIGKILL");',
  'void Promise.reject(new Error("nobody waits"));',
  'setInterval(() => undefined, 1000);',
  'JSON.stringify = () => { throw new Error("no JSON"); };',
  'Array.prototype.map = () => []; Object.prototype.toString = () => { throw 1; };',
  'process.send?.("hello"); process.disconnect?.();',
  'process.emit("SIGTERM" as never); process.removeAllListeners();',
  `console.log(${HOSTILE}.repeat(500)); process.stdout.end();`,
  '(globalThis as any).Promise = class {};',
  'return 5 as never;',
];
const YIELDS = [
  'undefined',
  'null',
  '{ cursor: 1n }',
  '{ cursor: () => 1 }',
  '{ cursor: { a: [1] }, done: -1, total: 0 }',
  `{ cursor: 1, note: ${HOSTILE} }`,
  '{ cursor: Symbol("x") }',
  '5',
  '{ cursor: "x".repeat(300_000) }',
  '{ cursor: 1, done: 1, total: 2 }',
  '{ then: 1 }',
  '(() => { const o: any = {}; o.o = o; return { cursor: o }; })()',
];
const code = fc.oneof(
  fc
    .constantFrom(...ENDS)
    .map((end) => `export async function migration(): Promise<void> { await Promise.resolve(); ${end} }\n`),
  fc
    .tuple(fc.array(fc.constantFrom(...YIELDS), { maxLength: 3 }), fc.constantFrom(...ENDS.slice(0, 9)))
    .map(
      ([yields, end]) =>
        `export async function* migration(): AsyncGenerator<any> { ${yields.map((each) => `yield ${each};`).join(' ')} ${end} }\n`,
    ),
  fc.constantFrom(
    'export const migration = 5;\n',
    'export class migration {}\n',
    'export const migration = () => undefined;\n',
    'export function* migration() { yield 1; }\n',
    '',
    'module.exports = {};\n',
  ),
);
const before = fc.constantFrom(
  '',
  '',
  '',
  '#!/usr/bin/env node\n',
  '\ufeff',
  "import './0002.ts';\n",
  "import '../odin-dev/0003.ts';\n",
  "import x from './nowhere.ts';\n",
  "import * as all from './0001.ts';\nconsole.log(all);\n",
  "import data from './completed.json' with { type: 'json' };\nvoid data;\n",
  'throw new Error("at its top");\n',
  'await new Promise(() => undefined);\n',
  'process.exit(3);\n',
  "import fs from 'node:fs';\nfs.readFileSync('/nowhere');\n",
  'const a = ;\n',
);
const content = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(before, fc.array(field, { maxLength: 3 }), code)
      .map((parts) => Buffer.from(parts.flat().join(''))),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 1, arbitrary: code.map((text) => Buffer.from(`\ufeff${text}`, 'utf16le')) },
  { weight: 1, arbitrary: code.map((text) => Buffer.from(`// \u00e4\n${text}`, 'latin1')) },
  { weight: 1, arbitrary: hostileText.map((text) => Buffer.from(text.slice(0, 20_000))) },
  {
    weight: 1,
    arbitrary: fc
      .oneof(
        hostileJson,
        changed([
          { id: '0009', completion: 'applied', time: '2026-11-02T10:11:12.123Z', sourceSha256: 'a'.repeat(64) },
        ]),
      )
      .map((json) => Buffer.from(JSON.stringify(json) ?? '')),
  },
);
const entry = fc.tuple(
  fileName,
  fc.oneof(
    { weight: 12, arbitrary: content },
    { weight: 1, arbitrary: fc.constantFrom('folder' as const, 'loop' as const) },
  ),
);
const folder = fc.uniqueArray(entry, { maxLength: 4, selector: ([name]) => name });

function projectOf(files: [string, Buffer | 'folder' | 'loop'][]): TestProject {
  const project = testProject({ 'odin-dev/README.md': '' });
  for (const [name, what] of files) {
    const file = path.join(project.directory, 'migrations/odin-dev', name);
    mkdirSync(path.dirname(file), { recursive: true });
    if (what === 'folder') mkdirSync(file, { recursive: true });
    else if (what === 'loop') symlinkSync(file, file);
    else writeFileSync(file, what);
  }
  return project;
}

function expectSaid(thrown: unknown): void {
  if (!(thrown instanceof OdinError)) throw thrown;
  expect(thrown.code, thrown.message).not.toBe('Internal');
  expect(thrown.message.length).toBeLessThan(20_000);
}

fuzz('synth plans any folder, or says which file is wrong', 0.2, folder, (files) => {
  const project = projectOf(files);
  try {
    const { problems } = planEnvironment({
      environment: 'odin-dev',
      projectDirectory: project.directory,
      configuration: project.configuration,
    });
    problems.forEach(expectSaid);
  } catch (thrown) {
    expectSaid(thrown);
  } finally {
    project.remove();
  }
});

fuzz('check says what is wrong with any folder', 0.15, folder, async (files) => {
  const project = projectOf(files);
  try {
    const { findings } = await checkEnvironment(project, 'odin-dev', undefined);
    for (const { message } of findings) expect(message).not.toMatch(/^$|Internal|\n\s+at .*odin-migrate/);
  } catch (thrown) {
    expectSaid(thrown);
  } finally {
    project.remove();
  }
});

const one = fc.tuple(fc.array(field, { maxLength: 1 }), code).map((parts) => parts.flat().join(''));

fuzz('what passes synth becomes a template', 0.1, fc.array(one, { minLength: 1, maxLength: 2 }), (texts) => {
  try {
    synthesiseStack({}, Object.fromEntries(texts.map((text, index) => [`000${index + 1}.ts`, text])));
  } catch (thrown) {
    // CDK tells what we annotate by an error of its own.
    if ((thrown as Error).name === 'ValidationFailed') expect((thrown as Error).message).toMatch(/ERROR .*\/000\d\.ts/);
    else expectSaid(thrown);
  }
});

fuzz(
  'what passes synth runs here to its end, by decisions at most',
  0.2,
  fc.array(one, { minLength: 1, maxLength: 2 }),
  async (texts) => {
    const project = projectOf(texts.map((text, index) => [`000${index + 1}.ts`, Buffer.from(text)]));
    let embedded;
    try {
      embedded = await startEmbedded({
        project,
        environment: 'odin-dev',
        directory: path.join(project.directory, 'here'),
        usersOwnS3: false,
      });
      const { deployment } = embedded;
      await startRun(deployment);
      const resume = systemFunctionName(deployment, 'resume');
      for (;;) {
        const { turn, migrations } = await deployment.ledger.log.look();
        if (!turn && texts.every((_, index) => migrations[`000${index + 1}`]?.completion)) break;
        // A halt is opened before its token is there: a decision that comes between is told to it all the same.
        if (turn?.halt && !turn.halt.decided) {
          await invokeFunction(deployment.lambda, resume, { ask: 'decide', decision: 'skip', reason: 'r', by: 'her' });
        }
        await sleep(20);
      }
    } catch (thrown) {
      expectSaid(thrown);
    } finally {
      await embedded?.close();
      project.remove();
    }
  },
);
