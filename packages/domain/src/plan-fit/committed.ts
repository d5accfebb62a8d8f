import { type Commitment, NOTHING_SETTLED, type Settled, settleCommitment } from '../commitments/index.ts';
import { totalOf } from '../invoices/index.ts';
import { add, decimal, ZERO } from '../money/index.ts';
import type { BillingMonth } from './billing-months.ts';

interface Agreed {
  readonly commitment: Commitment | null;
  readonly currency: string;
  readonly months: readonly BillingMonth[];
}

/**
 * What each month comes to (`totals`: the sums of its lines) with what a commitment adds or takes off. One for each billing period is
 * that of its invoice. One for a year counts by the share of its days that the months are, as it accrues, whenever it is invoiced.
 */
export function committedTotals(totals: readonly string[], { commitment, currency, months }: Agreed): string[] {
  if (commitment === null) return [...totals];
  const accruing = { ...commitment, trueUp: 'period_end' } as const;
  const [first] = months;
  const yearly = commitment.every === 'year' && first !== undefined ? termOf(months, first.daysInYear) : null;
  let so = { spend: ZERO, days: 0, settled: NOTHING_SETTLED };
  return months.map((month, index) => {
    const total = totals[index] ?? '0';
    const before = yearly === null ? { spend: ZERO, days: 0, settled: NOTHING_SETTLED } : so;
    const spend = add(before.spend, decimal(total));
    const days = before.days + month.days;
    const settlement = settleCommitment({
      commitment: accruing,
      currency,
      term: yearly ?? termOf([month], month.days),
      elapsedDays: days,
      spend,
      settledBefore: before.settled,
      lines: [{ key: 'month', amount: total }],
    });
    so = { spend, days, settled: settlement.due satisfies Settled };
    return totalOf([{ amount: total }, ...settlement.lines], currency);
  });
}

function termOf(months: readonly BillingMonth[], daysInTerm: number) {
  const days = months.reduce((sum, month) => sum + month.days, 0);
  return { fromMs: months[0]?.fromMs ?? 0, toMs: months.at(-1)?.toMs ?? 0, days, daysInTerm };
}
