export * from './clock.ts';
export * from './database.ts';
export * from './event-log.ts';
export * from './job-queue.ts';
export * from './segment-ledger.ts';
export * from './usage-reader.ts';
