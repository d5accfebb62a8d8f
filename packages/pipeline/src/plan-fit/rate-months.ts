import { INVOICE_POLICY } from '@meterline/domain/invoices';
import {
  allowanceOf,
  type BillingMonth,
  countingCard,
  type MeteredMonths,
  monthsBeforeHistory,
  ONCE,
  type RatedPlan,
  TWICE,
  unitsCounted,
} from '@meterline/domain/plan-fit';
import { floorMinute } from '@meterline/domain/time';
import type { Account, Cut, MeterRecord, UsageQuery, UsageRow } from '../ports/index.ts';
import { mayCarryOver, type PeriodToRate, type RatedPeriod, ratePeriods, type RatingPorts } from '../spend/index.ts';
import type { PlanTerms } from './plan-terms.ts';
import { readOnce } from './read-once.ts';

/** Fees that are due once, in the first period of a subscription, say nothing about a month. */
const AMID_SUBSCRIPTION = 1;

export interface CustomerMonths {
  readonly account: Account;
  readonly months: readonly BillingMonth[];
  readonly terms: readonly PlanTerms[];
  /** What the terms price, each once. */
  readonly meters: readonly MeterRecord[];
  /** When the customer's first subscription began, if it had any. */
  readonly sinceMs: number | null;
}

export interface RatedCustomer {
  readonly plans: readonly RatedPlan[];
  readonly meters: readonly MeteredMonths[];
}

/**
 * Rates every month of every customer under all its terms, as it was used and at twice the usage, reading the usage once. `byDay` also
 * reads each meter by local days.
 */
export async function rateMonths(
  ports: RatingPorts,
  customers: readonly CustomerMonths[],
  options: { readonly byDay: boolean },
  tenant: string,
): Promise<{ rated: RatedCustomer[]; cut: Cut }> {
  const zones = [...new Set(customers.map(({ account }) => account.timezone))];
  const usage = readOnce(ports.usage, options.byDay ? customers.flatMap(dayQueries) : [], zones);
  const asRead = await ratePeriods({ ...ports, usage: usage.reader }, customers.flatMap((each) => periodsOf(each)), tenant); // prettier-ignore
  const { cut } = asRead;
  // Only once usage is read is it known which month is the first, that none comes before whose allowance could be left over.
  const carries = customers.some(({ account: { negotiated }, terms }) =>
    terms.some((each) => mayCarryOver({ ...each, negotiated })),
  );
  const periods = chainedPeriods(customers, asRead.rated.values());
  const asUsed = carries ? await ratePeriods({ ...ports, usage: usage.scaled(ONCE) }, periods, tenant, cut) : asRead;
  const doubled = await ratePeriods({ ...ports, usage: usage.scaled(TWICE) }, periods, tenant, cut);
  const next = { asUsed: asUsed.rated.values(), doubled: doubled.rated.values(), days: usage.besides().values() };
  return { rated: customers.map((customer) => ratedCustomer(customer, next, options.byDay)), cut };
}

/**
 * Of each month: one period that counts the meters, then for each of the terms one that prices usage and one that counts its units. From `firstMonth`
 * on (absent: nowhere) each month takes over what the one before it leaves of allowances.
 */
function periodsOf({ account, months, terms, meters }: CustomerMonths, firstMonth = Infinity): PeriodToRate[] {
  const { subjects, currency, timezone, negotiated } = account;
  const counting = { plan: '', planVersion: 0, priceRevision: 0, quantities: [] };
  const all = [
    { ...counting, rateCards: meters.map(({ key, name }) => countingCard({ key, name, meter: key })) },
    ...terms.flatMap(({ plan, planVersion, priceRevision, phase, rateCards, quantities }) => [
      { plan, planVersion, priceRevision, phase, rateCards, quantities: [{ fromMs: 0, of: quantities }] },
      { ...counting, rateCards: rateCards.filter(({ meter }) => meter !== undefined).map(countingCard) },
    ]),
  ];
  let before: readonly PeriodToRate[] = [];
  return months.flatMap((month, at) => {
    const period = { index: AMID_SUBSCRIPTION, ...month };
    before = all.map((priced, index): PeriodToRate => {
      const after = at > firstMonth ? before[index] : undefined;
      return {
        subjects,
        currency,
        timezone,
        negotiated,
        policy: INVOICE_POLICY,
        committed: false,
        ...priced,
        period,
        ...(after && { carried: { after } }),
      };
    });
    return before;
  });
}

/** The same periods, chained from the first month of each customer's history on. */
function chainedPeriods(customers: readonly CustomerMonths[], rated: Iterator<RatedPeriod>): PeriodToRate[] {
  return customers.flatMap((customer) => {
    const { months, meters, sinceMs, terms } = customer;
    const quantities = months.map(() => {
      const [counted] = [take(rated), ...terms.flatMap(() => [take(rated), take(rated)])];
      return counted?.lines.map(({ quantity }) => quantity) ?? [];
    });
    const used = meters.map((_, meter) => ({ months: quantities.map((month) => month[meter] ?? '0') }));
    return periodsOf(customer, monthsBeforeHistory({ months, sinceMs, meters: used }));
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
  readonly days: Iterator<readonly UsageRow[]>;
}

/** Takes the customer's periods off, in the order in which `periodsOf` made them. */
function ratedCustomer({ account, months, terms, meters }: CustomerMonths, next: Next, byDay: boolean): RatedCustomer {
  const taken = months.map(() => ({
    quantities: takePeriod(next).asUsed.lines.map(({ quantity }) => quantity),
    plans: terms.map(() => {
      const { asUsed, doubled } = takePeriod(next);
      const units = new Map(takePeriod(next).asUsed.lines.map((line) => [line.key, unitsCounted(line)]));
      const carried = new Map(asUsed.lines.map(({ key, carriedUnits = '0' }) => [key, carriedUnits]));
      return { lines: asUsed.lines, total: asUsed.total, doubledTotal: doubled.total, units, carried };
    }),
  }));
  const hasDays = byDay && account.subjects.length > 0 && months.length > 0;
  return {
    plans: terms.map(({ rateCards, priceRevision: _revision, phase: _phase, quantities: _quantities, ...shown }, index) => {
      const rated = taken.flatMap(({ plans }) => plans[index] ?? []);
      // Lines carry the modifiers that were in force when their month ended.
      const allowances = (rated.at(-1)?.lines ?? []).flatMap((line) => allowanceOf(line) ?? []);
      return {
        ...shown,
        meters: [...new Set(rateCards.flatMap(({ meter }) => meter ?? []))],
        allowances,
        months: rated.map(({ total, doubledTotal, units, carried }) => ({
          ...{ total, doubledTotal },
          used: allowances.map(({ key }) => units.get(key) ?? '0'),
          carried: allowances.map(({ key }) => carried.get(key) ?? '0'),
        })),
      };
    }),
    meters: meters.map((meter, index) => ({
      meter,
      months: taken.map(({ quantities }) => quantities[index] ?? '0'),
      days: hasDays ? take(next.days).map(({ windowFromMs, value }) => ({ fromMs: windowFromMs, quantity: value })) : null,
    })),
  };
}

function takePeriod(next: Next): { asUsed: RatedPeriod; doubled: RatedPeriod } {
  return { asUsed: take(next.asUsed), doubled: take(next.doubled) };
}

function take<Item>(items: Iterator<Item>): Item {
  const next: IteratorResult<Item, unknown> = items.next();
  if (next.done === true) throw new Error('fewer answers than questions');
  return next.value;
}
