// The lint rules: typescript-eslint's strict set, and what a folder may not do. Who may import whom is in .dependency-cruiser.js.

import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const filesIn = (...folders) => folders.map((folder) => `${folder}/**/*.ts`);
const OURS = filesIn('core', 'aws', 'lambdas', 'project', 'infra', 'local', 'client', 'cli', 'authoring', 'scripts');
/** What they have to say goes through a logger, or is returned. */
const SILENT = filesIn('core', 'aws', 'lambdas', 'project', 'infra', 'client', 'authoring');

const BARE_ERRORS = ['NewExpression', 'CallExpression'].map((type) => ({
  selector: `${type}[callee.name=/^(Error|TypeError|RangeError|AggregateError)$/]`,
  message: 'Use OdinError of core/errors.ts: an error has a code, a source and the next command to type.',
}));

/** `...(x && {…})`, `...(x ? {…} : {})`: whether the field is there is said by its value, in a type of `?: T | undefined`. */
const CONDITIONAL_SPREADS = [
  "LogicalExpression[operator='&&']",
  'ConditionalExpression[alternate.type=ObjectExpression][alternate.properties.length=0]',
  'ConditionalExpression[consequent.type=ObjectExpression][consequent.properties.length=0]',
].map((conditional) => ({
  selector: `ObjectExpression > SpreadElement > ${conditional}`,
  message: 'Name the field, and give it undefined where there is nothing to say.',
}));

const NO_CLOCK = 'Nothing in core reads a clock or makes up a value: take it as a parameter.';

const CLOCK_SYNTAX = [
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: NO_CLOCK },
  { selector: "CallExpression[callee.name='Date']", message: NO_CLOCK },
];

const CLOCK_PROPERTIES = [
  ['Date', 'now'],
  ['Math', 'random'],
  ['crypto', 'randomUUID'],
  ['crypto', 'getRandomValues'],
  ['Temporal', 'Now'],
].map(([object, property]) => ({ object, property, message: NO_CLOCK }));

const CLOCK_GLOBALS = ['performance', 'process', 'setTimeout', 'setInterval', 'setImmediate', 'fetch'].map((name) => ({
  name,
  message: NO_CLOCK,
}));

const RANDOM_IMPORTS = ['crypto', 'node:crypto'].map((name) => ({
  name,
  allowImportNames: ['createHash'],
  message: NO_CLOCK,
}));

export default defineConfig(
  // The examples are projects of their own: `npm run pack:check` checks them.
  globalIgnores(['**/cdk.out/', '.odin-migrate/', 'coverage/', 'dist/', 'examples/']),
  js.configs.recommended,
  { files: ['**/*.js'], languageOptions: { globals: { console: 'readonly', process: 'readonly' } } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // It takes a variable that a callback changes for a constant, and believes types that promise too much.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      'no-restricted-syntax': ['error', ...CONDITIONAL_SPREADS],
    },
  },

  {
    files: OURS,
    // A later `no-restricted-syntax` replaces an earlier one.
    rules: { 'no-restricted-syntax': ['error', ...CONDITIONAL_SPREADS, ...BARE_ERRORS] },
  },
  {
    files: SILENT,
    rules: { 'no-console': 'error' },
  },
  {
    files: ['core/**/*.ts'],
    rules: {
      'no-restricted-syntax': ['error', ...CONDITIONAL_SPREADS, ...BARE_ERRORS, ...CLOCK_SYNTAX],
      'no-restricted-properties': ['error', ...CLOCK_PROPERTIES],
      'no-restricted-globals': ['error', ...CLOCK_GLOBALS],
      '@typescript-eslint/no-restricted-imports': ['error', { paths: RANDOM_IMPORTS }],
    },
  },
  {
    // The AWS SDK types every field of an answer as optional, those that S3 always sends too.
    files: ['migrations/**/*.ts'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off' },
  },
  {
    files: ['test/**/*.ts'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off' },
  },
  {
    // A fault is looked at where it matters; everywhere else it is the default. Promises of nothing are made by hand.
    files: ['test/simulation/**/*.ts'],
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-invalid-void-type': 'off',
    },
  },
);
