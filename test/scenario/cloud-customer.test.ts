import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Receiver, startReceiver } from '../../packages/cli/src/demo/receiver.ts';
import { type ScenarioServer, startScenario } from '../support/scenario-server.ts';

const MONTHLY = { currency: 'USD', billingPeriod: { every: 'month', anchor: 'calendar' } };

let server: ScenarioServer;
let receiver: Receiver;

beforeAll(async () => {
  receiver = await startReceiver();
  server = await startScenario({ now: '2026-01-05T09:00:00Z', settings: { METERLINE_WEBHOOK_ALLOW: 'loopback' } });
  const { secret } = await call<{ secret: string }>('POST', '/v1/webhook-endpoints', {
    url: receiver.url,
    events: ['alert.triggered'],
  });
  receiver.trust(secret);
  await setUp();
}, 120_000);
afterAll(async () => {
  await server.stop();
  await receiver.close();
});

const call: ScenarioServer['call'] = (method, route, body) => server.call(method, route, body);

/** Requests of all kinds at one price, told apart by project. */
const requests = (unitAmount: string) => ({
  ...{ key: 'requests', name: 'Requests', meter: 'requests' },
  price: {
    model: 'matrix',
    dimensions: ['project'],
    cells: [],
    default: { model: 'per_unit', unitAmount },
    groupBy: ['project'],
  },
});
/** A fee with so many GB, and a price for each GB beyond. */
const traffic = (amount: string, units: string, unitAmount: string) => ({
  ...{ key: 'traffic', name: 'Traffic', meter: 'gb', price: { model: 'flat', amount } },
  modifiers: { allowance: { units, overagePrice: { model: 'per_unit', unitAmount } } },
});
const limit = (units: string, more: object = {}) => ({
  ...{ feature: 'requests', entitlement: { type: 'metered', limit: units } },
  ...more,
});

/** free: 10,000 requests a month at most. base: 31.00 with 100 GB. scale: 310.00 with 2,000 GB, 2,000,000 requests at most and 1,000,000 more with each burst. */
async function setUp(): Promise<void> {
  await call('PUT', '/v1/invoice-schedule', { cron: '5 0 1 * *' });
  const counted = { aggregation: 'sum', valueProperty: '$.n', dimensions: { project: '$.project' } };
  await call('POST', '/v1/meters', { key: 'requests', eventType: 'requests', ...counted });
  await call('POST', '/v1/meters', { key: 'gb', eventType: 'gb', ...counted });
  await call('POST', '/v1/features', { key: 'requests', name: 'Requests', meter: 'requests' });
  await call('POST', '/v1/features', { key: 'domains', name: 'Own domains' });
  const burst = { key: 'burst', name: 'Burst', price: { model: 'flat', amount: '31.00', quantity: '0' } };
  const plans = {
    free: { rateCards: [requests('0'), traffic('0', '10', '0')], features: [limit('10000')] },
    base: {
      rateCards: [requests('0.0004'), traffic('31.00', '100', '0.08')],
      features: [limit('100000'), { feature: 'domains', entitlement: { type: 'boolean' } }],
    },
    scale: {
      rateCards: [requests('0.0003'), traffic('310.00', '2000', '0.05'), burst],
      features: [
        ...[limit('2000000'), limit('1000000', { addOn: 'burst' })],
        { feature: 'domains', entitlement: { type: 'boolean' } },
      ],
    },
  };
  for (const [key, plan] of Object.entries(plans)) await call('POST', '/v1/plans', { key, name: key, ...MONTHLY, ...plan });
  await call('POST', '/v1/customers', { key: 'acme', name: 'Acme', currency: 'USD', subjects: ['acme'] });
  await call('POST', '/v1/api-keys', { name: 'acme ingest', scopes: ['ingest'] });
  await call('POST', '/v1/alert-rules', { key: 'budget', customer: 'acme', budget: '800.00', thresholds: ['50%', '100%'] });
}

const used = (day: string, project: string, n: string, type = 'requests') => {
  return { type, subject: 'acme', time: `${day}T08:00:00Z`, data: { n, project } };
};

interface Standing {
  readonly hasAccess: boolean;
  readonly limit: string;
  readonly used: string;
  readonly balance: string;
}
const standing = () => call<Standing>('GET', '/v1/customers/acme/entitlements/requests');
/** Rating sees usage and changes soon after they are there. */
const stands = () =>
  expect.poll(
    async () => {
      const { hasAccess, limit: most, used } = await standing();
      return `${used} of ${most}: ${hasAccess ? 'yes' : 'no'}`;
    },
    { timeout: 30_000, interval: 20 },
  );

