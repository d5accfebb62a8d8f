import type { LineInput } from '@meterline/domain/invoices';
import type { RateCard } from '@meterline/domain/prices';
import { expect, test } from 'vitest';
import { type CarriedFrom, carriedUnits } from './carried-units.ts';

interface Period {
  readonly carried?: CarriedFrom<Period>;
}

const card: RateCard = {
  ...{ key: 'calls', name: 'Calls', meter: 'calls', price: { model: 'per_unit', unitAmount: '0.10' } },
  modifiers: { allowance: { units: '10', carryOver: { maximumUnits: null } } },
};

function measured(used: number): readonly { card: RateCard; parts: LineInput['parts'] }[] {
  const usage = { quantity: String(used), events: 1 };
  return [{ card, parts: [{ rateCard: card, from: '', to: '', days: 30, usage }] }];
}

test('each period takes over what the one before it leaves, in whatever order they are asked for', () => {
  const january: Period = { carried: { stated: new Map([['calls', '5']]) } };
  const february: Period = { carried: { after: january } };
  const march: Period = { carried: { after: february } };
  const into = carriedUnits<Period>(new Map([[march, measured(0)], [february, measured(14)], [january, measured(8)]])); // prettier-ignore
  // 10 + 5 - 8 = 7; 10 + 7 - 14 = 3
  expect([january, february, march].map((period) => into(period).get('calls'))).toEqual(['5', '7', '3']);
});

test('years of periods that wait for their invoice are one chain', () => {
  const periods: Period[] = [{}];
  for (let count = 1; count < 20_000; count += 1) periods.push({ carried: { after: periods[count - 1] ?? {} } });
  const into = carriedUnits(new Map(periods.toReversed().map((period) => [period, measured(9)])));
  expect(into(periods.at(-1) ?? {}).get('calls')).toBe('19999');
});

test('a period that comes after one that is not rated with it is a defect, not a period without carried units', () => {
  expect(() => carriedUnits<Period>(new Map([[{ carried: { after: {} } }, measured(1)]]))).toThrow('not rated with it');
});
