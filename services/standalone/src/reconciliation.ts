import { catalogStores, invoiceStore, ratingStore } from '@meterline/backends/postgres';
import type { Meter } from '@meterline/domain/meters';
import { invoiceAccounting } from '@meterline/pipeline/invoices';
import { reconcile, type CountingMeter, type Invariant, type Reconciliation } from '@meterline/pipeline/reconcile';
import type { Engines } from './engines.ts';

/** Checks every invariant of this installation, one check at a time: it reads everything that is stored. */
export function reconciliation(engines: Engines): () => Promise<Reconciliation> {
  const { database, ledger, backfills, reader } = engines;
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
      invoices: invoiceStore(database),
    };
    const { invoices, reRated, differing } = await invoiceAccounting(ports);
    const differences = differing.flatMap(({ number, differences: found }) =>
      found.map((difference) => `${number}: ${difference}`),
    );
    return {
      name: 'invoices rate again to what they say',
      holds: differing.length === 0,
      counts: { invoices, reRated },
      differences,
    };
  }

  return () => {
    running ??= reconcile({ ...engines, meters, more: [invoicesRateAgain] }).finally(() => (running = undefined));
    return running;
  };
}
