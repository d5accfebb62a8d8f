import { clickhouseEventAccounting } from '@meterline/backends/clickhouse';
import { catalogStores, invoiceStore, ratingStore } from '@meterline/backends/postgres';
import type { Meter } from '@meterline/domain/meters';
import { invoiceAccounting } from '@meterline/pipeline/invoices';
import type { Cut } from '@meterline/pipeline/ports';
import {
  eventsAccounted,
  reconcile,
  type CountingMeter,
  type Invariant,
  type Reconciliation,
} from '@meterline/pipeline/reconcile';
import type { Engines } from './engines.ts';

/** Checks every invariant of this installation, one check at a time: it reads everything that is stored. */
export function reconciliation(engines: Engines): () => Promise<Reconciliation> {
  const { database, ledger, backfills, reader } = engines;
  const invoices = invoiceStore(database);
  const accounting = clickhouseEventAccounting(engines.clickhouse);
  let running: Promise<Reconciliation> | undefined;

  async function meters(): Promise<CountingMeter[]> {
    const all: Meter[] = [...(await ledger.configAt(await ledger.configVersion())).meters];
    return Promise.all(
      all.map(async (meter) => ({ meter, backfilled: (await backfills.find(meter.tenant, meter.key))?.state === 'complete' })),
    );
  }

  async function invoicesRateAgain(): Promise<Invariant> {
    const ports = {
      usage: reader,
      accounts: ratingStore(database),
      meters: catalogStores(database).meters,
      invoices,
    };
    const { invoices: checked, reRated, differing } = await invoiceAccounting(ports);
    const differences = differing.flatMap(({ number, differences: found }) =>
      found.map((difference) => `${number}: ${difference}`),
    );
    return {
      name: 'invoices rate again to what they say',
      holds: differing.length === 0,
      counts: { invoices: checked, reRated },
      differences,
    };
  }

  return () => {
    const allAccounted = (cut: Cut, accepted: number) => eventsAccounted({ accounting, invoices }, cut, accepted);
    running ??= reconcile({ ...engines, meters, more: [allAccounted, invoicesRateAgain] }).finally(() => (running = undefined));
    return running;
  };
}
