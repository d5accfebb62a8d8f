export { storeAdminKey } from './admin-key.ts';
export type { Decorations } from './decorations.ts';
export { farBehind, watchLag } from './lag.ts';
export { migrateInstallation } from './migration.ts';
export { billingPorts, portsOver, type BillingPorts, type Ports } from './ports.ts';
export { reconciliation } from './reconciliation.ts';
