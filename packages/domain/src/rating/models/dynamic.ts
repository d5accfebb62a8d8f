import * as ratio from '../../money/ratio.ts';
import type { DynamicPrice } from '../../prices/index.ts';
import { singleEvents } from '../measure.ts';
import { quantityOf } from '../usage.ts';
import type { Model } from './model.ts';

/** The quantity is money already. */
export function dynamic({ multiplier }: DynamicPrice): Model {
  const factor = ratio.read(multiplier);
  return {
    rate: (usage) => {
      const quantity = quantityOf(usage);
      if (ratio.sign(quantity) === 0) return [];
      const amount = ratio.multiply(quantity, factor);
      return [{ kind: 'dynamic', quantity, unitAmount: null, amount, facts: () => ({ type: 'multiplied', multiplier }) }];
    },
    eventFees: (measure) => singleEvents(measure).map(({ value, events }) => ({ amount: ratio.multiply(value, factor), events })),
  };
}
