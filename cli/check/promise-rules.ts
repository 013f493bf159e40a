// A rule of typescript-eslint, by its file: its plugin as a whole has a hundred, and what is published has these inside it. As
// a package it would find the TypeScript of the project, which may be one that it does not know.
import type { ESLint } from 'eslint';
import noMisusedPromises from '../../node_modules/@typescript-eslint/eslint-plugin/dist/rules/no-misused-promises.js';

export * as parser from '@typescript-eslint/parser';

export const promisePlugin = {
  rules: {
    'no-misused-promises': ruleOf(noMisusedPromises),
  },
} as unknown as ESLint.Plugin; // ESLint's types of a rule and typescript-eslint's differ

/** Vitest gives what a CommonJS file exports as its default, and Node.js all that it exports. */
function ruleOf(exported: { default: unknown }): unknown {
  return 'default' in exported ? exported.default : exported;
}
