import { currencyExponent, formatDecimal, formatMoney, subtract, type Decimal } from '../money/index.ts';
import * as ratio from '../money/ratio.ts';
import type { Ratio } from '../money/ratio.ts';
import type { Modifiers } from '../prices/index.ts';
import { exactPlaces, exactText, type Charge, type Line } from './charge.ts';
import type { LineKind, PriceEvaluation, RatedLine } from './evaluation.ts';

type Rounding = Modifiers['rounding'];
type Part = 'amount' | 'discounts' | 'charges' | 'credits';

/**
 * Adds the lines up in the order of the steps and rounds each running sum; the four parts are the differences of those. So `total`
 * is the exact sum rounded once, and the parts, as printed, still add up to it.
 */
export function summarize(lines: readonly Line[], currency: string, rounding: Rounding): PriceEvaluation {
  const sumThrough = (...parts: Part[]) =>
    ratio.sum(lines.filter((line) => parts.includes(partOf(line.kind))).map((l) => l.amount));
  const rounded = (sum: Ratio) => ratio.round(sum, currencyExponent(currency), rounding?.mode);
  const money = (d: Decimal) => formatMoney(d, currency);

  const exactAmount = sumThrough('amount', 'discounts', 'charges', 'credits');
  const priced = rounded(sumThrough('amount'));
  const discounted = rounded(sumThrough('amount', 'discounts'));
  const charged = rounded(sumThrough('amount', 'discounts', 'charges'));
  const total = rounded(exactAmount);
  return {
    amount: money(priced),
    charges: money(subtract(charged, discounted)),
    discounts: money(subtract(priced, discounted)),
    credits: money(subtract(charged, total)),
    total: money(total),
    exactAmount: exactText(exactAmount),
    lines: written(lines),
  };
}

/** With `rounding.scope` line, every line becomes a round amount as soon as it is there. */
export function settleLines(charge: Charge, currency: string): Charge {
  const { rounding } = charge.modifiers;
  if (rounding?.scope !== 'line') return charge;
  const settled = (amount: Ratio) => ratio.of(ratio.round(amount, currencyExponent(currency), rounding.mode));
  return { ...charge, lines: charge.lines.map((line) => ({ ...line, amount: settled(line.amount) })) };
}

/**
 * Amounts as differences of running sums: where fractions never end (17 of 31 days), their last digits are shared out so that the
 * lines still add up to the exact amount.
 */
function written(lines: readonly Line[]): RatedLine[] {
  let sum = ratio.ZERO;
  let sumWritten = exactPlaces(sum);
  return lines.map(({ kind, description, quantity, unitAmount, amount, tier }) => {
    const before = sumWritten;
    sum = ratio.add(sum, amount);
    sumWritten = exactPlaces(sum);
    const line = {
      kind,
      description,
      quantity: quantity && exactText(quantity),
      unitAmount,
      amount: formatDecimal(subtract(sumWritten, before)),
    };
    return tier ? { ...line, tier } : line;
  });
}

function partOf(kind: LineKind): Part {
  switch (kind) {
    case 'flat':
    case 'unit':
    case 'tier':
    case 'package':
    case 'included':
    case 'overage':
      return 'amount';
    case 'discount':
    case 'maximum':
      return 'discounts';
    case 'minimum':
      return 'charges';
    case 'credit':
      return 'credits';
  }
}
