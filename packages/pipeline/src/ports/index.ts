export * from './catalog-store.ts';
export * from './clock.ts';
export * from './database.ts';
export * from './event-log.ts';
export * from './job-queue.ts';
export * from './segment-ledger.ts';
export * from './usage-reader.ts';
export * from './usage-store.ts';