interface Spend {
  readonly total: string;
  readonly lines: readonly {
    readonly key: string;
    readonly amount: string;
    readonly explanation: readonly { amount: string; context?: { group?: { project: string } } }[];
  }[];
}
/** What requests cost so far, by project, and everything. */
async function spentByProject(): Promise<Record<string, string>> {
  const { lines, total } = await call<Spend>('GET', '/v1/customers/acme/spend');
  const explained = lines.flatMap(({ key, explanation }) => (key === 'requests' ? explanation : []));
  return { ...Object.fromEntries(explained.map(({ amount, context }) => [context?.group?.project, amount])), total };
}

interface Alert {
  readonly threshold: string;
  readonly spend: string;
}
const showAlert = ({ threshold, spend }: Alert) => `${threshold} at ${spend}`;
const alerts = async () => (await call<{ items: Alert[] }>('GET', '/v1/alert-occurrences?customer=acme')).items.map(showAlert);

interface Preview {
  readonly token: string;
  readonly now: { readonly total: string };
  readonly next: readonly { readonly plan: string; readonly from: string; readonly to: string; readonly total: string }[];
  readonly differences: { readonly features: readonly { feature: string; change: string; message: string | null }[] };
}
const dayOf = (instant: string) => instant.slice(5, 10);
const shown = (invoices: Preview['next']) =>
  invoices.map(({ plan, from, to, total }) => `${dayOf(from)}..${dayOf(to)} ${plan} ${total}`);

async function invoiced(count: number): Promise<string[]> {
  const documents = await server.invoices('acme', count);
  return shown(documents.map(({ plan, period, total }) => ({ plan, from: period.from, to: period.to, total }))).toSorted();
}

/** Everything that is set up beside the subscription. */
const settings = async () =>
  Promise.all(['meters', 'alert-rules', 'api-keys', 'features'].map((list) => call('GET', `/v1/${list}?limit=100`)));

