import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { type Answer, type Asked, meterline, problem } from './fixture.ts';

const NOTE = {
  id: 'cn_1',
  number: 'INV-000001-CN1',
  kind: 'credit_note',
  customer: { key: 'acme', name: 'Acme Inc.', timezone: 'UTC', subjects: [] },
  plan: 'pro',
  planVersion: 1,
  period: { from: '2026-01-01T00:00:00Z', to: '2026-02-01T00:00:00Z', days: 31, daysInPeriod: 31 },
  currency: 'USD',
  prepaid: { credits: [{ name: 'Promo', amount: '-10.00' }], credited: '-10.00' },
  creditNote: {
    reason: 'subscription_ended',
    invoice: 'INV-000001',
    follows: 'INV-000001',
    treatment: 'credit',
    lines: [{ key: 'base', name: 'Base', baseAmount: '1031', unused: 21, inPeriod: 31, unit: 'day', amount: '1021.00' }],
    amount: '1011.00',
    grant: 'INV-000001-CN1',
  },
  issuedAt: '2026-01-10T10:00:00Z',
};
const SUMMARY = { ...NOTE.creditNote, id: 'cn_1', number: NOTE.number, customer: 'acme', currency: 'USD' };

function server({ url }: Asked): Answer {
  const path = new URL(url, 'http://x');
  if (path.pathname === '/v1/credit-notes') return { body: { items: [SUMMARY], nextCursor: null } };
  if (path.pathname === '/v1/credit-notes/cn_1') return { body: NOTE };
  return problem(404, 'credit_note.unknown', 'There is no such credit note.');
}

it('credit-note list shows what was given back of which invoice, and how', async () => {
  const { code, out, asked } = await meterline(['credit-note', 'list', '--customer', 'acme'], server);
  expect(code).toBe(0);
  expect(asked[0]?.url).toContain('customer=acme');
  expect(out).toMatch(/INV-000001-CN1 +acme +INV-000001 +credit +1,011\.00 +USD/);
});

it('credit-note show finds it by its number and says what was not used, what went back to grants and what is credited', async () => {
  const { code, out } = await meterline(['credit-note', 'show', 'inv-000001-cn1'], server);
  expect(code).toBe(0);
  expect(out).toContain('of        INV-000001, 2026-01-01 to 2026-01-31, UTC');
  expect(out).toContain('because   the subscription ended');
  expect(out).toContain('grant     INV-000001-CN1, which pays next invoices');
  expect(out).toMatch(/Base +1,031 +21 of 31 days +1,021\.00/);
  expect(out).toMatch(/Back to Promo +-10\.00/);
  expect(out).toMatch(/Credited +1,011\.00 USD/);
});

it('credit-note show writes the page to print to a file, too', async () => {
  const file = join(await mkdtemp(join(tmpdir(), 'meterline-note-')), 'note.html');
  const { code, err } = await meterline(['credit-note', 'show', 'cn_1', '--html', file], server);
  expect(code).toBe(0);
  expect(err).toContain(`Page: ${file}`);
  expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ number: NOTE.number });
  await rm(dirname(file), { recursive: true });
});

it('credit-note show of an unknown number says so, with exit code 1', async () => {
  const { code, err } = await meterline(['credit-note', 'show', 'INV-000009-CN1'], server);
  expect(code).toBe(1);
  expect(err).toContain('There is no credit note "INV-000009-CN1"');
});
