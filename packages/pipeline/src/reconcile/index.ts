export * from './reconcile.ts';
export type { CountingMeter } from './raw-totals.ts';
