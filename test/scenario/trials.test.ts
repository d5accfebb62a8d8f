import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { InvoiceDocument } from '@meterline/domain/invoices';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ScenarioServer, startScenario } from '../support/scenario-server.ts';

/** Phases and trials as their users meet them: one server, whose clock moves through the tests in their order. */
let server: ScenarioServer;
const told: { type: string; timestamp: string; data: Record<string, unknown> }[] = [];
const receiver = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    told.push(JSON.parse(Buffer.concat(chunks).toString()) as (typeof told)[number]);
    response.writeHead(204).end();
  });
});

const call: ScenarioServer['call'] = (method, route, body) => server.call(method, route, body);
const flat = (amount: string, more: object = {}) => ({ model: 'flat', amount, ...more });
const base = { key: 'base', name: 'Base', price: flat('31.00', { paymentTerm: 'advance' }) };
const setup = { key: 'setup', name: 'Setup', price: flat('50.00', { paymentTerm: 'advance', interval: 'once' }) };
const calls = { key: 'calls', name: 'Calls', meter: 'calls', price: { model: 'per_unit', unitAmount: '0.01' } };
const trial = (more: object) => ({ key: 'trial', name: 'Trial', lasts: { days: 14 }, percentOff: '100', trial: more });
const intro = { key: 'intro', name: 'Introduction', lasts: { months: 1 }, rateCards: [{ key: 'base', percentOff: '50' }] };
const plan = (key: string, phases: object[]) => ({
  ...{ key, name: key, currency: 'USD', billingPeriod: { every: 'month', anchor: 'anniversary' } },
  ...{ rateCards: [base, setup, calls], phases },
});

