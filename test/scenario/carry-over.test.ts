import type { InvoiceDocument } from '@meterline/domain/invoices';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ScenarioServer, startScenario } from '../support/scenario-server.ts';

let server: ScenarioServer;

beforeAll(async () => {
  server = await startScenario({ now: '2026-01-01T00:00:00Z' });
}, 60_000);
afterAll(() => server.stop());

const call: ScenarioServer['call'] = (method, route, body) => server.call(method, route, body);

/** Sends the calls of a day and waits until they count. Answers the id of their event. */
async function use(day: string, calls: number): Promise<string> {
  const [id = ''] = await server.use({ type: 'call', subject: 's', time: `${day}T12:00:00Z`, data: { n: String(calls) } });
  return id;
}

async function invoiceAt(now: string): Promise<InvoiceDocument> {
  await server.clockTo(now);
  await server.invoiceRun();
  const { items } = await call<{ items: { id: string }[] }>('GET', '/v1/invoices?limit=1');
  return call('GET', `/v1/invoices/${items[0]?.id ?? ''}`);
}

interface Spend {
  readonly total: string;
  readonly lines: readonly {
    readonly key: string;
    readonly carriedUnits?: string;
    readonly explanation: { description: string }[];
  }[];
}
const spend = (language: string) => call<Spend>('GET', `/v1/customers/acme/spend?language=${language}`);

const plan = (key: string, fee: string, allowance: object) =>
  call('POST', '/v1/plans', {
    ...{ key, name: key, currency: 'USD', billingPeriod: { every: 'month', anchor: 'calendar' } },
    rateCards: [
      { key: 'base', name: 'Base', price: { model: 'flat', amount: fee } },
      {
        ...{ key: 'calls', name: 'Calls', meter: 'calls', price: { model: 'per_unit', unitAmount: '0.10' } },
        modifiers: { allowance },
      },
    ],
  });

it('what a month leaves of its allowance is used in the next ones, live and on invoices, with late and withdrawn usage, and is proven', async () => {
  await call('PUT', '/v1/invoice-schedule', { cron: '0 0 31 12 *' }); // only the runs asked for here
  await call('POST', '/v1/meters', { key: 'calls', name: 'Calls', eventType: 'call', aggregation: 'sum', valueProperty: '$.n', dimensions: {} }); // prettier-ignore
  await call('POST', '/v1/customers', { key: 'acme', name: 'Acme', currency: 'USD', subjects: ['s'] });
  await plan('rolling', '20.00', { units: '1000', carryOver: { maximumUnits: '500' } });
  await plan('plain', '12.00', { units: '900' });
  await call('POST', '/v1/subscriptions', { customer: 'acme', plan: 'rolling', startsAt: '2026-01-01T00:00:00Z' });

  await server.clockTo('2026-01-11T00:00:00Z');
  await use('2026-01-10', 800);
  const january = await invoiceAt('2026-02-01T01:00:00Z');
  expect(january).toMatchObject({ total: '20.00', lines: [{}, { quantity: '800', carriedOver: '200', amount: '0.00' }] });

  // 1,250 calls of February: 1,000 and the 200 left are included, 50 cost 0.10.
  await server.clockTo('2026-02-20T00:00:00Z');
  await use('2026-02-10', 1000);
  const withdrawn = await use('2026-02-11', 250);
  const english = await spend('en');
  expect(english.total).toBe('25.00'); // 20.00 + 50 * 0.10
  expect(english.lines[1]).toMatchObject({ carriedUnits: '200', carriedOver: '0' });
  expect(english.lines[1]?.explanation[0]?.description).toBe('1200 units included in an allowance of 1000 and 200 carried over');
  expect((await spend('zh')).lines[1]?.explanation[0]?.description).toBe(
    '1200 个单位在 1000 个单位的套餐额度和结转的 200 个之内',
  );

  // 60 calls of January come late: it used 860, so 140 are left, and February has 1,250 - 1,140 = 110 beyond.
  await use('2026-01-20', 60);
  const february = await invoiceAt('2026-03-01T01:00:00Z');
  expect(february).toMatchObject({
    total: '31.00', // 20.00 + 110 * 0.10
    lines: [{}, { carriedUnits: '140', carriedOver: '0', amount: '11.00' }],
    adjustments: [{ invoice: 'INV-000001', quantity: '860', carriedOver: '140', ratedAmount: '0.00', amount: '0.00' }],
  });

  // 250 calls of February are withdrawn: it used 1,000 of 1,140. The 11.00 come back, and March takes 140 over: 1,140 - 300 = 840, 500 go on.
  await server.clockTo('2026-03-06T00:00:00Z');
  await call('POST', `/v1/events/${withdrawn}/void`, { source: 'scenario' });
  await use('2026-03-05', 300);
  const march = await invoiceAt('2026-04-01T01:00:00Z');
  expect(march).toMatchObject({
    total: '9.00', // 20.00 - 11.00
    lines: [{}, { carriedUnits: '140', carriedOver: '500', amount: '0.00' }],
    adjustments: [{ invoice: 'INV-000002', carriedUnits: '140', carriedOver: '140', amount: '-11.00' }],
  });
  expect((await server.reconciliation()).invariants.flatMap(({ differences }) => differences)).toEqual([]);
}, 120_000);

it('plan fit takes what a month leaves over into the next one, as it was used and at twice the usage', async () => {
  await server.clockTo('2026-04-10T00:00:00Z');
  const { plans } = await call<{
    plans: {
      plan: string;
      months: string[];
      doubledTotal: string;
      allowances: { months: { used: string; carried: string; exceeded: boolean }[] }[];
    }[];
  }>('GET', '/v1/customers/acme/plan-fit?months=3');
  const fitOf = (key: string) => plans.find((each) => each.plan === key);
  // 860, 1,000 and 300 calls.
  expect(fitOf('plain')?.months).toEqual(['12.00', '22.00', '12.00']); // 12.00 + (1,000 - 900) * 0.10
  expect(fitOf('rolling')?.months).toEqual(['20.00', '20.00', '20.00']);
  expect(fitOf('rolling')?.allowances[0]?.months).toMatchObject([
    { used: '860', carried: '0', exceeded: false },
    { used: '1000', carried: '140', exceeded: false },
    { used: '300', carried: '140', exceeded: false },
  ]);
  // Who came in March had no month before whose allowance could be left over.
  await call('POST', '/v1/customers', { key: 'newcomer', name: 'Newcomer', currency: 'USD', subjects: ['n'] });
  await call('POST', '/v1/subscriptions', { customer: 'newcomer', plan: 'rolling', startsAt: '2026-03-05T00:00:00Z' });
  const { plans: own } = await call<{ plans: typeof plans }>('GET', '/v1/customers/newcomer/plan-fit?months=3');
  expect(own.find((each) => each.plan === 'rolling')?.allowances[0]?.months).toMatchObject([{ used: '0', carried: '0' }]);
  // Twice: 20.00 + 720 * 0.10, 20.00 + 1,000 * 0.10, 20.00; there is nothing to carry over.
  expect(fitOf('rolling')?.doubledTotal).toBe('232.00');
}, 60_000);
