import { add, allocate, currencyExponent, type Decimal, isNegative, isZero, max, ZERO } from '../money/index.ts';
import type { Slice } from './slice.ts';

const MINUTE_MS = 60_000;

/**
 * When an amount is owed: at the times of its usage, in proportion to the quantity (to the currency's digits, adding up to it). Without
 * usage it is owed in the first minute of its period if it is paid in advance, else in the last.
 */
export function moneySlices(
  amount: Decimal,
  usage: readonly Pick<Slice, 'fromMs' | 'toMs' | 'quantity'>[],
  period: { readonly fromMs: number; readonly toMs: number; readonly inAdvance: boolean },
  currency: string,
): Slice[] {
  if (isZero(amount) || isNegative(amount)) return [];
  const times = [...Map.groupBy(usage, ({ fromMs }) => fromMs).values()];
  const weights = times.map((slices) => slices.reduce((sum, { quantity }) => add(sum, max(quantity, ZERO)), ZERO));
  if (weights.every(isZero)) return [instantSlice(amount, period)];
  const shares = allocate(amount, weights, currencyExponent(currency));
  return times.flatMap(([first], index) => {
    const quantity = shares[index] ?? ZERO;
    return first === undefined || isZero(quantity) ? [] : [{ fromMs: first.fromMs, toMs: first.toMs, cell: {}, quantity }];
  });
}

function instantSlice(quantity: Decimal, { fromMs, toMs, inAdvance }: Parameters<typeof moneySlices>[2]): Slice {
  return inAdvance
    ? { fromMs, toMs: fromMs + MINUTE_MS, cell: {}, quantity }
    : { fromMs: toMs - MINUTE_MS, toMs, cell: {}, quantity };
}
