// Makes dist/ a package that can be published: inside the project the SDK is used from its source, outside from its build.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';

const file = (path) => new URL(path, import.meta.url);
const { name, version, description, license, type, sideEffects } = JSON.parse(readFileSync(file('./package.json'), 'utf8'));
const manifest = {
  name,
  version,
  description,
  license,
  type,
  sideEffects,
  exports: { '.': { types: './index.d.ts', default: './index.js' } },
  types: './index.d.ts',
  engines: { node: '>=20' },
};
writeFileSync(file('./dist/package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
copyFileSync(file('./README.md'), file('./dist/README.md'));
