import { catalogStores } from '@meterline/backends/postgres';
import type { Database } from '@meterline/pipeline/ports';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openTestDatabase } from '../../../test/support/database.ts';
import { openRatingFixture, type RatingFixture } from '../../../test/support/rating.ts';
import { changeNow, previewNow, withdrawNow } from '../../../test/support/subscription-changes.ts';

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
  const storage = (units: string, unitAmount: string) => ({
    key: 'storage',
    name: 'Storage',
    meter: 'storage',
    price: { model: 'per_unit', unitAmount } as const,
    modifiers: { allowance: { units } },
  });
  const base = (amount: string) => ({ key: 'base', name: 'Base', price: { model: 'flat', amount } as const });
  await it.plan('large', [base('62.00'), storage('10', '1.00')]);
  await it.plan('small', [base('31.00'), storage('5', '2.00')]);
  await it.customer('acme', ['a']);
  subscription = await it.subscribe('acme', 'large', '2026-01-01T00:00:00Z');
  await it.use('storage', 'a', '2026-01-20T00:00:00Z', '7');
  await it.use('storage', 'a', '2026-02-20T00:00:00Z', '3');
  it.clock.moveTo(Date.parse('2026-03-11T10:00:00Z'));
  await it.use('storage', 'a', '2026-03-10T00:00:00Z', '8');
});
afterEach(() => it.close());

const small = { kind: 'plan', plan: 'small' } as const;

