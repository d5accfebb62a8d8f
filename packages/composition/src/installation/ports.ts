import type { Clickhouse } from '@meterline/backends/clickhouse';
import {
  clickhouseRefusedEvents,
  clickhouseRollupStore,
  clickhouseUsageReader,
  clickhouseUsageStore,
} from '@meterline/backends/clickhouse';
import {
  alertRuleStore,
  catalogStores,
  deliveryQueue,
  invoiceStore,
  postgresBackfillStore,
  postgresRollupLedger,
  postgresSegmentLedger,
  prepaidStore,
  ratingStore,
  sandboxStore,
  tenantClock,
  trialNoticeStore,
  upgradeStore,
  usageVisibility,
} from '@meterline/backends/postgres';
import type { BalanceStore, Clock, Database, EventLog, JobQueue } from '@meterline/pipeline/ports';
import { decorated, type Decorations } from './decorations.ts';

export interface OpenedEngines {
  readonly database: Database;
  readonly clickhouse: Clickhouse['client'];
  readonly log: EventLog;
}

export type Ports = ReturnType<typeof portsOver>;

/** Every port over the opened engines. `worker` names this process where several rate: they share the wake-ups. */
export function portsOver(
  engines: OpenedEngines,
  { decorate, worker }: { readonly decorate?: Decorations | undefined; readonly worker?: string } = {},
) {
  const { clickhouse } = engines;
  const database = decorated(decorate, 'database', engines.database);
  const log = decorated(decorate, 'log', engines.log);
  const ledger = decorated(decorate, 'ledger', postgresSegmentLedger(database));
  const visibility = usageVisibility(database, ledger, log.logId);
  return {
    database,
    clickhouse,
    log,
    ledger,
    usage: decorated(decorate, 'usage', clickhouseUsageStore(clickhouse)),
    reader: clickhouseUsageReader(clickhouse, visibility),
    refusedEvents: clickhouseRefusedEvents(clickhouse, visibility),
    rollupLedger: decorated(decorate, 'rollupLedger', postgresRollupLedger(database)),
    rollupStore: decorated(decorate, 'rollupStore', clickhouseRollupStore(clickhouse)),
    backfills: postgresBackfillStore(database),
    catalog: catalogStores(database),
    rating: decorated(decorate, 'rating', ratingStore(database, worker)),
    invoices: decorated(decorate, 'invoices', invoiceStore(database)),
    prepaid: prepaidStore(database),
    trials: trialNoticeStore(database),
    sandboxes: sandboxStore(database),
    deliveries: decorated(decorate, 'deliveries', deliveryQueue(database)),
  };
}

export type BillingPorts = ReturnType<typeof billingPorts>;

/** What rating, spend, entitlements and invoice runs work with. */
export function billingPorts(
  ports: Ports,
  serverClock: Clock,
  { jobs, balances }: { readonly jobs: JobQueue; readonly balances: BalanceStore },
) {
  const { database, reader, rating, catalog, invoices, prepaid, trials, sandboxes, ledger, log } = ports;
  return {
    usage: reader,
    accounts: rating,
    wakeups: rating,
    meters: catalog.meters,
    features: catalog.features,
    planMoves: catalog.planMoves,
    customers: catalog.customers,
    plans: catalog.plans,
    subscriptions: catalog.subscriptions,
    rules: alertRuleStore(database),
    upgrades: upgradeStore(database),
    balances,
    invoices,
    prepaid,
    trials,
    sandboxes,
    ledger,
    log,
    clock: tenantClock(database, serverClock),
    serverClock,
    jobs,
  };
}
