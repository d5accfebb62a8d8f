import * as ratio from '../../money/ratio.ts';
import type { Ratio } from '../../money/ratio.ts';
import type { Step } from '../charge.ts';
import { exactText, type Line } from '../line.ts';
import type { Measure } from '../measure.ts';
import type { Model } from '../models/model.ts';
import type { Rounding } from '../rounding.ts';

/** Rounds what each event costs: a line with what that adds to the lines of the price, or takes off. */
export function roundEvents({ eventFees }: Model, { mode, places }: Rounding): Step {
  const sumsOf = (measure: Measure) => {
    let [exact, rounded] = [ratio.ZERO, ratio.ZERO];
    for (const { amount, events } of eventFees?.(measure) ?? []) {
      const count = ratio.whole(events);
      exact = ratio.add(exact, ratio.multiply(amount, count));
      rounded = ratio.add(rounded, ratio.multiply(ratio.of(ratio.round(amount, places, mode)), count));
    }
    return { exact, rounded };
  };
  return (charge) => {
    const lines = charge.portions.flatMap(({ usage }) => {
      const [before, after] = [sumsOf(usage.from), sumsOf(usage.to)];
      return roundingLine(ratio.subtract(after.exact, before.exact), ratio.subtract(after.rounded, before.rounded), mode);
    });
    return { ...charge, lines: [...charge.lines, ...lines] };
  };
}

function roundingLine(exact: Ratio, rounded: Ratio, mode: Rounding['mode']): Line[] {
  const amount = ratio.subtract(rounded, exact);
  if (ratio.sign(amount) === 0) return [];
  const facts = () => ({
    type: 'rounded' as const,
    mode,
    scope: 'event' as const,
    exactAmount: exactText(exact),
    roundedAmount: exactText(rounded),
  });
  return [{ kind: 'rounding', quantity: null, unitAmount: null, amount, facts }];
}
