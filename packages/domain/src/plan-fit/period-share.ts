import { type Commitment, NOTHING_SETTLED, settleCommitment } from '../commitments/index.ts';
import { totalOf } from '../invoices/index.ts';
import { currencyExponent, decimal, formatDecimal, formatMoney, subtract } from '../money/index.ts';
import * as ratio from '../money/ratio.ts';
import type { Ratio } from '../money/ratio.ts';
import type { BillingCadence } from '../subscriptions/index.ts';
import type { BillingMonth } from './billing-months.ts';

/** Of every plan but those billed by the month. */
export type OtherCadence = Exclude<BillingCadence['every'], 'month'>;

const MONTHS = { quarter: 3n, half_year: 6n, year: 12n } as const;
const PERIODS_PER_YEAR = { quarter: 4n, half_year: 2n, year: 1n } as const;
const DAYS_PER_WEEK = 7n;

/** How many billing periods of a plan the months (at least one) come to: 6/12 of a year; weeks by their days. */
export function periodsIn(months: readonly BillingMonth[], every: OtherCadence): Ratio {
  if (every === 'week') return { numerator: BigInt(daysOf(months)), denominator: DAYS_PER_WEEK };
  return { numerator: BigInt(months.length), denominator: MONTHS[every] };
}

interface Shared {
  readonly every: OtherCadence;
  readonly commitment: Commitment | null;
  readonly currency: string;
  readonly months: readonly BillingMonth[];
}

/**
 * What months come to of a whole period that costs `total` (the sum of its lines), with its commitment: the period's share, the same for
 * each month (at least one). Rounded once, to the currency's digits, so that the months add up to it.
 */
export function sharedTotals(total: string, { every, commitment, currency, months }: Shared): string[] {
  const whole = ratio.multiply(committedPeriod(total, { every, commitment, currency, months }), periodsIn(months, every));
  const upTo = (count: number) => {
    const share = ratio.multiply(whole, { numerator: BigInt(count), denominator: BigInt(months.length) });
    return ratio.round(share, currencyExponent(currency));
  };
  return months.map((_, index) => formatMoney(subtract(upTo(index + 1), upTo(index)), currency));
}

function committedPeriod(total: string, { every, commitment, currency, months }: Shared): Ratio {
  if (commitment === null) return ratio.of(decimal(total));
  const perTerm = commitment.every === 'period' ? ratio.whole(1n) : periodsPerYear(every, months);
  const amount = formatDecimal(ratio.round(ratio.multiply(ratio.of(decimal(total)), perTerm), currencyExponent(currency)));
  const days = daysOf(months);
  const { lines } = settleCommitment({
    commitment: { ...commitment, trueUp: 'period_end' },
    currency,
    term: { fromMs: months[0]?.fromMs ?? 0, toMs: months.at(-1)?.toMs ?? 0, days, daysInTerm: days },
    elapsedDays: days,
    spend: decimal(amount),
    settledBefore: NOTHING_SETTLED,
    lines: [{ key: 'period', amount }],
  });
  return ratio.divide(ratio.of(decimal(totalOf([{ amount }, ...lines], currency))), perTerm);
}

function periodsPerYear(every: OtherCadence, months: readonly BillingMonth[]): Ratio {
  if (every !== 'week') return ratio.whole(PERIODS_PER_YEAR[every]);
  return { numerator: BigInt(months[0]?.daysInYear ?? 0), denominator: DAYS_PER_WEEK };
}

function daysOf(months: readonly BillingMonth[]): number {
  return months.reduce((sum, { days }) => sum + days, 0);
}
