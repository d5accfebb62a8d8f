import { catalogStores } from '@meterline/backends/postgres';
import { Fault } from '@meterline/domain/faults';
import type { InvoiceDocument } from '@meterline/domain/invoices';
import { subscriptionCatalog } from '@meterline/pipeline/catalog';
import { executeInvoiceRun, requestInvoiceRun } from '@meterline/pipeline/invoices';
import type { Database } from '@meterline/pipeline/ports';
import { openRatingFixture, type RatingFixture } from './rating.ts';
import { standingClock } from './standing-clock.ts';
import { type Beginning, type Pause, PLAN_KEYS, planDraft, requestOf, type Step } from './subscription-arbitraries.ts';
import { changeNow, withdrawNow } from './subscription-changes.ts';

const DAY_MS = 86_400_000;
const CUSTOMER = 'acme';

/** A customer of a tenant of its own, with one subscription. */
export interface Subscribed {
  readonly it: RatingFixture;
  readonly subscription: string;
}

/** Begins to live: plans, the customer, its subscription to plan `one`, and what was negotiated. */
export async function subscribed(database: Database, life: Beginning): Promise<Subscribed> {
  const it = await openRatingFixture(database, new Date(life.startsAtMs).toISOString(), standingClock(life.startsAtMs));
  const catalog = catalogStores(database);
  await it.meter('calls');
  await it.meter('seats', 'latest');
  for (const [index, terms] of life.plans.entries())
    await catalog.plans.insert(planDraft(PLAN_KEYS[index] ?? 'one', terms), life.startsAtMs, it.tenant);
  await it.customer(CUSTOMER, ['a'], life.timezone);
  const { trial, quantities, plans } = life;
  const hasTrial = plans[0].phases.some((phase) => phase.trial !== undefined);
  const input = { customer: CUSTOMER, plan: 'one', quantities, trial: hasTrial ? trial : undefined };
  const { id } = await subscriptionCatalog({ ...catalog, clock: it.clock }).create(input, it.tenant);
  if (life.negotiated !== null) await negotiate(it, life.negotiated);
  if (life.billedAtStart) await bill(it);
  return { it, subscription: id };
}

async function negotiate(
  it: RatingFixture,
  { plan, agreed, inDays, lastsDays }: NonNullable<Beginning['negotiated']>,
): Promise<void> {
  const fromMs = minuteIn(it, inDays);
  const validFrom = new Date(fromMs).toISOString();
  const validUntil = lastsDays === null ? undefined : new Date(fromMs + lastsDays * DAY_MS).toISOString();
  await it.negotiatedPrices.add(CUSTOMER, { plan, ...agreed, validFrom, validUntil }, it.tenant);
}

/** Usage comes up to an instant, a change is asked for then or withdrawn, and perhaps everything due is billed. Answers what came of it. */
export async function take({ it, subscription }: Subscribed, each: Step, atMs: number): Promise<string> {
  await use(it, each, atMs);
  if (each.repriced !== null) await reprice(it, each.repriced);
  const outcome = each.withdrawn
    ? await withdrawLast({ it, subscription })
    : await outcomeOf(changeNow(it, subscription, requestOf(each, it.clock.nowMs())));
  if (each.billed) await bill(it);
  return typeof outcome === 'string' ? outcome : outcome.change.kind;
}

async function reprice(it: RatingFixture, { plan, amount, inDays }: NonNullable<Step['repriced']>): Promise<void> {
  const validFrom = new Date(minuteIn(it, inDays)).toISOString();
  const change = { rateCard: 'base', validFrom, price: { model: 'flat', amount } } as const;
  await outcomeOf(it.priceChanges.add({ plan, version: 1 }, change, it.tenant));
}

/** Price changes and agreements begin with a whole minute. */
const minuteIn = (it: RatingFixture, days: number) => Math.ceil(it.clock.nowMs() / 60_000) * 60_000 + days * DAY_MS;

async function withdrawLast({ it, subscription }: Subscribed) {
  const changes = await it.ports.subscriptions.changes(subscription, it.tenant);
  const scheduled = changes.findLast(({ fromMs, withdrawnAtMs }) => fromMs > it.clock.nowMs() && withdrawnAtMs === null);
  return scheduled === undefined ? 'nothing scheduled' : outcomeOf(withdrawNow(it, subscription, scheduled.id));
}

/** Time goes by up to an instant, and usage comes. */
export async function use(it: RatingFixture, { calls, seats }: Pick<Pause, 'calls' | 'seats'>, atMs: number): Promise<void> {
  it.clock.moveTo(atMs);
  const at = new Date(atMs - 60_000).toISOString();
  if (calls > 0) await it.use('calls', 'a', at, String(calls));
  if (seats !== undefined) await it.use('seats', 'a', at, seats);
}

/** Bills everything that is due. */
export async function bill(it: RatingFixture): Promise<void> {
  const run = await requestInvoiceRun(it.ports, undefined, it.tenant);
  await it.jobs.idle();
  await executeInvoiceRun(it.ports, run);
  // It ticks: nothing may have been left to wait for.
  it.clock.moveTo(it.clock.nowMs() + 1000);
}

/** All there are, in the order in which they were issued. */
export async function documents(it: RatingFixture): Promise<InvoiceDocument[]> {
  const rows = await it.database.query<{ document: string }>(
    'select document from invoice where tenant = $1 order by issued_at, id',
    [it.tenant],
  );
  return rows.map(({ document }) => JSON.parse(document) as InvoiceDocument);
}

/** What it answers, or the code of the refusal. */
export async function outcomeOf<T>(work: Promise<T>): Promise<T | string> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
}