describe('a preview', () => {
  test('says what is lost with what is used of it, what comes with dates, and what the last months would have cost', async () => {
    const { difference, lastMonths, now, next, without, decided } = await previewNow(it, subscription, {
      ...small,
      at: 'period_end',
    });
    expect(difference.allowances).toMatchObject([
      { before: '10', after: '5', used: '8', exceeds: true, message: 'Storage: you use 8 of 5 (10 before)' },
    ]);
    expect(difference.prices.map(({ key, change }) => [key, change])).toEqual([
      ['base', 'changed'],
      ['storage', 'changed'],
    ]);
    expect(decided.direction).toBe('down');
    // January and February are over and wait for their invoices; 8 of 10 are included in March.
    expect(now.map(({ total }) => total)).toEqual(['62.00', '62.00']);
    expect(next.map(({ period, plan, total }) => [period.to.slice(0, 10), plan, total])).toEqual([
      ['2026-04-01', 'large', '62.00'],
      ['2026-05-01', 'small', '31.00'],
    ]);
    expect(without.map(({ plan, total }) => `${plan} ${total}`)).toEqual(Array.from({ length: 4 }, () => 'large 62.00'));
    // 7 used in January: 31.00 + 2 * 2.00; 3 in February: 31.00.
    expect(lastMonths?.months.map(({ before, after }) => [before, after])).toEqual([
      ['62.00', '35.00'],
      ['62.00', '31.00'],
    ]);
  });

  test('counts quantities: in the prices before and after, and in what the last months would have cost', async () => {
    await changeNow(it, subscription, { kind: 'quantity', quantities: { base: '12' } });
    const fewer = await previewNow(it, subscription, { kind: 'quantity', quantities: { base: '5' }, at: 'period_end' });
    expect(fewer.difference.prices.map(({ before, after }) => [before?.price, after?.price])).toEqual([
      [
        { model: 'flat', amount: '62.00', quantity: '12' },
        { model: 'flat', amount: '62.00', quantity: '5' },
      ],
    ]);
    // 12 * 62.00 and 5 * 62.00 a month, with 7 and 3 of 10 included.
    expect(fewer.lastMonths).toMatchObject({ before: '1488.00', after: '620.00' });
    // The quantity goes along: 12 * 31.00 a month, and 2 * 2.00 in January.
    const kept = await previewNow(it, subscription, small);
    expect(kept.lastMonths).toMatchObject({ before: '1488.00', after: '748.00' });
    const asked = await previewNow(it, subscription, { ...small, quantities: { base: '1' } });
    expect(asked.lastMonths?.after).toBe('66.00');
  });

  test('compares the last months by the version that is asked for, also if it is not the latest', async () => {
    await catalogStores(database).plans.addVersion(
      'small',
      { rateCards: [{ key: 'base', name: 'Base', price: { model: 'flat', amount: '40.00' } }] },
      it.clock.nowMs(),
      it.tenant,
    );
    expect((await previewNow(it, subscription, { ...small, version: 1 })).lastMonths?.after).toBe('66.00');
    expect((await previewNow(it, subscription, small)).lastMonths?.after).toBe('80.00');
  });

  test('compares the last months with a year by its share of one, and its allowance', async () => {
    const allowance = { units: '59' };
    const storage = { key: 'storage', name: 'Storage', meter: 'storage', modifiers: { allowance } };
    const rateCards = [
      { key: 'base', name: 'Base', price: { model: 'flat', amount: '600.00' } },
      { ...storage, price: { model: 'per_unit', unitAmount: '12.00' } },
    ] as const;
    const yearly = {
      key: 'annual',
      name: 'Annual',
      currency: 'USD',
      billingPeriod: { every: 'year', anchor: 'calendar' },
    } as const;
    await catalogStores(database).plans.insert({ ...yearly, rateCards: [...rateCards] }, it.clock.nowMs(), it.tenant);
    // 7 and 3 used in two months are 60 in a year, one beyond what is included: 612.00 * 2 / 12, the same for each.
    expect((await previewNow(it, subscription, { kind: 'plan', plan: 'annual' })).lastMonths).toMatchObject({
      ...{ before: '124.00', after: '102.00' },
      months: [{ after: '51.00' }, { after: '51.00' }],
    });
  });

  test.each([{ kind: 'pause' }, { kind: 'cancel' }, { kind: 'cancel', at: 'period_end' }] as const)(
    'of %o says that every price and allowance is lost, with the usage that stands against it',
    async (request) => {
      const { difference, lastMonths } = await previewNow(it, subscription, request);
      expect(difference.prices.map(({ key, change }) => [key, change])).toEqual([
        ['base', 'removed'],
        ['storage', 'removed'],
      ]);
      expect(difference.allowances.map(({ message, exceeds }) => [message, exceeds])).toEqual([
        ['Storage: you use 8 of 0 (10 before)', true],
      ]);
      expect(difference.unpricedMeters).toEqual(['storage']);
      expect(lastMonths).toBeNull();
    },
  );

  test('of going on after a rest says that they come back', async () => {
    await changeNow(it, subscription, { kind: 'pause' });
    it.clock.moveTo(Date.parse('2026-03-13T10:00:00Z'));
    const { difference } = await previewNow(it, subscription, { kind: 'resume' });
    expect(difference.prices.map(({ key, change }) => [key, change])).toEqual([
      ['base', 'added'],
      ['storage', 'added'],
    ]);
    expect(difference.allowances).toMatchObject([{ before: null, after: '10', message: null }]);
  });

  test('makes nothing', async () => {
    const { subscriptions } = catalogStores(database);
    const before = await subscriptions.byId(subscription, it.tenant);
    await previewNow(it, subscription, small);
    expect(await subscriptions.byId(subscription, it.tenant)).toEqual(before);
    expect(await subscriptions.changes(subscription, it.tenant)).toHaveLength(1);
    expect(await it.messages('subscription.changed')).toEqual([]);
  });

  test('is refused as the change would be, by every rule at once and with the first day on which each allows it', async () => {
    await it.changeRules('large', { minimumTermMonths: 6, downgrade: 'period_end', windows: [{ fromDay: 1, toDay: 5 }] });
    for (const tried of [previewNow, changeNow]) {
      await expect(tried(it, subscription, small)).rejects.toMatchObject({
        code: 'subscription.rule_refuses',
        errors: [
          { path: 'changeRules.windows', message: expect.stringContaining('allowed from 2026-04-01T00:00:00Z') as unknown },
          {
            path: 'changeRules.minimumTermMonths',
            message: expect.stringContaining('allowed from 2026-07-01T00:00:00Z') as unknown,
          },
          { path: 'changeRules.downgrade', message: expect.stringContaining('allowed from 2026-04-01T00:00:00Z') as unknown },
        ],
      });
    }
  });
});

