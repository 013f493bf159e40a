// What the source text shows: type errors, promises that nobody awaits, and work at the top level of the module.
import { ESLint } from 'eslint';
import path from 'node:path';
import ts from 'typescript';
import { OdinError } from '../../core/errors.ts';
import type { MigrationFile } from '../../project/discover.ts';
import type { Finding } from './finding.ts';
import { parser, promisePlugin } from './promise-rules.ts';

/** @throws OdinError BadConfiguration when the project's tsconfig.json cannot be read */
export async function sourceFindings(
  environment: string,
  migrations: readonly MigrationFile[],
  projectDirectory: string,
): Promise<Finding[]> {
  if (migrations.length === 0) return [];
  const files = migrations.map((migration) => migration.path);
  const { options, declarations } = compilerSettings(files[0] ?? projectDirectory);
  const program = ts.createProgram([...files, ...declarations], options);
  const perFile = migrations.flatMap((migration) => {
    const source = program.getSourceFile(migration.path);
    if (!source) return [];
    return [...typeErrors(program, source), ...topLevelWork(program.getTypeChecker(), source)].map(
      (found): Finding => ({ environment, file: migration.file, ...found }),
    );
  });
  return [...perFile, ...(await floatingPromises(environment, migrations, program, projectDirectory))];
}

type Found = Omit<Finding, 'environment' | 'file'>;

/** Of a project without a tsconfig.json: as strict as can be, for the Node.js that Lambda runs. */
const STRICT: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2024,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  strict: true,
  skipLibCheck: true,
  allowImportingTsExtensions: true,
};

interface CompilerSettings {
  options: ts.CompilerOptions;
  /** The project's own declaration files: of what it imports besides code, for one (`declare module '*.sql'`). */
  declarations: string[];
}

/** Of the tsconfig.json that is nearest to the files, as for editors and bundlers. */
function compilerSettings(file: string): CompilerSettings {
  const found = ts.findConfigFile(path.dirname(file), (name) => ts.sys.fileExists(name));
  const { options, declarations } = found === undefined ? { options: STRICT, declarations: [] } : settingsIn(found);
  // The types of all packages when nothing is said of them, as before TypeScript 6: the project may use an older one, or a newer.
  return { options: { ...options, types: options.types ?? ['*'], noEmit: true }, declarations };
}

function settingsIn(file: string): CompilerSettings {
  const read = ts.readConfigFile(file, (name) => ts.sys.readFile(name));
  const config: unknown = read.config;
  const { error } = read;
  if (error) {
    throw new OdinError({
      code: 'BadConfiguration',
      source: 'user',
      what: `tsconfig.json cannot be read: ${ts.flattenDiagnosticMessageText(error.messageText, ' ')}.`,
      next: 'Correct the file; git has its last good version.',
    });
  }
  const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, path.dirname(file));
  return { options, declarations: fileNames.filter((name) => /\.d\.[cm]?ts$/.test(name)) };
}

const typeErrors = (program: ts.Program, source: ts.SourceFile): Found[] =>
  [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map((diagnostic) => ({
    severity: diagnostic.category === ts.DiagnosticCategory.Error ? 'error' : 'warning',
    rule: 'types',
    ...placeOf(source, diagnostic.start ?? 0),
    message: `${ts.flattenDiagnosticMessageText(diagnostic.messageText, ' ')} (TS${diagnostic.code})`,
  }));

// Work at the top level

/**
 * The top level runs at synth, and again whenever Lambda loads the module: twice after a slow start (docs/aws-facts.md). So it may
 * declare things and make clients, and do nothing else.
 */
const topLevelWork = (checker: ts.TypeChecker, source: ts.SourceFile): Found[] =>
  source.statements.flatMap((statement) =>
    workIn(checker, statement).map((node): Found => ({
      severity: 'error',
      rule: 'top-level',
      ...placeOf(source, node.getStart(source)),
      message: `Work at the top level of the module: ${excerpt(node, source)}. It would run at synth and at every load, as often as that is. Move it into migration().`,
    })),
  );

function workIn(checker: ts.TypeChecker, statement: ts.Statement): ts.Node[] {
  if (ts.isVariableStatement(statement) || ts.isExportAssignment(statement))
    return promisesAndEffects(checker, statement);
  if (ts.isExpressionStatement(statement) && ts.isStringLiteral(statement.expression)) return []; // 'use strict'
  return STATEMENTS_THAT_WORK.has(statement.kind) ? [statement] : [];
}

/** The others are imports, exports, functions, classes and types. */
const STATEMENTS_THAT_WORK: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.ExpressionStatement,
  ts.SyntaxKind.ForStatement,
  ts.SyntaxKind.ForOfStatement,
  ts.SyntaxKind.ForInStatement,
  ts.SyntaxKind.WhileStatement,
  ts.SyntaxKind.DoStatement,
  ts.SyntaxKind.IfStatement,
  ts.SyntaxKind.SwitchStatement,
  ts.SyntaxKind.TryStatement,
  ts.SyntaxKind.ThrowStatement,
  ts.SyntaxKind.Block,
]);

