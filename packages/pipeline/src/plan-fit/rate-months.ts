import {
  countingCard,
  growsWithTime,
  type MeteredMonths,
  monthsBeforeHistory,
  ONCE,
  type RatedByMonth,
  type RatedByPeriod,
  type RatedPlan,
  TWICE,
} from '@meterline/domain/plan-fit';
import { floorMinute } from '@meterline/domain/time';
import type { Cut, MeterRecord, UsageQuery, UsageRow } from '../ports/index.ts';
import { mayCarryOver, type PeriodToRate, type RatedPeriod, ratePeriods, type RatingPorts } from '../spend/index.ts';
import type { PlanTerms } from './plan-terms.ts';
import { allowancesOf, countedSo, countingCards, type CustomerMonths, periodOf, pricedSo, take, unitsOf } from './periods.ts';
import { rateSpans, type RatedSpan } from './rate-spans.ts';
import { readOnce } from './read-once.ts';

export interface RatedCustomer {
  readonly plans: readonly RatedPlan[];
  readonly meters: readonly MeteredMonths[];
}

/**
 * Rates every month of every customer under all its terms, and of those that bill by another period a whole one that goes on like the months; as it
 * was used and at twice the usage, reading the usage once. `byDay` also reads each meter by local days.
 */
export async function rateMonths(
  ports: RatingPorts,
  customers: readonly CustomerMonths[],
  options: { readonly byDay: boolean },
  tenant: string,
): Promise<{ rated: RatedCustomer[]; cut: Cut }> {
  const zones = [...new Set(customers.map(({ account }) => account.timezone))];
  const usage = readOnce(ports.usage, options.byDay ? customers.flatMap(dayQueries) : [], zones);
  const unchained = customers.flatMap((each) => periodsOf(each));
  const asRead = await ratePeriods({ ...ports, usage: usage.reader }, unchained, tenant);
  const { cut } = asRead;
  // Only once usage is read is it known which month is the first, that none comes before whose allowance could be left over.
  const carries = customers.some(({ account: { negotiated }, terms }) =>
    terms.some((each) => mayCarryOver({ ...each, negotiated })),
  );
  const before = monthsBefore(customers, asRead.rated.values());
  const periods = customers.flatMap((customer, index) => periodsOf(customer, before[index]));
  const asUsed = carries ? await ratePeriods({ ...ports, usage: usage.scaled(ONCE) }, periods, tenant, cut) : asRead;
  const doubled = await ratePeriods({ ...ports, usage: usage.scaled(TWICE) }, periods, tenant, cut);
  const asked = customers.map((customer, index) => ({ ...customer, before: before[index] ?? 0 }));
  const next = {
    ...{ asUsed: asUsed.rated.values(), doubled: doubled.rated.values(), days: usage.besides().values() },
    spans: (await rateSpans(ports, asked, cut, tenant)).values(),
  };
  return { rated: customers.map((customer) => ratedCustomer(customer, next, options.byDay)), cut };
}

const isMonthly = ({ every }: PlanTerms) => every === 'month';

/**
 * Of each month: one period that counts the meters, then for each of the terms one that counts its units, behind one that prices them if they bill by
 * the month. From `firstMonth` on (absent: nowhere) each month takes over what the one before it leaves of allowances.
 */
function periodsOf({ account, months, terms, meters }: CustomerMonths, firstMonth = Infinity): PeriodToRate[] {
  const all = [
    countedSo(meters.map(({ key, name }) => countingCard({ key, name, meter: key }))),
    ...terms.flatMap((each) => [...(isMonthly(each) ? [pricedSo(each)] : []), countedSo(countingCards(each))]),
  ];
  let before: readonly PeriodToRate[] = [];
  return months.flatMap((month, at) => {
    before = all.map((priced, index): PeriodToRate => {
      const after = at > firstMonth ? before[index] : undefined;
      return { ...periodOf(account, priced, month), ...(after && { carried: { after } }) };
    });
    return before;
  });
}

/** How many of the months lie before the history of each customer. */
function monthsBefore(customers: readonly CustomerMonths[], rated: Iterator<RatedPeriod>): number[] {
  return customers.map(({ months, meters, sinceMs, terms }) => {
    const ofMonth = terms.reduce((count, each) => count + (isMonthly(each) ? 2 : 1), 1);
    const quantities = months.map(() => {
      const [counted] = Array.from({ length: ofMonth }, () => take(rated));
      return counted?.lines.map(({ quantity }) => quantity) ?? [];
    });
    const used = meters.map((_, meter) => ({ months: quantities.map((month) => month[meter] ?? '0') }));
    return monthsBeforeHistory({ months, sinceMs, meters: used });
  });
}

