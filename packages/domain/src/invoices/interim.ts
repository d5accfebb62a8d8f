import { add, compare, decimal, type Decimal, formatMoney, isZero, subtract, ZERO } from '../money/index.ts';
import { isDueInAdvance, type RateCard } from '../prices/index.ts';
import type { BilledOnInterim, InterimTerms, InvoiceDocument, InvoiceLine } from './document.ts';
import { billedBefore, type FeeDocuments, feeDocumentsOf } from './fees.ts';

/** The documents that billed a period before its invoice. */
export interface EarlierDocuments {
  readonly fees: FeeDocuments | undefined;
  /** In order. */
  readonly interims: readonly InvoiceDocument[];
}

type Amount = Pick<InvoiceLine, 'key' | 'amount'>;

/** Those of the period that begins at `from`, among the documents of a subscription. */
export function earlierDocuments(documents: readonly InvoiceDocument[], from: string): EarlierDocuments {
  const interims = documents.filter(({ kind, period }) => kind === 'interim' && period.from === from);
  const partOf = ({ interim }: InvoiceDocument) => interim?.part ?? 0;
  return { fees: feeDocumentsOf(documents, from), interims: interims.toSorted((a, b) => partOf(a) - partOf(b)) };
}

/**
 * The cards that interim invoices bill, as the plan version was made: those of usage. A fee that is due in arrears, and what its card charges beyond it,
 * waits for the end of the period; a fee in advance with usage on top is billed with it, as far as no fee invoice did.
 */
export function cardsOnInterims(rateCards: readonly RateCard[]): RateCard[] {
  const isFee = ({ model }: RateCard['price']) => model === 'flat' || model === 'per_seat';
  return rateCards.filter(({ meter, price }) => meter !== undefined && (!isFee(price) || isDueInAdvance(price)));
}

/** A card while its period goes on: what its minimum adds is due when the period ends. */
export function withoutMinimum(card: RateCard): RateCard {
  if (card.modifiers?.minimumSpend === undefined) return card;
  const { minimumSpend: _minimumSpend, ...modifiers } = card.modifiers;
  return { ...card, modifiers };
}

/** What each interim invoice billed of its lines, in order; nothing is left out but zeros. */
export function billedOnInterims(interims: readonly InvoiceDocument[]): BilledOnInterim[] {
  return interims.flatMap(({ number: invoice, currency, lines, billedInAdvance = [], billedOnInterims: before = [], interim }) =>
    lines.flatMap(({ key, name, amount }) => {
      const billed = subtract(decimal(amount), sumOf(key, [...billedInAdvance, ...before]));
      const own = add(billed, sumOf(key, interim?.heldBack ?? []));
      return isZero(own) ? [] : [{ invoice, key, name, amount: formatMoney(own, currency) }];
    }),
  );
}

/** What an invoice takes off its lines, as other documents billed it before. Fees of other cards than its own are left to the invoice of the period. */
export function takenOff(
  lines: readonly Amount[],
  { fees, interims }: EarlierDocuments,
  { kind, ...rule }: { readonly kind: InvoiceDocument['kind']; readonly keepsUnused: boolean; readonly currency: string },
): Pick<InvoiceDocument, 'billedInAdvance' | 'billedOnInterims'> {
  const keys = new Set(lines.map(({ key }) => key));
  const inAdvance = fees === undefined ? [] : billedBefore(lines, fees, rule);
  const own = kind === 'interim' ? inAdvance.filter(({ key }) => keys.has(key)) : inAdvance;
  return {
    ...(own.length > 0 && { billedInAdvance: own }),
    ...(interims.length > 0 && { billedOnInterims: billedOnInterims(interims) }),
  };
}

/**
 * What an interim invoice does not give back: where one of its lines came to less than was billed of it, or is no more, as the plan was changed on the
 * first day of the period.
 */
export function heldBack(
  lines: readonly Pick<InvoiceLine, 'key' | 'name' | 'amount'>[],
  billed: readonly Pick<InvoiceLine, 'key' | 'name' | 'amount'>[],
  currency: string,
): InterimTerms['heldBack'] {
  const keys = new Set(lines.map(({ key }) => key));
  const gone = new Map(billed.filter(({ key }) => !keys.has(key)).map(({ key, name }) => [key, { key, name, amount: '0' }]));
  return [...lines, ...gone.values()].flatMap(({ key, name, amount }) => {
    const short = subtract(sumOf(key, billed), decimal(amount));
    return compare(short, ZERO) > 0 ? [{ key, name, amount: formatMoney(short, currency) }] : [];
  });
}

/** What it asks for, however it is paid: its total, and what credits paid of it. */
export function charged({ total, prepaid, currency }: Pick<InvoiceDocument, 'total' | 'prepaid' | 'currency'>): string {
  return formatMoney(add(decimal(total), decimal(prepaid?.credited ?? '0')), currency);
}

function sumOf(key: string, amounts: readonly Amount[]): Decimal {
  return amounts.filter((each) => each.key === key).reduce((sum, { amount }) => add(sum, decimal(amount)), ZERO);
}
