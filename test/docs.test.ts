// What the documents show is what the code takes: their snippets are compiled and evaluated, their records parsed.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { afterAll, describe, expect, it } from 'vitest';
import { DecidePayload } from '../core/contract/payloads.ts';
import { CheckpointRecord } from '../core/ledger/checkpoints.ts';
import { Allowed, Completed, Decided, Halted, HALT_REASONS } from '../core/ledger/entries.ts';
import { BatchOutcome } from '../core/ledger/batches.ts';
import { KINDS } from '../core/ledger/keys.ts';
import { Claim, Outcome } from '../core/ledger/turns.ts';
import { Waiter } from '../core/ledger/waiters.ts';
import { parseConfiguration } from '../project/configuration.ts';
import { inspectMigrations } from '../project/inspect.ts';

const PROJECT = path.resolve(import.meta.dirname, '..');
const read = (file: string) => readFileSync(path.join(PROJECT, file), 'utf8');

/** The fenced blocks whose info string begins with `language`; what follows it is their label. */
const blocks = (file: string, language: string): { label: string; text: string }[] =>
  [...read(file).matchAll(/^```(\w+) ?(.*)\n([\s\S]*?)^```$/gm)]
    .filter(([, found]) => found === language)
    .map(([, , label = '', text = '']) => ({ label, text }));

describe('the documents', () => {
  const directory = path.join(PROJECT, '.odin-migrate', 'test');
  mkdirSync(directory, { recursive: true });
  const folder = mkdtempSync(path.join(directory, 'docs-')); // inside the project: the snippets import its packages
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(['README.md', 'docs/migrations.md', 'docs/preview.md'])(
    '%s: every snippet is a migration that compiles and is accepted',
    (file) => {
      const snippets = blocks(file, 'ts');
      expect(snippets.length).toBeGreaterThan(0);
      const migrations = snippets.map(({ text }, index) => {
        const id = String(index + 1).padStart(4, '0');
        const target = path.join(folder, `${path.basename(file, '.md')}-${id}.ts`);
        writeFileSync(target, text);
        return { id, file: target, path: target, sourceSha256: '' };
      });
      const read = ts.readConfigFile(path.join(PROJECT, 'tsconfig.json'), (name) => ts.sys.readFile(name));
      const { compilerOptions } = read.config as { compilerOptions: unknown };
      const { options } = ts.convertCompilerOptionsFromJson(compilerOptions, PROJECT);
      const program = ts.createProgram(
        migrations.map((migration) => migration.path),
        options,
      );
      const complaints = ts
        .getPreEmitDiagnostics(program)
        .map(
          ({ messageText, file: source }) =>
            `${source?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
        );
      expect(complaints).toEqual([]);
      // What docs/configuration.md gives.
      const given = {
        variables: { DATA_BUCKET: 'springboard' },
        account: '111122223333',
        region: 'eu-west-1',
        partition: 'aws',
      };
      expect(inspectMigrations(migrations, given)).toHaveLength(snippets.length);
    },
  );

  it('docs/testing-migrations.md: the example is the test that runs', () => {
    expect(blocks('docs/testing-migrations.md', 'ts').map(({ text }) => text)).toEqual([
      read('test/migrations/example.test.ts'),
    ]);
  });

  it('docs/aws-facts.md: each fact ends with a page and its day, a package and its version, or what observed it', () => {
    const facts = read('docs/aws-facts.md').match(/^- .*$/gm) ?? [];
    expect(facts.length).toBeGreaterThan(40);
    const page = /\(\[[^\]]+\]\(https:\S+\), 20\d\d-\d\d-\d\d\)\.?$/;
    const installed = /\(`[@a-z][\w@/-]+` \d+\.\d+\.\d+, [^()]+\)$/;
    const observed = /\((Observed|No source was found): [^()]+\)$/;
    expect(facts.filter((fact) => ![page, installed, observed].some((source) => source.test(fact)))).toEqual([]);
  });

  it('docs/records.md: each record is one that the ledger can read', () => {
    const schemas = {
      allowed: Allowed,
      halted: Halted,
      decided: Decided,
      completed: Completed,
      claim: Claim,
      outcome: Outcome,
      batch: BatchOutcome,
      checkpoint: CheckpointRecord,
      waiter: Waiter,
    };
    const shown = blocks('docs/records.md', 'json');
    expect(shown.map(({ label }) => label).sort()).toEqual(Object.keys(schemas).sort());
    for (const { label, text } of shown) {
      const record: unknown = JSON.parse(text);
      expect(schemas[label as keyof typeof schemas].parse(record), label).toEqual(record); // no field that is unknown
    }
  });

  it('docs/records.md: each kind of key is there with its writers, and each reason of a halt', () => {
    const rows = read('docs/records.md').split('\n');
    for (const { pattern, writers } of Object.values(KINDS)) {
      const shown = new RegExp(
        `^\\| \`${pattern.replace('<migration>', '\\d{4}').replace('<number>', '\\d{8}').replace('<id>', '[^/]+').replaceAll('.', '\\.')}\` `,
      );
      const row = rows.find((line) => shown.test(line)) ?? `no row for ${pattern}`;
      for (const writer of writers)
        expect(row).toContain(writer === 'migration' ? "the migration's function" : `\`${writer}\``);
    }
    for (const reason of HALT_REASONS) expect(rows.some((line) => line.startsWith(`| \`${reason}\` `))).toBe(true);
  });

  it('docs/runbook.md: what is pasted into the form of the Lambda console is a decision, with a reason too', () => {
    const pasted = [...read('docs/runbook.md').matchAll(/`(\{ "ask": [^`]+\})`/g)].map(
      ([, text = '']) => JSON.parse(text) as object,
    );
    expect(pasted).toHaveLength(1);
    for (const payload of pasted) {
      expect(DecidePayload.parse(payload)).toEqual(payload);
      for (const decision of ['mark-applied', 'skip'])
        expect(() => DecidePayload.parse({ ...payload, decision, reason: 'done by hand' })).not.toThrow();
      const more = [...read('docs/runbook.md').matchAll(/`("(?:begin|instead)": [^`]+)`/g)].map(([, text]) => text);
      expect(more).toHaveLength(3);
      for (const field of more) {
        const added = JSON.parse(`{ ${field} }`) as object;
        expect(DecidePayload.parse({ ...payload, ...added })).toMatchObject(added);
      }
    }
  });

  it('docs/configuration.md: the example is taken', () => {
    const [example] = blocks('docs/configuration.md', 'json');
    expect(() => parseConfiguration(JSON.parse(example?.text ?? ''))).not.toThrow();
  });

  it('docs/why.md: what is said of another tool has a page', () => {
    const sections = read('docs/why.md').split(/^## /m).slice(1);
    const ofOthers = sections.filter((section) => !/^(odin-migrate|A script)\n/.test(section));
    expect(ofOthers).toHaveLength(4);
    for (const section of ofOthers) expect(section).toMatch(/\]\(https:\/\/\S+\)/);
  });

  it('docs/dependencies.md: every dependency has its reason, and no other is named', () => {
    const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<
      string,
      Record<string, string>
    >;
    const table = read('docs/dependencies.md')
      .split('\n')
      .filter((line) => line.startsWith('| `'));
    const named = table.flatMap((line) =>
      [...(line.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name),
    );
    expect(named.sort()).toEqual([...Object.keys(dependencies ?? {}), ...Object.keys(devDependencies ?? {})].sort());
  });

  it('every version in package.json is exact', () => {
    const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<
      string,
      Record<string, string>
    >;
    for (const version of Object.values({ ...dependencies, ...devDependencies }))
      expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  });
});

