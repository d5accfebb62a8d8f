// Makes the packed data folder again after an upgrade of PGlite: `node packages/backends/src/embedded/pglite/make-template.ts`.
import fs from 'node:fs';
import zlib from 'node:zlib';
import { PGlite } from '@electric-sql/pglite';
import { btree_gist } from '@electric-sql/pglite/contrib/btree_gist';
import { templateFile } from './template.ts';

const database = await PGlite.create({ extensions: { btree_gist } });
// Half the time of a first migration would be this extension.
await database.exec('create extension btree_gist');
// Databases nobody connects to: most of the files, each of which a first start would write and fsync.
await database.exec(`update pg_database set datistemplate = false where datname <> current_database()`);
const others = await database.query<{ datname: string }>(`select datname from pg_database where datname <> current_database()`);
for (const { datname } of others.rows) await database.exec(`drop database ${datname}`);
await database.exec('checkpoint');
const tar = Buffer.from(await (await database.dumpDataDir('none')).arrayBuffer());
await database.close();
const { ZSTD_c_compressionLevel, ZSTD_c_windowLog, ZSTD_c_enableLongDistanceMatching } = zlib.constants;
const params = { [ZSTD_c_compressionLevel]: 19, [ZSTD_c_windowLog]: 25, [ZSTD_c_enableLongDistanceMatching]: 1 };
const packed = zlib.zstdCompressSync(tar, { params });
fs.writeFileSync(templateFile, packed);
console.log(`${templateFile}: ${String(packed.length)} bytes from ${String(tar.length)}`);
