import { ONCE, periodsIn, type RatedByPeriod, TWICE } from '@meterline/domain/plan-fit';
import type { Cut } from '../ports/index.ts';
import { type PeriodToRate, type RatedPeriod, ratePeriods, type RatingPorts } from '../spend/index.ts';
import { allowancesOf, countedSo, countingCards, type CustomerMonths, periodOf, pricedSo, take, unitsOf } from './periods.ts';
import { type Longer, readOnce } from './read-once.ts';

export type RatedSpan = Pick<RatedByPeriod, 'period' | 'allowances'>;

interface Asked extends Pick<CustomerMonths, 'account' | 'terms' | 'months'> {
  /** How many of the months lie before its history; nothing was used in them. */
  readonly before: number;
}

/** All months of a customer as if they were one billing period of a plan, by its prices and as its cards count. */
interface Span {
  readonly longer: Longer;
  readonly priced: PeriodToRate;
  readonly counting: PeriodToRate;
}

/**
 * For each of the customers' terms that bill by another period than a month, in their order: a whole period that goes on like the months, as they were
 * and at twice the usage. A year is rated on what half a year used, twice. Reads the months' usage as ranges of its own, at the cut.
 */
export async function rateSpans(ports: RatingPorts, customers: readonly Asked[], cut: Cut, tenant: string): Promise<RatedSpan[]> {
  const spans = customers.flatMap(spansOf);
  if (spans.length === 0) return [];
  const usage = readOnce(ports.usage, [], [...new Set(customers.map(({ account }) => account.timezone))]);
  // Always all of them: what was read together is found again only when it is asked for together.
  const periods = spans.flatMap(({ priced, counting }) => [priced, counting]);
  await ratePeriods({ ...ports, usage: usage.reader }, periods, tenant, cut);
  const rated = new Map<Span, RatedSpan>();
  for (const alike of Map.groupBy(spans, ({ longer }) => `${longer.numerator}/${longer.denominator}`).values()) {
    const rate = (factor: bigint) =>
      ratePeriods({ ...ports, usage: usage.scaled(factor, alike[0]?.longer) }, periods, tenant, cut);
    const [asUsed, doubled] = [(await rate(ONCE)).rated.values(), (await rate(TWICE)).rated.values()];
    for (const span of spans) {
      const [priced, counted, pricedTwice] = [take(asUsed), take(asUsed), take(doubled)];
      take(doubled);
      if (alike.includes(span)) rated.set(span, ratedSpan(priced, counted, pricedTwice));
    }
  }
  return spans.flatMap((span) => rated.get(span) ?? []);
}

function spansOf({ account, terms, months, before }: Asked): Span[] {
  const days = months.reduce((sum, month) => sum + month.days, 0);
  const range = { fromMs: months[0]?.fromMs ?? 0, toMs: months.at(-1)?.toMs ?? 0, days, daysInPeriod: days };
  const history = months.slice(before);
  return terms.flatMap((each) => {
    const { every } = each;
    if (every === 'month') return [];
    // Without a history nothing was used, however long.
    const { numerator, denominator } = history.length === 0 ? { numerator: 1n, denominator: 1n } : periodsIn(history, every);
    return {
      longer: { numerator: denominator, denominator: numerator },
      priced: periodOf(account, pricedSo(each), range),
      counting: periodOf(account, countedSo(countingCards(each)), range),
    };
  });
}

function ratedSpan(priced: RatedPeriod, counted: RatedPeriod, pricedTwice: RatedPeriod): RatedSpan {
  const allowances = allowancesOf(priced.lines);
  const units = unitsOf(counted);
  const used = allowances.map(({ key }) => units.get(key) ?? '0');
  return { allowances, period: { total: priced.total, doubledTotal: pricedTwice.total, used } };
}
