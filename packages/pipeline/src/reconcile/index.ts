export { type Invariant, reconcile, type Reconciliation, type ReconcilePorts } from './reconcile.ts';
export { eventsAccounted } from './events-accounted.ts';
export type { CountingMeter } from './raw-totals.ts';
export { prepaidAddsUp } from './prepaid-adds-up.ts';
