import type { InvoiceDocument } from '@meterline/domain/invoices';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ScenarioServer, startScenario } from '../support/scenario-server.ts';

interface Movement {
  readonly position: number;
  readonly grant: string;
  readonly kind: string;
  readonly amount: string;
  readonly balance: string;
  readonly adjusts: string | null;
}

let server: ScenarioServer;
const names = new Map<string, string>();

beforeAll(async () => {
  server = await startScenario({ now: '2026-01-10T00:00:00Z' });
}, 60_000);
afterAll(() => server.stop());

const call: ScenarioServer['call'] = (method, route, body) => server.call(method, route, body);

/** Sends usage and waits until it counts. Answers the ids of its events. */
async function use(...usage: [day: string, calls: string][]): Promise<string[]> {
  return server.use(...usage.map(([day, n]) => ({ type: 'call', subject: 's', time: `${day}T12:00:00Z`, data: { n } })));
}

async function give(body: Record<string, unknown>): Promise<string> {
  const { id, key } = await call<{ id: string; key: string }>('POST', '/v1/customers/acme/grants', {
    name: body['key'],
    ...body,
  });
  names.set(id, key);
  names.set(`${id}_carried`, `${key}+`);
  return id;
}

/** Moves the clock, invoices what has ended, and answers the newest invoice. */
async function invoiceAt(now: string): Promise<InvoiceDocument> {
  await server.clockTo(now);
  await server.invoiceRun();
  const { items } = await call<{ items: { id: string }[] }>('GET', '/v1/invoices?limit=1');
  return call('GET', `/v1/invoices/${items[0]?.id ?? ''}`);
}

async function ledger(after = 0): Promise<string[]> {
  const movements: Movement[] = [];
  for (let cursor = ''; ;) {
    const page = await call<{ items: Movement[]; nextCursor: string | null }>(
      'GET',
      `/v1/customers/acme/ledger?limit=4${cursor}`,
    );
    movements.push(...page.items);
    if (page.nextCursor === null) break;
    cursor = `&cursor=${page.nextCursor}`;
  }
  expect(movements.map(({ position }) => position)).toEqual(movements.map((_, index) => index + 1));
  return movements.slice(after).map(({ grant, kind, amount, balance, adjusts }) => {
    return `${names.get(grant) ?? grant} ${kind} ${amount} -> ${balance}${adjusts === null ? '' : ` for ${adjusts}`}`;
  });
}

async function balances(): Promise<Record<string, string>> {
  const { grants } = await call<{ grants: { id: string; state: string; balance: string; pending: string; available: string }[] }>(
    'GET',
    '/v1/customers/acme/balances',
  );
  return Object.fromEntries(
    grants.map(({ id, state, balance, pending, available }) => [
      names.get(id) ?? id,
      `${state} ${balance} - ${pending}: ${available}`,
    ]),
  );
}

const reconciled = async () => {
  const { invariants } = await server.reconciliation();
  return invariants.flatMap(({ name, differences }) => differences.map((difference) => `${name}: ${difference}`));
};