describe('references', () => {
  const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: PROJECT, encoding: 'utf8' })
    .split('\0')
    .filter(Boolean);
  const texts = tracked
    .filter((file) => /\.(ts|js|md|py|yml)$/.test(file) || file === '.ci/run')
    .filter((file) => file !== 'test/docs.test.ts' && existsSync(path.join(PROJECT, file)))
    .map((file) => ({ file, text: read(file) }));
  /** The heading of a section, or of a page, as a link names it. */
  const anchors = (page: string) =>
    [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    );

  it('to pages lead to pages, and to sections of the design to sections', () => {
    const sections = new Set([...read('docs/design.md').matchAll(/^## (\d+)\./gm)].map(([, section]) => section));
    const astray = texts.flatMap(({ file, text }) =>
      [...text.matchAll(/\bdocs\/[\w-]+\.md(?: §(\d+))?/g)]
        .filter(([, section]) => section === undefined || !sections.has(section))
        .filter(([found, section]) => section !== undefined || !existsSync(path.join(PROJECT, found)))
        .map(([found]) => `${file}: ${found}`),
    );
    expect(astray).toEqual([]);
    expect(sections.size).toBe(10);
  });

  /** An example is a project of its own. */
  const rootOf = (file: string) => path.join(PROJECT, /^examples\/[^/]+/.exec(file)?.[0] ?? '');

  it('to files in comments lead to files', () => {
    const folders = 'aws|authoring|cli|client|core|infra|lambdas|local|project|scripts|test';
    const named = new RegExp(`(?:\\(|\`| )((?:${folders})/[\\w./-]+\\.(?:ts|py)|[\\w/-]+/README\\.md)`, 'g');
    const astray = texts
      .filter(({ file }) => !file.startsWith('test/') && file !== '.dependency-cruiser.js')
      .flatMap(({ file, text }) =>
        [...text.matchAll(named)]
          .map(([, target = '']) => target)
          .filter((target) => !existsSync(path.join(rootOf(file), target)))
          .map((target) => `${file}: ${target}`),
      );
    expect(astray).toEqual([]);
  });

  it('in links lead to files, and to headings in them', () => {
    const astray = texts
      .filter(({ file }) => file.endsWith('.md'))
      .flatMap(({ file, text }) =>
        [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)]
          .filter(([, target = '', anchor]) => {
            const page = target === '' ? file : path.join(path.dirname(file), target);
            if (!existsSync(path.join(PROJECT, page))) return true;
            return anchor !== undefined && page.endsWith('.md') && !anchors(page).includes(anchor);
          })
          .map(([found]) => `${file}: ${found}`),
      );
    expect(astray).toEqual([]);
  });

  it('of npm scripts name scripts that there are', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const astray = texts
      .filter(({ file }) => file.endsWith('.md'))
      .flatMap(({ file, text }) =>
        [...text.matchAll(/npm run ([a-z][\w:-]*)/g)]
          .filter(([, script = '']) => !(script in scripts))
          .map(([found]) => `${file}: ${found}`),
      );
    expect(astray).toEqual([]);
  });

  it('to documents that are not in this repository are not there', () => {
    const astray = texts
      .filter(({ text }) => /DESIGN §|AWS-FACTS|LAYOUT\.md|\(STYLE/.test(text))
      .map(({ file }) => file);
    expect(astray).toEqual([]);
  });
});
