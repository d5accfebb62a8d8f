// Direction of imports (DESIGN.md section 2): domain <- pipeline <- backends <- composition <- services; runtime for services only; sdk
// imports nothing; nothing imports a service but the process that composes them. Type-only imports count like any other.
const { globSync, readFileSync } = require('node:fs');

const TEST = '([.](test|fixture|contract|child)[.]ts|/fixture[.]ts|/test-[^/]+[.]ts)$';
const OURS = '^(packages|services)/';

/** Code in `from` (tests aside) may import, of what is ours, only `allowed`. */
const mayImport = (name, from, ...allowed) => ({
  name,
  comment: `${from} may import only ${allowed.join(', ')}`,
  severity: 'error',
  from: { path: `^${from}/`, pathNot: TEST },
  to: { path: OURS, pathNot: allowed.map((folder) => `^${folder}/`) },
});

/** What is ours is declared like any dependency: a workspace imports only itself and what its package.json names. */
const importsWhatItDeclares = (folder) => {
  const { name, dependencies = {}, devDependencies = {} } = manifestOf(folder);
  const declared = (names) => Object.keys(names).flatMap((key) => folders.get(key) ?? []);
  const rule = (suffix, from, allowed) => ({
    name: `declared-${name}${suffix}`,
    comment: `${folder}/package.json names ${allowed.join(', ')}`,
    severity: 'error',
    from,
    to: { path: OURS, pathNot: allowed.map((other) => `^${other}/`) },
  });
  const forProduct = [folder, ...declared(dependencies)];
  return [
    rule('', { path: `^${folder}/`, pathNot: TEST }, forProduct),
    rule('-tests', { path: `^${folder}/.*${TEST}` }, [...forProduct, ...declared(devDependencies)]),
  ];
};

const manifestOf = (folder) => JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
const folders = new Map(
  globSync('{packages,services}/*/package.json').map((file) => [
    manifestOf(file.replace('/package.json', '')).name,
    file.replace('/package.json', ''),
  ]),
);

module.exports = {
  forbidden: [
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    ...[...folders.values()].flatMap(importsWhatItDeclares),
    {
      name: 'declared-libraries',
      comment: 'A workspace declares every library it imports in its own package.json (tests may use those of the root).',
      severity: 'error',
      from: { path: OURS, pathNot: TEST },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev'] },
    },
    {
      name: 'through-the-front-door',
      comment: 'Another package is imported as @meterline/<package>/<module>, never by a path into its folder.',
      severity: 'error',
      from: { path: '^((?:packages|services)/[^/]+)/' },
      to: { path: OURS, pathNot: '^$1/', dependencyTypes: ['local'] },
    },
    mayImport('domain', 'packages/domain', 'packages/domain'),
    {
      name: 'domain-is-pure',
      comment: 'No Node built-ins and no library but zod and temporal-polyfill.',
      severity: 'error',
      from: { path: '^packages/domain/', pathNot: TEST },
      to: { pathNot: ['^packages/domain/', 'node_modules/(zod|temporal-polyfill)/'] },
    },
    mayImport('pipeline', 'packages/pipeline', 'packages/domain', 'packages/pipeline'),
    mayImport('backends', 'packages/backends', 'packages/domain', 'packages/pipeline', 'packages/backends'),
    mayImport('runtime', 'packages/runtime', 'packages/domain', 'packages/pipeline', 'packages/runtime'),
    {
      name: 'sdk-alone',
      comment: 'The SDK runs in browsers and in products of others: it imports nothing, not even a Node built-in.',
      severity: 'error',
      from: { path: '^packages/sdk/src/', pathNot: TEST },
      to: { pathNot: '^packages/sdk/src/' },
    },
    mayImport(
      'composition',
      'packages/composition',
      'packages/domain',
      'packages/pipeline',
      'packages/backends',
      'packages/runtime',
      'packages/composition',
    ),
    mayImport('cli', 'packages/cli', 'packages/domain', 'packages/pipeline', 'packages/sdk', 'packages/cli'),
    {
      name: 'runtime-is-for-services',
      severity: 'error',
      from: { path: OURS, pathNot: ['^services/', '^packages/(runtime|composition)/', TEST] },
      to: { path: '^packages/(runtime|composition)/' },
    },
    {
      name: 'no-import-of-a-service',
      comment: 'Services are composed by services/standalone, and by tests; they do not know each other.',
      severity: 'error',
      from: { path: '^(packages/[^/]+|services/[^/]+)/', pathNot: ['^services/standalone/', TEST] },
      to: { path: '^services/', pathNot: '^$1/' },
    },
    {
      name: 'no-test-in-the-product',
      severity: 'error',
      from: { path: OURS, pathNot: TEST },
      to: { path: [TEST, '^test/'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.cjs', '.mjs', '.json', '.d.ts'],
    },
  },
};
