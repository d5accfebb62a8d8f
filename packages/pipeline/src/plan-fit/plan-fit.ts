import { Fault } from '@meterline/domain/faults';
import { type PlanFit, planFit, wholeMonthsBefore } from '@meterline/domain/plan-fit';
import type {
  Account,
  Cut,
  CustomerStore,
  MeterRecord,
  MeterStore,
  Page,
  PageRequest,
  PlanRecord,
  PlanStore,
} from '../ports/index.ts';
import { periodAt, type RatingPorts } from '../spend/index.ts';
import { type PlanNotCompared, type PlanTerms, termsFor } from './plan-terms.ts';
import type { CustomerMonths } from './periods.ts';
import { rateMonths } from './rate-months.ts';

export interface PlanFitPorts extends RatingPorts {
  readonly meters: Pick<MeterStore, 'byKeys'>;
  readonly plans: Pick<PlanStore, 'page'>;
  readonly customers: Pick<CustomerStore, 'page'>;
}

export interface PlanFitRequest {
  /** Whole months to look back. */
  readonly months: number;
  readonly nowMs: number;
}

/** Which plans fit a customer, by its usage at one cut. */
export interface CustomerFit extends PlanFit {
  readonly customer: string;
  readonly name: string;
  readonly currency: string;
  readonly timezone: string;
  readonly asOf: { readonly cut: Cut; readonly atMs: number };
  /** Live plans in its currency that price an archived meter. */
  readonly notCompared: readonly PlanNotCompared[];
}

const PLANS_PER_READ = 1000;

/** Plan fit of one customer, with its peaks by day. Fails with `customer.unknown`. */
export async function planFitOf(
  ports: PlanFitPorts,
  customer: string,
  request: PlanFitRequest,
  tenant: string,
): Promise<CustomerFit> {
  const [fit] = await fitsOf(ports, await ports.accounts.accounts([customer], tenant), { ...request, byDay: true }, tenant);
  if (fit === undefined) throw new Fault('not_found', 'customer.unknown', `there is no customer ${customer}`);
  return fit;
}

/** Plan fit of a page of customers, by key, without peaks by day; their usage is read together. */
export async function planFitPage(
  ports: PlanFitPorts,
  page: PageRequest,
  request: PlanFitRequest,
  tenant: string,
): Promise<Page<CustomerFit>> {
  const { items, nextAfter } = await ports.customers.page(page, tenant);
  const keys = items.map(({ key }) => key);
  const accounts = await ports.accounts.accounts(keys, tenant);
  const fits = await fitsOf(ports, accounts, { ...request, byDay: false }, tenant);
  const byKey = new Map(fits.map((fit) => [fit.customer, fit]));
  return { items: keys.flatMap((key) => byKey.get(key) ?? []), nextAfter };
}

async function fitsOf(
  ports: PlanFitPorts,
  accounts: readonly Account[],
  { months: count, nowMs, byDay }: PlanFitRequest & { readonly byDay: boolean },
  tenant: string,
): Promise<CustomerFit[]> {
  if (accounts.length === 0) return [];
  const plans = await allPlans(ports.plans, tenant);
  const meters = await metersOf(ports.meters, plans, accounts, tenant);
  const customers = accounts.map((account) => {
    const terms = termsFor(account, plans, meters, nowMs);
    return { account, terms, rating: ratingOf(account, terms, meters, { months: count, nowMs }) };
  });
  const { rated, cut } = await rateMonths(
    ports,
    customers.map(({ rating }) => rating),
    { byDay },
    tenant,
  );
  return customers.map(({ account, terms, rating }, index) => {
    const { key, name, currency, timezone } = account;
    const fit = planFit({
      currency,
      months: rating.months,
      plans: rated[index]?.plans ?? [],
      meters: rated[index]?.meters ?? [],
      subscriptions: terms.subscribed,
      sinceMs: rating.sinceMs,
    });
    return { customer: key, name, currency, timezone, asOf: { cut, atMs: nowMs }, notCompared: terms.notCompared, ...fit };
  });
}

/** The months of a customer before now, to be rated under these terms. */
export function ratingOf(
  account: Account,
  { compared, anchorMs }: { readonly compared: readonly PlanTerms[]; readonly anchorMs: number | null },
  meters: ReadonlyMap<string, MeterRecord>,
  { months: count, nowMs }: PlanFitRequest,
): CustomerMonths {
  const priced = new Set(compared.flatMap(({ rateCards }) => rateCards.flatMap(({ meter }) => meter ?? [])));
  const months = wholeMonthsBefore({ anchorMs, timezone: account.timezone, nowMs, count });
  const billed = account.subscriptions.filter((terms) => periodAt(terms, account, terms.startsAtMs) !== undefined);
  const sinceMs = billed.length === 0 ? null : Math.min(...billed.map(({ startsAtMs }) => startsAtMs));
  return { account, months, terms: compared, meters: [...priced].flatMap((key) => meters.get(key) ?? []), sinceMs };
}

async function allPlans(plans: Pick<PlanStore, 'page'>, tenant: string): Promise<PlanRecord[]> {
  const all: PlanRecord[] = [];
  let after: string | null = null;
  do {
    const page: Page<PlanRecord> = await plans.page({ after, limit: PLANS_PER_READ }, tenant);
    all.push(...page.items);
    after = page.nextAfter;
  } while (after !== null);
  return all;
}

export async function metersOf(
  meters: Pick<MeterStore, 'byKeys'>,
  plans: readonly Pick<PlanRecord, 'rateCards'>[],
  accounts: readonly Account[],
  tenant: string,
): Promise<Map<string, MeterRecord>> {
  const own = accounts.flatMap(({ subscriptions }) => subscriptions.flatMap(({ rateCards }) => rateCards));
  const keys = new Set([...plans.flatMap(({ rateCards }) => rateCards), ...own].flatMap(({ meter }) => meter ?? []));
  const found = keys.size === 0 ? [] : await meters.byKeys([...keys], tenant);
  return new Map(found.map((meter) => [meter.key, meter]));
}
