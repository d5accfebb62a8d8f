import { describe, expect, it } from 'vitest';
import { type Answer, type Asked, meterline, problem } from './fixture.ts';

const INVOICE = {
  id: 'inv_2',
  number: 'INV-000002',
  customer: { key: 'acme', name: 'Acme Inc.', timezone: 'UTC', subjects: ['acme'] },
  plan: 'llm',
  planVersion: 3,
  period: { from: '2023-11-01T00:00:00Z', to: '2023-12-01T00:00:00Z', days: 30, daysInPeriod: 30 },
  currency: 'USD',
  lines: [
    {
      key: 'base',
      name: 'Platform fee',
      meter: null,
      quantity: '1',
      amount: '1049.00',
      explanation: [{ kind: 'flat', description: 'Flat fee of 1049.00', quantity: null, unitAmount: '1049.00', amount: '1049' }],
    },
    {
      key: 'calls',
      name: 'Calls',
      meter: 'calls',
      quantity: '19366',
      amount: '21.55',
      explanation: [
        { kind: 'included', description: '5000 units included', quantity: '5000', unitAmount: '0', amount: '0' },
        {
          kind: 'tier',
          description: '',
          quantity: '14366',
          unitAmount: '0.0015',
          amount: '21.549',
          tier: { index: 1, from: '5000', upTo: null },
        },
      ],
    },
  ],
  adjustments: [
    {
      name: 'Calls',
      invoice: 'INV-000001',
      period: { from: '2023-10-01T00:00:00Z' },
      quantity: '20',
      ratedAmount: '0.04',
      billedAmount: '0.02',
      amount: '0.02',
    },
  ],
  total: '1070.57',
  cut: [19366],
  issuedAt: '2023-12-01T00:05:01Z',
};
const summary = (number: string, id: string) => ({
  ...{ id, number, kind: 'period', customer: 'acme', plan: 'llm', currency: 'USD', total: '1070.57', issuedAt: INVOICE.issuedAt },
  period: { from: '2023-11-01T00:00:00Z', to: '2023-12-01T00:00:00Z' },
});

function server({ url }: Asked): Answer {
  const path = new URL(url, 'http://x');
  if (path.pathname === '/v1/invoices/inv_2') return { body: INVOICE };
  if (path.pathname !== '/v1/invoices') return problem(404, 'invoice.unknown', 'There is no such invoice.');
  const onSecondPage = path.searchParams.get('cursor') === 'next';
  return {
    body: onSecondPage
      ? { items: [summary('INV-000002', 'inv_2')], nextCursor: null }
      : { items: [summary('INV-000003', 'inv_3')], nextCursor: 'next' },
  };
}

describe('invoice show', () => {
  it('prints every line with how it came about, adjustments and the total', async () => {
    const { code, out } = await meterline(['invoice', 'show', 'inv_2'], server);
    expect(code).toBe(0);
    expect(out).toBe(
      `Invoice INV-000002
  for       Acme Inc. (acme)
  plan      llm, version 3
  period    2023-11-01 to 2023-11-30, UTC (30 of 30 days)
  issued    2023-12-01T00:05:01Z
  from      the event log up to offset 19366

Position                             Quantity  Unit price        Amount
───────────────────────────────────────────────────────────────────────
Platform fee                                                   1,049.00
Calls                                  19,366                     21.55
  5,000 units included                  5,000           0          0.00
  tier 2: above 5,000                  14,366      0.0015        21.549
Calls, late usage from 2023-10-01          20                      0.02
  0.04 now, less 0.02 on INV-000001
───────────────────────────────────────────────────────────────────────
Total                                                      1,070.57 USD`,
    );
  });

  it('finds a number on any page, in any case', async () => {
    const { out } = await meterline(['invoice', 'show', 'inv-000002'], server);
    expect(out).toContain('Invoice INV-000002');
  });

  it.each(['INV-000009', 'inv_9'])('ends with 1 for %s, which there is not', async (name) => {
    const { code, err } = await meterline(['invoice', 'show', name], server);
    expect(code).toBe(1);
    expect(err).toContain('invoice.unknown');
  });
});