beforeAll(async () => {
  server = await startScenario({ now: '2026-03-01T08:00:00Z', settings: { METERLINE_WEBHOOK_ALLOW: 'loopback' } });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  await call('POST', '/v1/webhook-endpoints', {
    url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`,
    events: ['subscription.trial_will_end', 'subscription.trial_ended'],
  });
  await call('PUT', '/v1/invoice-schedule', { cron: '0 0 29 2 *' }); // only the runs asked for here
  await call('POST', '/v1/meters', { key: 'calls', eventType: 'call', aggregation: 'sum', valueProperty: '$.n' });
  await call('POST', '/v1/features', { key: 'export', name: 'Export' });
  await call('POST', '/v1/plans', { ...plan('free', []), rateCards: [{ ...calls, modifiers: { freeUnits: '100' } }] });
  await call('POST', '/v1/plans', {
    ...plan('team', [
      {
        ...trial({ converts: 'with_payment_method', otherwise: { plan: 'free' } }),
        features: [{ feature: 'export', entitlement: { type: 'boolean' } }],
      },
      intro,
    ]),
  });
  await call('POST', '/v1/plans', plan('solo', [trial({ converts: 'on_request', remindDays: 5 })]));
  for (const key of ['paying', 'unpaid', 'later', 'solo', 'quick'])
    await call('POST', '/v1/customers', {
      ...{ key, name: key, currency: 'USD', subjects: [key] },
      ...(key === 'paying' && { paymentMethod: 'pm_1' }),
    });
}, 60_000);
afterAll(async () => {
  await server.stop();
  receiver.close();
});

interface Shown {
  readonly id: string;
  readonly plan: string;
  readonly endsAt: string | null;
  readonly version: number;
  readonly phase: { key: string; until: string; trial: boolean } | null;
  readonly stages: readonly { from: string; plan: string; phase: { key: string } | null }[];
}
const ids = new Map<string, string>();
const subscription = (customer: string) => call<Shown>('GET', `/v1/subscriptions/${ids.get(customer)}`);
const stagesOf = ({ stages, endsAt }: Shown) => [
  ...stages.map((stage) => `${stage.from.slice(0, 10)} ${stage.plan}${stage.phase ? ` ${stage.phase.key}` : ''}`),
  ...(endsAt === null ? [] : [`ends ${endsAt}`]),
];
async function subscribe(customer: string, to: string, more: object = {}): Promise<Shown> {
  const made = await call<Shown>('POST', '/v1/subscriptions', { customer, plan: to, ...more });
  ids.set(customer, made.id);
  return made;
}
const change = (customer: string, body: object) =>
  call<{ subscription: Shown }>('POST', `/v1/subscriptions/${ids.get(customer)}/changes`, body);
const totals = (invoices: readonly InvoiceDocument[]) =>
  invoices
    .toSorted((a, b) => a.period.from.localeCompare(b.period.from))
    .map(({ kind = 'period', phase, period, lines, total }) => [
      `${kind} ${phase?.key ?? 'plan'} ${period.from.slice(0, 10)} to ${period.to.slice(0, 10)}`,
      Object.fromEntries(lines.map((line) => [line.key, line.amount])),
      total,
    ]);
async function tellings(customer: string, count: number): Promise<unknown[][]> {
  const own = () => told.filter(({ data }) => data['customer'] === customer);
  while (own().length < count) await sleep(20);
  return own().map(({ type, data }) => [type.replace('subscription.', ''), data['endsAt'], data['outcome'], data['next']]);
}

it('a subscription begins with the phases of its plan, and says which come', async () => {
  const made = await subscribe('paying', 'team');
  expect(made.phase).toEqual({ key: 'trial', until: '2026-03-15T00:00:00Z', trial: true });
  expect(stagesOf(made)).toEqual(['2026-03-01 team trial', '2026-03-15 team intro', '2026-04-15 team']);
  expect(stagesOf(await subscribe('unpaid', 'team'))).toEqual(['2026-03-01 team trial', '2026-03-15 free']);
  expect(stagesOf(await subscribe('later', 'team'))).toEqual(['2026-03-01 team trial', '2026-03-15 free']);
  expect(stagesOf(await subscribe('solo', 'solo'))).toEqual(['2026-03-01 solo trial', 'ends 2026-03-14T23:59:59.999Z']);
  await subscribe('quick', 'solo');
  await server.use({ type: 'call', subject: 'paying', time: '2026-03-01T01:00:00Z', data: { n: 300 } });
  const spend = await call<{ total: string; subscriptions: object[] }>('GET', '/v1/customers/paying/spend');
  expect(spend).toMatchObject({ total: '0.00', subscriptions: [{ phase: { key: 'trial', name: 'Trial' } }] });
  expect(await call('GET', '/v1/customers/paying/entitlements/export')).toMatchObject({ hasAccess: true });
}, 60_000);

it('a payment method that comes within the trial makes it convert, one that goes undoes that, and another trial is not to be had', async () => {
  await server.clockTo('2026-03-08T12:00:00Z');
  await call('PATCH', '/v1/customers/later', { paymentMethod: 'pm_2' });
  const converting = ['2026-03-01 team trial', '2026-03-15 team intro', '2026-04-15 team'];
  expect(stagesOf(await subscription('later'))).toEqual(converting);
  await call('PATCH', '/v1/customers/later', { paymentMethod: null });
  expect(stagesOf(await subscription('later'))).toEqual(['2026-03-01 team trial', '2026-03-15 free']);
  await call('PATCH', '/v1/customers/later', { paymentMethod: 'pm_3', name: 'Later Inc.' });
  expect(stagesOf(await subscription('later'))).toEqual(converting);
  await expect(change('unpaid', { kind: 'trial', ends: 'now' })).rejects.toThrow(/payment_method_missing.*paymentMethod/);
  await expect(change('unpaid', { kind: 'resubscribe' })).rejects.toThrow(/not_ended/);
  await expect(change('solo', { kind: 'resubscribe' })).rejects.toThrow(/on_trial/);
});

it('a trial is ended early by a change that begins what is paid for, and extended by one', async () => {
  const preview = await call<{ now: { total: string }; next: object[] }>(
    'POST',
    `/v1/subscriptions/${ids.get('quick')}/changes/preview`,
    { kind: 'trial', ends: 'now' },
  );
  // From 8 March on a whole month, 31.00, with the setup, 50.00.
  expect(preview.next).toMatchObject([{ phase: null, from: '2026-03-08T00:00:00Z', to: '2026-04-08T00:00:00Z', fees: '81.00' }]);
  const quick = await change('quick', { kind: 'trial', ends: 'now' });
  expect(stagesOf(quick.subscription)).toEqual(['2026-03-08 solo']);
  const solo = await change('solo', { kind: 'trial', ends: '2026-03-20T00:00:00Z' });
  expect(stagesOf(solo.subscription)).toEqual(['2026-03-01 solo trial', 'ends 2026-03-19T23:59:59.999Z']);
  expect(await tellings('quick', 1)).toEqual([
    ['trial_ended', '2026-03-08T00:00:00Z', 'converted', { plan: 'solo', planVersion: 1, phase: null }],
  ]);
  await server.invoiceRun();
  expect(totals(await server.invoices('quick', 2))).toEqual([
    ['period trial 2026-03-01 to 2026-03-08', { base: '0.00', calls: '0.00' }, '0.00'],
    ['fee plan 2026-03-08 to 2026-04-08', { base: '31.00', setup: '50.00' }, '81.00'],
  ]);
}, 60_000);

it('a clock that jumps over the ends of trials tells of each reminder and each end once', async () => {
  await server.clockTo('2026-04-16T00:00:00Z');
  const intended = { plan: 'team', planVersion: 1, phase: 'intro' };
  expect(await tellings('paying', 2)).toEqual([
    ['trial_will_end', '2026-03-15T00:00:00Z', undefined, intended],
    ['trial_ended', '2026-03-15T00:00:00Z', 'converted', intended],
  ]);
  const free = { plan: 'free', planVersion: 1, phase: null };
  expect((await tellings('unpaid', 2)).map(([kind, , outcome, next]) => [kind, outcome, next])).toEqual([
    ['trial_will_end', undefined, free],
    ['trial_ended', 'moved', free],
  ]);
  expect(await tellings('solo', 2)).toEqual([
    ['trial_will_end', '2026-03-20T00:00:00Z', undefined, null],
    ['trial_ended', '2026-03-19T23:59:59.999Z', 'expired', null],
  ]);
  await tellings('later', 2);
  expect(told).toHaveLength(9);
});

it('periods are counted from the end of the trial, each phase is billed by its prices, and all of it is rated again to the same', async () => {
  await server.use({ type: 'call', subject: 'paying', time: '2026-04-14T00:00:00Z', data: { n: 200 } });
  await server.invoiceRun();
  expect(totals(await server.invoices('paying', 3))).toEqual([
    // 300 calls in the trial, which are free.
    ['period trial 2026-03-01 to 2026-03-15', { base: '0.00', calls: '0.00' }, '0.00'],
    // The intro was not invoiced in advance by a run of its time: 31.00 / 2 + 50.00 + 200 * 0.01 at once.
    ['period intro 2026-03-15 to 2026-04-15', { base: '15.50', setup: '50.00', calls: '2.00' }, '67.50'],
    ['fee plan 2026-04-15 to 2026-05-15', { base: '31.00' }, '31.00'],
  ]);
  expect(totals(await server.invoices('unpaid', 2)).map(([name]) => name)).toEqual([
    'period trial 2026-03-01 to 2026-03-15',
    'period plan 2026-03-15 to 2026-04-15',
  ]);
  expect((await subscription('unpaid')).plan).toBe('free');
  expect(totals(await server.invoices('solo', 1)).map(([name, , total]) => [name, total])).toEqual([
    ['period trial 2026-03-01 to 2026-03-20', '0.00'],
  ]);
  const again = await change('solo', { kind: 'resubscribe' });
  expect(stagesOf(again.subscription)).toEqual(['2026-04-16 solo']);
  await call('POST', `/v1/subscriptions/${ids.get('unpaid')}/end`, {});
  expect(stagesOf(await subscribe('quick', 'team', { trial: false }))).toEqual(['2026-04-16 team intro', '2026-05-16 team']);
  const reconciled = await server.reconciliation();
  expect(reconciled.holds, JSON.stringify(reconciled.invariants)).toBe(true);
}, 60_000);

it('a plan says what of its phases is wrong, by field and rule', async () => {
  const refused = (phases: object[]) =>
    call('POST', '/v1/plans', plan('wrong', phases)).then(
      () => 'accepted',
      (error: unknown) => String(error),
    );
  expect(await refused([intro, { ...trial({ converts: 'always' }) }])).toMatch(/phases\[1\]\.trial.*only the first phase/);
  expect(await refused([{ ...intro, lasts: { days: 1, months: 1 } }])).toMatch(/phases\[0\]\.lasts.*either days or months/);
  expect(await refused([{ ...intro, rateCards: [{ key: 'seats', percentOff: '5' }] }])).toMatch(
    /phases\[0\]\.rateCards\[0\]\.key.*no rate card \\"seats\\"/,
  );
  expect(await refused([trial({ converts: 'on_request', otherwise: { plan: 'nope' } })])).toMatch(
    /phases\[0\]\.trial\.otherwise\.plan.*there is no plan/,
  );
});
