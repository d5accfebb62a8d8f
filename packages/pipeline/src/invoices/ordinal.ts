import type { InvoiceDocument } from '@meterline/domain/invoices';

/** Numbers of a tenant count its invoices in the order in which they were issued; a credit note has its place behind the one that it follows. */
export function ordinal({ number, creditNote }: Pick<InvoiceDocument, 'number' | 'creditNote'>): number {
  const counted = (text: string) => Number(text.replace(/^\D+/, ''));
  return creditNote === undefined ? counted(number) : counted(creditNote.follows ?? '0') + 0.5;
}
