import { catalogStores } from '@meterline/backends/postgres';
import type { Entitlement } from '@meterline/domain/entitlements';
import type { Database } from '@meterline/pipeline/ports';
import type { ChangeRequest } from '@meterline/pipeline/subscription-changes';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openTestDatabase } from '../../../test/support/database.ts';
import { openRatingFixture, type RatingFixture } from '../../../test/support/rating.ts';
import { previewNow } from '../../../test/support/subscription-changes.ts';

let database: Database;
let it: RatingFixture;
let subscription: string;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  it = await openRatingFixture(database, '2026-01-01T00:00:00Z');
  await it.meter('storage');
  const { features } = catalogStores(database);
  await features.insert({ key: 'storage', name: 'Storage', meter: 'storage', filter: {} }, it.clock.nowMs(), it.tenant);
  await features.insert({ key: 'days', name: 'Days kept', meter: null, filter: {} }, it.clock.nowMs(), it.tenant);
  await features.insert({ key: 'sso', name: 'Single sign-on', meter: null, filter: {} }, it.clock.nowMs(), it.tenant);
  await planWith('large', '62.00', {
    days: { type: 'static', value: '365' },
    storage: { type: 'metered', limit: '10' },
    sso: { type: 'boolean' },
  });
  await planWith('small', '31.00', { days: { type: 'static', value: '30' }, storage: { type: 'metered', limit: '5' } });
  await planWith('extra', '5.00', { storage: { type: 'metered', limit: '4' } });
  await it.customer('acme', ['a']);
  subscription = await it.subscribe('acme', 'large', '2026-01-01T00:00:00Z');
  it.clock.moveTo(Date.parse('2026-03-11T10:00:00Z'));
  await it.use('storage', 'a', '2026-02-10T00:00:00Z', '9');
  await it.use('storage', 'a', '2026-03-10T00:00:00Z', '8');
});
afterEach(() => it.close());

async function planWith(key: string, fee: string, allowed: Record<string, Entitlement>) {
  await catalogStores(database).plans.insert(
    {
      ...{ key, name: key, currency: 'USD', billingPeriod: { every: 'month', anchor: 'calendar' } },
      rateCards: [{ key: 'base', name: 'Base', price: { model: 'flat', amount: fee } }],
      features: Object.entries(allowed).map(([feature, entitlement]) => ({ feature, entitlement })),
    },
    it.clock.nowMs(),
    it.tenant,
  );
}

const shown = async (request: ChangeRequest) =>
  (await previewNow(it, subscription, request)).features.map(({ feature, change, used, exceeds, message }) => [
    ...[feature, change, used, exceeds, message],
  ]);

describe('features in the preview of a change', () => {
  test.each(['now', 'period_end'] as const)(
    'are held against what is used in the period of today, for a change at %s',
    async (at) => {
      // 8 used in March so far; a period that begins with the change would show 0.
      expect(await shown({ kind: 'plan', plan: 'small', at })).toEqual([
        ['days', 'changed', null, false, 'Days kept: you will have 30 (365 before)'],
        ['sso', 'removed', null, false, 'Single sign-on: you will not have it any more'],
        ['storage', 'changed', '8', true, 'Storage: you use 8 of 5 (10 before)'],
      ]);
    },
  );

  test('count what other subscriptions of the customer allow', async () => {
    await it.subscribe('acme', 'extra', '2026-02-01T00:00:00Z');
    // 10 + 4 before, 5 + 4 afterwards: 8 is within.
    expect(await shown({ kind: 'plan', plan: 'small' })).toContainEqual(
      ['storage', 'changed', '8', false, 'Storage: you use 8 of 9 (14 before)'], // prettier-ignore
    );
    // Those of the subscription itself are lost while it rests; the other one's stay.
    expect(await shown({ kind: 'pause' })).toContainEqual([
      'storage',
      'changed',
      '8',
      true,
      'Storage: you use 8 of 4 (14 before)',
    ]);
  });

  test('are all lost with the end, and none with another quantity', async () => {
    expect(await shown({ kind: 'cancel', at: 'period_end' })).toEqual([
      ['days', 'removed', null, false, 'Days kept: you will not have it any more'],
      ['sso', 'removed', null, false, 'Single sign-on: you will not have it any more'],
      ['storage', 'removed', '8', true, 'Storage: you use 8, and will have none'],
    ]);
    expect(await shown({ kind: 'quantity', quantities: { base: '2' } })).toEqual([]);
  });
});
