import type { Commitment } from '../commitments/index.ts';
import * as ratio from '../money/ratio.ts';
import type { Ratio } from '../money/ratio.ts';
import type { RateCard } from '../prices/index.ts';
import type { BillingCadence } from '../subscriptions/index.ts';
import type { Quantities } from './change.ts';
import type { ChangeDirection } from './rules.ts';

/** What of a plan its subscribers pay whatever they use. */
export interface FixedTerms {
  readonly rateCards: readonly RateCard[];
  readonly cadence: Pick<BillingCadence, 'every'>;
  readonly commitment: Commitment | null;
  readonly quantities: Quantities;
}

const PERIODS_PER_YEAR = { week: 52n, month: 12n, quarter: 4n, half_year: 2n, year: 1n } as const;

/** An upgrade is to higher fees in a year, or a higher committed minimum where that is above them. */
export function directionOf(before: FixedTerms, after: FixedTerms): ChangeDirection {
  const order = ratio.compare(yearly(after), yearly(before));
  return order > 0 ? 'up' : order < 0 ? 'down' : 'same';
}

function yearly({ rateCards, cadence, commitment, quantities }: FixedTerms): Ratio {
  const periods = ratio.whole(PERIODS_PER_YEAR[cadence.every]);
  const fees = ratio.sum(
    rateCards.map(({ key, price }) => {
      if (price.model !== 'flat' || price.interval === 'once') return ratio.ZERO;
      const quantity = quantities[key] ?? price.quantity ?? '1';
      return ratio.multiply(ratio.multiply(ratio.read(price.amount), ratio.read(quantity)), periods);
    }),
  );
  const minimum = ratio.read(commitment?.minimumSpend ?? '0');
  return ratio.max(fees, commitment?.every === 'year' ? minimum : ratio.multiply(minimum, periods));
}
