export * from './chdb/open-chdb.ts';
export { lockFolder } from './folder-lock.ts';
export { openPglite, type EmbeddedPostgres } from './pglite.ts';
export { openBullmqQueue } from './bullmq.ts';
export * from './lmdb/open-lmdb-log.ts';
