export { sandboxStore } from './sandbox-store.ts';
export { tenantClock } from './tenant-clock.ts';
