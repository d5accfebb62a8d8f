import { add, decimal, formatDecimal, formatMoney, ZERO } from '../money/index.ts';
import type { RateCard } from '../prices/index.ts';
import { type Charged, chargePricedParts, chargeRateCard, explanationOf, type MeteredUsage, totalsOf } from '../rating/index.ts';
import type { FeeShare } from '../subscriptions/index.ts';
import { type Coverage, coveredStep, uncovered } from './coverage.ts';
import type { InvoiceLine, InvoiceLinePart } from './document.ts';

/** A part of a billing period in which the card has one price. */
export interface LinePart {
  readonly rateCard: RateCard;
  /** Half-open, RFC 3339. */
  readonly from: string;
  readonly to: string;
  readonly days: number;
  /** What the part pays of the period's fees; absent: its days of `daysInPeriod`. */
  readonly share?: FeeShare | undefined;
  /** Usage of the card's meter in the part, as finely as `usageNeeds` of the card asks; without a meter the quantity is 1. */
  readonly usage: MeteredUsage | null;
}

export interface LineInput {
  readonly currency: string;
  readonly daysInPeriod: number;
  /** Whether it is the subscription's first billing period, which fees that are due once wait for; default true. */
  readonly firstPeriod?: boolean | undefined;
  /** Units of the card's allowance that earlier periods left over. */
  readonly carriedUnits?: string | undefined;
  /** What prepaid packs pay for; absent: nothing. */
  readonly covered?: Coverage | undefined;
  /** In order; more than one where the price changed. */
  readonly parts: readonly [LinePart, ...LinePart[]];
}

/**
 * Rates the cards of one subscription for one billing period: the same input always gives the same lines. They are rated together, as
 * cards may ask for the rounding of the invoice's total.
 */
export function invoiceLines(inputs: readonly LineInput[]): InvoiceLine[] {
  const charges = inputs.map(chargeOf);
  const totals = totalsOf(charges);
  return inputs.flatMap(({ currency, parts, covered }, index) => {
    const [charge, total] = [charges[index], totals[index]];
    if (!charge || !total) return [];
    const { rateCard } = parts.at(-1) ?? parts[0];
    return {
      key: rateCard.key,
      name: rateCard.name,
      meter: rateCard.meter ?? null,
      ...usageOf(parts),
      ...(covered && { covered: sumOf(covered.parts) }),
      model: rateCard.price.model,
      price: rateCard.price,
      modifiers: rateCard.modifiers ?? null,
      ...(parts.length > 1 && { parts: parts.map((part, at) => documented(part, covered?.parts[at])) }),
      explanation: [...(covered?.packs ?? []).map(coveredStep), ...explanationOf(charge, total)],
      amount: formatMoney(total, currency),
    };
  });
}

function chargeOf({ parts, daysInPeriod, covered, ...input }: LineInput): Charged {
  const shareOf = ({ share, days }: LinePart): FeeShare => share ?? { numerator: days, denominator: daysInPeriod };
  const usageOf = (part: LinePart, at: number) => uncovered(part.usage, covered?.parts[at]);
  const [first, ...later] = parts;
  const { numerator, denominator, unit } = shareOf(first);
  if (later.length === 0) {
    const proration = { prorationNumerator: numerator, prorationDenominator: denominator, prorationUnit: unit };
    return chargeRateCard({ ...input, rateCard: first.rateCard, usage: usageOf(first, 0), ...proration });
  }
  const priced = parts.map((part, at) => ({
    price: part.rateCard.price,
    modifiers: part.rateCard.modifiers,
    usage: usageOf(part, at),
    days: shareOf(part).numerator,
  }));
  return chargePricedParts({ ...input, daysInPeriod: denominator, unit, parts: priced });
}

function usageOf(parts: readonly Pick<LinePart, 'usage' | 'rateCard'>[]): { quantity: string; events: number } {
  const [usage, ...more] = parts.flatMap((part) => part.usage ?? []);
  if (usage === undefined) {
    const price = parts.at(-1)?.rateCard.price;
    return { quantity: (price?.model === 'flat' && price.quantity) || '1', events: 0 };
  }
  if (more.length === 0) return { quantity: usage.quantity, events: usage.events };
  const all = [usage, ...more];
  return {
    quantity: sumOf(all.map(({ quantity }) => quantity)),
    events: all.reduce((sum, { events }) => sum + events, 0),
  };
}

function documented(part: LinePart, covered: string | undefined): InvoiceLinePart {
  const { rateCard, from, to, days } = part;
  const { price, modifiers = null } = rateCard;
  return { from, to, days, ...usageOf([part]), ...(covered !== undefined && { covered }), price, modifiers };
}

function sumOf(quantities: readonly string[]): string {
  return formatDecimal(quantities.reduce((sum, quantity) => add(sum, decimal(quantity)), ZERO));
}
