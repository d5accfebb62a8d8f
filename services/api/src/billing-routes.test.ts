import type { InvoiceDocument } from '@meterline/domain/invoices';
import { evaluateWakeups } from '@meterline/pipeline/alerts';
import { processInvoiceRuns } from '@meterline/pipeline/invoices';
import type { Database } from '@meterline/pipeline/ports';
import { createHttpServer, type HttpServer } from '@meterline/runtime/http';
import { createLogger } from '@meterline/runtime/logging';
import { createMetrics } from '@meterline/runtime/metrics';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestDatabase } from '../../../test/support/database.ts';
import { openRatingFixture, type RatingFixture } from '../../../test/support/rating.ts';
import { alertRoutes } from './alerts.ts';
import { invoiceRoutes } from './invoices.ts';
import { spendRoutes } from './spend.ts';

let database: Database;
let it: RatingFixture;
let server: HttpServer;
let changes = 0;

beforeAll(async () => {
  database = await openTestDatabase();
  it = await openRatingFixture(database, '2026-03-15T12:00:00Z');
  server = await createHttpServer({
    logger: createLogger({ level: 'silent', service: 'test' }),
    metrics: createMetrics({ processMetrics: false }),
    authenticate: async (token) => ({ tenant: token, keyId: token, scopes: new Set(['admin'] as const) }),
    openapi: { title: 'Meterline', version: '0.0.0' },
    bodyBytesMax: 100_000,
  });
  const onChange = () => (changes += 1);
  spendRoutes(server, it.ports);
  alertRoutes(server, { rules: it.rules, clock: it.clock, onChange });
  invoiceRoutes(server, it.ports);
  await it.meter('calls');
  // 49.00 a month, calls 0.002 up to 5,000 then 0.0015
  await it.plan('pro', [
    { key: 'base', name: 'Base <fee>', price: { model: 'flat', amount: '49.00' } },
    {
      key: 'calls',
      name: 'Calls',
      meter: 'calls',
      price: {
        model: 'graduated',
        tiers: [
          { upTo: '5000', unitAmount: '0.002', flatAmount: '0' },
          { upTo: null, unitAmount: '0.0015', flatAmount: '0' },
        ],
      },
    },
  ]);
  await it.customer('acme', ['a']);
  await it.customer('idle', []);
  await it.subscribe('acme', 'pro', '2026-02-01T00:00:00Z');
  await it.use('calls', 'a', '2026-02-10T00:00:00Z', '6000');
  await it.use('calls', 'a', '2026-03-10T00:00:00Z', '7000');
  await processInvoiceRuns(it.ports);
});
afterAll(async () => {
  await server.close();
  await database.close();
});

async function call(method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, body?: unknown, tenant = it.tenant) {
  const headers = { authorization: `Bearer ${tenant}`, ...(body !== undefined && { 'content-type': 'application/json' }) };
  const answer = await server.inject({ method, url, headers, ...(body !== undefined && { payload: JSON.stringify(body) }) });
  return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() };
}

describe('spend', () => {
  test('shows every line of the current period with its tiers, and what it is as of', async () => {
    const { status, body } = await call('GET', '/v1/customers/acme/spend');
    expect(status).toBe(200);
    // 49.00 + 5,000 * 0.002 + 2,000 * 0.0015 = 49.00 + 10.00 + 3.00
    expect(body).toMatchObject({
      customer: 'acme',
      currency: 'USD',
      asOf: { cut: [2] },
      period: { from: '2026-03-01T00:00:00Z', to: '2026-04-01T00:00:00Z' },
      total: '62.00',
      lines: [
        { key: 'base', meter: null, quantity: '1', model: 'flat', amount: '49.00' },
        {
          key: 'calls',
          meter: 'calls',
          quantity: '7000',
          events: 1,
          amount: '13.00',
          explanation: [{ tier: { from: '0', upTo: '5000' } }, { tier: { from: '5000', upTo: null }, quantity: '2000' }],
        },
      ],
      subscriptions: [{ plan: 'pro', planVersion: 1, total: '62.00' }],
    });
  });

  test('is explained in Chinese where that is asked for', async () => {
    expect((await call('GET', '/v1/customers/acme/spend?language=zh')).body).toMatchObject({
      lines: [
        { explanation: [{ description: '固定费用 49.00' }] },
        { explanation: [{ description: expect.stringMatching(/^5000 个单位/) }, {}] },
      ],
    });
  });

  test('is nothing without a subscription, and not found without a customer or for another tenant', async () => {
    expect((await call('GET', '/v1/customers/idle/spend')).body).toMatchObject({ period: null, lines: [], total: '0.00' });
    expect(await call('GET', '/v1/customers/nobody/spend')).toMatchObject({ status: 404, body: { code: 'customer.unknown' } });
    expect(await call('GET', '/v1/customers/acme/spend', undefined, 'other')).toMatchObject({ status: 404 });
  });
});

