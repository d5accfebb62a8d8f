// The thread that runs PGlite: answers one statement after the other, so that the main thread never waits for PostgreSQL.
import fs from 'node:fs';
import path from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { MemoryFS, PGlite } from '@electric-sql/pglite';
import { btree_gist } from '@electric-sql/pglite/contrib/btree_gist';
import { DurableNodeFS, syncTree } from './durable-fs.ts';
import type { FromWorker, ToWorker, WorkerOptions } from './messages.ts';
import { createSession } from './session.ts';
import { templateBlob, unpackTemplate } from './template.ts';

const SETTINGS = [
  'timezone=UTC',
  'datestyle=ISO',
  'search_path=public,bullmq',
  'shared_buffers=16MB',
  'max_wal_size=128MB',
  'min_wal_size=32MB',
];
const DURABLE = ['fsync=on', 'wal_sync_method=fsync'];

const port = parentPort;
if (port === null) throw new Error('runs in a worker thread only');
const send = (message: FromWorker): void => {
  port.postMessage(message);
};
const die = (error: unknown): never => {
  send({ kind: 'fatal', message: error instanceof Error ? error.message : String(error) });
  return process.exit(1);
};

async function open({ folder, templateFile }: WorkerOptions): Promise<PGlite> {
  if (folder === null) {
    const startParams = [...PGlite.defaultStartParams, ...configured(SETTINGS)];
    const loadDataDir = templateFile === null ? {} : { loadDataDir: templateBlob(templateFile) };
    return await PGlite.create({ fs: new MemoryFS(), startParams, extensions: { btree_gist }, ...loadDataDir });
  }
  const isNew = !fs.existsSync(path.join(folder, 'PG_VERSION'));
  if (isNew && templateFile !== null) unpackTemplate(templateFile, folder);
  // Our lock of the folder says that nobody runs here, and a kill while PostgreSQL began to write this file leaves it empty, which it refuses forever.
  fs.rmSync(path.join(folder, 'postmaster.pid'), { force: true });
  const disk = new DurableNodeFS(folder, die);
  // -F is PGlite's own default and means "never fsync"
  const startParams = [...PGlite.defaultStartParams.filter((param) => param !== '-F'), ...configured([...SETTINGS, ...DURABLE])];
  const database = await PGlite.create({ fs: disk, startParams, extensions: { btree_gist } });
  if (isNew && templateFile === null) {
    await database.query('checkpoint');
    syncTree(folder);
  }
  const before = disk.count;
  await database.query(`select pg_logical_emit_message(true, 'meterline', 'does a commit reach the disk?')`);
  if (disk.count === before) throw new Error('commits do not reach the disk: PGlite no longer calls our fsync');
  return database;
}

function configured(settings: readonly string[]): string[] {
  return settings.flatMap((setting) => ['-c', setting]);
}

const database = await open(workerData as WorkerOptions).catch(die);
const session = createSession(database);
database.onNotification((channel, payload) => {
  send({ kind: 'notification', channel, payload });
});
let last = Promise.resolve();
port.on('message', (message: ToWorker) => {
  last = last.then(() => handle(message)).catch(die);
});
send({ kind: 'ready' });

async function handle(message: ToWorker): Promise<void> {
  if (message === 'close') {
    await database.close();
    port?.close();
    return;
  }
  const outcome = await session.run(message);
  send('error' in outcome ? { kind: 'error', error: outcome.error } : { kind: 'answer', answer: outcome.answer });
}
