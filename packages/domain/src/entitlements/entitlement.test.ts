import { expect, test } from 'vitest';
import { entitlementSchema } from './index.ts';

/** What is wrong with it, by field. */
const faultsOf = (entitlement: object) =>
  (entitlementSchema.safeParse(entitlement).error?.issues ?? []).map(({ path, message }) => [path.join('.'), message]);

test('each kind is taken as it is written', () => {
  for (const entitlement of [
    { type: 'boolean' },
    { type: 'static', value: '{"seats":5,"regions":["eu"]}' },
    { type: 'static', value: '"gold"' },
    { type: 'metered', limit: null },
    { type: 'metered', limit: '0' },
    { type: 'metered', limit: '100.5', period: 'day', softLimit: true, warnAtPercent: [50, 80, 150] },
  ])
    expect(entitlementSchema.parse(entitlement)).toEqual(entitlement);
});

test('what cannot be is refused with its field, all at once', () => {
  expect(faultsOf({ type: 'static', value: '{seats:5}' })).toEqual([['value', expect.stringContaining('JSON')]]);
  expect(faultsOf({ type: 'metered', limit: '-1' })).toEqual([['limit', expect.stringContaining('negative')]]);
  expect(faultsOf({ type: 'metered', limit: 5 })).toEqual([['limit', expect.stringContaining('string')]]);
  expect(faultsOf({ type: 'metered', limit: '1', warnAtPercent: [80, 80] })).toEqual([
    ['warnAtPercent', expect.stringContaining('once')],
  ]);
  expect(faultsOf({ type: 'metered', limit: '1', warnAtPercent: [0, 80.5, 1001] }).map(([path]) => path)).toEqual([
    'warnAtPercent.0',
    'warnAtPercent.1',
    'warnAtPercent.2',
  ]);
  expect(faultsOf({ type: 'metered', limit: null, softLimit: false, warnAtPercent: [80] }).map(([path]) => path)).toEqual([
    'warnAtPercent',
    'softLimit',
  ]);
  expect(faultsOf({ type: 'boolean', limit: '5' })).toEqual([['', expect.stringContaining('limit')]]);
  expect(faultsOf({ type: 'counted' }).length).toBeGreaterThan(0);
});
