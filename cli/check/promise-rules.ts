// Two rules of typescript-eslint, by their files: its plugin as a whole has a hundred, and what is published has these inside it. As
// packages they would find the TypeScript of the project, which may be one that they do not know.
import type { ESLint } from 'eslint';
import noFloatingPromises from '../../node_modules/@typescript-eslint/eslint-plugin/dist/rules/no-floating-promises.js';
import noMisusedPromises from '../../node_modules/@typescript-eslint/eslint-plugin/dist/rules/no-misused-promises.js';

export * as parser from '@typescript-eslint/parser';

export const promisePlugin = {
  rules: {
    'no-floating-promises': ruleOf(noFloatingPromises),
    'no-misused-promises': ruleOf(noMisusedPromises),
  },
} as unknown as ESLint.Plugin; // ESLint's types of a rule and typescript-eslint's differ

/** Vitest gives what a CommonJS file exports as its default, and Node.js all that it exports. */
function ruleOf(exported: { default: unknown }): unknown {
  return 'default' in exported ? exported.default : exported;
}