it('from free over a paid plan to a campaign month and back: stopped and opened by each plan, warned by budget, billed as shown, split by project, and nothing else changes', async () => {
  const before = await settings();
  const { id } = await call<{ id: string }>('POST', '/v1/subscriptions', { customer: 'acme', plan: 'free' });
  const route = `/v1/subscriptions/${id}/changes`;
  const preview = (body: object) => call<Preview>('POST', `${route}/preview`, body);

  // Free: 6,000 + 3,000 leave 1,000; the last of them is the end of access.
  await server.clockTo('2026-01-19T09:00:00Z');
  await server.use(used('2026-01-06', 'shop', '6000'), used('2026-01-08', 'blog', '3000'));
  await stands().toBe('9000 of 10000: yes');
  await server.use(used('2026-01-19', 'shop', '1000'));
  await stands().toBe('10000 of 10000: no');

  // The first paid day is 20 January: 31.00 * 12 / 31 = 12.00, 130 GB are 30 beyond at 0.08 = 2.40, and 25,000 * 0.0004 = 10.00.
  await server.clockTo('2026-01-20T09:00:00Z');
  await server.use(
    used('2026-01-20', 'shop', '20000'),
    used('2026-01-20', 'blog', '5000'),
    used('2026-01-20', 'shop', '130', 'gb'),
  );
  const toBase = await preview({ kind: 'plan', plan: 'base' });
  expect(toBase.now.total).toBe('0.00');
  expect(shown(toBase.next)).toEqual(['01-20..02-01 base 24.40', '02-01..03-01 base 31.00']);
  expect(toBase.differences.features).toMatchObject([
    { feature: 'domains', change: 'added' },
    { feature: 'requests', change: 'changed', message: null },
  ]);
  await call('POST', route, { token: toBase.token });
  await stands().toBe('25000 of 100000: yes');
  expect(await spentByProject()).toEqual({ shop: '8', blog: '2', total: '24.40' });

  // February: 60,000 * 0.0004 + 30,000 * 0.0004 + 31.00 = 67.00; 80 of 100 GB. On the 20th March is booked, and goes back by itself.
  await server.clockTo('2026-02-20T09:00:00Z');
  await server.invoices('acme', 2); // an invoice between a preview and its token would be a reason to look again
  await server.use(
    used('2026-02-10', 'shop', '60000'),
    used('2026-02-11', 'blog', '30000'),
    used('2026-02-12', 'shop', '80', 'gb'),
  );
  const campaign = { kind: 'plan', plan: 'scale', at: 'period_end', until: '2026-04-01T00:00:00Z' };
  const toScale = await preview(campaign);
  expect(shown(toScale.next)).toEqual(['02-01..03-01 base 67.00', '03-01..04-01 scale 310.00', '04-01..05-01 base 31.00']);
  await call('POST', route, { token: toScale.token });
  expect(await alerts()).toEqual([]);

  // March: 1,200,000 * 0.0003 + 310.00 = 670.00, above 400.00; 800,000 * 0.0003 more are 910.00, above 800.00, and all that scale allows.
  await server.clockTo('2026-03-10T09:00:00Z');
  expect(await invoiced(3)).toEqual(['01-05..01-20 free 0.00', '01-20..02-01 base 24.40', '02-01..03-01 base 67.00']);
  await server.use(used('2026-03-05', 'shop', '1000000'), used('2026-03-05', 'blog', '200000'));
  await expect.poll(alerts, { timeout: 30_000 }).toEqual(['50% at 670.00']);
  await server.use(used('2026-03-09', 'shop', '800000'));
  await expect.poll(alerts, { timeout: 30_000 }).toEqual(['100% at 910.00', '50% at 670.00']);
  await stands().toBe('2000000 of 2000000: no');

  // Two bursts for the 21 days that are left: 2 * 31.00 * 21 / 31 = 42.00.
  await server.clockTo('2026-03-11T09:00:00Z');
  await call('POST', route, { kind: 'quantity', quantities: { burst: '2' }, until: '2026-04-01T00:00:00Z' });
  await stands().toBe('2000000 of 4000000: yes');
  // 1,000,000 more, 33 times the 90,000 of February in all, and 2,500 GB: (2,500 - 2,000) * 0.05 = 25.00.
  await server.clockTo('2026-03-30T09:00:00Z');
  await server.use(
    used('2026-03-12', 'shop', '900000'),
    used('2026-03-12', 'blog', '100000'),
    used('2026-03-13', 'shop', '2500', 'gb'),
  );
  await stands().toBe('3000000 of 4000000: yes');
  // 2,700,000 * 0.0003 + 300,000 * 0.0003 + 310.00 + 25.00 + 42.00
  expect(await spentByProject()).toEqual({ shop: '810', blog: '90', total: '1277.00' });

  // April is base again, without anybody doing anything: 50,000 * 0.0004 + 10,000 * 0.0004 + 31.00 = 55.00, 100 of 100 GB.
  await server.clockTo('2026-04-20T09:00:00Z');
  await server.invoices('acme', 4);
  await server.use(
    used('2026-04-02', 'shop', '50000'),
    used('2026-04-03', 'blog', '10000'),
    used('2026-04-04', 'blog', '100', 'gb'),
  );
  await stands().toBe('60000 of 100000: yes');
  // Back to free when the month ends: what is lost is said, April costs what it shows.
  const toFree = await preview({ kind: 'plan', plan: 'free', at: 'period_end' });
  expect(toFree.differences.features).toMatchObject([
    { feature: 'domains', change: 'removed', message: 'Own domains: you will not have it any more' },
    { feature: 'requests', change: 'changed', message: 'Requests: you use 60000 of 10000 (100000 before)' },
  ]);
  expect(shown(toFree.next)).toEqual(['04-01..05-01 base 55.00', '05-01..06-01 free 0.00']);
  await call('POST', route, { token: toFree.token });

  await server.clockTo('2026-05-02T09:00:00Z');
  await server.use(used('2026-05-01', 'shop', '2000'));
  await stands().toBe('2000 of 10000: yes');
  await server.clockTo('2026-06-01T00:10:00Z');
  // All of it as it was shown.
  expect(await invoiced(6)).toEqual([
    '01-05..01-20 free 0.00',
    '01-20..02-01 base 24.40',
    '02-01..03-01 base 67.00',
    '03-01..04-01 scale 1277.00',
    '04-01..05-01 base 55.00',
    '05-01..06-01 free 0.00',
  ]);
  expect(await settings()).toEqual(before);
  const delivered = receiver.messages.map(({ data }) => showAlert(data as unknown as Alert));
  expect(delivered.toSorted()).toEqual((await alerts()).toSorted());
  expect(await history()).toEqual([
    ...['01 blog 8000', '01 shop 27000', '02 blog 30000', '02 shop 60000', '03 blog 300000', '03 shop 2700000'],
    ...['04 blog 10000', '04 shop 50000', '05 shop 2000'],
  ]);
  expect(await server.reconciled()).toEqual({ differences: [], documents: 6 });
}, 180_000);

/** Usage of all months, whatever the plan was. */
async function history(): Promise<string[]> {
  const { rows } = await call<{ rows: { from: string; group: { project: string }; value: string }[] }>(
    'GET',
    '/v1/meters/requests/usage?customer=acme&from=2026-01-01T00:00:00Z&to=2026-06-01T00:00:00Z&window=month&groupBy=project',
  );
  return rows.map(({ from, group, value }) => `${from.slice(5, 7)} ${group.project} ${value}`).toSorted();
}
