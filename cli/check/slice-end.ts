// What runs at the end of every slice of a checkpointed migration, and looks as if it ran once, at its end.
import ts from 'typescript';
import type { Found } from './finding.ts';
import { calleeName, placeOf } from './place.ts';

/** @param source the migration's own file, or one that it imports: a generator there may be gone through by the migration's */
export function sliceEnds(source: ts.SourceFile): Found[] {
  const found: Found[] = [];
  const report = (node: ts.Node, what: string) => {
    found.push({
      severity: 'warning',
      rule: 'slice-end',
      ...placeOf(source, node.getStart(source)),
      message: `${what} runs at the end of every slice, after a quarter of an hour for one, and the next slice goes on without what it took away. What belongs to the whole comes after the last yield; catch is for a failure (docs/migrations.md#what-belongs-to-the-whole).`,
    });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isTryStatement(node) && node.finallyBlock && isInGenerator(node)) {
      const { tryBlock, catchClause, finallyBlock } = node;
      const yields = hasYield(tryBlock) || (catchClause !== undefined && hasYield(catchClause));
      if (yields && !onlyCloses(finallyBlock)) report(finallyBlock, 'This finally');
    }
    if (ts.isVariableDeclarationList(node) && node.flags & ts.NodeFlags.Using && isInGenerator(node)) {
      if (hasYield(node.parent.parent)) report(node, 'What "using" disposes of');
    }
    if (isReturnOfIterator(node)) report(node, 'This return() of an iterator');
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function isInGenerator(node: ts.Node): boolean {
  const around = ts.findAncestor(node.parent, ts.isFunctionLike);
  return around !== undefined && 'asteriskToken' in around && around.asteriskToken !== undefined;
}

/** Of the same function. */
function hasYield(node: ts.Node): boolean {
  if (ts.isYieldExpression(node)) return true;
  if (ts.isFunctionLike(node)) return false;
  return ts.forEachChild(node, (child) => hasYield(child) || undefined) ?? false;
}

/** Nothing but what this process has opened, which the next slice opens for itself, and waiting for what it has begun. */
function onlyCloses(block: ts.Node): boolean {
  const works = (node: ts.Node): boolean => {
    if (ts.isYieldExpression(node) || ts.isNewExpression(node) || ts.isDeleteExpression(node)) return true;
    if (ts.isCallExpression(node) && !CLOSING.has(calleeName(node.expression)) && !waitsForAll(node.expression))
      return true;
    return ts.forEachChild(node, (child) => works(child) || undefined) ?? false;
  };
  return !works(block);
}

const CLOSING: ReadonlySet<string> = new Set([
  'close',
  'end',
  'destroy',
  'quit',
  'disconnect',
  'terminate',
  'abort',
  'clearTimeout',
  'clearInterval',
  'clearImmediate',
  'log',
  'info',
  'debug',
  'warn',
  'error',
  'now',
]);

/** Of what was begun: what begins in its brackets is work of its own. */
const waitsForAll = (callee: ts.Expression): boolean => /^Promise\.all(?:Settled)?$/.test(callee.getText());

/** `{ next() {…}, return() {…} }` */
function isReturnOfIterator(node: ts.Node): boolean {
  if (!ts.isMethodDeclaration(node) && !ts.isPropertyAssignment(node)) return false;
  const { parent } = node;
  if (node.name.getText() !== 'return' || (!ts.isObjectLiteralExpression(parent) && !ts.isClassLike(parent)))
    return false;
  const members: readonly ts.Node[] = ts.isClassLike(parent) ? parent.members : parent.properties;
  return members.some((member) => (member as ts.NamedDeclaration).name?.getText() === 'next') && !onlyCloses(node);
}
