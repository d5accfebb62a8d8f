import { charged, type InvoiceDocument } from '@meterline/domain/invoices';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { invoiceText } from '../../packages/cli/src/render/invoice.ts';
import { invoicePage } from '../../services/api/src/invoice-page.ts';
import { type ScenarioServer, startScenario } from '../support/scenario-server.ts';

interface Spend {
  readonly total: string;
  readonly subscriptions: readonly {
    readonly interims: readonly { readonly invoice: string; readonly usageTo: string; readonly amount: string }[];
    readonly nextThreshold: string | null;
    readonly toInvoice: string;
  }[];
}

let server: ScenarioServer;
beforeAll(async () => {
  server = await startScenario({ now: '2026-01-01T00:00:00Z' });
  await call('PUT', '/v1/invoice-schedule', { cron: '5 0 1 * *' });
  await call('POST', '/v1/meters', { key: 'calls', name: 'Calls', eventType: 'call', aggregation: 'sum', valueProperty: '$.n', dimensions: {} }); // prettier-ignore
}, 300_000);
afterAll(() => server.stop());

const call: ScenarioServer['call'] = (method, route, body) => server.call(method, route, body);

async function subscribe(customer: string, plan: object): Promise<void> {
  await call('POST', '/v1/customers', { key: customer, name: customer, currency: 'USD', timezone: 'UTC', subjects: [customer] });
  await call('POST', '/v1/plans', { key: customer, name: customer, currency: 'USD', ...plan });
  await call('POST', '/v1/subscriptions', { customer, plan: customer });
}

/** Not waited for: invoices wait for it themselves. */
async function use(customer: string, time: string, n: string): Promise<void> {
  const event = { specversion: '1.0', id: time, source: customer, type: 'call', subject: customer, time, data: { n } };
  await call('POST', '/v1/events', [event]);
}

const spendOf = (customer: string) => call<Spend>('GET', `/v1/customers/${customer}/spend`);

async function expectReconciled(): Promise<void> {
  const { invariants } = await server.reconciliation();
  expect(invariants.flatMap(({ differences }) => differences)).toEqual([]);
}

const told = (invoices: readonly InvoiceDocument[]) =>
  invoices.map(({ kind = 'period', interim, total }) => `${kind} ${interim?.usageTo.slice(0, 10) ?? ''} ${total}`);

it('a year with 12,000 calls included is billed by the month: overage from the eighth month on, each call once', async () => {
  await subscribe('acme', {
    billingPeriod: { every: 'year', anchor: 'calendar', usageEvery: 'month' },
    rateCards: [
      { key: 'base', name: 'Base', price: { model: 'flat', amount: '1200.00', paymentTerm: 'advance' } },
      {
        key: 'calls',
        name: 'Calls',
        meter: 'calls',
        price: { model: 'per_unit', unitAmount: '0.01' },
        modifiers: { allowance: { units: '12000' } },
      },
    ],
  });
  for (let month = 1; month <= 12; month += 1) {
    const day = `2026-${String(month).padStart(2, '0')}-15T12:00:00Z`;
    await server.clockTo(day);
    await use('acme', day, '1600');
    // What is invoiced of August to October is known as of 15 November: 4,000 of 16,000 calls are beyond, 1,600 of the 17,600 are new.
    if (month === 11) {
      await server.counted();
      const spend = await spendOf('acme');
      expect(spend).toMatchObject({ total: '1256.00', subscriptions: [{ toInvoice: '16.00' }] });
      expect(spend.subscriptions[0]?.interims.slice(6)).toMatchObject([{ amount: '0.00' }, { amount: '8.00' }, { amount: '16.00' }, { amount: '16.00' }]); // prettier-ignore
    }
    // The schedule bills the month that is over: the next one is to be counted behind it.
    await server.clockTo(new Date(Date.UTC(2026, month, 1, 0, 10)).toISOString());
    await server.invoices('acme', month + 1 + (month === 12 ? 1 : 0));
  }
  const invoices = await server.invoices('acme', 14);
  expect(told(invoices.slice(0, 13))).toEqual([
    'fee  1200.00',
    'interim 2026-02-01 0.00',
    'interim 2026-03-01 0.00',
    'interim 2026-04-01 0.00',
    'interim 2026-05-01 0.00',
    'interim 2026-06-01 0.00',
    'interim 2026-07-01 0.00',
    'interim 2026-08-01 0.00', // 11,200
    'interim 2026-09-01 8.00', // 12,800: 800 beyond
    'interim 2026-10-01 16.00',
    'interim 2026-11-01 16.00',
    'interim 2026-12-01 16.00',
    'fee  1200.00', // of 2027
  ]);
  const final = invoices[13];
  // 19,200 - 12,000 = 7,200 * 0.01 = 72.00, of which 56.00 were billed
  expect(final?.lines.map(({ key, amount }) => [key, amount])).toEqual([['base', '1200.00'], ['calls', '72.00']]); // prettier-ignore
  expect(final?.billedOnInterims?.map(({ invoice, amount }) => `${invoice} ${amount}`)).toEqual([
    `${invoices[8]?.number} 8.00`,
    `${invoices[9]?.number} 16.00`,
    `${invoices[10]?.number} 16.00`,
    `${invoices[11]?.number} 16.00`,
  ]);
  expect(final?.total).toBe('16.00');
  const all = invoices.filter(({ period }) => period.from === '2026-01-01T00:00:00Z').map((invoice) => Number(charged(invoice)));
  expect(all.reduce((sum, amount) => sum + amount, 0)).toBe(1272);
  await expectReconciled();
}, 300_000);

