// Lint rules of the whole project: typescript-eslint's strict set with type information, plus what DESIGN.md asks for.
// A rule is loosened only here, with its reason: comments in the code cannot switch one off.
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const TYPESCRIPT = ['**/*.ts'];
const TESTS = ['**/*.test.ts', '**/*.fixture.ts', '**/fixture.ts', '**/test-*.ts', 'test/**/*.ts'];

const NO_FLOATS = [
  ['CallExpression[callee.name=/^(Number|parseFloat)$/]', 'Number() and parseFloat()'],
  ['CallExpression[callee.object.name="Number"][callee.property.name="parseFloat"]', 'Number.parseFloat()'],
  [
    'CallExpression[callee.property.name=/^(toFixed|toPrecision|toExponential)$/]',
    'toFixed(), toPrecision() and toExponential()',
  ],
  ['MemberExpression[object.name="Math"]:not([property.name=/^(min|max|abs)$/])', 'Math'],
  ['CallExpression > Identifier.arguments[name=/^(Number|parseFloat)$/]', 'Number and parseFloat, handed on,'],
  ['UnaryExpression[operator="+"]', 'unary plus'],
  ['Literal[raw=/^[0-9_]*([.][0-9_]+|[.]?[0-9_]*[eE]-)/]', 'a literal with a fraction'],
].map(([selector, what]) => ({ selector, message: `Money and quantities are exact decimals: ${what} would make them floats.` }));

const IMPURE = [
  ['CallExpression[callee.object.name="Date"][callee.property.name="now"]', 'Date.now()'],
  ['NewExpression[callee.name="Date"][arguments.length=0]', 'new Date()'],
  ['MemberExpression[object.name="Math"][property.name="random"]', 'Math.random()'],
  ['MemberExpression[object.name="Temporal"][property.name="Now"]', 'Temporal.Now'],
].map(([selector, what]) => ({
  selector,
  message: `${what} reads the machine: take time and chance from a port (Clock), as an argument.`,
}));

export default defineConfig(
  globalIgnores(['**/node_modules/**', '**/dist/**', 'coverage/**', 'data/**', 'test/data/**']),
  { linterOptions: { noInlineConfig: true } },
  {
    rules: {
      'array-callback-return': 'error',
      // `== null` asks for null and undefined in one.
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': 'error',
      'no-constant-binary-expression': 'error',
      'no-constructor-return': 'error',
      'no-empty': 'error',
      'no-eval': 'error',
      'no-fallthrough': 'error',
      'no-param-reassign': 'error',
      'no-self-compare': 'error',
      'no-unreachable-loop': 'error',
      'no-unsafe-finally': 'error',
      'no-useless-assignment': 'error',
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
      'preserve-caught-error': 'error',
    },
  },
  {
    files: TYPESCRIPT,
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/prefer-readonly': 'error',
      // `void promise` says that nobody waits; should it reject, runService ends the process.
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      // Numbers in messages are counts, limits and milliseconds; amounts and quantities are strings already.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // `return drop(batch)` leaves a function that answers nothing, sync or async, in one line.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // Does not know Promise.withResolvers<void>().
      '@typescript-eslint/no-invalid-void-type': 'off',
      // Does not see what another turn changes: `if (signal.aborted)` after an await is no constant.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // An async function without await turns what it throws into a rejection, as its callers expect of a promise.
      '@typescript-eslint/require-await': 'off',
      // Ports and services are records of closures: their methods have no `this` to lose.
      '@typescript-eslint/unbound-method': 'off',
      // A function that makes a record of closures is a module; any other is far shorter. No complexity rule: it counts each `??`.
      'max-lines-per-function': ['error', { max: 170, skipBlankLines: true, skipComments: true }],
      'max-depth': ['error', 4],
      // An unused parameter with an underscore shows the shape of a port an implementation does not need whole.
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
    },
  },
  {
    files: ['packages/domain/src/**/*.ts', 'packages/pipeline/src/**/*.ts'],
    ignores: TESTS,
    rules: {
      'no-restricted-syntax': ['error', ...IMPURE],
      'no-restricted-globals': ['error', 'process', 'fetch', 'setInterval'],
    },
  },
  {
    files: ['packages/domain/src/**/*.ts'],
    ignores: TESTS,
    rules: {
      'no-restricted-globals': [
        'error',
        ...[
          'process',
          'Buffer',
          'fetch',
          'performance',
          'crypto',
          'console',
          'setTimeout',
          'setInterval',
          'setImmediate',
          'queueMicrotask',
        ],
      ],
    },
  },
  {
    files: ['packages/domain/src/{money,prices,rating}/**/*.ts'],
    ignores: TESTS,
    rules: { 'no-restricted-syntax': ['error', ...IMPURE, ...NO_FLOATS] },
  },
  {
    // These talk to a person at a terminal, or (sdk) have no logger but the one of the product they run in.
    files: [
      'packages/cli/**',
      'packages/sdk/src/**',
      'services/standalone/src/main.ts',
      '**/make-*.ts',
      '**/build-*.js',
      'test/{chaos,bench,support}/**',
    ],
    rules: { 'no-console': 'off' },
  },
  {
    files: TESTS,
    rules: {
      // A describe block is as long as its cases.
      'max-lines-per-function': 'off',
      // expect.any() and its like are `any` wherever they stand; reading from an `any` stays forbidden.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      // String(init?.body), String(cursor): what is not text fails the expectation that follows.
      '@typescript-eslint/no-base-to-string': 'off',
    },
  },
);
