import { charged, type InvoiceDocument } from '@meterline/domain/invoices';
import { add, decimal, type Decimal, formatMoney, isZero, ZERO } from '@meterline/domain/money';

export const isOfPeriod = ({ kind }: InvoiceDocument): boolean => kind === undefined;

/** What all documents of a period come to, however they are paid, by its beginning. Periods of nothing are left out. */
export function chargedByPeriod(documents: readonly InvoiceDocument[]): Record<string, string> {
  const sums = new Map<string, Decimal>();
  for (const document of documents)
    sums.set(document.period.from, add(sums.get(document.period.from) ?? ZERO, decimal(charged(document))));
  return Object.fromEntries([...sums].filter(([, sum]) => !isZero(sum)).map(([from, sum]) => [from, formatMoney(sum, 'USD')]));
}
