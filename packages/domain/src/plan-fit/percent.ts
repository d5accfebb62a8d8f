import { formatDecimal } from '../money/index.ts';
import * as ratio from '../money/ratio.ts';
import type { Ratio } from '../money/ratio.ts';

const HUNDRED: Ratio = { numerator: 100n, denominator: 1n };
const PLACES = 1;

/** `part` as a percentage of `whole` (not zero), not rounded. */
export function percentOf(part: Ratio, whole: Ratio): Ratio {
  return ratio.multiply(ratio.divide(part, whole), HUNDRED);
}

/** With one decimal at most: "24.3", "130". For showing only: every rule looks at the exact ratio. */
export function percentText(percent: Ratio): string {
  return formatDecimal(ratio.round(percent, PLACES));
}

export function whole(count: bigint): Ratio {
  return { numerator: count, denominator: 1n };
}
