import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ScenarioServer, startScenario } from '../support/scenario-server.ts';

/** Bought on 10 March 2026 in Berlin, so that its years begin there at midnight: 23:00 UTC of 9 March. */
let server: ScenarioServer;

beforeAll(async () => {
  server = await startScenario({ now: '2026-03-10T09:00:00Z' });
}, 120_000);
afterAll(() => server.stop());

const call: ScenarioServer['call'] = (method, route, body) => server.call(method, route, body);

async function plan(key: string, fee: object, features: readonly object[]): Promise<void> {
  await call('POST', '/v1/plans', {
    ...{ key, name: key, currency: 'EUR', billingPeriod: { every: 'year', anchor: 'anniversary' } },
    ...{ rateCards: [{ key, name: key, price: { model: 'flat', paymentTerm: 'advance', ...fee } }], features },
  });
}

const subscribe = async (to: string) =>
  (await call<{ id: string }>('POST', '/v1/subscriptions', { customer: 'acme', plan: to })).id;

/** Features that the customer may use now. */
async function allowed(): Promise<string[]> {
  const { items } = await call<{ items: { feature: string; hasAccess: boolean }[] }>('GET', '/v1/customers/acme/entitlements');
  return items.flatMap(({ feature, hasAccess }) => (hasAccess ? [feature] : [])).toSorted();
}

/** Everything that was invoiced, once there are so many documents: `kind plan from..to total`. */
async function invoiced(count: number): Promise<string[]> {
  const documents = await server.invoices('acme', count);
  return documents
    .map(({ kind = 'period', plan: of, period: { from, to }, total }) => {
      return `${of} ${kind} ${from.slice(0, 10)}..${to.slice(0, 10)} ${total}`;
    })
    .toSorted();
}

interface Preview {
  readonly documents: readonly unknown[];
  readonly total: string;
  readonly totalWithout: string;
  readonly differences: { readonly features: readonly { feature: string; change: string; message: string | null }[] };
}

it('what was bought once stays when its maintenance lapses, upgrades stop on that day, and taking it up again bills the rest of the year and not the purchase', async () => {
  await call('PUT', '/v1/invoice-schedule', { cron: '5 0 10 3 *', timezone: 'Europe/Berlin' }); // once a year, when it turns
  for (const key of ['editor', 'limits', 'upgrades', 'support']) await call('POST', '/v1/features', { key, name: key });
  await plan('licence', { amount: '499.00', interval: 'once' }, [
    { feature: 'editor', entitlement: { type: 'boolean' } },
    { feature: 'limits', entitlement: { type: 'static', value: '{"devices":3}' } },
  ]);
  await plan('maintenance', { amount: '109.80' }, [
    { feature: 'upgrades', entitlement: { type: 'boolean' } },
    { feature: 'support', entitlement: { type: 'boolean' } },
  ]);
  await call('POST', '/v1/customers', { key: 'acme', name: 'Acme', currency: 'EUR', timezone: 'Europe/Berlin', subjects: [] });
  await subscribe('licence');
  const maintenance = await subscribe('maintenance');
  const bought = ['licence fee 2026-03-09..2027-03-09 499.00', 'maintenance fee 2026-03-09..2027-03-09 109.80'];
  expect(await invoiced(2)).toEqual(bought);
  expect(await allowed()).toEqual(['editor', 'limits', 'support', 'upgrades']);

  // It is not to be renewed: shown with what is lost, and with the 109.80 that the next year would come to.
  await server.clockTo('2026-11-02T10:00:00Z');
  const route = `/v1/subscriptions/${maintenance}/changes`;
  const preview = await call<Preview>('POST', `${route}/preview`, { kind: 'cancel', at: 'period_end' });
  expect(preview.documents).toEqual([]);
  expect(preview.differences.features).toMatchObject([
    { feature: 'support', change: 'removed', message: 'support: you will not have it any more' },
    { feature: 'upgrades', change: 'removed', message: 'upgrades: you will not have it any more' },
  ]);
  expect([preview.total, preview.totalWithout]).toEqual(['0.00', '109.80']);
  await call('POST', route, { kind: 'cancel', at: 'period_end' });
  await server.clockTo('2027-03-09T22:58:00Z');
  expect(await allowed()).toEqual(['editor', 'limits', 'support', 'upgrades']);

  // Midnight in Berlin: that very day.
  await server.clockTo('2027-03-09T23:00:00Z');
  expect(await allowed()).toEqual(['editor', 'limits']);
  // Both years are settled, 499.00 - 499.00 and 109.80 - 109.80, and no fee is billed for the next.
  await server.clockTo('2027-03-09T23:10:00Z');
  const lapsed = [
    'licence fee 2026-03-09..2027-03-09 499.00',
    'licence period 2026-03-09..2027-03-09 0.00',
    'maintenance fee 2026-03-09..2027-03-09 109.80',
    'maintenance period 2026-03-09..2027-03-09 0.00',
  ];
  expect(await invoiced(4)).toEqual(lapsed);
  await server.clockTo('2027-05-31T12:00:00Z');
  await server.invoiceRun();
  expect(await invoiced(4)).toEqual(lapsed);
  expect(await allowed()).toEqual(['editor', 'limits']);

  // Taken up again on 1 June: its year still ends on 10 March, so 30 + 31 + 31 + 30 + 31 + 30 + 31 + 31 + 29 + 9 = 283 of 366 days are left of it,
  // and 109.80 * 283 / 366 = 84.90.
  await server.clockTo('2027-06-01T08:00:00Z');
  await call('POST', route, { kind: 'resubscribe' });
  await expect.poll(allowed, { timeout: 10_000, interval: 50 }).toEqual(['editor', 'limits', 'support', 'upgrades']);
  const again = [...lapsed, 'maintenance fee 2027-05-31..2028-03-09 84.90'];
  expect(await invoiced(5)).toEqual(again.toSorted());

  // The next year has a whole fee again; the purchase has none in its second year, nor in its third.
  await server.clockTo('2028-03-09T23:10:00Z');
  expect(await invoiced(8)).toEqual(
    [
      ...again,
      'licence period 2027-03-09..2028-03-09 0.00',
      'maintenance fee 2028-03-09..2029-03-09 109.80',
      'maintenance period 2027-05-31..2028-03-09 0.00',
    ].toSorted(),
  );
  expect(await server.reconciled()).toEqual({ differences: [], documents: 8 });
}, 120_000);