/** `await`, a call that starts something asynchronous, and one that touches files or starts processes. */
function promisesAndEffects(checker: ts.TypeChecker, root: ts.Node): ts.Node[] {
  const found: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) || ts.isClassLike(node)) return; // runs when it is called
    const works =
      ts.isAwaitExpression(node) ||
      (ts.isCallExpression(node) && (isThenable(checker, node) || hasEffect(checker, node)));
    if (works) found.push(node);
    else ts.forEachChild(node, visit);
  };
  visit(root);
  return found;
}

const isThenable = (checker: ts.TypeChecker, node: ts.Expression): boolean =>
  checker.getTypeAtLocation(node).getProperty('then') !== undefined;

const WITH_EFFECTS = /@types\/node\/(fs|child_process)\.d\.ts$/;

const hasEffect = (checker: ts.TypeChecker, node: ts.CallExpression): boolean =>
  WITH_EFFECTS.test(checker.getResolvedSignature(node)?.declaration?.getSourceFile().fileName ?? '');

function placeOf(source: ts.SourceFile, position: number): { line: number; column: number } {
  const { line, character } = source.getLineAndCharacterOfPosition(position);
  return { line: line + 1, column: character + 1 };
}

function excerpt(node: ts.Node, source: ts.SourceFile): string {
  const text = node.getText(source).replaceAll(/\s+/g, ' ');
  return text.length > 50 ? `${text.slice(0, 49)}…` : text;
}

// Floating promises

/** typescript-eslint's own rules on the program that was made above, whatever the project's own lint allows. */
async function floatingPromises(
  environment: string,
  migrations: readonly MigrationFile[],
  program: ts.Program,
  projectDirectory: string,
): Promise<Finding[]> {
  const eslint = new ESLint({
    cwd: projectDirectory,
    overrideConfigFile: true,
    ignore: false,
    overrideConfig: {
      files: ['**/*.ts'],
      linterOptions: { reportUnusedDisableDirectives: 'off' },
      languageOptions: {
        parser,
        parserOptions: { programs: [program] },
      },
      plugins: { '@typescript-eslint': promisePlugin },
      rules: {
        '@typescript-eslint/no-floating-promises': 'error',
        '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: true } }],
      },
    },
  });
  const results = await eslint.lintFiles(migrations.map((migration) => migration.path));
  const files = new Map(migrations.map((migration) => [migration.path, migration.file]));
  return results.flatMap(({ filePath, messages }) =>
    messages
      // A syntax error is told by the compiler already; an unknown rule in a comment is the project's own business.
      .filter(({ ruleId }) => ruleId !== null && OUR_RULES.has(ruleId))
      .map(({ line, column, message }): Finding => {
        const file = files.get(filePath) ?? path.relative(projectDirectory, filePath);
        return { environment, severity: 'error', rule: 'floating-promise', file, line, column, message };
      }),
  );
}

const OUR_RULES = new Set(['@typescript-eslint/no-floating-promises', '@typescript-eslint/no-misused-promises']);