/** A customer without subjects has used nothing; to the reader, no subjects might mean everyone. */
function dayQueries({ account, months, meters }: CustomerMonths): UsageQuery[] {
  const { subjects, timezone } = account;
  const [first, last] = [months[0], months.at(-1)];
  if (first === undefined || last === undefined || subjects.length === 0) return [];
  const range = { fromMs: floorMinute(first.fromMs), toMs: floorMinute(last.toMs) };
  return meters.map((meter) => ({ meter, ...range, subjects, timezone, window: { size: 'day', timezone } }));
}

interface Next {
  readonly asUsed: Iterator<RatedPeriod>;
  readonly doubled: Iterator<RatedPeriod>;
  readonly spans: Iterator<RatedSpan>;
  readonly days: Iterator<readonly UsageRow[]>;
}

/** Takes the customer's periods off, in the order in which `periodsOf` made them, and its spans. */
function ratedCustomer({ account, months, terms, meters }: CustomerMonths, next: Next, byDay: boolean): RatedCustomer {
  const taken = months.map(() => ({
    quantities: takePeriod(next).asUsed.lines.map(({ quantity }) => quantity),
    terms: terms.map((each) => ({ priced: isMonthly(each) ? takePeriod(next) : null, units: unitsOf(takePeriod(next).asUsed) })),
  }));
  const hasDays = byDay && account.subjects.length > 0 && months.length > 0;
  return {
    plans: terms.map((each, index): RatedPlan => {
      const rated = taken.flatMap((month) => month.terms[index] ?? []);
      return each.every === 'month'
        ? { ...shownTerms(each), every: each.every, ...ratedByMonth(rated) }
        : { ...shownTerms(each), every: each.every, ...ratedByPeriod(take(next.spans), rated, meters) };
    }),
    meters: meters.map((meter, index) => ({
      meter,
      months: taken.map(({ quantities }) => quantities[index] ?? '0'),
      days: hasDays ? take(next.days).map(({ windowFromMs, value }) => ({ fromMs: windowFromMs, quantity: value })) : null,
    })),
  };
}

interface RatedMonth {
  /** Null for terms that bill by another period. */
  readonly priced: { readonly asUsed: RatedPeriod; readonly doubled: RatedPeriod } | null;
  readonly units: ReadonlyMap<string, string>;
}

function ratedByMonth(rated: readonly RatedMonth[]): Pick<RatedByMonth, 'allowances' | 'months'> {
  const allowances = allowancesOf(rated.at(-1)?.priced?.asUsed.lines);
  const months = rated.flatMap(({ priced, units }) => {
    if (priced === null) return [];
    const carried = new Map(priced.asUsed.lines.map(({ key, carriedUnits = '0' }) => [key, carriedUnits]));
    return {
      ...{ total: priced.asUsed.total, doubledTotal: priced.doubled.total },
      used: allowances.map(({ key }) => units.get(key) ?? '0'),
      carried: allowances.map(({ key }) => carried.get(key) ?? '0'),
    };
  });
  return { allowances, months };
}

function ratedByPeriod(
  span: RatedSpan,
  rated: readonly RatedMonth[],
  meters: readonly MeterRecord[],
): RatedSpan & Pick<RatedByPeriod, 'grows' | 'months'> {
  const months = rated.map(({ units }) => ({ used: span.allowances.map(({ key }) => units.get(key) ?? '0') }));
  const growing = new Set(meters.filter(growsWithTime).map(({ key }) => key));
  return { ...span, grows: span.allowances.map(({ meter }) => growing.has(meter)), months };
}

function shownTerms({ plan, name, planVersion, subscription, isOffered, commitment, rateCards }: PlanTerms) {
  const meters = [...new Set(rateCards.flatMap(({ meter }) => meter ?? []))];
  return { plan, name, planVersion, subscription, isOffered, commitment, meters };
}

function takePeriod(next: Next): { asUsed: RatedPeriod; doubled: RatedPeriod } {
  return { asUsed: take(next.asUsed), doubled: take(next.doubled) };
}
