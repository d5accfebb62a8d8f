import { carriedAsKnown, handedOn, type InvoiceDocument, takenOver } from '@meterline/domain/invoices';
import { parseInstantMs } from '@meterline/domain/time';
import type { InvoiceStore } from '../ports/index.ts';
import { ordinal } from './ordinal.ts';
import { parseInvoice } from './parse-invoice.ts';

/** What an issued invoice says of allowances carried over into the periods that it bills and settles. */
export interface CarriedAgain {
  /** Units that came into the period of an invoice, by number: this one, or one that it settles. By rate card. */
  stated(number: string): ReadonlyMap<string, string>;
  /** Where that is not what the period before leaves, as the invoice and those before it know it. */
  readonly differences: readonly string[];
}

const NOTHING: CarriedAgain = { stated: () => new Map(), differences: [] };

/**
 * Answers it for issued invoices of one tenant (for others than these, nothing), from the documents alone: each is rated with what it states, and what
 * it states is what the one before left, so all of a chain is proven.
 */
export async function carriedAgain(
  store: Pick<InvoiceStore, 'issuedSince'>,
  invoices: ReadonlySet<InvoiceDocument>,
  tenant: string,
): Promise<(invoice: InvoiceDocument) => CarriedAgain> {
  if (invoices.size === 0) return () => NOTHING;
  const all = [...invoices];
  const periods = all.flatMap(({ period, adjustments }) => [period, ...adjustments.map((each) => each.period)]);
  const subscriptions = [...new Set(all.map(({ subscription }) => subscription))];
  const sinceMs = Math.min(...periods.map(({ from }) => parseInstantMs(from) ?? NaN));
  const stored = await store.issuedSince(subscriptions, sinceMs, tenant);
  const bySubscription = Map.groupBy(
    stored.filter(({ kind }) => kind === 'period').map(parseInvoice),
    ({ subscription }) => subscription,
  );
  return (invoice) => {
    if (!invoices.has(invoice)) return NOTHING;
    const before = (bySubscription.get(invoice.subscription) ?? []).filter((other) => ordinal(other) < ordinal(invoice));
    const known = [...before.toSorted((a, b) => ordinal(a) - ordinal(b)), invoice];
    const asKnown = (of: InvoiceDocument) => carriedAsKnown(of, known.slice(known.indexOf(of) + 1));
    const stated = (number: string) => {
      const own = known.find((each) => each.number === number);
      return own === undefined ? new Map<string, string>() : takenOver(asKnown(own));
    };
    const numbers = new Set([invoice.number, ...invoice.adjustments.map((adjustment) => adjustment.invoice)]);
    const differences = known
      .filter(({ number }) => numbers.has(number))
      .flatMap((each) => {
        const { number } = each;
        const previous = known.find((other) => handsOnTo(other, each));
        const left = previous === undefined ? new Map<string, string>() : handedOn(asKnown(previous));
        return unlike(stated(number), left).map((difference) => `carried into the period of ${number}, ${difference}`);
      });
    return { stated, differences };
  };
}

/** As `carriedAfter` has it for rating. */
function handsOnTo(before: InvoiceDocument, { plan, planVersion, phase, period }: InvoiceDocument): boolean {
  const isSame = before.plan === plan && before.planVersion === planVersion && before.phase?.key === phase?.key;
  return isSame && before.period.to === period.from;
}

function unlike(stated: ReadonlyMap<string, string>, left: ReadonlyMap<string, string>): string[] {
  return [...new Set([...stated.keys(), ...left.keys()])].flatMap((key) => {
    const [said, due] = [stated.get(key) ?? '0', left.get(key) ?? '0'];
    return said === due ? [] : [`${key}: issued ${said}, the period before left ${due}`];
  });
}