describe('alert rules', () => {
  test('are created, listed, read and archived', async () => {
    const created = await call('POST', '/v1/alert-rules', {
      key: 'r1',
      customer: 'acme',
      budget: '100',
      thresholds: ['50.00', '80%'],
    });
    expect(created).toMatchObject({
      status: 201,
      body: { key: 'r1', customer: 'acme', plan: null, thresholds: ['50.00', '80%'], archivedAt: null },
    });
    expect(changes).toBe(1);
    expect((await call('GET', '/v1/alert-rules')).body).toMatchObject({ items: [{ key: 'r1' }], nextCursor: null });
    expect(await call('GET', '/v1/alert-rules/r1')).toMatchObject({ status: 200, body: created.body });

    await evaluateWakeups(it.ports, it.tenant, await it.waiting());
    expect((await call('GET', '/v1/alert-occurrences?customer=acme')).body).toMatchObject({
      items: [
        {
          rule: 'r1',
          threshold: '50.00',
          thresholdAmount: '50.00',
          budget: '100',
          spend: '62.00',
          period: { from: '2026-03-01T00:00:00Z' },
        },
      ],
    });
    expect((await call('GET', '/v1/alert-occurrences?customer=idle')).body).toMatchObject({ items: [] });

    await call('POST', '/v1/alert-rules', { key: 'r2', plan: 'pro', thresholds: ['60'] });
    await evaluateWakeups(it.ports, it.tenant, await it.waiting());
    const first = (await call('GET', '/v1/alert-occurrences?limit=1')).body;
    const second = (await call('GET', `/v1/alert-occurrences?limit=1&cursor=${String(first['nextCursor'])}`)).body;
    expect([first, second]).toMatchObject([{ items: [{ rule: 'r2' }] }, { items: [{ rule: 'r1' }], nextCursor: null }]);

    expect((await call('DELETE', '/v1/alert-rules/r1')).body['archivedAt']).toMatch(/^2026-03-15T/);
    expect(await call('DELETE', '/v1/alert-rules/none')).toMatchObject({ status: 404, body: { code: 'alert_rule.unknown' } });
  });

  test('are refused with every fault at its field', async () => {
    const both = await call('POST', '/v1/alert-rules', { customer: 'acme', plan: 'pro', thresholds: ['-1', '80%'] });
    expect(both).toMatchObject({
      status: 400,
      body: { code: 'alert_rule.invalid', errors: [{ path: 'customer' }, { path: 'thresholds[0]' }, { path: 'thresholds[1]' }] },
    });
    expect(await call('POST', '/v1/alert-rules', { customer: 'who', thresholds: ['1'] })).toMatchObject({
      status: 400,
      body: { code: 'customer.unknown' },
    });
    expect(await call('POST', '/v1/alert-rules', { plan: 'what', thresholds: ['1'] })).toMatchObject({
      status: 400,
      body: { code: 'plan.unknown' },
    });
    expect(await call('POST', '/v1/alert-rules', { key: 'r1', plan: 'pro', thresholds: ['1'] })).toMatchObject({
      status: 409,
      body: { code: 'alert_rule.key_taken' },
    });
    expect(await call('POST', '/v1/alert-rules', { plan: 'pro', thresholds: [50] })).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'thresholds[0]' }] },
    });
  });
});

