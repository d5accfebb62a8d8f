import { Fault } from '@meterline/domain/faults';
import type { Settings } from '@meterline/runtime/config';

const EMBEDDED = {
  eventLog: ['METERLINE_EVENT_LOG', 'lmdb'],
  usageStore: ['METERLINE_USAGE_STORE', 'chdb'],
  billingStore: ['METERLINE_BILLING_STORE', 'pglite'],
  jobs: ['METERLINE_JOBS', 'pglite'],
} as const;

/** An embedded engine belongs to one process: a service beside others cannot use it. Fails with `settings.engine_embedded`. */
export function requireSharedEngines({ engines }: Settings): void {
  const names = (Object.keys(EMBEDDED) as (keyof typeof EMBEDDED)[]).filter((port) => engines[port] === EMBEDDED[port][1]);
  if (names.length === 0) return;
  const list = names.map((port) => EMBEDDED[port].join('=')).join(', ');
  throw new Fault(
    'invalid',
    'settings.engine_embedded',
    `${list}: an embedded engine belongs to one process. Set METERLINE_BACKEND=distributed, or run everything in one process with "npm start".`,
  );
}
