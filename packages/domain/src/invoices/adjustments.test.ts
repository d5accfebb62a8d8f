import fc from 'fast-check';
import { expect, test } from 'vitest';
import { adjustmentsFor, totalOf } from './adjustments.ts';
import { formatInvoiceNumber, type InvoiceDocument, type InvoiceLine } from './document.ts';
import { invoiceLines } from './line.ts';
import { INVOICE_POLICY } from './policy.ts';

const JANUARY = { from: '2026-01-01T00:00:00Z', to: '2026-02-01T00:00:00Z' };
const rateCard = { key: 'calls', name: 'Calls', meter: 'calls', price: { model: 'per_unit', unitAmount: '0.333' } } as const;
function line(quantity: number): InvoiceLine {
  const usage = { quantity: String(quantity), events: 1 };
  const [only] = invoiceLines([{ currency: 'USD', daysInPeriod: 31, parts: [{ rateCard, ...JANUARY, days: 31, usage }] }]);
  if (!only) throw new Error('a card gives a line');
  return only;
}

function invoice(number: number, change: Partial<InvoiceDocument>): InvoiceDocument {
  return {
    id: `inv_${number}`,
    number: formatInvoiceNumber(BigInt(number)),
    tenant: 't',
    customer: { key: 'c', name: 'C', subjects: [] },
    subscription: 's',
    plan: 'p',
    planVersion: 1,
    period: { from: '2026-01-01T00:00:00Z', to: '2026-02-01T00:00:00Z', days: 31, daysInPeriod: 31 },
    currency: 'USD',
    lines: [],
    adjustments: [],
    total: '0.00',
    cut: [0],
    issuedAt: '2026-02-01T00:00:00Z',
    policy: INVOICE_POLICY,
    ...change,
  };
}

test('a line is rounded once: 10 * 0.333 is 3.33, and 5 * 0.333 = 1.665 is 1.67', () => {
  expect([line(10).amount, line(5).amount]).toEqual(['3.33', '1.67']);
});

test('numbers count from INV-000001 and grow beyond six digits', () => {
  expect([formatInvoiceNumber(1n), formatInvoiceNumber(1_234_567n)]).toEqual(['INV-000001', 'INV-1234567']);
});

test('however usage arrives late, what was charged in the end is what the final usage costs', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 10_000 }), { minLength: 1, maxLength: 6 }), (known) => {
      const [atFirst = 0, ...later] = known;
      const first = invoice(1, { lines: [line(atFirst)] });
      const after: InvoiceDocument[] = [];
      for (const quantity of later) {
        after.push(invoice(after.length + 2, { adjustments: adjustmentsFor(first, [line(quantity)], after) }));
      }
      const charges = [...first.lines, ...after.flatMap((each) => each.adjustments)];
      expect(totalOf(charges, 'USD')).toBe(line(known.at(-1) ?? 0).amount);
      expect(adjustmentsFor(first, [line(known.at(-1) ?? 0)], after)).toEqual([]);
    }),
  );
});
