import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { expect, test } from 'vitest';
import { addMonths, civilOf, epochDayOf } from './civil.ts';

const days = fc.integer({ min: -719_528, max: 2_932_896 });

test('epoch days and dates are the same thing, from year 0 to 9999', () => {
  fc.assert(
    fc.property(days, (epochDay) => {
      const { year, month, day } = civilOf(epochDay);
      expect(epochDayOf(year, month, day)).toBe(epochDay);
    }),
  );
});

test('adding months agrees with Temporal, month ends and negative amounts included', () => {
  fc.assert(
    fc.property(days, fc.integer({ min: -240, max: 240 }), (epochDay, months) => {
      const { year, month, day } = civilOf(epochDay);
      const added = new Temporal.PlainDate(year, month, day).add({ months });
      expect(civilOf(addMonths(epochDay, months))).toEqual({ year: added.year, month: added.month, day: added.day });
    }),
  );
});
