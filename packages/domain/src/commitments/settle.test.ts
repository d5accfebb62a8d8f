import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { add, compare, decimal, formatMoney, isZero, prorate, ZERO } from '../money/index.ts';
import { type Commitment, commitmentSchema } from './commitment.ts';
import { type CommitmentSettlement, NOTHING_SETTLED, settleCommitment, type Settled, SETTLEMENT_KINDS } from './settle.ts';

const MONTH = { fromMs: Date.parse('2026-04-01T00:00:00Z'), toMs: Date.parse('2026-05-01T00:00:00Z'), days: 30, daysInTerm: 30 };
const YEAR = { fromMs: Date.parse('2026-01-01T00:00:00Z'), toMs: Date.parse('2027-01-01T00:00:00Z'), days: 365, daysInTerm: 365 };

function settle(
  commitment: Commitment,
  spend: string,
  more: { term?: typeof MONTH; elapsedDays?: number; settledBefore?: Settled } = {},
) {
  const { term = MONTH, elapsedDays = term.days, settledBefore = NOTHING_SETTLED } = more;
  const lines = [{ key: 'all', amount: spend }];
  return settleCommitment({ commitment, currency: 'USD', term, elapsedDays, spend: decimal(spend), settledBefore, lines });
}

const amounts = (settlement: CommitmentSettlement) =>
  Object.fromEntries(settlement.lines.map(({ kind, amount }) => [kind, amount]));

describe('a minimum', () => {
  const minimum: Commitment = { minimumSpend: '100.00', every: 'period' };

  test('is reached by a true-up, and left alone by spend that reaches it', () => {
    const short = settle(minimum, '63.50');
    expect(amounts(short)).toEqual({ true_up: '36.50' });
    expect(short.lines[0]?.description).toBe('Raised to the minimum of 100.00 a billing period: 100.00 less a spend of 63.50');
    expect(amounts(settle(minimum, '100.00'))).toEqual({});
    expect(amounts(settle(minimum, '180.00'))).toEqual({});
  });

  test('is due for the days of a part of the term', () => {
    const part = settle(minimum, '10.00', { term: { ...MONTH, days: 12 } });
    expect(part).toMatchObject({ minimum: '40.00', lines: [{ kind: 'true_up', amount: '30.00' }] }); // 100 * 12 / 30
    expect(part.lines[0]?.description).toContain(', 12 of 30 days: 40.00 less');
  });

  test('takes late usage below it for nothing, and above it for what exceeds it', () => {
    const first = settle(minimum, '63.50');
    expect(amounts(settle(minimum, '80.00', { settledBefore: first.due }))).toEqual({ true_up: '-16.50' }); // paid by 16.50 of late usage
    expect(amounts(settle(minimum, '120.00', { settledBefore: first.due }))).toEqual({ true_up: '-36.50' }); // 56.50 more usage: 20.00 to pay
  });

  test('of a year is trued up at its end', () => {
    const yearly: Commitment = { minimumSpend: '1200.00', every: 'year', trueUp: 'term_end' };
    expect(amounts(settle(yearly, '300.00', { term: YEAR, elapsedDays: 334 }))).toEqual({});
    expect(amounts(settle(yearly, '1100.00', { term: YEAR }))).toEqual({ true_up: '100.00' });
  });

  test('of a year trued up with each period counts the days gone by, and what was too much flows back', () => {
    const yearly: Commitment = { minimumSpend: '3650.00', every: 'year', trueUp: 'period_end' };
    const january = settle(yearly, '100.00', { term: YEAR, elapsedDays: 31 });
    expect(amounts(january)).toEqual({ true_up: '210.00' }); // 3650 * 31 / 365 - 100
    const february = settle(yearly, '800.00', { term: YEAR, elapsedDays: 59, settledBefore: january.due });
    expect(amounts(february)).toEqual({ true_up: '-210.00' }); // 800 is above 590
  });
});

