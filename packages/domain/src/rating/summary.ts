import { add, formatDecimal, formatMoney, roundTogether, subtract, type Decimal } from '../money/index.ts';
import * as ratio from '../money/ratio.ts';
import type { Ratio } from '../money/ratio.ts';
import type { Charged } from './compile.ts';
import type { LineKind, PriceEvaluation, RatedLine } from './evaluation.ts';
import { describe, type Language } from './explain/index.ts';
import { amountOf, exactPlaces, exactText, type Line } from './line.ts';
import type { Rounding } from './rounding.ts';

const [PRICED, DISCOUNTED, RAISED, PAID] = [0, 1, 2, 3] as const;
type Step = typeof PRICED | typeof DISCOUNTED | typeof RAISED | typeof PAID;

/**
 * The charge, rounded: what is due. Credits in whole smallest units come off the rounded charge, as to round what they leave of it
 * could let them pay a unit more than they hold: half to even, 0.515 is 0.52, and 0.505 after a credit of 0.01 is 0.50.
 */
export function totalOf({ lines, exactAmount, billed, rounding }: Charged): Decimal {
  if (!lines.some(({ kind }) => kind === 'credit')) return roundedBeyond(exactAmount, billed, rounding);
  const paid = amountOf(lines.filter(({ kind }) => kind === 'credit'));
  const roundPaid = ratio.round(paid, rounding.places, rounding.mode);
  if (ratio.compare(ratio.of(roundPaid), paid) !== 0) return roundedBeyond(exactAmount, billed, rounding);
  return add(roundedBeyond(ratio.subtract(exactAmount, paid), billed, rounding), roundPaid);
}

/**
 * Adds the lines up in the order of the steps and rounds each running sum; the four parts are the differences of those. So `total`
 * is the exact sum rounded once, and the parts, as printed, still add up to it.
 */
export function evaluationOf(charged: Charged, language: Language = 'en'): PriceEvaluation {
  const { lines, exactAmount, rounding, currency, billed } = charged;
  const through = (last: Step) => {
    const made = lines.filter(({ kind }) => (STEP_OF[kind] ?? PRICED) <= last);
    return roundedBeyond(amountOf(made), billed, rounding);
  };
  const money = (d: Decimal) => formatMoney(d, currency);

  const priced = through(PRICED);
  const discounted = through(DISCOUNTED);
  const due = through(RAISED);
  const total = totalOf(charged);
  return {
    amount: money(priced),
    charges: money(subtract(due, discounted)),
    discounts: money(subtract(priced, discounted)),
    credits: money(subtract(due, total)),
    total: money(total),
    exactAmount: exactText(exactAmount),
    lines: written(lines, language),
    rounding: roundingStep(charged, total, language),
  };
}

/** Where `billed` was a round part of a whole, the whole is rounded, not what is left of it. */
function roundedBeyond(amount: Ratio, billed: Ratio, { mode, places }: Rounding): Decimal {
  if (ratio.sign(billed) === 0) return ratio.round(amount, places, mode);
  const whole = ratio.of(ratio.round(ratio.add(amount, billed), places, mode));
  return exactPlaces(ratio.subtract(whole, billed));
}

/** How a charge came to `total`: its lines, and the rounding if there was something to round. They add up to it. */
export function explanationOf(charged: Charged, total: Decimal, language: Language = 'en'): RatedLine[] {
  const rounding = roundingStep(charged, total, language);
  return [...written(charged.lines, language), ...(rounding ? [rounding] : [])];
}

/**
 * What each charge of one invoice comes to. Those rounded with the scope `invoice` are rounded once, as a sum (one for each mode), and
 * shown so that they add up to it; all others by themselves.
 */
export function totalsOf(charges: readonly Charged[]): Decimal[] {
  const pools = Map.groupBy(
    charges.filter(({ rounding }) => rounding.scope === 'invoice'),
    ({ rounding }) => rounding.mode,
  );
  const shares = new Map<Charged, Decimal>();
  for (const [mode, pool] of pools) {
    const amounts = pool.map(({ exactAmount }) => exactAmount);
    const together = roundTogether(amounts, pool[0]?.rounding.places ?? 0, mode);
    for (const [index, charged] of pool.entries()) shares.set(charged, together[index] ?? totalOf(charged));
  }
  return charges.map((charged) => shares.get(charged) ?? totalOf(charged));
}

/** From the exact amount to the round one; null where they are the same. */
function roundingStep({ exactAmount, rounding, currency }: Charged, total: Decimal, language: Language): RatedLine | null {
  const amount = formatDecimal(subtract(total, exactPlaces(exactAmount)));
  if (amount === '0') return null;
  const { mode, scope } = rounding;
  const facts = {
    type: 'rounded' as const,
    mode,
    scope,
    exactAmount: exactText(exactAmount),
    roundedAmount: formatMoney(total, currency),
  };
  return sentenced({ kind: 'rounding', quantity: null, unitAmount: null, amount, facts }, language);
}

/**
 * Amounts as differences of running sums: where fractions never end (17 of 31 days), their last digits are shared out so that the
 * lines still add up to the exact amount.
 */
function written(lines: readonly Line[], language: Language): RatedLine[] {
  let sum = ratio.ZERO;
  let sumWritten = exactPlaces(sum);
  return lines.map(({ kind, quantity, unitAmount, amount, tier, facts, context }) => {
    const before = sumWritten;
    sum = ratio.add(sum, amount);
    sumWritten = exactPlaces(sum);
    return sentenced(
      {
        kind,
        quantity: quantity && exactText(quantity),
        unitAmount,
        amount: formatDecimal(subtract(sumWritten, before)),
        ...(tier && { tier }),
        facts: facts(),
        ...(context && { context }),
      },
      language,
    );
  });
}

function sentenced({ kind, ...line }: Omit<RatedLine, 'description'>, language: Language): RatedLine {
  return { kind, description: describe(line, language), ...line };
}

/** The step of the charge that makes lines of a kind: the price itself makes all others. */
const STEP_OF: Partial<Record<LineKind, Step>> = { discount: DISCOUNTED, maximum: DISCOUNTED, minimum: RAISED, credit: PAID };
