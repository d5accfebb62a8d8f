import { clickhouseEventAccounting } from '@meterline/backends/clickhouse';
import type { Meter } from '@meterline/domain/meters';
import { invoiceAccounting } from '@meterline/pipeline/invoices';
import type { Cut } from '@meterline/pipeline/ports';
import {
  eventsAccounted,
  prepaidAddsUp,
  reconcile,
  type CountingMeter,
  type Invariant,
  type Reconciliation,
} from '@meterline/pipeline/reconcile';
import type { Ports } from './ports.ts';

/** Checks every invariant of this installation, one check at a time: it reads everything that is stored. */
export function reconciliation(ports: Ports): () => Promise<Reconciliation> {
  const { ledger, backfills, reader, invoices } = ports;
  const accounting = clickhouseEventAccounting(ports.clickhouse);
  let running: Promise<Reconciliation> | undefined;

  async function meters(): Promise<CountingMeter[]> {
    const all: Meter[] = [...(await ledger.configAt(await ledger.configVersion())).meters];
    return Promise.all(
      all.map(async (meter) => ({ meter, backfilled: (await backfills.find(meter.tenant, meter.key))?.state === 'complete' })),
    );
  }

  async function invoicesRateAgain(): Promise<Invariant> {
    const {
      invoices: checked,
      reRated,
      differing,
    } = await invoiceAccounting({
      usage: reader,
      accounts: ports.rating,
      meters: ports.catalog.meters,
      invoices,
    });
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
    running ??= reconcile({ ...ports, meters, more: [allAccounted, invoicesRateAgain, () => prepaidAddsUp(ports)] }).finally(
      () => (running = undefined),
    );
    return running;
  };
}
