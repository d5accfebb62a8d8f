import { allocate, compare, currencyExponent, decimal, type Decimal, formatMoney, ZERO } from '../money/index.ts';

/** A line's part of an amount that is shared out. */
export interface CapShare {
  readonly key: string;
  readonly amount: string;
}

/** `amount` over the lines that cost something, in proportion; the shares add up to it. Undefined without such lines. */
export function capShares(
  amount: Decimal,
  lines: readonly { readonly key: string; readonly amount: string }[],
  currency: string,
): CapShare[] | undefined {
  const charged = lines.filter((line) => compare(decimal(line.amount), ZERO) > 0);
  if (charged.length === 0) return undefined;
  const weights = charged.map((line) => decimal(line.amount));
  const shares = allocate(amount, weights, currencyExponent(currency));
  return charged.map(({ key }, index) => ({ key, amount: formatMoney(shares[index] ?? ZERO, currency) }));
}