it('lists an interim invoice with the end of its usage, and shows what it bills and what was billed before', async () => {
  const { items } = await call<{ items: { kind: string; usageTo?: string }[] }>('GET', '/v1/invoices?customer=acme&limit=3');
  expect(items.map(({ kind, usageTo }) => [kind, usageTo])).toEqual([
    ['period', undefined],
    ['fee', undefined],
    ['interim', '2026-12-01T00:00:00Z'],
  ]);
  const invoices = await server.invoices('acme', 14);
  const [october, november] = invoices.slice(10, 12);
  if (october === undefined || november === undefined) throw new Error('there are no such invoices');
  const page = invoicePage(november).replace(/\s+/g, ' ');
  expect(page.replaceAll(/\s+/g, ' ')).toContain('the usage from 2026-01-01 to 2026-11-30, less what was billed before on INV-');
  expect(page).toContain(`Calls (${october.number})</td> <td class="number">-16.00</td>`);
  const text = invoiceText(november, { paint: (_style, shown) => shown });
  expect(text).toContain('number 11: the usage to 2026-11-30');
  expect(text).toContain(`Calls, billed within the period on ${october.number}`);
});

it('a level that is held on is billed for the time that is over, not for months to come', async () => {
  await server.clockTo('2027-01-05T00:00:00Z');
  await call('POST', '/v1/meters', { key: 'gb_hours', name: 'GB hours', eventType: 'storage', aggregation: 'weighted_sum', valueProperty: '$.gb', level: { values: 'absolute', unit: 'hour' }, dimensions: {} }); // prettier-ignore
  await subscribe('globex', {
    billingPeriod: { every: 'quarter', anchor: 'calendar', usageEvery: 'month' },
    rateCards: [{ key: 'storage', name: 'Storage', meter: 'gb_hours', price: { model: 'per_unit', unitAmount: '0.01' } }],
  });
  await server.clockTo('2027-01-11T00:00:00Z');
  await server.use({ type: 'storage', subject: 'globex', time: '2027-01-11T00:00:00Z', data: { gb: '2' } });
  await server.clockTo('2027-02-01T00:10:00Z');
  await server.invoices('globex', 1);
  await server.clockTo('2027-04-01T00:10:00Z');
  // 21 days of January, 28 of February, 31 of March, of 24 hours and 2 GB at 0.01
  expect(told(await server.invoices('globex', 3))).toEqual([
    'interim 2027-02-01 10.08',
    'interim 2027-03-01 13.44',
    'period  14.88',
  ]);
  await expectReconciled();
}, 300_000);

it('what a customer owes reaches a threshold: it is invoiced so far within seconds, by itself, each threshold once', async () => {
  await server.clockTo('2027-05-03T08:00:00Z');
  await subscribe('initech', {
    billingPeriod: { every: 'month', anchor: 'calendar' },
    rateCards: [
      { key: 'base', name: 'Base', price: { model: 'flat', amount: '49.00' } },
      { key: 'calls', name: 'Calls', meter: 'calls', price: { model: 'per_unit', unitAmount: '0.05' } },
    ],
    invoiceThresholds: { steps: ['100.00', '500.00'], thenEvery: '500.00' },
  });
  await use('initech', '2027-05-03T08:00:00.100Z', '1999'); // 99.95
  await server.counted();
  expect((await spendOf('initech')).subscriptions[0]).toMatchObject({ interims: [], nextThreshold: '100.00' });
  await use('initech', '2027-05-03T08:00:00.200Z', '1'); // 100.00
  const [first] = await server.invoices('initech', 1);
  expect(first?.interim).toMatchObject({ part: 1, threshold: '100.00', reached: '100.00' });
  // Three thresholds at once: 100 + 2,500 * 0.05 = 225.00, then 1,475.00, 1,975.00
  const timed = ['2500', '25000', '10000'].map((n, index) => ({ time: `2027-05-03T08:00:01.${index}Z`, data: { n } }));
  await server.use(...timed.map((each) => ({ type: 'call', subject: 'initech', ...each })));
  const [, second] = await server.invoices('initech', 2);
  expect(second).toMatchObject({ interim: { threshold: '1500.00', reached: '1975.00' }, total: '1875.00' });
  const subscription = second?.subscription;
  const { items } = await call<{ items: { subscription: string; threshold: string | null }[] }>(
    'GET',
    '/v1/invoice-runs?limit=20',
  );
  expect(items.filter((run) => run.subscription === subscription && run.threshold !== null)).toMatchObject([
    { threshold: '1500.00', scheduled: false, invoices: 1 },
    { threshold: '100.00', scheduled: false, state: 'complete', invoices: 1 },
  ]);
  if (second === undefined) throw new Error('there is no such invoice');
  const text = invoiceText(second, { paint: (_style, shown) => shown });
  expect(text).toContain('reached   the threshold of 1,500.00 USD: 1,975.00 owed for the period so far');
  const page = invoicePage(second).replace(/\s+/g, ' ');
  expect(page).toContain('as the threshold of 1500.00 USD was reached: 1975.00 are owed for the period so far');
  await server.clockTo('2027-06-01T00:10:00Z');
  const all = await server.invoices('initech', 3);
  // 39,500 * 0.05 = 1,975.00 are billed; the fee is for 29 of 31 days: 49.00 * 29 / 31 = 45.84
  expect(all.map((invoice) => invoice.total)).toEqual(['100.00', '1875.00', '45.84']);
  await expectReconciled();
}, 300_000);
