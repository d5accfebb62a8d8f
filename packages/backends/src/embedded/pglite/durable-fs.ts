import fs from 'node:fs';
import path from 'node:path';
import { NodeFS } from '@electric-sql/pglite/nodefs';

/** The part of Emscripten's NODEFS we complete: it calls `stream_ops.fsync` if there is one, and has none. */
interface EmscriptenModule {
  NODEFS: { stream_ops: { fsync?: (stream: Stream) => number }; realPath(node: object): string };
}
interface Stream {
  readonly nfd?: number;
  readonly node: object;
}

/**
 * A folder whose fsync reaches the disk: without this PGlite acknowledges commits that a power cut loses. Relies on internals of
 * PGlite, so its version is pinned and the worker checks at start that a commit really raises `count`.
 */
export class DurableNodeFS extends NodeFS {
  count = 0;
  readonly #onFailure: (error: unknown) => never;

  /** `onFailure` must end the thread: after a failed fsync nobody knows what is on disk, and PostgreSQL would panic as well. */
  constructor(folder: string, onFailure: (error: unknown) => never) {
    super(folder);
    this.#onFailure = onFailure;
  }

  override async init(...args: Parameters<NodeFS['init']>): ReturnType<NodeFS['init']> {
    const answer = await super.init(...args);
    const preRun = (answer.emscriptenOpts.preRun ??= []);
    if (!Array.isArray(preRun)) throw new Error('PGlite changed its file system interface');
    (preRun as ((module: EmscriptenModule) => void)[]).push((module) => {
      module.NODEFS.stream_ops.fsync = (stream) => {
        this.count += 1;
        try {
          if (stream.nfd !== undefined) fs.fsyncSync(stream.nfd);
          else syncPath(module.NODEFS.realPath(stream.node));
        } catch (error) {
          this.#onFailure(error);
        }
        return 0;
      };
    });
    return answer;
  }
}

function syncPath(target: string): void {
  const fd = fs.openSync(target, 'r');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** Makes a whole folder durable, files before the folders that name them. */
export function syncTree(folder: string): void {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const target = path.join(folder, entry.name);
    if (entry.isDirectory()) syncTree(target);
    else if (entry.isFile()) syncPath(target);
  }
  syncPath(folder);
}
