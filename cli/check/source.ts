// What the source text shows: type errors, promises that nobody awaits, and work at the top level of the module.
import { ESLint } from 'eslint';
import path from 'node:path';
import ts from 'typescript';
import { OdinError } from '../../core/errors.ts';
import type { MigrationFile } from '../../project/discover.ts';
import type { Finding, Found } from './finding.ts';
import { functionTexts } from './function-text.ts';
import { isThenable, notAwaited } from './not-awaited.ts';
import { excerpt, placeOf } from './place.ts';
import { parser, promisePlugin } from './promise-rules.ts';
import { sliceEnds } from './slice-end.ts';

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
  const checker = program.getTypeChecker();
  const own = new Map(migrations.map((migration) => [path.resolve(migration.path), migration.file]));
  const sources = program.getSourceFiles().filter(isOfTheTeam);
  const nameOf = (file: string) => own.get(path.resolve(file)) ?? path.relative(projectDirectory, file);
  const perFile = sources.flatMap((source) => {
    const found = [
      ...typeErrors(program, source),
      ...(own.has(path.resolve(source.fileName)) ? topLevelWork(checker, source) : []),
      ...notAwaited(checker, source),
      ...sliceEnds(source),
      ...functionTexts(checker, source),
    ];
    return found.map((each): Finding => ({ environment, file: nameOf(source.fileName), ...each }));
  });
  const misused = await misusedPromises(
    program,
    sources.map(({ fileName }) => fileName),
  );
  return [...perFile, ...misused.map(({ file, ...each }): Finding => ({ environment, file: nameOf(file), ...each }))];
}

/** The migrations, and what they import: what is wrong in a helper is as wrong as in the file itself. */
const isOfTheTeam = ({ fileName, isDeclarationFile }: ts.SourceFile): boolean =>
  !isDeclarationFile && !fileName.includes('/node_modules/') && /\.[cm]?[jt]sx?$/.test(fileName);

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
  // A helper may be JavaScript, whatever the project's own compiler is told of that.
  return { options: { ...options, types: options.types ?? ['*'], allowJs: true, noEmit: true }, declarations };
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
      (ts.isCallExpression(node) && (isThenable(checker, checker.getTypeAtLocation(node)) || hasEffect(checker, node)));
    if (works) found.push(node);
    else ts.forEachChild(node, visit);
  };
  visit(root);
  return found;
}

const WITH_EFFECTS = /@types\/node\/(fs|child_process)\.d\.ts$/;

const hasEffect = (checker: ts.TypeChecker, node: ts.CallExpression): boolean =>
  WITH_EFFECTS.test(checker.getResolvedSignature(node)?.declaration?.getSourceFile().fileName ?? '');

// Promises where none is expected

/** typescript-eslint's own rule on the program that was made above, whatever the project's own lint allows. */
async function misusedPromises(program: ts.Program, files: string[]): Promise<(Found & { file: string })[]> {
  const eslint = new ESLint({
    cwd: path.parse(process.cwd()).root, // a helper may lie outside of the project
    overrideConfigFile: true,
    ignore: false,
    overrideConfig: {
      files: ['**/*.{ts,mts,cts,tsx,js,mjs,cjs,jsx}'],
      linterOptions: { reportUnusedDisableDirectives: 'off' },
      languageOptions: {
        parser,
        parserOptions: { programs: [program] },
      },
      plugins: { '@typescript-eslint': promisePlugin },
      rules: { [MISUSED]: ['error', { checksVoidReturn: { arguments: true } }] },
    },
  });
  const results = await eslint.lintFiles(files);
  return results.flatMap(({ filePath, messages }) =>
    messages
      // A syntax error is told by the compiler already; an unknown rule in a comment is the project's own business.
      .filter(({ ruleId }) => ruleId === MISUSED)
      .map(({ line, column, message }) => ({
        severity: 'error',
        rule: 'floating-promise',
        file: filePath,
        line,
        column,
        message,
      })),
  );
}

const MISUSED = '@typescript-eslint/no-misused-promises';
