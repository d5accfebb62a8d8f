import { expect, it } from 'vitest';
import { evaluatePrice } from '../index.ts';

it('a credit of whole cents never pays a cent more or less than it holds, however the charge is rounded', () => {
  const paying = (unitAmount: string, credits: string[]) => {
    const modifiers = { credits, rounding: { mode: 'half_even' as const } };
    const {
      amount,
      credits: paid,
      total,
    } = evaluatePrice({ currency: 'USD', price: { model: 'per_unit', unitAmount }, modifiers, quantity: '1' });
    return { amount, paid, total };
  };
  // 0.515 is rounded to 0.52; what the credit leaves, 0.505, would be rounded to 0.50.
  expect(paying('0.515', ['0.01'])).toEqual({ amount: '0.52', paid: '0.01', total: '0.51' });
  // 0.505 is rounded to 0.50, and 0.495 as well.
  expect(paying('0.505', ['0.01'])).toEqual({ amount: '0.50', paid: '0.01', total: '0.49' });
  // A credit that covers all of it leaves nothing, one of fractions what rounding makes of the rest.
  expect(paying('0.515', ['7'])).toEqual({ amount: '0.52', paid: '0.52', total: '0.00' });
  expect(paying('0.515', ['0.004'])).toEqual({ amount: '0.52', paid: '0.01', total: '0.51' });
});
