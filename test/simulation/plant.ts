// Plants a deliberate fault: the code under test is built with the body of one function, which is known by its name, replaced.
// A name that is not there, or is there twice, is an error: no renaming makes a fault vanish in silence.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import ts from 'typescript';
import type { Code } from './surroundings.ts';

/** One function of the code under test, and what stands in its place. */
export interface Planted {
  /** From the root of the project. */
  file: string;
  /** Of a function, of a constant that is one, or of a method. */
  name: string;
  /**
   * The code of a function that is called instead, with the original as its first argument, and the arguments after it:
   * `() => undefined`, or `async (original, turn) => …`. Names that the file has are in reach.
   */
  instead: string;
}

/** The source with the fault in it. */
export function plant(source: string, { file, name, instead }: Planted): string {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);
  const found: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    if (isNamed(node, name)) found.push(node);
    ts.forEachChild(node, visit);
  };
  visit(tree);
  const [node] = found;
  if (!node || found.length > 1) throw new Error(`expected one function "${name}" in ${file}, found ${found.length}`);
  const [start, end] = [node.getStart(), node.getEnd()];
  return source.slice(0, start) + replaced(node, name, instead) + source.slice(end);
}

const isNamed = (node: ts.Node, name: string): boolean =>
  (ts.isFunctionDeclaration(node) && node.body !== undefined && node.name?.text === name) ||
  (ts.isMethodDeclaration(node) && node.name.getText() === name) ||
  (ts.isVariableDeclaration(node) && node.name.getText() === name && isFunction(node.initializer)) ||
  (ts.isPropertyAssignment(node) && node.name.getText() === name && isFunction(node.initializer));

const isFunction = (node: ts.Expression | undefined): boolean =>
  node !== undefined && (ts.isArrowFunction(node) || ts.isFunctionExpression(node));

function replaced(node: ts.Node, name: string, instead: string): string {
  const text = node.getText();
  const original = `original_${name.replace('#', '')}`;
  if (ts.isFunctionDeclaration(node)) {
    const exported = /^export\b/.test(text) ? 'export ' : '';
    const inner = text.replace(/^export\s+/, '').replace(new RegExp(`\\b${name}\\b`), original);
    return `${exported}function ${name}(...given: any[]): any { return ((${instead}) as any)(${original}, ...given); }\n${inner}`;
  }
  if (ts.isMethodDeclaration(node)) {
    const inner = text.replace(name, original);
    return `${name}(...given: any[]): any { return ((${instead}) as any)((...a: any[]) => (this as any).${original}(...a), ...given); }\n${inner}`;
  }
  const { initializer } = node as ts.VariableDeclaration | ts.PropertyAssignment;
  const at = initializer!.getStart() - node.getStart();
  return `${text.slice(0, at)}((original: any) => (...given: any[]): any => ((${instead}) as any)(original, ...given))(${initializer!.getText()})`;
}

/** The code under test with these faults; none: as it is. */
export async function codeWith(planted: readonly Planted[]): Promise<Code> {
  const folder = await mkdtemp(join(tmpdir(), 'planted-'));
  const left = new Set(planted);
  try {
    const outfile = join(folder, 'code.mjs');
    await build({
      entryPoints: [fileURLToPath(new URL('code.ts', import.meta.url))],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      logLevel: 'silent',
      plugins: [
        {
          name: 'plant',
          setup: (bundle) => {
            bundle.onLoad({ filter: /\/(core|lambdas)\/.*\.ts$/ }, async ({ path }) => {
              let contents = await readFile(path, 'utf8');
              for (const one of planted.filter(({ file }) => path.endsWith(`/${file}`))) {
                contents = plant(contents, one);
                left.delete(one);
              }
              return { contents, loader: 'ts' };
            });
          },
        },
      ],
    });
    for (const { file } of left) throw new Error(`${file} is not part of the code under test`);
    return (await import(pathToFileURL(outfile).href)) as Code;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
