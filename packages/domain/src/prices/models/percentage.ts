import { z } from 'zod';
import { compare, decimal } from '../../money/index.ts';
import { countField, notNegativeField, strictFields } from '../fields.ts';

/**
 * A share of the money that usage moves, in percent, plus a fee for each event. The first `freeEvents` events and the first
 * `freeAmount` of money are free, whichever ends first; events count from the smallest value on, so that their order in time does
 * not matter. `minimumPerEvent` and `maximumPerEvent` hold the fee of each event that is not free.
 */
export const percentageSchema = strictFields('percentage price', {
  model: z.literal('percentage'),
  rate: notNegativeField('rate'),
  fixedAmount: notNegativeField('fixedAmount').nullish(),
  freeEvents: countField('freeEvents').nullish(),
  freeAmount: notNegativeField('freeAmount').nullish(),
  minimumPerEvent: notNegativeField('minimumPerEvent').nullish(),
  maximumPerEvent: notNegativeField('maximumPerEvent').nullish(),
}).check((context) => {
  const { minimumPerEvent: least, maximumPerEvent: most } = context.value;
  if (least == null || most == null || compare(decimal(least), decimal(most)) <= 0) return;
  const message = 'minimumPerEvent must not be above maximumPerEvent';
  context.issues.push({ code: 'custom', path: ['minimumPerEvent'], message, input: least });
});
export type PercentagePrice = z.infer<typeof percentageSchema>;
