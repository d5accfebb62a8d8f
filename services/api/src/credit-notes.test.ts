import type { InvoiceDocument } from '@meterline/domain/invoices';
import type { StoredInvoice } from '@meterline/pipeline/ports';
import { createHttpServer, type HttpServer } from '@meterline/runtime/http';
import { createLogger } from '@meterline/runtime/logging';
import { createMetrics } from '@meterline/runtime/metrics';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { creditNoteRoutes } from './credit-notes.ts';

const NOTE: Partial<InvoiceDocument> = {
  ...{ id: 'cn_1', number: 'INV-000001-CN1', kind: 'credit_note', subscription: 'sub_1', plan: 'pro', planVersion: 2 },
  customer: { key: 'acme', name: 'Acme & <Sons>', timezone: 'Europe/Berlin', subjects: [] },
  period: { from: '2026-06-30T22:00:00Z', to: '2026-07-31T22:00:00Z', days: 31, daysInPeriod: 31 },
  currency: 'EUR',
  creditNote: {
    ...{ reason: 'subscription_changed', invoice: 'INV-000001', follows: 'INV-000001', treatment: 'credit' },
    lines: [{ key: 'base', name: 'Base', baseAmount: '31.00', unused: 21, inPeriod: 31, unit: 'day', amount: '21.00' }],
    ...{ amount: '21.00', grant: 'INV-000001-CN1' },
  },
  issuedAt: '2026-07-10T22:30:00Z',
};
const stored = { kind: 'credit_note', document: JSON.stringify(NOTE) } as StoredInvoice;

let server: HttpServer;
beforeAll(async () => {
  server = await createHttpServer({
    logger: createLogger({ level: 'silent', service: 'test' }),
    metrics: createMetrics({ processMetrics: false }),
    authenticate: async (token) => ({ tenant: token, keyId: token, scopes: new Set(['read'] as const) }),
    openapi: { title: 'Meterline', version: '0.0.0' },
    bodyBytesMax: 100_000,
  });
  const invoices = {
    creditNotes: () => Promise.reject(new Error('not asked for here')),
    invoice: async (id: string, tenant: string) => (id === 'cn_1' && tenant === 'ours' ? stored : undefined),
  };
  creditNoteRoutes(server, { invoices });
});
afterAll(() => server.close());

const get = (url: string, accept = '*/*', tenant = 'ours') =>
  server.inject({ url, headers: { authorization: `Bearer ${tenant}`, accept } });

test('a credit note is answered byte for byte as issued, and as a page that tells the days of its customer', async () => {
  expect((await get('/v1/credit-notes/cn_1')).body).toBe(stored.document);
  const page = await get('/v1/credit-notes/cn_1.html');
  expect((await get('/v1/credit-notes/cn_1', 'text/html,*/*')).body).toBe(page.body);
  expect(page.headers).toMatchObject({ 'content-type': 'text/html; charset=utf-8', vary: 'accept' });
  expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-/);
  const told = page.body.replace(/\s+/g, ' ');
  // Half past midnight in Berlin.
  expect(told).toContain('<h1>Credit note INV-000001-CN1</h1> <div>2026-07-11</div>');
  expect(told).toContain('INV-000001, 2026-07-01 to 2026-07-31, Europe/Berlin');
  expect(told).toContain('the subscription changed');
  expect(told).toContain('Acme &#38; &#60;Sons&#62; (acme)');
  expect(told).toContain('<td class="number">21 of 31 days</td> <td class="number">21.00</td>');
  expect(told).toContain('<td colspan="3">Credited</td> <td class="number">21.00 EUR</td>');
  expect(told).toContain('The grant INV-000001-CN1 pays next invoices with it.');
});

test('nobody else reads it', async () => {
  expect((await get('/v1/credit-notes/cn_1.html', 'text/html', 'other')).json()).toMatchObject({ code: 'credit_note.unknown' });
});