describe('invoice list', () => {
  it('says of an interim invoice which threshold it reached', async () => {
    const interim = { ...summary('INV-000003', 'inv_3'), kind: 'interim', usageTo: '2023-11-10T09:01:00Z', threshold: '1000.00' };
    const items = [interim, { ...interim, number: 'INV-000002', threshold: undefined }];
    const { out } = await meterline(['invoice', 'list'], () => ({ body: { items, nextCursor: null } }));
    expect(out).toMatch(/INV-000003 +interim at 1,000\.00 +acme +llm +2023-11-01T00:00:00Z up to 2023-11-10T09:01:00Z/);
    expect(out).toMatch(/INV-000002 +interim +acme/);
  });
});

describe('invoice run', () => {
  it('waits for the run and prints what it issued', async () => {
    const run = { id: 'run_1', at: '2023-12-01T00:00:00Z', invoices: 1, createdAt: '2023-12-01T00:05:00Z' };
    const { code, out, asked } = await meterline(['invoice', 'run', '--at', '2023-12-01'], (request) => {
      if (request.method === 'POST') return { status: 202, body: { ...run, state: 'running', invoices: 0 } };
      return request.url === '/v1/invoice-runs/run_1' ? { body: { ...run, state: 'complete' } } : server(request);
    });
    expect(code).toBe(0);
    expect(asked[0]?.body).toBe('{"at":"2023-12-01T00:00:00Z"}');
    expect(out).toContain('1 new.');
    expect(out).toContain('INV-000003  period  acme');
    expect(out).not.toContain('INV-000002');
  });
});

describe('spend', () => {
  it('shows the current period with its tiers, and when there is no subscription says so', async () => {
    const asOf = { cut: [3], at: '2023-11-16T19:15:00Z' };
    const subscription = {
      plan: 'llm',
      planVersion: 3,
      period: INVOICE.period,
      lines: INVOICE.lines,
      billedInAdvance: [{ invoice: 'INV-000004', key: 'base', name: 'Platform fee', amount: '1049.00' }],
      interims: [{ invoice: 'INV-000005', usageTo: '2023-11-15T00:00:00Z', amount: '20.00' }],
      nextThreshold: '1000.00',
      commitment: null,
      total: '1070.55',
      toInvoice: '1.55',
    };
    const spend = { customer: 'acme', currency: 'USD', asOf, prepaid: null, total: '1070.55', subscriptions: [subscription] };
    const { out } = await meterline(['spend', 'acme'], () => ({ body: spend }));
    expect(out).toMatch(/ {2}tier 2: above 5,000 +14,366 +0.0015 +21.549/);
    expect(out).toMatch(/So far +1,070.55 USD/);
    expect(out).toContain('1,049.00 of it for Platform fee are on INV-000004');
    expect(out).toContain('20.00 of it for usage up to 2023-11-15T00:00:00Z are on INV-000005');
    expect(out).toContain('1.55 of it are on no invoice yet');
    expect(out).toContain('invoiced before the period ends when 1,000.00 are owed for usage');
    const drawn = { grant: 'grant_1', name: 'Starter', line: 'calls' };
    const units = [{ ...drawn, quantity: '72000', units: '1200' }];
    const prepaid = { units, credits: [{ ...drawn, name: 'Welcome', amount: '25.00' }], credited: '25.00', due: '1045.55' };
    const paid = await meterline(['spend', 'acme'], () => ({ body: { ...spend, prepaid } }));
    expect(paid.out).toMatch(/Prepaid Starter for calls +1,200 *\nPrepaid Welcome for calls +-25\.00\n.*\nDue +1,045\.55 USD/);
    const none = await meterline(['spend', 'acme'], () => ({ body: { ...spend, subscriptions: [] } }));
    expect(none.out).toContain('acme has no active subscription.');
  });
});
