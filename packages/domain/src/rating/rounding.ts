import { currencyExponent, type RoundingMode } from '../money/index.ts';
import * as ratio from '../money/ratio.ts';
import type { Ratio } from '../money/ratio.ts';
import type { Modifiers } from '../prices/index.ts';
import { exactText, type Line } from './line.ts';

/** How the amounts of a price are rounded. */
export interface Rounding {
  readonly mode: RoundingMode;
  readonly scope: 'event' | 'line' | 'charge' | 'invoice' | 'cumulative';
  /** Digits of the currency. */
  readonly places: number;
}

/** Once over the charge and half away from zero, unless the price says otherwise. */
export function roundingOf({ rounding }: Pick<Modifiers, 'rounding'>, currency: string): Rounding {
  return { mode: rounding?.mode ?? 'half_up', scope: rounding?.scope ?? 'charge', places: currencyExponent(currency) };
}

export function rounded(amount: Ratio, { mode, places }: Rounding): Ratio {
  return ratio.of(ratio.round(amount, places, mode));
}

/** Every line made a round amount by itself; it says what it was before. */
export function roundLines(lines: readonly Line[], rounding: Rounding): readonly Line[] {
  return lines.map((line) => {
    const amount = rounded(line.amount, rounding);
    if (ratio.compare(amount, line.amount) === 0) return line;
    return { ...line, amount, context: { roundedFrom: exactText(line.amount), ...line.context } };
  });
}
