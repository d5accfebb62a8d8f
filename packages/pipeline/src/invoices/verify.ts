import { type InvoiceDocument, totalOf } from '@meterline/domain/invoices';
import { add, compare, decimal } from '@meterline/domain/money';
import type { InvoiceStore } from '../ports/index.ts';
import { type RatedPeriod, ratePeriods, type RatingPorts } from '../spend/index.ts';
import { parseInvoice, termsOfInvoice } from './draft.ts';

export interface InvoiceCheck {
  readonly id: string;
  readonly number: string;
  /** What differs between the invoice and rating it again at its cut; empty if nothing does. */
  readonly differences: readonly string[];
}

export interface InvoiceAccounting {
  readonly invoices: number;
  /** Invoices whose lines, adjustments and total came out the same when rated again. */
  readonly reRated: number;
  readonly differing: readonly InvoiceCheck[];
}

const INVOICES_AT_A_TIME_MAX = 200;

/** Rates an issued invoice again at its own cut, with its own subjects and plan version. */
export async function verifyInvoice(ports: RatingPorts, document: string): Promise<InvoiceCheck> {
  const [check] = await verifyTogether(ports, [parseInvoice({ document })]);
  if (check === undefined) throw new Error('an invoice was not verified');
  return check;
}

/** Verifies every invoice of every tenant. */
export async function invoiceAccounting(
  ports: RatingPorts & { readonly invoices: Pick<InvoiceStore, 'allInvoices'> },
): Promise<InvoiceAccounting> {
  const differing: InvoiceCheck[] = [];
  let invoices = 0;
  let after: string | null = null;
  do {
    const page = await ports.invoices.allInvoices({ after, limit: INVOICES_AT_A_TIME_MAX });
    // Invoices of one run share their cut, and then their usage queries.
    const together = Map.groupBy(page.items.map(parseInvoice), ({ tenant, cut }) => JSON.stringify([tenant, cut]));
    for (const group of together.values()) {
      const checks = await verifyTogether(ports, group);
      differing.push(...checks.filter((check) => check.differences.length > 0));
    }
    invoices += page.items.length;
    after = page.nextAfter;
  } while (after !== null);
  return { invoices, reRated: invoices - differing.length, differing };
}

/** Invoices of one tenant and one cut. */
async function verifyTogether(ports: RatingPorts, invoices: readonly InvoiceDocument[]): Promise<InvoiceCheck[]> {
  const [first] = invoices;
  if (first === undefined) return [];
  const periods = [];
  for (const invoice of invoices) {
    for (const period of [invoice, ...adjustedPeriods(invoice)]) {
      periods.push(
        await termsOfInvoice(ports, { ...period, currency: invoice.currency }, invoice.customer.subjects, first.tenant),
      );
    }
  }
  const { rated } = await ratePeriods(ports, periods, first.tenant, first.cut);
  const results = rated.values();
  return invoices.map((invoice) => {
    const own = results.next().value;
    const earlier = adjustedPeriods(invoice).map(() => results.next().value);
    return { id: invoice.id, number: invoice.number, differences: differences(invoice, own, earlier) };
  });
}

/** The earlier periods an invoice settles, once each. */
function adjustedPeriods(invoice: InvoiceDocument): InvoiceDocument['adjustments'][number][] {
  return [...new Map(invoice.adjustments.map((adjustment) => [adjustment.invoice, adjustment])).values()];
}

function differences(
  invoice: InvoiceDocument,
  own: RatedPeriod | undefined,
  earlier: readonly (RatedPeriod | undefined)[],
): string[] {
  const found: string[] = [];
  // As text: the claim is the same bytes, not merely the same amounts.
  if (JSON.stringify(own?.lines) !== JSON.stringify(invoice.lines))
    found.push(`lines: issued ${summary(invoice)}, rated again ${summary(own)}`);
  for (const adjustment of invoice.adjustments) {
    const period = adjustedPeriods(invoice).findIndex((each) => each.invoice === adjustment.invoice);
    const rated = earlier[period]?.lines.find((line) => line.key === adjustment.key)?.amount;
    const addsUp =
      compare(add(decimal(adjustment.billedAmount), decimal(adjustment.amount)), decimal(adjustment.ratedAmount)) === 0;
    if (rated !== adjustment.ratedAmount || !addsUp) {
      found.push(
        `adjustment of ${adjustment.invoice} ${adjustment.key}: issued ${adjustment.ratedAmount}, rated again ${rated ?? 'nothing'}`,
      );
    }
  }
  const total = totalOf([...(own?.lines ?? []), ...invoice.adjustments], invoice.currency);
  if (total !== invoice.total) found.push(`total: issued ${invoice.total}, rated again ${total}`);
  return found;
}

function summary(period: Pick<RatedPeriod, 'lines'> | undefined): string {
  return (period?.lines ?? []).map((line) => `${line.key} ${line.quantity} = ${line.amount}`).join(', ') || 'nothing';
}
