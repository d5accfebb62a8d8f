import { add, compare, decimal, formatMoney, isZero, max, min, subtract, ZERO } from '../money/index.ts';
import type { BilledInAdvance, InvoiceDocument, InvoiceLine } from './document.ts';

/** The documents that billed fees of one period before its invoice. */
export interface FeeDocuments {
  /** The last one. Those before it were of plans that were left on the day they came, and are given back whole. */
  readonly fee: InvoiceDocument;
  readonly creditNote: InvoiceDocument | undefined;
  /** How many fee invoices and credit notes there are, with those given back whole. */
  readonly count: number;
}

/** Those of the period that begins at `from`, if there are any among the documents of a subscription, in order. */
export function feeDocumentsOf(documents: readonly InvoiceDocument[], from: string): FeeDocuments | undefined {
  const own = documents.filter(({ kind, period }) => period.from === from && (kind === 'fee' || kind === 'credit_note'));
  const fee = own.findLast(({ kind }) => kind === 'fee');
  return fee && { fee, creditNote: own.find(({ creditNote }) => creditNote?.invoice === fee.number), count: own.length };
}

/** Whether nothing is left of what was billed. */
export function isGivenBackWhole(documents: FeeDocuments): boolean {
  return [...feesByLine(documents).values()].every((amount) => isZero(decimal(amount)));
}

/** Every amount that they billed or gave back, in order. */
export function feesBilled({ fee, creditNote }: FeeDocuments): BilledInAdvance[] {
  const charges = [
    ...fee.lines.map((line) => ({ ...line, invoice: fee.number })),
    ...(creditNote?.adjustments ?? []).map((line) => ({ ...line, invoice: creditNote?.number ?? '' })),
  ];
  return charges.map(({ invoice, key, name, amount }) => ({ invoice, key, name, amount }));
}

/** What was billed in advance for `lines`. With `keepsUnused` no more than a line comes to: what was paid beyond it is not given back. */
export function billedBefore(
  lines: readonly Pick<InvoiceLine, 'key' | 'amount'>[],
  documents: FeeDocuments,
  { keepsUnused, currency }: { readonly keepsUnused: boolean; readonly currency: string },
): BilledInAdvance[] {
  const billed = feesBilled(documents);
  if (!keepsUnused) return billed;
  const dueOf = new Map(lines.map(({ key, amount }) => [key, decimal(amount)]));
  return billed.map((each) => {
    const amount = min(decimal(each.amount), max(dueOf.get(each.key) ?? ZERO, ZERO));
    const kept = subtract(decimal(each.amount), amount);
    return { ...each, amount: formatMoney(amount, currency), kept: formatMoney(kept, currency) };
  });
}

/** The lines of a fee invoice: what costs something before anything is used. */
export function feeLines(lines: readonly InvoiceLine[]): InvoiceLine[] {
  return lines.filter(({ amount }) => compare(decimal(amount), ZERO) !== 0);
}

/** Sum of what was billed for each line, by its key. */
export function feesByLine(documents: FeeDocuments): ReadonlyMap<string, string> {
  const { currency } = documents.fee;
  return new Map(
    [...Map.groupBy(feesBilled(documents), ({ key }) => key)].map(([key, each]) => [
      key,
      formatMoney(
        each.reduce((sum, { amount }) => add(sum, decimal(amount)), ZERO),
        currency,
      ),
    ]),
  );
}
