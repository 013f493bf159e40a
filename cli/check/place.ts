// Where something is in a source text, how it begins, and what it calls.
import ts from 'typescript';

/** From 1. */
export function placeOf(source: ts.SourceFile, position: number): { line: number; column: number } {
  const { line, character } = source.getLineAndCharacterOfPosition(position);
  return { line: line + 1, column: character + 1 };
}

export function excerpt(node: ts.Node, source: ts.SourceFile): string {
  const text = node.getText(source).replaceAll(/\s+/g, ' ');
  return text.length > 50 ? `${text.slice(0, 49)}…` : text;
}

/** `close` of `close()` and of `client.close()`. */
export const calleeName = (callee: ts.Expression): string =>
  ts.isIdentifier(callee) ? callee.text : ts.isPropertyAccessExpression(callee) ? callee.name.text : '';
