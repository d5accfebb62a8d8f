import * as ratio from '../../money/ratio.ts';
import type { Ratio } from '../../money/ratio.ts';
import type { Modifiers } from '../../prices/index.ts';
import { exact, type Charge } from '../charge.ts';

type Conversion = NonNullable<Modifiers['unitConversion']>;

/** Counts usage in another unit. Rounding applies to the usage of the period so far, so parts never pay it twice. */
export function convertUnits(charge: Charge): Charge {
  const conversion = charge.modifiers.unitConversion;
  if (!conversion) return charge;
  const portions = charge.portions.map((portion) => {
    const { usage } = portion;
    return { ...portion, usage: { ...usage, from: convert(usage.from, conversion), to: convert(usage.to, conversion) } };
  });
  return { ...charge, portions };
}

function convert(quantity: Ratio, { operation, factor, rounding }: Conversion): Ratio {
  const converted = ratio[operation](quantity, exact(factor));
  if (rounding === undefined) return converted;
  const { mode, decimals } = typeof rounding === 'string' ? { mode: rounding, decimals: 0 } : rounding;
  return ratio.of(ratio.round(converted, decimals, mode));
}
