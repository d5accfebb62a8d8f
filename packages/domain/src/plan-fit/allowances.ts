import { add, decimal, formatDecimal, ZERO } from '../money/index.ts';
import * as ratio from '../money/ratio.ts';
import type { Ratio } from '../money/ratio.ts';
import type { Modifiers, RateCard } from '../prices/index.ts';
import { percentOf, percentText, whole } from './percent.ts';

/** An allowance is too large if less than this percentage of it is used in the average month. */
export const TOO_LARGE_BELOW_PERCENT = 30n;
/** An allowance is too small if it is exceeded in more than this percentage of the months. */
export const TOO_SMALL_ABOVE_PERCENT_OF_MONTHS = 50n;

export type AllowanceSize = 'too_large' | 'too_small' | 'right';

/** What a rate card includes in each billing period; `included` holds its free units too. Decimal text, in the unit after conversion. */
export interface Allowance {
  readonly key: string;
  readonly name: string;
  readonly meter: string;
  readonly included: string;
}

export interface AllowanceUse extends Allowance {
  /** Month by month, with what came into it from the month before; `percent` is null where nothing is included. */
  readonly months: readonly {
    readonly used: string;
    readonly carried: string;
    readonly percent: string | null;
    readonly exceeded: boolean;
  }[];
  readonly averagePercent: string | null;
  readonly monthsExceeded: number;
  readonly size: AllowanceSize;
}

/** A rate card, or a line that it made. */
interface Priced extends Pick<RateCard, 'key' | 'name'> {
  readonly meter?: string | null | undefined;
  readonly modifiers?: Modifiers | null | undefined;
}

/** Undefined without an allowance. */
export function allowanceOf({ key, name, meter, modifiers }: Priced): Allowance | undefined {
  if (meter == null || modifiers?.allowance === undefined) return undefined;
  const included = add(decimal(modifiers.allowance.units), decimal(modifiers.freeUnits ?? '0'));
  return { key, name, meter, included: formatDecimal(included) };
}

/**
 * A card that counts units instead of pricing them: at 1 a unit, the exact amount is the quantity after conversion, just as the price
 * of `card` sees it.
 */
export function countingCard(card: Omit<RateCard, 'price'>): RateCard {
  const { key, name, meter, filter, modifiers } = card;
  const conversion = modifiers?.unitConversion;
  return {
    key,
    name,
    ...(meter !== undefined && { meter }),
    ...(filter !== undefined && { filter }),
    price: { model: 'per_unit', unitAmount: '1' },
    ...(conversion !== undefined && { modifiers: { unitConversion: conversion } }),
  };
}

/** What a counting card counted, from its line. */
export function unitsCounted({ explanation }: { readonly explanation: readonly { readonly amount: string }[] }): string {
  return formatDecimal(explanation.reduce((sum, { amount }) => add(sum, decimal(amount)), ZERO));
}

/**
 * How much of an allowance was used in each month (at least one). Units carried over into a month (absent: none) keep it from exceeding the allowance,
 * and are no part of the percentage: that says how large an allowance it takes.
 */
export function allowanceUse(allowance: Allowance, used: readonly string[], carried: readonly string[] = []): AllowanceUse {
  const included = ratio.of(decimal(allowance.included));
  const isEmpty = ratio.sign(included) === 0;
  const quantities = used.map((quantity) => ratio.of(decimal(quantity)));
  const granted = used.map((_, index) => ratio.add(included, ratio.of(decimal(carried[index] ?? '0'))));
  const exceeded = quantities.map((quantity, index) => ratio.compare(quantity, granted[index] ?? included) > 0);
  const monthsExceeded = exceeded.filter(Boolean).length;
  const average = isEmpty ? null : percentOf(ratio.sum(quantities), ratio.multiply(included, whole(BigInt(used.length))));
  const tooSmall = BigInt(monthsExceeded) * 100n > BigInt(used.length) * TOO_SMALL_ABOVE_PERCENT_OF_MONTHS;
  const tooLarge = average !== null && ratio.compare(average, whole(TOO_LARGE_BELOW_PERCENT)) < 0;
  return {
    ...allowance,
    months: quantities.map((quantity, index) => ({
      used: used[index] ?? '0',
      carried: carried[index] ?? '0',
      percent: isEmpty ? null : percentText(percentOf(quantity, included)),
      exceeded: exceeded[index] ?? false,
    })),
    averagePercent: average === null ? null : percentText(average),
    monthsExceeded,
    size: tooSmall ? 'too_small' : tooLarge ? 'too_large' : 'right',
  };
}

/**
 * How much of an allowance of another period than a month is used: `usedInPeriod` if a whole one goes on like the months (at least one). It is too small
 * if that is more than it. A month is held against its share, if all the months come to so many `periods`; null: against all of it, as of a peak.
 */
export function sharedAllowanceUse(
  allowance: Allowance,
  usedInPeriod: string,
  { used, periods }: { readonly used: readonly string[]; readonly periods: Ratio | null },
): AllowanceUse {
  const included = ratio.of(decimal(allowance.included));
  const share = periods === null ? ratio.whole(1n) : ratio.divide(periods, whole(BigInt(used.length)));
  const ofMonth = ratio.multiply(included, share);
  const isEmpty = ratio.sign(included) === 0;
  const inPeriod = ratio.of(decimal(usedInPeriod));
  const average = isEmpty ? null : percentOf(inPeriod, included);
  const months = used.map((quantity) => {
    const exact = ratio.of(decimal(quantity));
    const percent = isEmpty ? null : percentText(percentOf(exact, ofMonth));
    return { used: quantity, carried: '0', percent, exceeded: ratio.compare(exact, ofMonth) > 0 };
  });
  const isTooLarge = average !== null && ratio.compare(average, whole(TOO_LARGE_BELOW_PERCENT)) < 0;
  return {
    ...allowance,
    months,
    averagePercent: average === null ? null : percentText(average),
    monthsExceeded: months.filter(({ exceeded }) => exceeded).length,
    size: ratio.compare(inPeriod, included) > 0 ? 'too_small' : isTooLarge ? 'too_large' : 'right',
  };
}
