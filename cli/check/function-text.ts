// Functions that are passed on as text, to a browser, a database, a worker: what is deployed has another text than what is written,
// and calls a helper in it that is not there elsewhere (project/compile.ts, keepNames).
import ts from 'typescript';
import type { Found } from './finding.ts';
import { calleeName, excerpt, placeOf } from './place.ts';

/** @param source the migration's own file, or one that it imports */
export function functionTexts(checker: ts.TypeChecker, source: ts.SourceFile): Found[] {
  const found: Found[] = [];
  const visit = (node: ts.Node): void => {
    for (const expression of takenAsText(checker, node)) {
      if (!isChanged(checker, expression)) continue;
      found.push({
        severity: 'warning',
        rule: 'function-text',
        ...placeOf(source, expression.getStart(source)),
        message: `The text of this function is not what is written here: what is deployed calls a helper in it that is not there elsewhere (s is not defined). Write what has to be text as text, or import it as text: ${excerpt(expression, source)}`,
      });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** `f.toString()`, `String(f)`, `${f}`, `'' + f`, and what libraries make text of. */
function takenAsText(checker: ts.TypeChecker, node: ts.Node): ts.Expression[] {
  const functions = (...expressions: readonly ts.Expression[]) =>
    expressions.filter((expression) => isFunction(checker, expression));
  if (ts.isTemplateSpan(node)) {
    return ts.isTaggedTemplateExpression(node.parent.parent) ? [] : functions(node.expression);
  }
  if (ts.isBinaryExpression(node)) {
    return PLUS.has(node.operatorToken.kind) ? functions(node.left, node.right) : [];
  }
  if (!ts.isCallExpression(node)) return [];
  const { expression: callee, arguments: given } = node;
  const name = calleeName(callee);
  if (ts.isIdentifier(callee)) return name === 'String' ? functions(...given) : [];
  if (!ts.isPropertyAccessExpression(callee)) return [];
  if (name === 'toString') return functions(callee.expression);
  if (name === 'call' && callee.expression.getText().endsWith('.toString')) return functions(...given);
  return IN_ANOTHER_PLACE.has(name) && isOfPackage(checker, node) ? functions(...given) : [];
}

const PLUS: ReadonlySet<ts.SyntaxKind> = new Set([ts.SyntaxKind.PlusToken, ts.SyntaxKind.PlusEqualsToken]);

/** Methods of Puppeteer, Playwright, Selenium, workerpool and MongoDB that send the text of a function to where it runs. */
const IN_ANOTHER_PLACE: ReadonlySet<string> = new Set([
  '$eval',
  '$$eval',
  'addInitScript',
  'evaluate',
  'evaluateAll',
  'evaluateHandle',
  'evaluateOnNewDocument',
  'exec',
  'executeAsyncScript',
  'executeScript',
  'mapReduce',
  'waitForFunction',
]);

const isFunction = (checker: ts.TypeChecker, expression: ts.Expression): boolean => {
  const type = checker.getTypeAtLocation(expression);
  return type.getCallSignatures().length > 0 || type.getConstructSignatures().length > 0;
};

const isOfPackage = (checker: ts.TypeChecker, call: ts.CallExpression): boolean =>
  checker.getResolvedSignature(call)?.declaration?.getSourceFile().fileName.includes('/node_modules/') ?? false;

/** Whether its text has something in it that was not written; also where it is not known which function it is. */
function isChanged(checker: ts.TypeChecker, expression: ts.Expression): boolean {
  const declared = declarationOf(checker, expression);
  if (!declared) return true;
  return ts.isClassLike(declared) || (ts.forEachChild(declared, (child) => hasNamed(child) || undefined) ?? false);
}

/** Undefined of a parameter, or of what a package has. */
function declarationOf(checker: ts.TypeChecker, expression: ts.Expression): ts.Node | undefined {
  if (ts.isParenthesizedExpression(expression) || ts.isAsExpression(expression))
    return declarationOf(checker, expression.expression);
  if (ts.isFunctionLike(expression) || ts.isClassLike(expression)) return expression;
  const symbol = checker.getSymbolAtLocation(expression);
  const aliased = symbol && symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const declaration = aliased?.valueDeclaration;
  if (!declaration || declaration.getSourceFile().isDeclarationFile) return undefined;
  if (ts.isFunctionDeclaration(declaration) || ts.isMethodDeclaration(declaration)) return declaration;
  if (ts.isClassDeclaration(declaration)) return declaration;
  const holds = ts.isVariableDeclaration(declaration) || ts.isPropertyAssignment(declaration);
  const value = holds ? declaration.initializer : undefined;
  return value && declarationOf(checker, value);
}

/** What the compiler keeps the name of, in calls of its helper, and what it has a helper for in any case. */
function hasNamed(node: ts.Node): boolean {
  if (ts.isFunctionDeclaration(node) || ts.isClassLike(node)) return true;
  if (ts.isVariableDeclarationList(node) && node.flags & ts.NodeFlags.Using) return true;
  if ((ts.isFunctionExpression(node) || ts.isArrowFunction(node)) && (node.name !== undefined || isNamedBy(node)))
    return true;
  return ts.forEachChild(node, (child) => hasNamed(child) || undefined) ?? false;
}

/** `const f = …`, `{ f: … }`, `f = …`, `const { f = … } = …` */
function isNamedBy(node: ts.Node): boolean {
  const { parent } = node;
  if (ts.isParenthesizedExpression(parent)) return isNamedBy(parent);
  if (ts.isBinaryExpression(parent)) {
    return parent.right === node && parent.operatorToken.kind === ts.SyntaxKind.EqualsToken;
  }
  return (
    (ts.isVariableDeclaration(parent) ||
      ts.isBindingElement(parent) ||
      ts.isPropertyAssignment(parent) ||
      ts.isPropertyDeclaration(parent)) &&
    parent.initializer === node
  );
}
