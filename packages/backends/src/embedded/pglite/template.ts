import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { syncTree } from './durable-fs.ts';

/**
 * A fresh PostgreSQL data folder, packed: unpacking it takes a tenth of the seconds that initdb takes. It has the extension btree_gist, nothing of ours,
 * and fits only the PGlite version in its name (`make-template.ts` makes it).
 */
export const templateFile = path.join(import.meta.dirname, 'template-0.5.16.tar.zst');

function readTemplate(file: string): Buffer {
  return zlib.zstdDecompressSync(fs.readFileSync(file));
}

/** The template for `PGlite.create({ loadDataDir })`. */
export function templateBlob(file: string): Blob {
  return new WholeBlob(readTemplate(file));
}

/** Answers the bytes it was given: Node's own Blob copies 40 MB through a stream, which takes longer than the start of PostgreSQL. */
class WholeBlob extends Blob {
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    super([]);
    this.#bytes = bytes;
  }

  override arrayBuffer(): Promise<ArrayBuffer> {
    return Promise.resolve(new Uint8Array(this.#bytes).buffer);
  }
}

/**
 * Makes `folder` a fresh data folder, all of it or nothing: built beside, made durable, then renamed.
 */
export function unpackTemplate(file: string, folder: string): void {
  const building = `${folder}.building`;
  fs.rmSync(building, { recursive: true, force: true });
  fs.mkdirSync(building, { recursive: true });
  for (const entry of tarEntries(readTemplate(file))) {
    if (entry.name.endsWith('postmaster.pid')) continue; // of the process that made the template
    const target = path.join(building, entry.name);
    fs.mkdirSync(entry.directory ? target : path.dirname(target), { recursive: true, mode: 0o700 });
    if (!entry.directory) fs.writeFileSync(target, entry.content, { mode: 0o600 });
  }
  syncTree(building);
  fs.chmodSync(building, 0o700);
  fs.renameSync(building, folder);
}

/** Reads the plain ustar that `dumpDataDir` writes: no links, no long names. */
function* tarEntries(tar: Buffer): Generator<{ name: string; directory: boolean; content: Buffer }> {
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0;) {
    const header = tar.subarray(at, at + 512);
    const size = parseInt(field(header, 124, 12), 8);
    const name = field(header, 345, 155) + field(header, 0, 100);
    const kind = field(header, 156, 1);
    yield { name, directory: kind === '5' || name.endsWith('/'), content: tar.subarray(at + 512, at + 512 + size) };
    at += 512 + Math.ceil(size / 512) * 512;
  }
}

function field(header: Buffer, start: number, length: number): string {
  return header
    .toString('utf8', start, start + length)
    .replace(/\0.*$/s, '')
    .trim();
}
