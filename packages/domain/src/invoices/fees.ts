import { add, compare, decimal, formatMoney, max, min, subtract, ZERO } from '../money/index.ts';
import type { BilledInAdvance, InvoiceDocument, InvoiceLine } from './document.ts';

/** The documents that billed fees of one period before its invoice. */
export interface FeeDocuments {
  readonly fee: InvoiceDocument;
  readonly creditNote: InvoiceDocument | undefined;
}

/** Those of the period that begins at `from`, if there are any among the documents of a subscription. */
export function feeDocumentsOf(documents: readonly InvoiceDocument[], from: string): FeeDocuments | undefined {
  const own = documents.filter(({ period }) => period.from === from);
  const fee = own.find(({ kind }) => kind === 'fee');
  return fee && { fee, creditNote: own.find(({ kind }) => kind === 'credit_note') };
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
