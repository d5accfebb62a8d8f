import { add, decimal, formatDecimal, formatMoney, isNegative, multiply, negate, ZERO } from '../money/index.ts';
import { feeShare, type FeeSharing } from '../subscriptions/index.ts';
import { parseInstantMs } from '../time/index.ts';
import type {
  CreditNoteLine,
  CreditNoteTerms,
  InvoiceAdjustment,
  InvoiceDocument,
  InvoiceLine,
  InvoicePeriod,
} from './document.ts';

/** What becomes of the time that a fee paid for and that lies after the end of its subscription. */
export const UNUSED_TIME = ['credit', 'refund', 'none'] as const;
export type UnusedTime = (typeof UNUSED_TIME)[number];

/** Why one was issued, to people. */
export const CREDIT_REASONS: Readonly<Record<CreditNoteTerms['reason'], string>> = {
  subscription_ended: 'the subscription ended',
  subscription_changed: 'the subscription changed',
};

/** Invoices have at most one. */
export function creditNoteNumber(invoice: string): string {
  return `${invoice}-CN1`;
}

/** One for each adjustment that gives something back. */
export function creditNoteLines(fee: InvoiceDocument, adjustments: readonly InvoiceAdjustment[]): CreditNoteLine[] {
  return adjustments.flatMap(({ key, name, amount, period }) => {
    const line = fee.lines.find((each) => each.key === key);
    if (line === undefined || !isNegative(decimal(amount))) return [];
    const [paid, used] = [shareOf(fee.period), shareOf(period)];
    return {
      key,
      name,
      baseAmount: baseAmount(line),
      unused: paid.numerator - used.numerator,
      inPeriod: paid.denominator,
      unit: paid.unit ?? 'day',
      amount: formatMoney(negate(decimal(amount)), fee.currency),
    };
  });
}

function shareOf(period: InvoicePeriod) {
  const [fromMs, toMs] = [instantMs(period.from), instantMs(period.to)];
  return feeShare({ fromMs, toMs, days: period.days, daysInPeriod: period.daysInPeriod, sharing: sharingOf(period) });
}

/** Whether less of a period was used than was paid for. */
export function isCutShort(paid: InvoicePeriod, used: InvoicePeriod): boolean {
  return shareOf(used).numerator < shareOf(paid).numerator;
}

/** How the fees of an issued invoice were shared; absent: by days. */
export function sharingOf({ sharing }: Pick<InvoicePeriod, 'sharing'>): FeeSharing | undefined {
  if (sharing?.by !== 'second') return sharing;
  const { from, to, ...rest } = sharing;
  return { ...rest, fromMs: instantMs(from), toMs: instantMs(to) };
}

function baseAmount({ parts, explanation }: InvoiceLine): string | null {
  if (parts !== undefined) return null;
  const fees = explanation.filter(({ kind }) => kind === 'flat' || kind === 'seat');
  return formatDecimal(
    fees.reduce(
      (sum, { quantity, unitAmount }) => add(sum, multiply(decimal(quantity ?? '1'), decimal(unitAmount ?? '0'))),
      ZERO,
    ),
  );
}

function instantMs(text: string): number {
  const ms = parseInstantMs(text);
  if (ms === undefined) throw new Error(`an issued invoice holds the instant ${text}`);
  return ms;
}
