import { decimal, type Decimal, powerOfTen, type RoundingMode } from '../money/index.ts';
import * as ratio from '../money/ratio.ts';
import type { Ratio } from '../money/ratio.ts';
import type { UnitConversion } from './grant.ts';

/** Quantities have 12 decimals; what a conversion leaves behind them is cut off. */
const QUANTITY_PLACES = 12;

/** What `quantity` of the meter comes to in the pack's units. */
export function unitsOf(quantity: Decimal, conversion: UnitConversion | null): Decimal {
  if (conversion === null) return quantity;
  const { operation, factor, rounding } = conversion;
  const converted = ratio[operation](ratio.of(quantity), ratio.of(decimal(factor)));
  if (rounding === undefined) return ratio.round(converted, QUANTITY_PLACES, 'up');
  const { mode, decimals } = stepOf(rounding);
  return roundTo(converted, decimals, mode);
}

/** The quantity of the meter that `units` of the pack stand for: no more, also after it is rounded to units again. */
export function quantityOf(units: Decimal, conversion: UnitConversion | null): Decimal {
  if (conversion === null) return units;
  const { operation, factor, rounding } = conversion;
  const whole = rounding === undefined ? units : roundTo(ratio.of(units), stepOf(rounding).decimals, 'down');
  const back = operation === 'multiply' ? 'divide' : 'multiply';
  return ratio.round(ratio[back](ratio.of(whole), ratio.of(decimal(factor))), QUANTITY_PLACES, 'down');
}

function stepOf(rounding: NonNullable<UnitConversion['rounding']>): { mode: RoundingMode; decimals: number } {
  return typeof rounding === 'string'
    ? { mode: rounding, decimals: 0 }
    : { mode: rounding.mode, decimals: rounding.decimals ?? 0 };
}

/** Below zero, `decimals` count digits before the point: -2 are hundreds. */
function roundTo(value: Ratio, decimals: number, mode: RoundingMode): Decimal {
  if (decimals >= 0) return ratio.round(value, decimals, mode);
  const step = powerOfTen(-decimals);
  const steps = ratio.round(ratio.divide(value, { numerator: step, denominator: 1n }), 0, mode);
  return { units: steps.units * step, scale: 0 };
}
