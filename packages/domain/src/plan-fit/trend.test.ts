import fc from 'fast-check';
import { expect, test } from 'vitest';
import { trendOf } from './trend.ts';

test('steady growth by a percentage is met exactly', () => {
  // 1000, 1200, 1440, 1728: each 1.2 times the one before; 1728 * 1.2 = 2073.6, in whole units as the months are
  expect(trendOf(['1000', '1200', '1440', '1728'])).toEqual({ growthPercent: '20', forecast: '2074' });
  expect(trendOf(['1', '1.2', '1.44'])).toEqual({ growthPercent: '20', forecast: '1.73' });
});

test('one campaign month is no trend', () => {
  expect(trendOf(['100', '100', '500', '100', '100', '100'])).toEqual({ growthPercent: '0', forecast: '100' });
});

test('of an even number of steps the two in the middle count half each', () => {
  // steps 1.1, 1.2, 1.5 and 0.5: (1.1 + 1.2) / 2 = 1.15; 99 * 1.15 = 113.85
  expect(trendOf(['100', '110', '132', '198', '99'])).toEqual({ growthPercent: '15', forecast: '114' });
});

test('steps from nothing have no percentage, and with fewer than two steps there is no trend', () => {
  expect(trendOf(['0', '0', '100', '150'])).toBeNull();
  expect(trendOf(['0', '100', '150', '225'])).toEqual({ growthPercent: '50', forecast: '338' });
  expect([trendOf([]), trendOf(['5', '5'])]).toEqual([null, null]);
  expect(trendOf(['100', '100', '0'])).toEqual({ growthPercent: '-50', forecast: '0' });
});

test('usage that does not change is forecast as it is, whatever its size', () => {
  const quantity = fc.tuple(fc.bigInt({ min: 1n, max: 10n ** 27n }), fc.nat(12)).map(([units, places]) => {
    const digits = String(units).padStart(places + 1, '0');
    return places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`.replace(/\.?0+$/, '');
  });
  fc.assert(
    fc.property(quantity, fc.integer({ min: 3, max: 6 }), (each, months) => {
      expect(trendOf(Array<string>(months).fill(each))).toEqual({ growthPercent: '0', forecast: each });
    }),
  );
});
