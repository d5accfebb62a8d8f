import { catalogStores, deliveryQueue, invoiceStore, ratingStore } from '@meterline/backends/postgres';
import type { AggregationStep } from '@meterline/pipeline/aggregation';
import type { Clock } from '@meterline/pipeline/ports';
import type { Settings } from '@meterline/runtime/config';
import type { Health } from '@meterline/runtime/health';
import type { OnStop } from '@meterline/runtime/lifecycle';
import type { Logger } from '@meterline/runtime/logging';
import type { Metrics } from '@meterline/runtime/metrics';
import { decorated, type Decorations } from './decorations.ts';
import type { Engines } from './engines.ts';

export interface StandaloneOptions {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly onStop: OnStop;
  readonly decorate?: Decorations;
  readonly onStep?: (step: AggregationStep) => void | Promise<void>;
}

/** Everything that workers and routes of this process share. */
export interface Installation extends StandaloneOptions {
  readonly engines: Engines;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly stores: Stores;
}

export type Stores = ReturnType<typeof storesOf>;

/** The stores that lie over the engines, by what they are for. */
export function storesOf({ database, reader, ledger, log, jobs }: Engines, clock: Clock, decorate: Decorations | undefined) {
  const catalog = catalogStores(database);
  const wakeups = decorated(decorate, 'rating', ratingStore(database));
  const invoices = decorated(decorate, 'invoices', invoiceStore(database));
  return {
    catalog,
    /** What rating, spend and invoice runs work with. */
    billing: { usage: reader, accounts: wakeups, wakeups, meters: catalog.meters, invoices, ledger, log, clock, jobs },
    deliveries: decorated(decorate, 'deliveries', deliveryQueue(database)),
  };
}
