export * from './insert.ts';
export * from './migrate.ts';
export * from './settings.ts';
export { clickhouseUsageStore } from './usage-store.ts';
export { clickhouseUsageReader, type UsageVisibility } from './usage-reader.ts';
export { clickhouseRollupStore } from './rollup-store.ts';
