export * from './chdb/open-chdb.ts';
