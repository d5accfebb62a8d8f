export { catalogStores } from './catalog/index.ts';
export { migrate } from './migrate.ts';
export type { ScriptDatabase, ScriptExecutor } from './script-database.ts';
export { postgresSegmentLedger } from './ledger/segment-ledger.ts';
export { usageVisibility } from './ledger/visibility.ts';
export { postgresRollupLedger } from './ledger/rollup-ledger.ts';
export { postgresBackfillStore } from './ledger/backfill-store.ts';
export { alertRuleStore, ratingStore } from './rating/index.ts';
export { invoiceStore } from './invoices/index.ts';
