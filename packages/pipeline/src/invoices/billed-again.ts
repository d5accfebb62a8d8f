import {
  type EarlierDocuments,
  heldBack,
  type InterimTerms,
  type InvoiceThresholds,
  type InvoiceDocument,
  type InvoiceLine,
  reachedWith,
  takenOff,
} from '@meterline/domain/invoices';
import { keepsUnused } from './earlier-of-issued.ts';

/** What an issued invoice should take off its lines, and hold back if it is an interim one: by the documents of its period before it. */
export type BilledAgain = Pick<InvoiceDocument, 'billedInAdvance' | 'billedOnInterims'> & Pick<InterimTerms, 'part' | 'heldBack'>;

/** Where an interim invoice does not say which level it reaches: by the documents before it, and by what it should ask for before credits. */
export function thresholdDifferences(
  { interim, currency }: InvoiceDocument,
  thresholds: InvoiceThresholds | null,
  of: { readonly interims: readonly InvoiceDocument[]; readonly amount: string },
): string[] {
  const again = reachedWith(thresholds, of, currency);
  const isSame = again.threshold === interim?.threshold && again.reached === interim?.reached;
  return isSame ? [] : [`threshold: issued ${level(interim)}, reached again ${level(again)}`];
}

function level({ threshold = 'nothing', reached = 'nothing' }: Partial<InterimTerms> = {}): string {
  return `${threshold} at ${reached}`;
}

export function billedAgain(invoice: InvoiceDocument, lines: readonly InvoiceLine[], earlier: EarlierDocuments): BilledAgain {
  const { kind, currency } = invoice;
  const off = takenOff(lines, earlier, { kind, keepsUnused: keepsUnused(invoice), currency });
  const billed = [...(off.billedInAdvance ?? []), ...(off.billedOnInterims ?? [])];
  return {
    ...off,
    part: earlier.interims.length + 1,
    heldBack: kind === 'interim' ? heldBack(lines, billed, currency) : [],
  };
}

export function billedDifferences({ billedInAdvance, billedOnInterims, interim }: InvoiceDocument, again: BilledAgain): string[] {
  const compared = [
    ['billed in advance', billedInAdvance, again.billedInAdvance],
    ['billed on interim invoices', billedOnInterims, again.billedOnInterims],
    ['held back', interim?.heldBack ?? [], again.heldBack],
  ] as const;
  const found = compared.flatMap(([what, issued, billed]) =>
    JSON.stringify(issued) === JSON.stringify(billed) ? [] : [`${what}: issued ${told(issued)}, billed ${told(billed)}`],
  );
  const isInTurn = interim === undefined || interim.part === again.part;
  return isInTurn ? found : [...found, `part: issued ${interim.part}, it is number ${again.part} of its period`];
}

function told(amounts: readonly { readonly key: string; readonly amount: string; readonly invoice?: string }[] = []): string {
  return amounts.map(({ invoice, key, amount }) => `${key} ${amount}${invoice ? ` by ${invoice}` : ''}`).join(', ') || 'nothing';
}
