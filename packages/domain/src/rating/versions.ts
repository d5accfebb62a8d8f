import { Fault } from '../faults/index.ts';
import * as ratio from '../money/ratio.ts';
import type { Modifiers, Price } from '../prices/index.ts';
import { applyMoney, type Charged, compilePrice, NO_BILL } from './compile.ts';
import type { PriceEvaluation } from './evaluation.ts';
import type { Language } from './explain/index.ts';
import { amountOf, exactText, inContext, type Line } from './line.ts';
import { type Measure, measureOf, notBelowZero, NOTHING, sumOf } from './measure.ts';
import type { MeteredUsage } from './metered-usage.ts';
import { capAtMaximum, CREDITS, type Limit, type MoneyTerms, raiseToMinimum, shareOfLimit } from './modifiers/index.ts';
import { prorationOf } from './proration.ts';
import { evaluationOf } from './summary.ts';
import { seatsLater } from './seats-later.ts';
import type { Usage } from './usage.ts';

/** A stretch of a billing period in which one price was in force. */
export interface PricedPart {
  readonly price: Price;
  readonly modifiers?: Modifiers | undefined;
  /** Usage of this stretch alone, as finely as `usageNeeds` of its price asks; null: the rate card has no meter. */
  readonly usage: MeteredUsage | null;
  /** Local days of the stretch that are billed, or seconds (`unit`). A day belongs to one part; a stretch within a day may have none. */
  readonly days: number;
}

export interface PricedPeriod {
  readonly currency: string;
  /** In time order, at least one; together the whole billed period. */
  readonly parts: readonly PricedPart[];
  /** Days of the full billing period: fees are charged for the days of the parts out of these. */
  readonly daysInPeriod: number;
  /** What days and daysInPeriod count; absent: days. */
  readonly unit?: 'second' | undefined;
  readonly carriedUnits?: string | undefined;
  readonly firstPeriod?: boolean | undefined;
  /** Whether minimum and maximum are for the share of the period that its fees are for; default false: a part of a period has them whole. */
  readonly sharesLimits?: boolean | undefined;
}

/**
 * The charge of a billing period within which the price changed: each unit at the price of its time.
 *
 * - Usage counts through: tiers, packages, free units and allowances go on in each part where the one before it stood.
 * - A flat fee, or one per seat, is charged for the days of each part at the price of that part. A tier's flat amount is due at the
 *   price in force when usage enters the tier, the first tier's at the price the period begins with.
 * - A volume price finds its tier by the usage of the whole period, in each part among the tiers of that part, which price the units
 *   of that part; the tier's flat amount is that of the last price.
 * - Minimum and maximum count for the days of the parts that have them (out of those billed, or, with `sharesLimits`, of the period): the
 *   minimums add up; the maximums add up over the charges of those parts.
 * - Credits, rounding and a fee due once are those of the last price, the price in force when the charge is made, and the first.
 *
 * One part gives exactly what `rateCardCharge` gives. Usage that does not add up over time (a maximum, unique users) has no units of a
 * time: its parts must say what each adds. Throws as `evaluatePrice`, and Fault `proration.invalid` for days that are no whole numbers.
 */
export function ratePricedParts(period: PricedPeriod, language: Language = 'en'): PriceEvaluation {
  return evaluationOf(chargePricedParts(period), language);
}

const NO_USAGE: MeteredUsage = { quantity: '0', events: 0 };