describe('the token of a preview', () => {
  test('does exactly what was shown, once', async () => {
    const { token, decided } = await previewNow(it, subscription, { ...small, at: 'period_end' });
    const { change, subscription: after } = await changeNow(it, subscription, { token });
    expect(change).toMatchObject({ kind: 'plan', fromMs: decided.change.fromMs });
    expect(after.stages.map(({ plan, fromMs }) => [plan, fromMs])).toEqual(
      decided.update.stages.map(({ plan, fromMs }) => [plan, fromMs]),
    );
    await expect(changeNow(it, subscription, { token })).rejects.toMatchObject({
      code: 'subscription.changed_since',
      errors: [{ path: 'version', message: 'version of the subscription: 1 when it was previewed, 2 now' }],
    });
  });

  test.each([
    [
      'a price',
      'toPrices',
      async () => {
        const price = { model: 'flat', amount: '40.00' } as const;
        await it.priceChanges.add(
          { plan: 'small', version: 1 },
          { rateCard: 'base', validFrom: '2026-05-01T00:00:00Z', price },
          it.tenant,
        );
      },
    ],
    ['the day', 'takesEffect', async () => it.clock.moveTo(Date.parse('2026-03-12T10:00:00Z'))],
    [
      'the plan, which has a new version',
      'to',
      async () => catalogStores(database).plans.addVersion('small', { rateCards: [] }, 0, it.tenant),
    ],
    [
      'the subjects',
      'subjects',
      async () => catalogStores(database).customers.update('acme', { subjects: ['a', 'b'] }, it.tenant),
    ],
  ])('is refused when %s has changed, and names it', async (_, path, happen) => {
    const { token } = await previewNow(it, subscription, small);
    await happen();
    await expect(changeNow(it, subscription, { token })).rejects.toMatchObject({
      kind: 'conflict',
      code: 'subscription.changed_since',
      errors: [{ path }],
    });
  });

  test('is refused for another subscription, and when it is no token', async () => {
    const { token } = await previewNow(it, subscription, small);
    await it.customer('beta', ['b']);
    const other = await it.subscribe('beta', 'large', '2026-01-01T00:00:00Z');
    for (const [id, text] of [
      [other, token],
      [subscription, 'nonsense'],
      [subscription, 'e30'],
    ] as const)
      await expect(changeNow(it, id, { token: text })).rejects.toMatchObject({ code: 'subscription.token_invalid' });
  });
});

