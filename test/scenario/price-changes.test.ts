import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ScenarioServer, startScenario } from '../support/scenario-server.ts';
const CHANGE = '2021-10-22T00:00:00Z';
/** Per minute, before and from 22 October 2021 on. */
const LIST = {
  audio: ['0.008', '0.006'],
  hd: ['0.016', '0.012'],
  full_hd: ['0.032', '0.024'],
  '2k': ['0.120', '0.090'],
} as const;
type Class = keyof typeof LIST;

let server: ScenarioServer;

beforeAll(async () => {
  server = await startScenario({ now: '2021-10-01T00:00:00Z' });
}, 60_000);
afterAll(() => server.stop());

const call: ScenarioServer['call'] = (method, route, body) => server.call(method, route, body);

/** Sends minutes of a call and waits until they count. */
async function talk(time: string, minutes: Partial<Record<Class, string>>, subject = 'room'): Promise<void> {
  const events = Object.entries(minutes).map(([quality, n]) => ({
    type: 'call',
    subject,
    time,
    data: { minutes: n, class: quality },
  }));
  await server.use(...events);
}

/** Moves the clock past the daily run, and waits for so many invoices of the customer, oldest first. */
async function invoicedAt(to: string, customer: string, count: number) {
  await server.clockTo(to);
  return server.invoices(customer, count);
}

const spendOf = (customer: string) =>
  call<{
    total: string;
    lines: { key: string; amount: string }[];
    subscriptions: { commitment: { remaining: string } | null }[];
  }>('GET', `/v1/customers/${customer}/spend`);

const amounts = (lines: readonly { key: string; amount: string }[]) =>
  Object.fromEntries(lines.map(({ key, amount }) => [key, amount]));

it('a list price that changes within a month charges each minute at the price of its time, late ones too, above a minimum and below a maximum', async () => {
  await call('POST', '/v1/meters', {
    key: 'minutes',
    eventType: 'call',
    aggregation: 'sum',
    valueProperty: '$.minutes',
    dimensions: { class: '$.class' },
  });
  const rateCards = Object.entries(LIST).map(([key, [unitAmount]]) => ({
    key,
    name: `${key} minutes`,
    meter: 'minutes',
    filter: { class: key },
    price: { model: 'per_unit', unitAmount },
  }));
  await call('POST', '/v1/plans', {
    key: 'rtc',
    name: 'RTC',
    currency: 'USD',
    billingPeriod: { every: 'month', anchor: 'calendar' },
    rateCards,
    commitment: { minimumSpend: '20.00', maximumSpend: '300.00', every: 'period' },
  });
  await call('POST', '/v1/customers', { key: 'acme', name: 'Acme', currency: 'USD', subjects: ['room'] });
  await call('POST', '/v1/subscriptions', { customer: 'acme', plan: 'rtc' });
  for (const [rateCard, [, unitAmount]] of Object.entries(LIST)) {
    await call('POST', '/v1/plans/rtc/versions/1/price-changes', {
      rateCard,
      validFrom: CHANGE,
      price: { model: 'per_unit', unitAmount },
    });
  }

  await server.clockTo('2021-10-25T00:00:00Z');
  await talk('2021-10-21T23:59:59Z', { audio: '1000', hd: '1000', full_hd: '1000', '2k': '1000' });
  await talk('2021-10-22T00:00:00Z', { audio: '500', hd: '500', full_hd: '500', '2k': '500' });
  const october = {
    audio: '11.00', // 1,000 * 0.008 + 500 * 0.006
    hd: '22.00', // 1,000 * 0.016 + 500 * 0.012
    full_hd: '44.00', // 1,000 * 0.032 + 500 * 0.024
    '2k': '165.00', // 1,000 * 0.120 + 500 * 0.090
  };
  const spend = await spendOf('acme');
  expect(amounts(spend.lines)).toEqual(october);
  expect(spend.total).toBe('242.00');
  const [first] = await invoicedAt('2021-11-01T00:10:00Z', 'acme', 1);
  expect(first).toMatchObject({ total: '242.00', priceRevision: 4 });
  expect(amounts(first?.lines ?? [])).toEqual(october);

  // What was known before the changes were entered, and what is known now.
  const priceAt = async (query: string) => {
    const { items } = await call<{ items: { rateCard: string; price: { unitAmount: string } }[] }>(
      'GET',
      `/v1/plans/rtc/versions/1/prices?${query}`,
    );
    return items.filter(({ rateCard }) => rateCard === 'hd').map(({ price }) => price.unitAmount);
  };
  expect(await priceAt('at=2021-10-25T00:00:00Z')).toEqual(['0.012']);
  expect(await priceAt('at=2021-10-25T00:00:00Z&knownAt=2021-09-30T00:00:00Z')).toEqual(['0.016']);

  await server.clockTo('2021-11-10T00:00:00Z');
  await talk('2021-10-21T12:00:00Z', { '2k': '400' }); // 48.00 at the price of then
  await talk('2021-10-31T12:00:00Z', { '2k': '200' }); // 18.00 at that of its own time
  await talk('2021-11-09T12:00:00Z', { hd: '1000' }); // 12.00, below the minimum of 20.00
  const [, second] = await invoicedAt('2021-12-01T00:10:00Z', 'acme', 2);
  expect(second?.adjustments).toMatchObject([{ key: '2k', ratedAmount: '231.00', billedAmount: '165.00', amount: '66.00' }]);
  expect(
    second?.commitments?.map(({ term, lines }) => [term.from, lines.map(({ kind, amount }) => `${kind} ${amount}`)]),
  ).toEqual([
    ['2021-11-01T00:00:00Z', ['true_up 8.00']],
    ['2021-10-01T00:00:00Z', ['cap -8.00']], // October came to 242.00 + 66.00 = 308.00
  ]);
  expect(second?.total).toBe('78.00'); // 12.00 + 66.00 + 8.00 - 8.00
  const { holds, invariants } = await server.reconciliation();
  expect(invariants.flatMap(({ differences }) => differences)).toEqual([]);
  expect(holds).toBe(true);
}, 120_000);

it('a year paid in advance is invoiced as it begins, drawn down by what is used, and shown with what remains', async () => {
  const commitment = { minimumSpend: '1200.00', every: 'year', trueUp: 'in_advance' };
  await call('POST', '/v1/customers', { key: 'globex', name: 'Globex', currency: 'USD', subjects: ['hall'] });
  await call('POST', '/v1/subscriptions', { customer: 'globex', plan: 'rtc', startsAt: '2021-12-01T00:00:00Z', commitment });
  const [advance] = await invoicedAt('2021-12-02T00:10:00Z', 'globex', 1);
  expect(advance).toMatchObject({
    kind: 'advance',
    total: '1200.00',
    period: { from: '2021-12-01T00:00:00Z', to: '2022-12-01T00:00:00Z' },
  });
  await talk('2021-12-01T12:00:00Z', { '2k': '10000' }, 'hall'); // 900.00
  const spend = await spendOf('globex');
  expect([spend.total, spend.subscriptions[0]?.commitment?.remaining]).toEqual(['0.00', '300.00']);
  await server.clockTo('2021-12-20T00:00:00Z');
  await talk('2021-12-19T12:00:00Z', { '2k': '5000' }, 'hall'); // 450.00: 300.00 from the rest, 150.00 to pay
  const [, december] = await invoicedAt('2022-01-01T00:10:00Z', 'globex', 2);
  expect(december).toMatchObject({ total: '150.00', commitments: [{ spend: '1350.00', remaining: '0.00' }] });
  expect((await server.reconciliation()).holds).toBe(true);
}, 120_000);
