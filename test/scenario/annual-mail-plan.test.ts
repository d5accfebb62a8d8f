import type { InvoiceDocument } from '@meterline/domain/invoices';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ScenarioServer, startScenario } from '../support/scenario-server.ts';

/** small: 365.00 a year with 120,000 mails, 0.50 for each 1,000 beyond. large: 730.00 with 600,000, 0.40 for each 1,000 beyond. */
const PLANS = {
  small: { fee: '365.00', units: '120000', overage: '0.50', aMonth: '20000', retention: '7' },
  large: { fee: '730.00', units: '600000', overage: '0.40', aMonth: '50000', retention: '30' },
};
/** Of large: a month's notice, downgrades when the year ends, changes on the first five days of a month, half a year at least. */
const RULES = {
  noticeHours: 720,
  downgrade: 'period_end',
  windows: [{ fromDay: 1, toDay: 5 }],
  minimumTermMonths: 6,
};

let server: ScenarioServer;

beforeAll(async () => {
  server = await startScenario({ now: '2026-01-01T09:00:00Z' });
  await call('PUT', '/v1/invoice-schedule', { cron: '5 0 1 1 *' }); // once a year, when it turns
  await call('POST', '/v1/meters', { key: 'mails', eventType: 'mails', aggregation: 'sum', valueProperty: '$.n' });
  await call('POST', '/v1/features', { key: 'sending', name: 'Mails a month', meter: 'mails' });
  await call('POST', '/v1/features', { key: 'dedicated-ip', name: 'Dedicated IP address' });
  await call('POST', '/v1/features', { key: 'retention', name: 'Days of logs' });
  for (const [key, { fee, units, overage, aMonth, retention }] of Object.entries(PLANS)) {
    const overagePrice = { model: 'package', packageSize: '1000', packageAmount: overage };
    await call('POST', '/v1/plans', {
      ...{ key, name: key, currency: 'USD', billingPeriod: { every: 'year', anchor: 'anniversary' } },
      rateCards: [
        {
          ...{ key: 'mails', name: 'Mails', meter: 'mails', price: { model: 'flat', amount: fee, paymentTerm: 'advance' } },
          modifiers: { allowance: { units, overagePrice } },
        },
      ],
      features: [
        { feature: 'sending', entitlement: { type: 'metered', limit: aMonth, period: 'month', softLimit: true } },
        { feature: 'retention', entitlement: { type: 'static', value: retention } },
        ...(key === 'large' ? [{ feature: 'dedicated-ip', entitlement: { type: 'boolean' } }] : []),
      ],
      ...(key === 'large' && { changeRules: RULES }),
    });
  }
}, 120_000);
afterAll(() => server.stop());

const call: ScenarioServer['call'] = (method, route, body) => server.call(method, route, body);
const send = (day: string, n: string) =>
  server.use({ type: 'mails', subject: 'acme.example', time: `${day}T08:00:00Z`, data: { n } });

const told = (documents: readonly InvoiceDocument[]) =>
  documents
    .map(({ kind = 'period', plan, period: { from, to }, total }) => {
      return `${plan} ${kind} ${from.slice(0, 10)}..${to.slice(0, 10)} ${total}`;
    })
    .toSorted();

async function features(): Promise<Record<string, unknown>> {
  const { items } = await call<{ items: { feature: string; hasAccess: boolean; limit: string | null; value: string | null }[] }>(
    'GET',
    '/v1/customers/acme/entitlements',
  );
  return Object.fromEntries(items.map(({ feature, hasAccess, limit, value }) => [feature, limit ?? value ?? hasAccess]));
}

interface Preview {
  readonly token: string;
  readonly change: { readonly direction: string };
  readonly documents: readonly { kind: string; plan: string; from: string; to: string; treatment?: string; amount: string }[];
  readonly now: { readonly total: string };
  readonly next: readonly { readonly from: string; readonly plan: string; readonly total: string }[];
  readonly total: string;
  readonly totalWithout: string;
  readonly differences: {
    readonly features: readonly { feature: string; change: string; message: string | null }[];
    readonly allowances: readonly { message: string | null; exceeds: boolean }[];
  };
}

