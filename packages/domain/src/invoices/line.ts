import { add, decimal, formatDecimal, formatMoney, ZERO } from '../money/index.ts';
import { type Charged, chargePricedParts, chargeRateCard, explanationOf, totalsOf } from '../rating/index.ts';
import type { FeeShare } from '../subscriptions/index.ts';
import { carriedOn, carriedOverStep } from './carry-over.ts';
import { coveredStep, uncovered } from './coverage.ts';
import type { InvoiceLine, InvoiceLinePart } from './document.ts';
import type { LineInput, LinePart } from './line-input.ts';
import { negotiatedSteps } from './negotiated.ts';

/**
 * Rates the cards of one subscription for one billing period: the same input always gives the same lines. They are rated together, as
 * cards may ask for the rounding of the invoice's total.
 */
export function invoiceLines(inputs: readonly LineInput[]): InvoiceLine[] {
  const charges = inputs.map(chargeOf);
  const totals = totalsOf(charges);
  return inputs.flatMap((input, index) => {
    const { currency, parts, covered } = input;
    const [charge, total] = [charges[index], totals[index]];
    if (!charge || !total) return [];
    const { rateCard, negotiated } = parts.at(-1) ?? parts[0];
    const carried = carriedOn(input);
    const { modifiers = null } = rateCard;
    return {
      key: rateCard.key,
      name: rateCard.name,
      meter: rateCard.meter ?? null,
      ...usageOf(parts),
      ...(covered && { covered: sumOf(covered.parts) }),
      ...carried,
      model: rateCard.price.model,
      price: rateCard.price,
      modifiers,
      ...(negotiated !== undefined && { negotiated }),
      ...(parts.length > 1 && { parts: parts.map((part, at) => documented(part, covered?.parts[at])) }),
      explanation: [
        ...negotiatedSteps(parts),
        ...(covered?.packs ?? []).map(coveredStep),
        ...explanationOf(charge, total),
        ...carriedOverStep({ ...carried, modifiers }),
      ],
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
  const events = all.reduce((sum, each) => sum + each.events, 0);
  // Seats are a level: those held when the period begins.
  return { quantity: usage.seatChanges ? usage.quantity : sumOf(all.map(({ quantity }) => quantity)), events };
}

function documented(part: LinePart, covered: string | undefined): InvoiceLinePart {
  const { rateCard, from, to, days, negotiated } = part;
  const { price, modifiers = null } = rateCard;
  return {
    ...{ from, to, days },
    ...usageOf([part]),
    ...(covered !== undefined && { covered }),
    ...{ price, modifiers },
    ...(negotiated !== undefined && { negotiated }),
  };
}

function sumOf(quantities: readonly string[]): string {
  return formatDecimal(quantities.reduce((sum, quantity) => add(sum, decimal(quantity)), ZERO));
}
