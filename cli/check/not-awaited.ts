// What the source shows of work that ends with the migration, half done or not begun: promises that nobody awaits, generators that
// nobody goes through, timers, calls that answer by a callback.
import ts from 'typescript';
import type { Found } from './finding.ts';
import { calleeName, excerpt, placeOf } from './place.ts';

/** @param source the migration's own file, or one that it imports */
export function notAwaited(checker: ts.TypeChecker, source: ts.SourceFile): Found[] {
  const found: Found[] = [];
  const uses = usesIn(checker, source);
  const report = (node: ts.Node, severity: Found['severity'], why: string) => {
    found.push({
      severity,
      rule: 'floating-promise',
      ...placeOf(source, node.getStart(source)),
      message: `${why}: ${excerpt(node, source)}`,
    });
  };
  const judge = (node: ts.Expression): void => {
    const expression = bare(node);
    if (ts.isConditionalExpression(expression)) {
      judge(expression.whenTrue);
      judge(expression.whenFalse);
    } else if (ts.isBinaryExpression(expression) && SHORT_CUTS.has(expression.operatorToken.kind)) {
      if (expression.operatorToken.kind === ts.SyntaxKind.CommaToken) judge(expression.left);
      judge(expression.right);
    } else if (ts.isAwaitExpression(expression)) {
      if (isGenerator(checker, expression.expression)) report(node, 'error', NEVER_RUN);
      else if (isListOfPromises(checker, expression)) report(node, 'error', NOT_AWAITED);
    } else if (!isAssignment(expression)) {
      const why = whyLeft(checker, expression);
      if (why) report(node, why.severity, why.why);
    }
  };
  const visit = (node: ts.Node): void => {
    if (ts.isExpressionStatement(node)) judge(node.expression);
    if (ts.isVariableDeclaration(node) && node.initializer && ts.isIdentifier(node.name)) {
      const why = whyLeft(checker, bare(node.initializer)) ?? (isGrown(checker, node) ? UNAWAITED : undefined);
      if (why && !isExported(node) && (uses.get(checker.getSymbolAtLocation(node.name)) ?? []).every(isNoUse)) {
        report(node, why.severity, why.why);
      }
    }
    const returned = returnedBy(node);
    if (returned && isMigration(functionAround(node)) && isListOfPromises(checker, returned)) {
      report(returned, 'error', NOT_AWAITED);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

const NOT_AWAITED =
  'Nobody awaits this, so it ends with the migration, half done. Await it (of several: await Promise.all(…)), also what has a catch';
const NEVER_RUN =
  'None of the code of this generator runs, because nobody goes through it. Write "yield*" or "for await" before it, or return it';
const LEFT_ALIVE =
  'Nobody waits for this, so it ends with the migration. Make it a promise (node:timers/promises, node:fs/promises, new Promise), and await that';

interface Why {
  severity: Found['severity'];
  why: string;
}
const UNAWAITED: Why = { severity: 'error', why: NOT_AWAITED };

/** Of a value that is not used: what is wrong with that. */
function whyLeft(checker: ts.TypeChecker, expression: ts.Expression): Why | undefined {
  if (isPromise(checker, expression) || isListOfPromises(checker, expression)) return UNAWAITED;
  if (isGenerator(checker, expression)) return { severity: 'error', why: NEVER_RUN };
  return isLeftAlive(checker, expression) ? { severity: 'warning', why: LEFT_ALIVE } : undefined;
}

/** Without what changes nothing of it: parentheses, `void`, `as`, `!`. */
function bare(node: ts.Expression): ts.Expression {
  const changesNothing =
    ts.isParenthesizedExpression(node) ||
    ts.isVoidExpression(node) ||
    ts.isAsExpression(node) ||
    ts.isSatisfiesExpression(node) ||
    ts.isNonNullExpression(node);
  return changesNothing ? bare(node.expression) : node;
}

const SHORT_CUTS: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.AmpersandAmpersandToken,
  ts.SyntaxKind.BarBarToken,
  ts.SyntaxKind.QuestionQuestionToken,
  ts.SyntaxKind.CommaToken,
]);

const isAssignment = (node: ts.Expression): boolean =>
  ts.isBinaryExpression(node) &&
  node.operatorToken.kind >= ts.SyntaxKind.FirstAssignment &&
  node.operatorToken.kind <= ts.SyntaxKind.LastAssignment;

const partsOf = (type: ts.Type): readonly ts.Type[] => (type.isUnion() ? type.types : [type]);

export const isThenable = (checker: ts.TypeChecker, type: ts.Type): boolean =>
  partsOf(type).some((part) => {
    const then = part.getProperty('then');
    return then !== undefined && checker.getTypeOfSymbol(then).getCallSignatures().length > 0;
  });

const isPromise = (checker: ts.TypeChecker, node: ts.Expression): boolean =>
  isThenable(checker, checker.getTypeAtLocation(node));

const isListOfPromises = (checker: ts.TypeChecker, node: ts.Expression): boolean =>
  hasPromises(checker, checker.getTypeAtLocation(node));

const hasPromises = (checker: ts.TypeChecker, type: ts.Type): boolean =>
  partsOf(type).some((part) => {
    if (!checker.isArrayType(part) && !checker.isTupleType(part)) return false;
    const each = part.getNumberIndexType();
    return each !== undefined && isThenable(checker, each);
  });

/** `const all: Promise<void>[] = [];`: what is pushed there is to be awaited. */
const isGrown = (checker: ts.TypeChecker, node: ts.VariableDeclaration): boolean =>
  hasPromises(checker, checker.getTypeAtLocation(node.name));

const isGenerator = (checker: ts.TypeChecker, node: ts.Expression): boolean =>
  ts.isCallExpression(bare(node)) &&
  partsOf(checker.getTypeAtLocation(node)).some(({ symbol }) =>
    ['AsyncGenerator', 'Generator'].includes((symbol as ts.Symbol | undefined)?.name ?? ''),
  );

/** A timer, a process, a thread, a request, or a call of Node.js or the AWS SDK that answers by a callback. */
function isLeftAlive(checker: ts.TypeChecker, node: ts.Expression): boolean {
  if (!ts.isCallExpression(node) && !ts.isNewExpression(node)) return false;
  if (isInExecutor(node)) return false;
  const called = calleeName(node.expression);
  if (called === 'unref') return false; // it says that nobody waits for it
  if (TIMERS.has(called)) return isGlobal(node.expression);
  const symbol = checker.getTypeAtLocation(node).symbol as ts.Symbol | undefined;
  if (ALIVE.has(symbol?.name ?? '')) return !ts.isCallExpression(node) || !ON.has(called);
  return ts.isCallExpression(node) && answersByCallback(checker, node);
}

const TIMERS: ReadonlySet<string> = new Set([
  'setTimeout',
  'setInterval',
  'setImmediate',
  'nextTick',
  'queueMicrotask',
]);
const ALIVE: ReadonlySet<string> = new Set([
  'ChildProcess',
  'ChildProcessWithoutNullStreams',
  'Worker',
  'ClientRequest',
]);
/** `worker.on('message', …)` gives back the worker. */
const ON: ReadonlySet<string> = new Set(['on', 'once', 'off', 'addListener', 'removeListener', 'end', 'kill']);

function answersByCallback(checker: ts.TypeChecker, node: ts.CallExpression): boolean {
  const declaration = checker.getResolvedSignature(node)?.declaration;
  const file = declaration?.getSourceFile().fileName ?? '';
  if (!/node_modules\/(@types\/node|@smithy|@aws-sdk)\//.test(file)) return false;
  return (declaration?.parameters ?? []).some(
    ({ name }, index) => /^(cb|callback)$/.test(name.getText()) && node.arguments[index] !== undefined,
  );
}

/** `setTimeout(…)`, `globalThis.setTimeout(…)`, and not `socket.setTimeout(…)`. */
const isGlobal = (callee: ts.Expression): boolean =>
  !ts.isPropertyAccessExpression(callee) || /^(globalThis|global|process|timers)$/.test(callee.expression.getText());

/** Within `new Promise((resolve) => …)`, which others await. */
function isInExecutor(node: ts.Node): boolean {
  for (let at: ts.Node = node; !ts.isSourceFile(at); at = at.parent) {
    if (!ts.isFunctionLike(at)) continue;
    const { parent } = at;
    if (ts.isNewExpression(parent) && ts.isIdentifier(parent.expression) && parent.expression.text === 'Promise')
      return true;
  }
  return false;
}

// What is never used

/** Where each variable is named, but for its declaration. */
function usesIn(checker: ts.TypeChecker, source: ts.SourceFile): Map<ts.Symbol | undefined, ts.Identifier[]> {
  const uses = new Map<ts.Symbol | undefined, ts.Identifier[]>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && !(ts.isVariableDeclaration(node.parent) && node.parent.name === node)) {
      const symbol = ts.isShorthandPropertyAssignment(node.parent)
        ? checker.getShorthandAssignmentValueSymbol(node.parent)
        : ts.isExportSpecifier(node.parent)
          ? checker.getExportSpecifierLocalTargetSymbol(node.parent)
          : checker.getSymbolAtLocation(node);
      uses.set(symbol, [...(uses.get(symbol) ?? []), node]);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return uses;
}

/** It is only written to, added to, or listened to: nobody awaits it. */
function isNoUse(node: ts.Identifier): boolean {
  const { parent } = node;
  if (isInExecutor(node)) return false;
  if (ts.isPropertyAccessExpression(parent) && parent.expression === node) {
    return ADDING.has(parent.name.text) && ts.isCallExpression(parent.parent);
  }
  return ts.isBinaryExpression(parent) && parent.left === node && isAssignment(parent);
}

const ADDING: ReadonlySet<string> = new Set(['push', 'unshift', 'on', 'once']);

function isExported({ parent }: ts.VariableDeclaration): boolean {
  const statement = parent.parent;
  return (
    ts.isVariableStatement(statement) &&
    (statement.modifiers ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
  );
}

// What migration() gives back

function returnedBy(node: ts.Node): ts.Expression | undefined {
  if (ts.isReturnStatement(node)) return node.expression && bare(node.expression);
  return ts.isArrowFunction(node) && !ts.isBlock(node.body) ? bare(node.body) : undefined;
}

const functionAround = (node: ts.Node): ts.Node | undefined =>
  ts.isArrowFunction(node) ? node : ts.findAncestor(node.parent, ts.isFunctionLike);

function isMigration(node: ts.Node | undefined): boolean {
  if (!node) return false;
  const named = ts.isFunctionDeclaration(node) ? node : node.parent;
  const isTop = ts.isFunctionDeclaration(node) ? ts.isSourceFile(node.parent) : ts.isVariableDeclaration(node.parent);
  return isTop && (named as ts.NamedDeclaration).name?.getText() === 'migration';
}
