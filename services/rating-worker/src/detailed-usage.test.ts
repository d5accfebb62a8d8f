import { catalogStores, invoiceStore, ratingStore } from '@meterline/backends/postgres';
import { spendOf } from '@meterline/pipeline/spend';
import { testClock } from '@meterline/runtime/clock';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestPipeline, type TestPipeline } from '../../../test/support/pipeline.ts';

let it: TestPipeline;
beforeAll(async () => {
  it = await openTestPipeline({ partitions: 3 });
});
afterAll(() => it.close());

test('prices by dimensions and by single events see usage split and told event by event, without what was withdrawn', async () => {
  const { database, tenant } = it;
  const clock = testClock('2026-02-20T12:00:00Z');
  const catalog = catalogStores(database);
  const accounts = ratingStore(database);
  const ports = { usage: it.reader, accounts, meters: catalog.meters, invoices: invoiceStore(database) };
  await it.meter({ key: 'payments', aggregation: 'sum', dimensions: { kind: '$.kind' } });
  const perUnit = (unitAmount: string) => ({ model: 'per_unit', unitAmount }) as const;
  const cells = [
    { match: { kind: 'card' }, price: perUnit('1') },
    { match: { kind: 'bank' }, price: perUnit('2') },
  ];
  await catalog.plans.insert(
    {
      key: 'pay',
      name: 'Pay',
      currency: 'USD',
      billingPeriod: { every: 'month', anchor: 'calendar' },
      rateCards: [
        { key: 'by-kind', name: 'By kind', meter: 'payments', price: { model: 'matrix', dimensions: ['kind'], cells } },
        { key: 'fee', name: 'Fee', meter: 'payments', price: { model: 'percentage', rate: '1', minimumPerEvent: '0.5' } },
        { key: 'all', name: 'All', meter: 'payments', price: perUnit('0.1') },
      ],
    },
    clock.nowMs(),
    tenant,
  );
  const customer = { key: 'acme', name: 'Acme', currency: 'USD', timezone: 'UTC', subjects: ['shop-1', 'shop-2'] };
  await catalog.customers.insert(customer, clock.nowMs(), tenant);
  const startsAtMs = Date.parse('2026-02-01T00:00:00Z');
  await catalog.subscriptions.insert(
    { id: 'sub', customer: 'acme', plan: 'pay', planVersion: 1, startsAtMs },
    { startDayMs: startsAtMs, nowMs: clock.nowMs() },
    tenant,
  );
  const { aggregator } = await it.aggregator();
  const payment = (id: string, subject: string, value: string, kind: string) => ({
    id,
    subject,
    time: '2026-02-10T10:00:00Z',
    data: { value, kind },
  });
  await it.append(
    [
      payment('1', 'shop-1', '10', 'card'),
      payment('2', 'shop-2', '10', 'card'),
      payment('3', 'shop-1', '3', 'bank'),
      payment('4', 'shop-2', '100', 'bank'),
      payment('5', 'shop-2', '1000', 'bank'),
      { id: '5', kind: 'void' },
      payment('6', 'shop-9', '7', 'card'),
    ],
    clock.nowMs(),
  );
  await it.settle(aggregator);

  const { subscriptions } = await spendOf(ports, 'acme', clock.nowMs(), tenant);
  expect(subscriptions[0]?.lines.map(({ key, quantity, events, amount }) => [key, quantity, events, amount])).toEqual([
    ['by-kind', '123', 4, '226.00'], // card 20 x 1, bank 103 x 2
    ['fee', '123', 4, '2.50'], // 0.10, 0.10 and 0.03 are lifted to 0.50 each, 1 % of 100 is 1.00
    ['all', '123', 4, '12.30'],
  ]);
});