/** As `ratePricedParts`, before it is rounded and written. */
export function chargePricedParts(period: PricedPeriod): Charged {
  const { currency, parts } = period;
  const prices = parts.map((part) => compilePrice({ currency, price: part.price, modifiers: part.modifiers }));
  const last = prices.at(-1);
  if (!last) throw new RangeError('a billing period has at least one price');
  const { rounding } = last;
  const days = daysOf(period);
  const carried = ratio.read(period.carriedUnits ?? '0');

  const lines = usagesOf(period).map((usage, index): readonly Line[] => {
    const own = prices[index]?.linesOf(usage, carried) ?? [];
    return parts.length > 1 ? inContext(own, { version: index + 1 }) : own;
  });
  const { sharesLimits = false, unit } = period;
  const shared = sharesLimits ? BigInt(period.daysInPeriod) : sum(days);
  /** The parts that have the limit, and what their limits come to by their days. */
  const limited = (limitOf: (money: MoneyTerms) => Limit | null) => {
    const limits = prices.map(({ money }, index) => {
      const limit = limitOf(money);
      const share = { numerator: days[index] ?? 0n, denominator: shared, unit };
      return limit && (parts.length > 1 || sharesLimits ? shareOfLimit(limit, share) : limit);
    });
    const limit = limits.length === 1 ? (limits[0] ?? null) : limits.reduce(added, null);
    return { lines: lines.flatMap((own, index) => (limits[index] ? own : [])), limit };
  };
  const maximum = limited((money) => money.maximum);
  const minimum = limited((money) => money.minimum);
  const terms: MoneyTerms = { maximum: maximum.limit, minimum: minimum.limit, credits: last.money.credits };
  const cap = applyMoney([capAtMaximum], maximum.lines, terms, NO_BILL, rounding).slice(maximum.lines.length);
  const settled = applyMoney([raiseToMinimum, ...CREDITS], [...lines.flat(), ...cap], terms, NO_BILL, rounding);
  return { lines: settled, exactAmount: amountOf(settled), rounding, currency, billed: ratio.ZERO };
}

/** The usage of each part, from where the one before it ended; seats held at a time are no sum, and stand by themselves in each. */
function usagesOf({ parts, daysInPeriod, unit, firstPeriod = true }: PricedPeriod): Usage[] {
  const measures = parts.map(({ usage }) => measureOf(usage ?? NO_USAGE));
  const end = notBelowZero(measures.reduce(sumOf, NOTHING));
  let from: Measure = NOTHING;
  return parts.map(({ price, usage, days }, index) => {
    const [begins, ends] = [index === 0, index === parts.length - 1];
    const to = sumOf(from, measures[index] ?? NOTHING);
    const proration = { numerator: BigInt(days), denominator: BigInt(daysInPeriod), unit };
    const part = { begins, ends, settlesVolume: ends, sharesFees: parts.length > 1, firstPeriod, proration };
    const whole = { part, billedBefore: false, feesOnUse: false };
    if (usage?.seatChanges) {
      const held = notBelowZero(measures[index] ?? NOTHING);
      return { ...whole, from: NOTHING, to: held, end: held, seatsLater: seatsLater(price, held, usage.seatChanges) };
    }
    const counted = { from: notBelowZero(from), to: ends ? end : notBelowZero(to), end };
    from = to;
    return { ...whole, ...counted, seatsLater: [] };
  });
}

/** Throws Fault `proration.invalid` unless the days are whole numbers, and together no more than the period has. */
function daysOf({ parts, daysInPeriod }: PricedPeriod): bigint[] {
  for (const { days } of parts) prorationOf({ prorationNumerator: days, prorationDenominator: daysInPeriod });
  const days = parts.map((part) => BigInt(part.days));
  if (sum(days) <= BigInt(daysInPeriod)) return days;
  throw new Fault(
    'invalid',
    'proration.invalid',
    `parts of ${days.join(' + ')} days do not fit into a period of ${daysInPeriod} days`,
  );
}

function sum(days: readonly bigint[]): bigint {
  return days.reduce((a, b) => a + b, 0n);
}

/** The sum of what limits of parts come to: of no part's own days any more. */
function added(sum: Limit | null, part: Limit | null): Limit | null {
  if (part === null) return sum;
  const amount = sum === null ? part.amount : ratio.add(sum.amount, part.amount);
  return { amount, text: exactText(amount) };
}