describe('a maximum', () => {
  test('caps all lines together; they share the cap by largest remainder', () => {
    const lines = [
      { key: 'a', amount: '50.00' },
      { key: 'b', amount: '50.00' },
      { key: 'c', amount: '50.00' },
      { key: 'free', amount: '0.00' },
    ];
    const commitment: Commitment = { maximumSpend: '50.00', every: 'period' };
    const input = { commitment, currency: 'USD', term: MONTH, elapsedDays: 30, settledBefore: NOTHING_SETTLED };
    const [cap] = settleCommitment({ ...input, spend: decimal('150.00'), lines }).lines;
    expect(cap).toEqual({
      kind: 'cap',
      description: 'Capped at the maximum of 50.00 a billing period: 50.00 of a spend of 150.00',
      amount: '-100.00',
      // 33.333... each: the cent left over goes to the first
      shares: [
        { key: 'a', amount: '-33.34' },
        { key: 'b', amount: '-33.33' },
        { key: 'c', amount: '-33.33' },
      ],
    });
  });

  test('of a year takes off only what each period adds beyond it', () => {
    const commitment: Commitment = { maximumSpend: '1000.00', every: 'year' };
    const first = settle(commitment, '900.00', { term: YEAR, elapsedDays: 31 });
    const second = settle(commitment, '1300.00', { term: YEAR, elapsedDays: 59, settledBefore: first.due });
    const third = settle(commitment, '1350.00', { term: YEAR, elapsedDays: 90, settledBefore: second.due });
    expect([first, second, third].map(amounts)).toEqual([{}, { cap: '-300.00' }, { cap: '-50.00' }]);
  });
});

describe('a minimum paid in advance', () => {
  const prepaid: Commitment = { minimumSpend: '12000.00', every: 'year', trueUp: 'in_advance' };
  const start = settle(prepaid, '0.00', { term: YEAR, elapsedDays: 0 });

  test('is invoiced when the term begins, drawn down by spend, and what is beyond it is to be paid', () => {
    expect(amounts(start)).toEqual({ fee: '12000.00' });
    expect(start.remaining).toBe('12000.00');
    const june = settle(prepaid, '7000.00', { term: YEAR, elapsedDays: 181, settledBefore: start.due });
    expect(amounts(june)).toEqual({ drawdown: '-7000.00' });
    expect(june.remaining).toBe('5000.00');
    const december = settle(prepaid, '12750.00', { term: YEAR, settledBefore: june.due });
    expect(amounts(december)).toEqual({ drawdown: '-5000.00' }); // of 5,750.00 spent since: 750.00 to pay
    expect(december.remaining).toBe('0.00');
  });

  test('gives back the days that a subscription ends early', () => {
    const term = { ...YEAR, days: 73 }; // a fifth
    const ended = settle(prepaid, '1000.00', { term, settledBefore: start.due });
    expect(amounts(ended)).toEqual({ fee: '-9600.00', drawdown: '-1000.00' });
    expect(ended.remaining).toBe('1400.00');
  });
});

const cents = fc
  .integer({ min: 0, max: 10_000_000 })
  .map((value) => `${Math.trunc(value / 100)}.${String(value % 100).padStart(2, '0')}`);
const positiveCents = cents.filter((amount) => !isZero(decimal(amount)));
const commitments = fc
  .record({
    bounds: fc.tuple(positiveCents, positiveCents).map(([a, b]) => (compare(decimal(a), decimal(b)) <= 0 ? [a, b] : [b, a])),
    has: fc.constantFrom('minimum', 'maximum', 'both'),
    trueUp: fc.constantFrom('period_end' as const, 'term_end' as const, 'in_advance' as const),
  })
  .map(({ bounds, has, trueUp }): Commitment => ({
    every: 'year',
    ...(has !== 'maximum' && { minimumSpend: bounds[0], trueUp }),
    ...(has !== 'minimum' && { maximumSpend: bounds[1] }),
  }));
/** Spend of some periods of one term, each of so many days. */
const periods = fc.array(fc.record({ spend: cents, days: fc.integer({ min: 1, max: 31 }) }), { minLength: 1, maxLength: 12 });