it(
  'three months of packs and credits: expiry, a top-up, carry-over, late and withdrawn usage, all to the cent',
  { timeout: 120_000 },
  async () => {
    await call('PUT', '/v1/invoice-schedule', { cron: '0 0 31 12 *' }); // only the runs asked for here
    await call('POST', '/v1/meters', { key: 'calls', name: 'Calls', eventType: 'call', aggregation: 'sum', valueProperty: '$.n', dimensions: {} }); // prettier-ignore
    await call('POST', '/v1/customers', { key: 'acme', name: 'Acme', currency: 'USD', subjects: ['s'] });
    await call('POST', '/v1/plans', {
      key: 'pro',
      name: 'Pro',
      currency: 'USD',
      billingPeriod: { every: 'month', anchor: 'calendar' },
      rateCards: [
        { key: 'base', name: 'Base', price: { model: 'flat', amount: '20.00' } },
        { key: 'calls', name: 'Calls', meter: 'calls', price: { model: 'per_unit', unitAmount: '0.10' } },
      ],
    });
    await call('POST', '/v1/subscriptions', { customer: 'acme', plan: 'pro', startsAt: '2026-01-01T00:00:00Z' });
    await give({
      ...{ key: 'p1', kind: 'units', meter: 'calls', amount: '110', cost: '8.00', expiresAt: '2026-02-15T00:00:00Z' },
      carryOver: { percent: '50', maximum: '20', expiresAt: '2026-04-01T00:00:00Z' },
    });
    await give({ key: 'c1', kind: 'money', amount: '15.00' });

    // January: 30 calls before the pack began are priced, 40 after it are covered.
    await use(['2026-01-05', '30']);
    await server.clockTo('2026-01-20T00:00:00Z');
    await use(['2026-01-12', '40']);
    const spend = await call<Record<string, unknown>>('GET', '/v1/customers/acme/spend');
    // 20.00 + 30 * 0.10 = 23.00. The credit began on the 10th: it pays for the fee of the month's end, not for the calls of the 5th.
    expect(spend).toMatchObject({
      total: '23.00',
      prepaid: {
        credited: '15.00',
        due: '8.00',
        units: [{ quantity: '40', units: '40' }],
        credits: [{ line: 'base', amount: '15.00' }],
      },
    });
    expect(await balances()).toEqual({ p1: 'active 110 - 40: 70', c1: 'used 15 - 15: 0' });
    const january = await invoiceAt('2026-02-01T01:00:00Z');
    expect(january).toMatchObject({
      total: '8.00',
      lines: [{ amount: '20.00' }, { quantity: '70', covered: '40', amount: '3.00' }],
    });
    expect(await ledger()).toEqual(['p1 grant 110 -> 110', 'c1 grant 15 -> 15', 'p1 burn -40 -> 70', 'c1 burn -15 -> 0']);

    // February: 8 calls of January come late; a top-up on the 10th.
    await server.clockTo('2026-02-03T00:00:00Z');
    await use(['2026-01-20', '8']);
    await server.clockTo('2026-02-10T00:00:00Z');
    await use(['2026-02-05', '50']);
    await give({ key: 'p2', kind: 'units', meter: 'calls', amount: '50', cost: '4.00', expiresAt: '2026-03-20T00:00:00Z' });
    await give({ key: 'c2', kind: 'money', amount: '5.00' });
    await server.clockTo('2026-02-28T00:00:00Z');
    const [, lateFebruary] = await use(['2026-02-12', '4'], ['2026-02-20', '10']);
    const february = await invoiceAt('2026-03-01T01:00:00Z');
    // p1: 70 - 8 (January's late calls) - 50 - 4 = 8 left on the 15th; the 10 of the 20th take p2. 20.00 - 5.00 = 15.00.
    expect(february).toMatchObject({
      total: '15.00',
      lines: [{ amount: '20.00' }, { quantity: '64', covered: '64', amount: '0.00' }],
      adjustments: [],
      prepaid: {
        units: [
          { name: 'p1', adjusts: 'INV-000001', units: '8' },
          { name: 'p1', adjusts: null, units: '54' },
          { name: 'p2', adjusts: null, units: '10' },
        ],
        credits: [{ name: 'c2', amount: '5.00' }],
        credited: '5.00',
      },
    });
    // Of the 8 left, half goes on and half expires.
    expect(await ledger(4)).toEqual([
      ...['p2 grant 50 -> 50', 'c2 grant 5 -> 5'],
      ...['p1 burn -8 -> 62 for INV-000001', 'p1 burn -54 -> 8', 'p2 burn -10 -> 40', 'c2 burn -5 -> 0'],
      ...['p1 carry_over -4 -> 4', 'p1+ carry_over 4 -> 4', 'p1 expire -4 -> 0'],
    ]);

    // March: 3 calls of 14 February come late, the 10 of the 20th are withdrawn.
    await server.clockTo('2026-03-05T00:00:00Z');
    await use(['2026-02-14', '3']);
    await server.clockTo('2026-03-26T00:00:00Z');
    await use(['2026-03-10', '30'], ['2026-03-25', '7']);
    await call('POST', `/v1/events/${lateFebruary ?? ''}/void`, { source: 'scenario' });
    await server.counted();
    expect(await balances()).toMatchObject({ p1: 'expired 0 - 0: 0', p2: 'expired 40 - 30: 0', 'p1+': 'used 4 - 4: 0' });
    const march = await invoiceAt('2026-04-01T01:00:00Z');
    // p2: 40 + 10 back - 30 = 20, which expired on the 20th; the 7 of the 25th take the 4 carried, 3 are priced: 20.00 + 0.30.
    expect(march).toMatchObject({
      total: '20.30',
      lines: [{}, { quantity: '37', covered: '34', amount: '0.30' }],
      adjustments: [],
    });
    expect(await ledger(13)).toEqual([
      // What expired on 15 February is taken after all by what was used the day before.
      ...['p1 expire 3 -> 3 for INV-000002', 'p1 burn -3 -> 0 for INV-000002', 'p2 refund 10 -> 50 for INV-000002'],
      ...['p2 burn -30 -> 20', 'p1+ burn -4 -> 0', 'p2 expire -20 -> 0'],
    ]);
    // 110 + 50 calls and 15.00 + 5.00 were given: 40 + 8 + 54 + 3 + 10 - 10 + 30 + 4 = 139 burned, 1 (4 - 3) + 20 expired.
    expect(await reconciled()).toEqual([]);
  },
);
