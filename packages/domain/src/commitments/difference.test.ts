import { describe, expect, test } from 'vitest';
import { decimal, formatMoney, min } from '../money/index.ts';
import { type Commitment, commitmentDifference, settleCommitment } from './index.ts';

const [NEW_YEAR, CHANGE] = ['2026-01-01T00:00:00Z', '2026-06-11T00:00:00Z'];
const term = { fromMs: Date.parse(NEW_YEAR), toMs: Date.parse(CHANGE), days: 161, daysInTerm: 365 };
const year: Commitment = { minimumSpend: '1200.00', every: 'year', trueUp: 'in_advance' };

/** 1,200.00 a year that ends after 161 days, 529.32, with so much spent, all of it drawn before from what was paid. */
function left(spend: string, commitment = year) {
  const isPaid = commitment.trueUp === 'in_advance';
  const drawn = formatMoney(min(decimal(spend), decimal('1200.00')), 'USD');
  const settledBefore = { fee: isPaid ? '1200.00' : '0', cap: '0', drawdown: isPaid ? `-${drawn}` : '0', true_up: '0' };
  const of = { commitment, currency: 'USD', term, elapsedDays: 161, spend: decimal(spend), settledBefore, lines: [] };
  return commitmentDifference({ before: commitment, after: null, at: CHANGE, currency: 'USD' }, [settleCommitment(of)]);
}

describe('what a change does to a commitment', () => {
  test.each([
    ['300.00', '670.68', '229.32'], // 1200.00 - 529.32; 529.32 - 300.00
    ['529.32', '670.68', null],
    ['1000.00', '200.00', null], // 1200.00 - 1000.00: more than the days so far is used
    ['1300.00', null, null],
  ])('of a year paid in advance, after a spend of %s: %s is given back, %s is lost', (spend, givenBack, lost) => {
    expect(left(spend)).toMatchObject({ givenBack, lost, trueUp: null, dueInAdvance: null });
  });

  test('raises spend to the minimum of the days so far where it is trued up', () => {
    expect(left('500.00', { ...year, trueUp: 'term_end' })).toMatchObject({
      ...{ givenBack: null, lost: null, trueUp: '29.32' },
      message: 'spend is raised by 29.32 to the 529.32 committed for the days so far',
    });
  });

  test('is nothing where it stays and no term ends, and is told where it only changes', () => {
    const terms = { before: year, after: year, at: CHANGE, currency: 'USD' };
    expect(commitmentDifference(terms, [])).toBeNull();
    expect(commitmentDifference({ ...terms, after: null }, [])).toMatchObject({ before: year, after: null, message: null });
  });
});