describe('invoices', () => {
  test('a run is accepted, and its invoice comes byte for byte as issued', async () => {
    const requested = await call('POST', '/v1/invoice-runs', { at: '2026-03-01T00:00:00Z' });
    expect(requested).toMatchObject({ status: 202, body: { at: '2026-03-01T00:00:00Z', scheduled: false, targetCut: [2] } });
    await it.jobs.idle();
    const id = String(requested.body['id']);
    expect(await call('GET', `/v1/invoice-runs/${id}`)).toMatchObject({ body: { state: 'complete', invoices: 1 } });
    expect((await call('GET', '/v1/invoice-runs')).body).toMatchObject({ items: [{ id }] });
    expect(await call('GET', `/v1/invoice-runs/${id}`, undefined, 'other')).toMatchObject({
      status: 404,
      body: { code: 'invoice_run.unknown' },
    });

    const list = (await call('GET', '/v1/invoices?customer=acme')).body;
    // 49.00 + 10.00 + 1,000 * 0.0015 = 60.50
    expect(list).toMatchObject({
      items: [{ number: 'INV-000001', customer: 'acme', plan: 'pro', total: '60.50' }],
      nextCursor: null,
    });
    const [{ id: invoice }] = list['items'] as [{ id: string }];
    const [stored] = await it.invoices();
    const read = await server.inject({ url: `/v1/invoices/${invoice}`, headers: { authorization: `Bearer ${it.tenant}` } });
    expect(read.body).toBe(stored?.document);
    expect(read.json<InvoiceDocument>().lines).toHaveLength(2);
    expect(await call('GET', `/v1/invoices/${invoice}`, undefined, 'other')).toMatchObject({
      status: 404,
      body: { code: 'invoice.unknown' },
    });

    const headers = { authorization: `Bearer ${it.tenant}` };
    const page = await server.inject({ url: `/v1/invoices/${invoice}.html`, headers });
    const negotiated = await server.inject({ url: `/v1/invoices/${invoice}`, headers: { ...headers, accept: 'text/html,*/*' } });
    expect(negotiated.body).toBe(page.body);
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-/);
    for (const text of [
      'Invoice INV-000001',
      'acme Inc.',
      'Base &#60;fee&#62;',
      '60.50 USD',
      '2026-02-01 to 2026-02-28, UTC',
      '0.0015',
    ]) {
      expect(page.body).toContain(text);
    }
    expect(page.body).not.toContain('<fee>');

    const chinese = '5000 个单位，单价 0.002（第 1 档，0 至 5000）';
    const told = await server.inject({ url: `/v1/invoices/${invoice}?language=zh`, headers });
    expect(told.json<InvoiceDocument>().lines[1]?.explanation[0]?.description).toBe(chinese);
    expect((await server.inject({ url: `/v1/invoices/${invoice}.html?language=zh`, headers })).body).toContain(chinese);
    expect(await call('GET', `/v1/invoices/${invoice}?language=tlh`)).toMatchObject({
      status: 400,
      body: { code: 'request.invalid' },
    });
  });

  test('the page’s style is the one its policy allows', async () => {
    const [stored] = await it.invoices();
    const { id } = JSON.parse(stored?.document ?? '{}') as InvoiceDocument;
    const page = await server.inject({ url: `/v1/invoices/${id}.html`, headers: { authorization: `Bearer ${it.tenant}` } });
    const style = /<style>([^]*)<\/style>/.exec(page.body)?.[1] ?? '';
    const digest = Buffer.from(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(style))).toString('base64');
    expect(page.headers['content-security-policy']).toContain(`'sha256-${digest}'`);
  });

  test('a run for the future is refused, as is a schedule nobody can read', async () => {
    expect(await call('POST', '/v1/invoice-runs', { at: '2027-01-01T00:00:00Z' })).toMatchObject({
      status: 400,
      body: { code: 'invoice_run.at_in_future', errors: [{ path: 'at' }] },
    });
    expect(await call('PUT', '/v1/invoice-schedule', { cron: 'daily' })).toMatchObject({
      status: 400,
      body: { code: 'invoice_schedule.invalid', errors: [{ path: 'cron' }] },
    });
  });

  test('the schedule is daily until it is set', async () => {
    expect((await call('GET', '/v1/invoice-schedule')).body).toEqual({
      cron: '5 0 * * *',
      timezone: 'UTC',
      nextRunAt: '2026-03-16T00:05:00Z',
    });
    const schedule = { cron: '30 6 1 * *', timezone: 'Asia/Kolkata', nextRunAt: '2026-04-01T01:00:00Z' };
    expect((await call('PUT', '/v1/invoice-schedule', { cron: '30 6 1 * *', timezone: 'Asia/Kolkata' })).body).toEqual(schedule);
    expect((await call('GET', '/v1/invoice-schedule')).body).toEqual(schedule);
  });
});
