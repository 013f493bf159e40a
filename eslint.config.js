// The lint rules: typescript-eslint's strict set, and which folder may import which.

import { builtinModules } from 'node:module';
import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const BARE_ERRORS = ['NewExpression', 'CallExpression'].map((type) => ({
  selector: `${type}[callee.name=/^(Error|TypeError|RangeError|AggregateError)$/]`,
  message: 'Use OdinError of core/errors.ts: an error has a code, a source and the next command to type.',
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
  globalIgnores(['**/cdk.out/', '.odin-migrate/', 'coverage/']),
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
    },
  },

  layer('core', {
    folders: ['infra', 'lambdas', 'cli', 'local', 'migrations', 'testing', 'test', 'bench'],
    packages: ['aws-cdk-lib', 'constructs', '@aws-sdk', '@smithy', '@aws-lambda-powertools', '@middy'],
    builtinsExcept: ['buffer', 'crypto', 'path', 'util'],
    odinErrors: true,
    noClock: true,
    rules: { 'no-console': 'error' },
  }),
  layer('lambdas', {
    folders: ['infra', 'cli', 'local', 'testing', 'test', 'bench'],
    packages: ['aws-cdk-lib', 'constructs'],
    odinErrors: true,
    rules: { 'no-console': 'error' },
  }),
  layer('helpers', {
    folders: ['infra', 'lambdas', 'cli', 'local', 'migrations', 'test', 'bench'],
    packages: ['aws-cdk-lib', 'constructs', '@aws-lambda-powertools', '@middy'],
    odinErrors: true,
    rules: { 'no-console': 'error' },
  }),
  layer('infra', {
    folders: ['cli', 'local', 'lambdas', 'testing', 'test', 'bench'],
    typesToo: false,
    odinErrors: true,
  }),
  layer('local', {
    folders: ['infra', 'cli', 'lambdas', 'testing', 'test', 'bench'],
    odinErrors: true,
  }),
  layer('cli', {
    folders: ['testing', 'test', 'bench'],
    odinErrors: true,
  }),
  layer('testing', {
    folders: ['test', 'bench'],
    odinErrors: true,
  }),
  layer('migrations', {
    folders: ['infra', 'cli', 'local', 'testing', 'test', 'bench'],
    packages: ['aws-cdk-lib', 'constructs'],
    // The AWS SDK types every field of an answer as optional, those that S3 always sends too.
    rules: { '@typescript-eslint/no-non-null-assertion': 'off' },
  }),
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

/**
 * The rules of one folder. They are built in one place because ESLint lets a later `no-restricted-imports` or
 * `no-restricted-syntax` replace an earlier one instead of adding to it.
 */
function layer(folder, { folders, packages = [], builtinsExcept, typesToo = true, odinErrors, noClock, rules = {} }) {
  const patterns = [
    {
      regex: `^(\\./)*(\\.\\./)+(${folders.join('|')})(/|$)`,
      message: `${folder} may not import ${folders.join(', ')}.`,
      allowTypeImports: !typesToo,
    },
  ];
  if (packages.length > 0) {
    patterns.push({
      regex: `^(${packages.join('|')})(/|$)`,
      message: `${folder} may not import ${packages.join(', ')}.`,
    });
  }
  if (builtinsExcept) {
    const banned = builtinModules.filter((name) => !name.startsWith('_') && !builtinsExcept.includes(name));
    patterns.push({
      regex: `^(node:)?(${banned.map((name) => name.replace('node:', '')).join('|')})(/|$)`,
      message: `${folder} is pure: of Node it may import ${builtinsExcept.join(', ')}.`,
    });
  }

  const syntax = patterns.map(({ regex, message }) => ({
    selector: `ImportExpression[source.value=/${regex.replaceAll('/', '\\x2F')}/]`,
    message,
  }));
  if (odinErrors) syntax.push(...BARE_ERRORS);
  if (noClock) syntax.push(...CLOCK_SYNTAX);

  return {
    files: [`${folder}/**/*.ts`],
    rules: {
      '@typescript-eslint/no-restricted-imports': ['error', { patterns, paths: noClock ? RANDOM_IMPORTS : [] }],
      'no-restricted-syntax': ['error', ...syntax],
      ...(noClock && {
        'no-restricted-properties': ['error', ...CLOCK_PROPERTIES],
        'no-restricted-globals': ['error', ...CLOCK_GLOBALS],
      }),
      ...rules,
    },
  };
}