it('a year paid in advance is upgraded for its rest at the price shown, and downgraded only with notice, on the day that was named, with what is lost said before', async () => {
  await call('POST', '/v1/customers', { key: 'acme', name: 'Acme', currency: 'USD', subjects: ['acme.example'] });
  const { id } = await call<{ id: string }>('POST', '/v1/subscriptions', { customer: 'acme', plan: 'small' });
  const route = `/v1/subscriptions/${id}/changes`;
  expect(told(await server.invoices('acme', 1))).toEqual(['small fee 2026-01-01..2027-01-01 365.00']);

  // In the fifth month: 31 + 28 + 31 + 30 + 26 = 146 of 365 days are over, 219 are left. 125,500 mails are sent: 5,500 beyond, 6 * 0.50.
  await server.clockTo('2026-05-27T10:00:00Z');
  await send('2026-05-20', '125500');
  const upgrade = await call<Preview>('POST', `${route}/preview`, { kind: 'plan', plan: 'large' });
  expect(upgrade.change.direction).toBe('up');
  // 365.00 - 146.00 is given back; 730.00 * 219 / 365 = 438.00 is due, of which that pays 219.00.
  expect(upgrade.documents).toMatchObject([
    { kind: 'credit_note', plan: 'small', from: '2026-01-01T00:00:00Z', treatment: 'credit', amount: '219.00' },
    { kind: 'fee', plan: 'large', from: '2026-05-27T00:00:00Z', to: '2027-01-01T00:00:00Z', amount: '219.00' },
  ]);
  expect(upgrade.differences.features).toMatchObject([
    { feature: 'dedicated-ip', change: 'added', message: null },
    { feature: 'retention', change: 'changed', message: null },
    { feature: 'sending', change: 'changed', message: null },
  ]);
  await call('POST', route, { token: upgrade.token });
  const [note] = await server.creditNotes('acme', 1);
  expect(note?.creditNote).toMatchObject({
    ...{ reason: 'subscription_changed', amount: '219.00', treatment: 'credit' },
    lines: [{ key: 'mails', unused: 219, inPeriod: 365, amount: '219.00' }],
  });
  // small came to 146.00 of the 365.00 - 219.00 that it was paid with, and to 3.00.
  const upgraded = [
    'large fee 2026-05-27..2027-01-01 219.00',
    'small fee 2026-01-01..2027-01-01 365.00',
    'small period 2026-01-01..2026-05-27 3.00',
  ];
  expect(told(await server.invoices('acme', 3))).toEqual(upgraded);
  await expect.poll(features, { timeout: 10_000, interval: 50 }).toEqual({
    ...{ 'dedicated-ip': true, retention: '30', sending: '50000' },
  });

  // A downgrade for the next day: every rule says from when on it would allow it.
  await server.clockTo('2026-08-10T10:00:00Z');
  const downgrade = { kind: 'plan', plan: 'small' };
  const soon = await server.refusal('POST', route, downgrade);
  expect([soon.status, soon.code]).toEqual([409, 'subscription.rule_refuses']);
  expect(soon.errors).toEqual([
    // 30 days from 10:00 on end on 9 September at 10:00: the next day that begins.
    { path: 'changeRules.noticeHours', message: 'needs a notice of 720 hours: allowed from 2026-09-10T00:00:00Z' },
    { path: 'changeRules.windows', message: 'takes effect on days 1 to 5 of a month: allowed from 2026-09-01T00:00:00Z' },
    {
      path: 'changeRules.minimumTermMonths',
      message: 'waits until the plan has run for 6 months: allowed from 2026-11-27T00:00:00Z',
    },
    { path: 'changeRules.downgrade', message: 'takes effect when a period ends: allowed from 2027-01-01T00:00:00Z' },
  ]);

  // Three weeks before the renewal it is too late for this one: the next is a year later.
  await server.clockTo('2026-12-10T10:00:00Z');
  await send('2026-12-05', '130000');
  const late = await server.refusal('POST', `${route}/preview`, { ...downgrade, at: 'period_end' });
  expect(late.errors).toEqual([
    { path: 'changeRules.noticeHours', message: 'needs a notice of 720 hours: allowed from 2028-01-01T00:00:00Z' },
  ]);
  const renewal = { ...downgrade, at: '2028-01-01T00:00:00Z' };
  const shown = await call<Preview>('POST', `${route}/preview`, renewal);
  // What is lost, against what is used: in the month, and in the period so far.
  expect(shown.differences.features).toMatchObject([
    { feature: 'dedicated-ip', change: 'removed', message: 'Dedicated IP address: you will not have it any more' },
    { feature: 'retention', change: 'changed', before: { value: '30' }, after: { value: '7' } },
    {
      ...{ feature: 'sending', change: 'changed', used: '130000', exceeds: true },
      message: 'Mails a month: you use 130000 of 20000 (50000 before)',
    },
  ]);
  expect(shown.differences.allowances).toMatchObject([
    { before: '600000', after: '120000', exceeds: true, message: 'Mails: you use 130000 of 120000 (600000 before)' },
  ]);
  // 438.00 of 2026 are paid; 730.00 for 2027, then 365.00 instead of 730.00 for 2028.
  expect(shown.now.total).toBe('0.00');
  expect(shown.next.map(({ from, plan, total }) => [from.slice(0, 10), plan, total])).toEqual([
    ['2026-05-27', 'large', '0.00'],
    ['2027-01-01', 'large', '730.00'],
    ['2028-01-01', 'small', '365.00'],
  ]);
  expect([shown.total, shown.totalWithout]).toEqual(['1095.00', '1460.00']);
  // What is billed beside them until the change takes effect: the renewal, and the change.
  expect(shown.documents).toMatchObject([
    { kind: 'fee', plan: 'large', from: '2027-01-01T00:00:00Z', amount: '730.00' },
    { kind: 'fee', plan: 'small', from: '2028-01-01T00:00:00Z', amount: '365.00' },
  ]);
  await call('POST', route, { token: shown.token });

  // A year later nobody has to do anything: large up to the last day, small from the first.
  await server.clockTo('2027-12-31T23:58:00Z');
  const renewed = [
    ...upgraded,
    'large fee 2027-01-01..2028-01-01 730.00',
    'large period 2026-05-27..2027-01-01 0.00', // 438.00 that were paid in advance; 130,000 of 600,000 mails
  ];
  expect(told(await server.invoices('acme', 5))).toEqual(renewed.toSorted());
  expect(await features()).toEqual({ 'dedicated-ip': true, retention: '30', sending: '50000' });
  await server.clockTo('2028-01-01T00:10:00Z');
  expect(told(await server.invoices('acme', 7))).toEqual(
    [...renewed, 'large period 2027-01-01..2028-01-01 0.00', 'small fee 2028-01-01..2029-01-01 365.00'].toSorted(),
  );
  expect(await features()).toEqual({ retention: '7', sending: '20000' });
  // Paid in all: 365.00 + 219.00 + 3.00 + 730.00 + 365.00, which is what the days and mails come to: 146.00 + 438.00 + 3.00 + 730.00 + 365.00.
  expect(await server.reconciled()).toEqual({ differences: [], documents: 8 });
}, 120_000);
