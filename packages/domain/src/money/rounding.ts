/**
 * - `half_up`: to the nearest, halves away from zero (the default everywhere)
 * - `half_even`: to the nearest, halves to the even neighbour
 * - `up` / `down`: away from zero / toward zero
 * - `ceiling` / `floor`: toward plus / minus infinity
 */
export const ROUNDING_MODES = ['half_up', 'half_even', 'up', 'down', 'ceiling', 'floor'] as const;
export type RoundingMode = (typeof ROUNDING_MODES)[number];

/** The integer that `numerator / denominator` (> 0) rounds to: the one place where a digit is ever lost. */
export function divideRounded(numerator: bigint, denominator: bigint, mode: RoundingMode): bigint {
  const toZero = numerator / denominator;
  const rest = numerator % denominator;
  if (rest === 0n) return toZero;
  const negative = numerator < 0n;
  return grows(toZero, negative ? -rest : rest, denominator, negative, mode) ? toZero + (negative ? -1n : 1n) : toZero;
}

function grows(toZero: bigint, rest: bigint, denominator: bigint, negative: boolean, mode: RoundingMode): boolean {
  switch (mode) {
    case 'half_up':
      return rest * 2n >= denominator;
    case 'half_even':
      return rest * 2n > denominator || (rest * 2n === denominator && toZero % 2n !== 0n);
    case 'up':
      return true;
    case 'down':
      return false;
    case 'ceiling':
      return !negative;
    case 'floor':
      return negative;
  }
}
