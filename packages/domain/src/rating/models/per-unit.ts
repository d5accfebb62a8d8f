import * as ratio from '../../money/ratio.ts';
import type { PerUnitPrice } from '../../prices/index.ts';
import type { Facts } from '../explain/facts.ts';
import { singleEvents } from '../measure.ts';
import { quantityOf } from '../usage.ts';
import type { Model } from './model.ts';

const UNITS: Facts = { type: 'units' };

export function perUnit({ unitAmount }: PerUnitPrice): Model {
  const price = ratio.read(unitAmount);
  return {
    rate: (usage) => {
      const quantity = quantityOf(usage);
      if (ratio.sign(quantity) === 0) return [];
      return [{ kind: 'unit', quantity, unitAmount, amount: ratio.multiply(quantity, price), facts: () => UNITS }];
    },
    eventFees: (measure) => singleEvents(measure).map(({ value, events }) => ({ amount: ratio.multiply(value, price), events })),
  };
}
