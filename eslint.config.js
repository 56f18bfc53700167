import tseslint from 'typescript-eslint';

/** What no file may have. */
const RESTRICTED = [
  { selector: 'TSEnumDeclaration', message: 'use a union of string literals' },
  { selector: 'TSModuleDeclaration[kind="namespace"]', message: 'use a module' },
];

const OWN_LIMIT = 'a test has no time limit of its own: the nets of vitest.config.ts hold on slow machines, too';

export default tseslint.config(
  { ignores: ['dist/', 'coverage/', 'node_modules/'] },
  {
    files: ['src/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts', 'vitest.config.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      'no-restricted-syntax': ['error', ...RESTRICTED],
      'object-shorthand': 'error',
      'prefer-const': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true }],
      // `return node.fail(...)`: it reports and answers undefined, which is what the caller answers too.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // The contracts use `type` for unions and `interface` for shapes; both are meant.
      '@typescript-eslint/consistent-type-definitions': 'off',
    },
  },
  {
    // `src/modules/*.ts` each export their one module as default; nothing else does.
    files: ['src/**/*.ts'],
    ignores: ['src/modules/**'],
    rules: { 'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true, named: true, defaultFrom: true } }] },
  },
  {
    // A test may build half an object or index what it knows is there; it fails loudly when it is wrong.
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      'no-console': 'off',
    },
  },
  {
    files: ['test/lab/**/*.ts', 'test/soak/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        ...RESTRICTED,
        { selector: 'CallExpression[callee.name=/^(it|test)$/][arguments.length>2]', message: OWN_LIMIT },
        { selector: 'CallExpression[callee.callee.object.name=/^(it|test)$/][arguments.length>2]', message: OWN_LIMIT },
        { selector: 'CallExpression[callee.name=/^(before|after)(All|Each)$/][arguments.length>1]', message: OWN_LIMIT },
      ],
    },
  },
  {
    files: ['scripts/**/*.mjs', 'bench/**/*.mjs', '*.js', '*.cjs'],
    extends: [tseslint.configs.recommended],
    rules: { eqeqeq: 'error', 'prefer-const': 'error' },
  },
);
