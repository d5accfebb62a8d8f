import { describe, expect, test } from 'vitest';
import { type Entitlement, timesAllowed } from './index.ts';

const gigabytes: Entitlement = { type: 'metered', limit: '2.5', softLimit: true, warnAtPercent: [80] };

describe('what a quantity of an add-on allows', () => {
  test('is its limit as many times, exactly, with everything else as it is', () => {
    expect(timesAllowed(gigabytes, '3')).toEqual({ ...gigabytes, limit: '7.5' });
    expect(timesAllowed(gigabytes, '0.1')).toEqual({ ...gigabytes, limit: '0.25' });
    expect(timesAllowed(gigabytes, '1')).toEqual(gigabytes);
  });

  test('is without limit where each one is, and the same where nothing is counted', () => {
    const unlimited: Entitlement = { type: 'metered', limit: null };
    expect(timesAllowed(unlimited, '2')).toEqual(unlimited);
    expect(timesAllowed({ type: 'boolean' }, '2')).toEqual({ type: 'boolean' });
    expect(timesAllowed({ type: 'static', value: '{}' }, '2')).toEqual({ type: 'static', value: '{}' });
  });

  test('is nothing without any of it', () => {
    for (const each of [gigabytes, { type: 'boolean' } as const]) {
      expect(timesAllowed(each, '0')).toBeUndefined();
      expect(timesAllowed(each, '0.000')).toBeUndefined();
    }
  });
});
