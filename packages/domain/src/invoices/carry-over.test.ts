import { expect, test } from 'vitest';
import type { RateCard } from '../prices/index.ts';
import { adjustmentsFor } from './adjustments.ts';
import { carriedAsKnown, handedOn, takenOver } from './carry-over.ts';
import type { InvoiceDocument } from './document.ts';
import { invoiceLines } from './line.ts';
import { INVOICE_POLICY } from './policy.ts';

const JANUARY = { from: '2026-01-01T00:00:00Z', to: '2026-02-01T00:00:00Z', days: 31 };
const card: RateCard = {
  ...{ key: 'calls', name: 'Calls', meter: 'calls', price: { model: 'per_unit', unitAmount: '0.10' } },
  modifiers: { allowance: { units: '1000', carryOver: { maximumUnits: '500' } } },
};

const lineOf = (quantity: string, carriedUnits?: string, rateCard = card) =>
  invoiceLines([
    {
      ...{ currency: 'USD', daysInPeriod: 31, carriedUnits },
      parts: [{ rateCard, ...JANUARY, usage: { quantity, events: 1 } }],
    },
  ]);

const invoice = (number: string, content: Partial<InvoiceDocument>): InvoiceDocument => ({
  ...{ id: number, number, tenant: 't', customer: { key: 'c', name: 'C', subjects: [] }, subscription: 's' },
  ...{ plan: 'p', planVersion: 1, period: { ...JANUARY, daysInPeriod: 31 }, currency: 'USD', lines: [], adjustments: [] },
  ...{ total: '0.00', cut: [0], issuedAt: '2026-02-01T00:00:00Z', policy: INVOICE_POLICY },
  ...content,
});

test('a line says what came into its period and what it leaves, and of a card that carries nothing over neither', () => {
  expect(lineOf('1150', '200')).toMatchObject([{ carriedUnits: '200', carriedOver: '50', amount: '0.00' }]);
  const [plain] = lineOf('1150', undefined, { ...card, modifiers: { allowance: { units: '1000' } } });
  expect(Object.keys(plain ?? {}).filter((field) => field.startsWith('carried'))).toEqual([]);
});

test('the explanation ends with what is left; of nothing it says nothing', () => {
  const steps = ([line]: ReturnType<typeof lineOf>) =>
    line?.explanation.map(({ description, amount }) => `${description}: ${amount}`);
  expect(steps(lineOf('800'))).toEqual([
    '800 units included in an allowance of 1000: 0',
    '200 units of the allowance left for the next period (at most 500): 0',
  ]);
  expect(steps(lineOf('1100'))).toEqual(['1000 units included in an allowance of 1000: 0', '100 units at 0.10: 10']);
});

test('late usage within the allowance is an adjustment of nothing to pay that says what is left, once', () => {
  const first = invoice('INV-000001', { lines: lineOf('800') });
  const adjustments = adjustmentsFor(first, lineOf('850'), []);
  expect(adjustments).toMatchObject([{ quantity: '850', carriedOver: '150', ratedAmount: '0.00', amount: '0.00' }]);
  const second = invoice('INV-000002', { adjustments });
  expect(adjustmentsFor(first, lineOf('850'), [second])).toEqual([]);
  // What comes into a period may change although nothing is used of it: it has to be known when the period before is past looking at.
  expect(adjustmentsFor(first, lineOf('850', '40'), [second])).toMatchObject([{ carriedUnits: '40', carriedOver: '190' }]);
});

test('what is known of a period is what the last invoice says that settled it', () => {
  const first = invoice('INV-000001', { lines: lineOf('800', '30') });
  const second = invoice('INV-000002', { adjustments: adjustmentsFor(first, lineOf('850', '20'), []) });
  const known = (after: InvoiceDocument[]) => {
    const carried = carriedAsKnown(first, after);
    return [takenOver(carried).get('calls'), handedOn(carried).get('calls')];
  };
  expect([known([]), known([second])]).toEqual([
    ['30', '230'],
    ['20', '170'],
  ]);
});