describe('a change is refused', () => {
  test.each([
    ['of a plan that is not there', { kind: 'plan', plan: 'nope' }, 'plan.unknown'],
    ['of a version that is not there', { kind: 'plan', plan: 'small', version: 9 }, 'plan.version_unknown'],
    ['to what it is', { kind: 'plan', plan: 'large' }, 'subscription.nothing_changes'],
    ['before it began', { ...small, at: '2025-12-31T00:00:00Z' }, 'subscription.not_begun'],
    ['that ends before it begins', { ...small, until: '2026-03-11T00:00:00Z' }, 'subscription.until_before_at'],
    ['of the number of what has none', { kind: 'quantity', quantities: { storage: '2' } }, 'subscription.quantity_not_flat'],
    ['that resumes what runs', { kind: 'resume' }, 'subscription.not_paused'],
    ['that begins again what has not ended', { kind: 'resubscribe' }, 'subscription.not_ended'],
  ] as const)('%s', async (_, request, code) => {
    await expect(changeNow(it, subscription, request)).rejects.toMatchObject({ code });
  });

  test('to a plan in another currency', async () => {
    const billingPeriod = { every: 'month', anchor: 'calendar' } as const;
    await catalogStores(database).plans.insert(
      { key: 'euro', name: 'Euro', currency: 'EUR', billingPeriod, rateCards: [] },
      0,
      it.tenant,
    );
    await expect(changeNow(it, subscription, { kind: 'plan', plan: 'euro' })).rejects.toMatchObject({
      code: 'subscription.currency_mismatch',
    });
  });

  test('once it has ended, unless it begins again; an end to come is called off or moved', async () => {
    await changeNow(it, subscription, { kind: 'cancel', at: 'period_end' });
    const { subscription: moved } = await changeNow(it, subscription, { kind: 'cancel', at: '2026-05-10T12:00:00Z' });
    expect(moved.endsAtMs).toBe(Date.parse('2026-05-10T12:00:00Z'));
    const { subscription: going } = await changeNow(it, subscription, { kind: 'resubscribe' });
    expect([going.endsAtMs, going.stages.length]).toEqual([null, 1]);
    await changeNow(it, subscription, { kind: 'cancel' });
    it.clock.moveTo(Date.parse('2026-03-12T10:00:00Z'));
    await expect(changeNow(it, subscription, small)).rejects.toMatchObject({ code: 'subscription.ended' });
    await expect(changeNow(it, subscription, { kind: 'resubscribe', at: '2026-03-11T00:00:00Z' })).rejects.toMatchObject({
      code: 'subscription.ended',
    });
    const { subscription: again } = await changeNow(it, subscription, { kind: 'resubscribe', plan: 'small' });
    expect(again.stages.map(({ plan, untilMs }) => [plan, untilMs])).toEqual([
      ['large', Date.parse('2026-03-12T00:00:00Z')],
      ['small', null],
    ]);
  });

  test('to another version while its end is to come; once it has ended it begins again under the version that is asked for', async () => {
    const dearer = { rateCards: [{ key: 'base', name: 'Base', price: { model: 'flat' as const, amount: '93.00' } }] };
    await catalogStores(database).plans.addVersion('large', dearer, it.clock.nowMs(), it.tenant);
    await changeNow(it, subscription, { kind: 'cancel' });
    for (const [field, other] of [
      ['version', { version: 2 }],
      ['plan', { plan: 'small' }],
    ] as const) {
      const refused = changeNow(it, subscription, { kind: 'resubscribe', ...other });
      await expect(refused).rejects.toMatchObject({ code: 'subscription.not_ended', errors: [{ path: field }] });
    }
    const at = '2026-03-16T00:00:00Z';
    const versionFor = async (asked: object) => {
      const { decided, next } = await previewNow(it, subscription, { kind: 'resubscribe', at, ...asked });
      const { plans, update } = decided;
      return [plans.to.version, update.stages.at(-1)?.planVersion, next.find(({ period }) => period.from === at)?.total];
    };
    // 16 of the 31 days of March: 32.00 of 62.00, 48.00 of 93.00, without calls.
    for (const same of [{}, { plan: 'large' }, { version: 1 }]) expect(await versionFor(same)).toEqual([1, 1, '32.00']);
    for (const other of [{ version: 2 }, { plan: 'large', version: 2 }]) expect(await versionFor(other)).toEqual([2, 2, '48.00']);
    await expect(changeNow(it, subscription, { kind: 'resubscribe', at, version: 9 })).rejects.toMatchObject({
      code: 'plan.version_unknown',
      errors: [{ path: 'version' }],
    });
    const { subscription: again } = await changeNow(it, subscription, { kind: 'resubscribe', at, version: 2 });
    expect(again.stages.map(({ planVersion }) => planVersion)).toEqual([1, 2]);
  });

  test('when it is withdrawn after it began, or by a name that is not its', async () => {
    const { change } = await changeNow(it, subscription, small);
    await expect(withdrawNow(it, subscription, change.id)).rejects.toMatchObject({ code: 'subscription.change_begun' });
    await expect(withdrawNow(it, subscription, 'chg_x')).rejects.toMatchObject({ code: 'subscription.change_unknown' });
  });
});
