import type { InvoiceDocument } from '@meterline/domain/invoices';
import { executeInvoiceRun, invoiceAccounting, requestInvoiceRun } from '@meterline/pipeline/invoices';
import { expect } from 'vitest';
import type { RatingFixture } from './rating.ts';

/** Moves the fixture's clock there and bills what is due; answers all documents so far, in the order in which they were issued. */
export async function billUntil(it: RatingFixture, instant: string): Promise<InvoiceDocument[]> {
  it.clock.moveTo(Date.parse(instant));
  const run = await requestInvoiceRun(it.ports, undefined, it.tenant);
  await it.jobs.idle();
  await executeInvoiceRun(it.ports, run);
  const rows = await it.database.query<{ document: string }>(
    'select document from invoice where tenant = $1 order by issued_at, id',
    [it.tenant],
  );
  return rows.map(({ document }) => JSON.parse(document) as InvoiceDocument);
}

/** Every document of the tenant comes out the same when it is rated again, and so do its ledgers. */
export async function expectVerified(it: RatingFixture): Promise<void> {
  const rows = await it.ports.invoices.allInvoices({ after: null, limit: 100_000 });
  const own = rows.items.filter(({ tenant }) => tenant === it.tenant);
  const allInvoices = async () => ({ items: own, nextAfter: null });
  const { differing, reRated } = await invoiceAccounting({ ...it.ports, invoices: { ...it.ports.invoices, allInvoices } });
  expect(differing).toEqual([]);
  expect(reRated).toBe(own.length);
  expect(await it.prepaidFaults()).toEqual([]);
}