const total = (settlement: Pick<CommitmentSettlement, 'lines'>) =>
  settlement.lines.reduce((sum, { amount }) => add(sum, decimal(amount)), ZERO);

test('what a term comes to is never below the minimum nor above the maximum, and settled in parts the same as at once', () => {
  fc.assert(
    fc.property(commitments, periods, fc.integer({ min: 0, max: 60 }), (commitment, parts, missingDays) => {
      expect(commitmentSchema.safeParse(commitment).success).toBe(true);
      const days = parts.reduce((sum, part) => sum + part.days, 0);
      const term = { fromMs: 0, toMs: days * 86_400_000, days, daysInTerm: days + missingDays };
      let [spend, elapsedDays, charged] = [ZERO, 0, ZERO];
      let settledBefore = NOTHING_SETTLED;
      for (const part of parts) {
        spend = add(spend, decimal(part.spend));
        elapsedDays += part.days;
        const lines = [{ key: 'line', amount: part.spend }];
        const settlement = settleCommitment({ commitment, currency: 'USD', term, elapsedDays, spend, settledBefore, lines });
        settledBefore = settlement.due;
        charged = add(charged, add(decimal(part.spend), total(settlement)));
      }
      const input = { commitment, currency: 'USD', term, elapsedDays: days, spend, lines: [] };
      const whole = settleCommitment({ ...input, settledBefore: NOTHING_SETTLED });
      expect(formatMoney(charged, 'USD')).toBe(formatMoney(add(spend, total(whole)), 'USD'));
      const share = (amount: string) => prorate(decimal(amount), BigInt(days), BigInt(days + missingDays), 2);
      if (commitment.minimumSpend !== undefined) expect(compare(charged, share(commitment.minimumSpend))).not.toBe(-1);
      if (commitment.maximumSpend !== undefined) expect(compare(charged, share(commitment.maximumSpend))).not.toBe(1);
    }),
  );
});

test('lines are what is due less what was settled, and shares add up to their cap', () => {
  fc.assert(
    fc.property(commitments, fc.array(cents, { maxLength: 6 }), cents, (commitment, amountsOfLines, settled) => {
      const lines = amountsOfLines.map((amount, index) => ({ key: String(index), amount }));
      const spend = amountsOfLines.reduce((sum, amount) => add(sum, decimal(amount)), ZERO);
      const settledBefore = { ...NOTHING_SETTLED, cap: `-${settled}`, true_up: settled };
      const settlement = settleCommitment({
        commitment,
        currency: 'USD',
        term: YEAR,
        elapsedDays: 365,
        spend,
        settledBefore,
        lines,
      });
      for (const kind of SETTLEMENT_KINDS) {
        const amount = settlement.lines.find((line) => line.kind === kind)?.amount ?? '0';
        expect(compare(add(decimal(settlement.settledBefore[kind]), decimal(amount)), decimal(settlement.due[kind]))).toBe(0);
      }
      const cap = settlement.lines.find(({ kind }) => kind === 'cap');
      if (cap?.shares) {
        const shared = cap.shares.reduce((sum, share) => add(sum, decimal(share.amount)), ZERO);
        expect(formatMoney(shared, 'USD')).toBe(cap.amount);
      }
    }),
  );
});

test.each([
  [{ every: 'period' }, 'minimumSpend'],
  [{ every: 'month', minimumSpend: '1' }, 'every'],
  [{ minimumSpend: '1' }, 'every'],
  [{ every: 'year', minimumSpend: '2', maximumSpend: '1' }, 'minimumSpend'],
  [{ every: 'year', maximumSpend: '1', trueUp: 'term_end' }, 'trueUp'],
  [{ every: 'year', minimumSpend: '0' }, 'minimumSpend'],
  [{ every: 'year', minimumSpend: '1', trueUp: 'never' }, 'trueUp'],
])('%o is no commitment: %s', (input, path) => {
  const result = commitmentSchema.safeParse(input);
  expect(result.error?.issues.map((issue) => issue.path.join('.'))).toContain(path);
});
