export * from './insert.ts';
export * from './migrate.ts';
export * from './settings.ts';
export { clickhouseUsageStore } from './usage-store.ts';
export { clickhouseUsageReader, type UsageVisibility } from './usage-reader.ts';
export { clickhouseRollupStore } from './rollup-store.ts';
export { clickhouseRefusedEvents } from './refused-events.ts';
export { clickhouseEventAccounting } from './event-accounting.ts';
