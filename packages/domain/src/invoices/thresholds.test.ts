import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decimal } from '../money/index.ts';
import type { InvoiceDocument } from './document.ts';
import { type InvoiceThresholds, invoiceThresholdsSchema, nextThreshold, reachedWith, thresholdFaults } from './thresholds.ts';

const STEPS: InvoiceThresholds = { steps: ['100.00', '500'], thenEvery: '250' };
const billed = (total: string) => ({ total, currency: 'USD' }) as InvoiceDocument;
const reached = (thresholds: InvoiceThresholds | null, before: string, amount: string, currency = 'USD') =>
  reachedWith(thresholds, { interims: [billed(before)], amount }, currency);

describe('invoice thresholds', () => {
  test.each([
    ['0', '99.99', undefined],
    ['0', '100', '100.00'],
    ['99.99', '0.01', '100.00'],
    ['100', '399.99', undefined],
    ['0', '749.99', '500.00'],
    ['500', '249.99', undefined],
    ['500', '250', '750.00'],
    ['600', '100000', '100500.00'],
    ['100500', '249', undefined],
  ])('after %s another %s reaches %s', (before, amount, threshold) => {
    expect(reached(STEPS, before, amount).threshold).toBe(threshold);
  });

  test('may be every amount from nothing on, steps alone, or none; and are money of the currency', () => {
    expect(reached({ thenEvery: '0.5' }, '0', '1.7')).toEqual({ threshold: '1.50', reached: '1.70' });
    expect(reached({ steps: ['5'] }, '5', '1000')).toEqual({});
    expect(reached(null, '0', '1000')).toEqual({});
    expect(reached({ thenEvery: '300' }, '0', '700', 'JPY')).toEqual({ threshold: '600', reached: '700' });
  });

  test('the next one is the lowest above an amount', () => {
    const next = (amount: string, of = STEPS) => nextThreshold(of, decimal(amount), 'USD');
    expect(['0', '99.99', '100', '499', '500', '749.99', '750'].map((amount) => next(amount))).toEqual(
      ['100.00', '100.00', '500.00', '500.00', '750.00', '750.00', '1000.00'], // prettier-ignore
    );
    expect(next('5', { steps: ['5'] })).toBe(undefined);
    expect(next('0', { thenEvery: '7' })).toBe('7.00');
  });

  test('an amount reaches the level that is ahead of it exactly when it is at or above that level', () => {
    const cents = fc.integer({ min: 0, max: 5000 });
    const text = (amount: number) => (amount / 100).toFixed(2);
    const levels = fc.record({
      steps: fc.uniqueArray(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 5 }),
      thenEvery: fc.option(fc.integer({ min: 1, max: 900 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(levels, cents, cents, ({ steps, thenEvery }, before, amount) => {
        const thresholds = {
          steps: steps.toSorted((a, b) => a - b).map(text),
          ...(thenEvery !== undefined && { thenEvery: text(thenEvery) }),
        };
        const next = nextThreshold(thresholds, decimal(text(before)), 'USD');
        const isReached = next !== undefined && Number(next) <= (before + amount) / 100;
        const { threshold } = reached(thresholds, text(before), text(amount));
        expect(threshold !== undefined).toBe(isReached);
        const after = nextThreshold(thresholds, decimal(text(before + amount)), 'USD');
        if (threshold !== undefined && after !== undefined) expect(Number(after)).toBeGreaterThan(Number(threshold));
      }),
    );
  });
});

describe('invoice thresholds as somebody wrote them', () => {
  const faults = (input: unknown) =>
    invoiceThresholdsSchema.safeParse(input).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);

  test('are taken with steps, thenEvery or both', () => {
    expect([STEPS, { steps: ['1'] }, { thenEvery: '0.01' }].map(faults)).toEqual([undefined, undefined, undefined]);
  });

  test.each([
    [{}, 'steps: invoiceThresholds have steps, thenEvery or both'],
    [{ steps: [] }, 'steps: steps must hold an amount'],
    [{ steps: '100' }, 'steps: steps must be a list of amounts such as ["100.00", "500.00"]'],
    [{ steps: ['100', '100.00'] }, 'steps.1: a step must be above the one before it, 100'],
    [{ steps: ['0'] }, 'steps.0: a step must be above zero'],
    [{ steps: ['1', 'x'] }, 'steps.1: a step must be a decimal string such as "0.00399" of at most 24 digits before and 12 behind the point'], // prettier-ignore
    [{ steps: [100] }, 'steps.0: a step must be a string, not a number, so that no digit is lost: send a decimal string such as "0.00399"'], // prettier-ignore
    [{ steps: Array.from({ length: 21 }, (_, index) => String(index + 1)) }, 'steps: steps must be at most 20 amounts'],
    [{ thenEvery: '-5' }, 'thenEvery: thenEvery must be above zero'],
    [{ every: '5' }, ': invoiceThresholds has unknown fields: every; known are steps, thenEvery'],
  ])('%j is refused with its field and rule', (input, fault) => {
    expect(faults(input)).toContain(fault);
  });

  test('finer than money of the currency is refused, each by its place', () => {
    expect(thresholdFaults({ steps: ['100.5', '200'], thenEvery: '0.5' }, 'JPY')).toEqual([
      { path: 'invoiceThresholds.steps[0]', message: 'must have at most 0 digits behind the point in JPY, not 100.5' },
      { path: 'invoiceThresholds.thenEvery', message: 'must have at most 0 digits behind the point in JPY, not 0.5' },
    ]);
    expect(thresholdFaults({ steps: ['100.50', '200.500'] }, 'USD')).toEqual([]);
  });
});
