import { memoryBalanceStore } from '@meterline/backends/memory';
import { alertRuleStore, catalogStores, invoiceStore, prepaidStore, ratingStore } from '@meterline/backends/postgres';
import { createAlertRule, evaluateWakeups } from '@meterline/pipeline/alerts';
import type { InvoiceDocument } from '@meterline/domain/invoices';
import { executeInvoiceRun, invoiceAccounting, requestInvoiceRun } from '@meterline/pipeline/invoices';
import { spendOf, spendOfMany } from '@meterline/pipeline/spend';
import { testClock } from '@meterline/runtime/clock';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestPipeline, type TestPipeline } from '../../../test/support/pipeline.ts';
import { fakeJobs } from '../../../test/support/rating.ts';

let it: TestPipeline;
beforeAll(async () => {
  it = await openTestPipeline({ partitions: 3 });
});
afterAll(() => it.close());

test('events in the log become spend, an alert and an invoice; late and voided ones are settled by the next invoice', async () => {
  const { database, tenant } = it;
  const clock = testClock('2026-02-20T12:00:00Z');
  const catalog = catalogStores(database);
  const rating = ratingStore(database);
  const invoices = invoiceStore(database);
  const ports = {
    usage: it.reader,
    accounts: rating,
    wakeups: rating,
    meters: catalog.meters,
    invoices,
    prepaid: prepaidStore(database),
    features: catalog.features,
    balances: memoryBalanceStore(),
    ledger: it.ledger,
    log: it.log,
    clock,
    serverClock: clock,
    jobs: fakeJobs(),
  };

  await it.meter({ key: 'minutes', aggregation: 'sum', dimensions: { quality: '$.quality' } });
  await it.meter({ key: 'peak', aggregation: 'max' });
  const minutes = (quality: string, unitAmount: string) =>
    ({ key: quality, name: quality, meter: 'minutes', filter: { quality }, price: { model: 'per_unit', unitAmount } }) as const;
  await catalog.plans.insert(
    {
      key: 'video',
      name: 'Video',
      currency: 'USD',
      billingPeriod: { every: 'month', anchor: 'calendar' },
      rateCards: [
        minutes('hd', '0.01'),
        minutes('sd', '0.004'),
        { key: 'peak', name: 'Peak', meter: 'peak', price: { model: 'per_unit', unitAmount: '1' } },
      ],
    },
    clock.nowMs(),
    tenant,
  );
  for (const [key, subjects] of [
    ['acme', ['room-1', 'room-2']],
    ['globex', ['hall']],
  ] as const) {
    await catalog.customers.insert({ key, name: key, currency: 'USD', timezone: 'UTC', subjects }, clock.nowMs(), tenant);
    const startsAtMs = Date.parse('2026-02-01T00:00:00Z');
    await catalog.subscriptions.insert(
      { id: `sub_${key}`, customer: key, plan: 'video', planVersion: 1, startsAtMs },
      { startDayMs: startsAtMs, nowMs: clock.nowMs() },
      tenant,
    );
  }
  await createAlertRule({ rules: alertRuleStore(database), clock }, { key: 'five', plan: 'video', thresholds: ['5.00'] }, tenant);

  const { aggregator } = await it.aggregator();
  const event = (id: string, subject: string, time: string, value: string, quality: string) => ({
    id,
    subject,
    time,
    data: { value, quality },
  });
  await it.append(
    [
      event('1', 'room-1', '2026-02-10T10:00:00Z', '120.5', 'hd'),
      event('2', 'room-2', '2026-02-11T10:00:00Z', '79.5', 'hd'),
      event('3', 'room-2', '2026-02-12T10:00:00Z', '250', 'sd'),
      event('4', 'hall', '2026-02-12T10:00:00Z', '3', 'sd'),
    ],
    clock.nowMs(),
  );
  await it.settle(aggregator);

  // acme: hd 200 * 0.01 = 2.00; sd 250 * 0.004 = 1.00; peak max(120.5, 250) = 250.00. globex: 0.012 -> 0.01; peak 3.00
  const spend = await spendOf(ports, 'acme', clock.nowMs(), tenant);
  expect(spend.subscriptions[0]?.lines.map((line) => [line.key, line.quantity, line.amount])).toEqual([
    ['hd', '200', '2.00'],
    ['sd', '250', '1.00'],
    ['peak', '250', '250.00'],
  ]);
  const both = await spendOfMany(ports, ['acme', 'globex', 'nobody'], clock.nowMs(), tenant);
  expect(both.map((each) => [each.customer, each.total])).toEqual([
    ['acme', '253.00'],
    ['globex', '3.01'],
  ]);

  const fired = await evaluateWakeups(ports, tenant, await rating.waiting(100, []));
  expect(fired.map((each) => [each.customer, 'spend' in each && each.spend, each.cut])).toEqual([
    ['acme', '253.00', spend.asOf.cut],
  ]);

  clock.moveTo(Date.parse('2026-03-01T00:00:10Z'));
  await executeInvoiceRun(ports, await requestInvoiceRun(ports, undefined, tenant));
  // Late: 100 hd minutes of February (1.00); and the 250 sd minutes are withdrawn (1.00, and the peak falls to 120.5: 129.50).
  await it.append([event('5', 'room-1', '2026-02-28T23:00:00Z', '100', 'hd'), { id: '3', kind: 'void' }], clock.nowMs());
  await it.settle(aggregator);
  clock.moveTo(Date.parse('2026-04-01T00:00:10Z'));
  await executeInvoiceRun(ports, await requestInvoiceRun(ports, undefined, tenant));

  const issued = await database.query<{ document: string }>('select document from invoice order by number');
  const documents = issued.map((row) => JSON.parse(row.document) as InvoiceDocument);
  expect(
    documents.map((invoice) => [invoice.number, invoice.customer.key, invoice.period.from.slice(0, 7), invoice.total]),
  ).toEqual([
    ['INV-000001', 'acme', '2026-02', '253.00'],
    ['INV-000002', 'globex', '2026-02', '3.01'],
    ['INV-000003', 'acme', '2026-03', '-129.50'],
    ['INV-000004', 'globex', '2026-03', '0.00'],
  ]);
  expect(documents[2]?.adjustments.map((each) => [each.invoice, each.key, each.quantity, each.amount])).toEqual([
    ['INV-000001', 'hd', '300', '1.00'],
    ['INV-000001', 'sd', '0', '-1.00'],
    ['INV-000001', 'peak', '120.5', '-129.50'],
  ]);
  // February stays as issued when rated again at its own cut, although the usage behind it has changed since.
  expect(await invoiceAccounting(ports)).toEqual({ invoices: 4, reRated: 4, differing: [] });
});
