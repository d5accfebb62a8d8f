import { memoryBalanceStore } from '@meterline/backends/memory';
import {
  alertRuleStore,
  catalogStores,
  invoiceStore,
  prepaidStore,
  ratingStore,
  trialNoticeStore,
} from '@meterline/backends/postgres';
import type { Commitment } from '@meterline/domain/commitments';
import type { UnusedTime } from '@meterline/domain/invoices';
import type { Meter } from '@meterline/domain/meters';
import { add, decimal, formatDecimal, ZERO } from '@meterline/domain/money';
import type { RateCard } from '@meterline/domain/prices';
import type { ChangeRules } from '@meterline/domain/stages';
import { startOfLocalDay, windowsBetween } from '@meterline/domain/time';
import type { AlertPorts } from '@meterline/pipeline/alerts';
import { negotiatedPriceCatalog, priceChangeCatalog } from '@meterline/pipeline/catalog';
import { createGrant, newGrantSchema } from '@meterline/pipeline/grants';
import type { PlanFitPorts } from '@meterline/pipeline/plan-fit';
import type { PlanMovePorts } from '@meterline/pipeline/plan-moves';
import type {
  Cut,
  Database,
  GroupedLevels,
  JobQueue,
  PrepaidStore,
  TrialNoticeStore,
  UsageQuery,
  UsageReader,
  UsageRow,
  Wakeup,
} from '@meterline/pipeline/ports';
import { prepaidAddsUp } from '@meterline/pipeline/reconcile';
import { testClock } from '@meterline/runtime/clock';

interface UsageEvent {
  readonly meter: string;
  readonly subject: string;
  readonly atMs: number;
  readonly value: string;
  readonly dims: Readonly<Record<string, string>>;
}

/** Usage as a list of events in one partition; the reader adds them up below the cut, the plain way. */
function fakeUsage() {
  const events: UsageEvent[] = [];
  const queries: UsageQuery[] = [];

  function rows(query: UsageQuery, cut: Cut): UsageRow[] {
    const { window, fromMs, toMs } = query;
    return (window === undefined ? [query] : windowsBetween({ fromMs, toMs, ...window })).flatMap((range) =>
      rowsWithin({ ...query, fromMs: range.fromMs, toMs: range.toMs }, cut),
    );
  }

  function rowsWithin(query: UsageQuery, [next = 0]: Cut): UsageRow[] {
    const seen = events
      .slice(0, next)
      .filter((event) => event.meter === query.meter.key && event.atMs >= query.fromMs && event.atMs < query.toMs)
      .filter((event) => query.subjects === undefined || query.subjects.includes(event.subject))
      .filter(({ dims }) => Object.entries(query.filter ?? {}).every(([name, values]) => values.includes(dims[name] ?? '')));
    const cellOf = ({ dims }: UsageEvent) => Object.fromEntries((query.groupBy ?? []).map((name) => [name, dims[name] ?? '']));
    const subjectOf = (event: UsageEvent) => (query.bySubject === true ? event.subject : null);
    const groups = Map.groupBy(seen, (event) => JSON.stringify([subjectOf(event), cellOf(event)]));
    return [...groups.values()].flatMap(([first, ...others]) => {
      if (first === undefined) return [];
      const group = [first, ...others];
      const of = { windowFromMs: query.fromMs, windowToMs: query.toMs, subject: subjectOf(first), group: cellOf(first) };
      return { ...of, value: fold(query.meter, group), events: group.length };
    });
  }

  const reader: UsageReader = {
    async usage(query) {
      const { results, cut } = await reader.usageAll([query]);
      return { rows: results[0] ?? [], cut };
    },
    async usageAll(asked, cut = [events.length]) {
      queries.push(...asked);
      return { results: asked.map((query) => rows(query, cut)), cut };
    },
    eventValuesAll: () => Promise.reject(new Error('no price here looks at single events')),
    levelsAll: async (asked, [next = 0]) => asked.map((query) => levelsOf(events.slice(0, next), query)),
  };
  return { events, queries, reader };
}

function fold(meter: Meter, events: readonly UsageEvent[]): string {
  if (meter.aggregation === 'count') return String(events.length);
  if (meter.aggregation === 'latest') return events.toSorted((a, b) => b.atMs - a.atMs)[0]?.value ?? '0';
  if (meter.aggregation === 'max') return String(Math.max(...events.map((event) => Number(event.value))));
  return formatDecimal(events.reduce((sum, event) => add(sum, decimal(event.value)), ZERO));
}

/** How the latest value stands, the plain way: asked for again at every event. */
function levelsOf(
  events: readonly UsageEvent[],
  { meter, fromMs, toMs, subjects = [], filter = {} }: UsageQuery,
): GroupedLevels[] {
  const known = events
    .filter((event) => event.meter === meter.key && event.atMs < toMs && subjects.includes(event.subject))
    .filter(({ dims }) => Object.entries(filter).every(([name, values]) => values.includes(dims[name] ?? '')));
  const instants = [...new Set([fromMs, ...known.map(({ atMs }) => Math.max(atMs, fromMs))])].toSorted((a, b) => a - b);
  const levels = instants.flatMap((instant) => {
    const [last] = known
      .filter(({ atMs }) => atMs <= instant)
      .toSorted((a, b) => b.atMs - a.atMs || Number(b.value) - Number(a.value));
    return last === undefined ? [] : [{ fromMs: instant, level: last.value }];
  });
  return [{ subject: null, group: {}, levels, events: known.filter(({ atMs }) => atMs >= fromMs).length }];
}

/** Runs jobs one after another in the background, trying a failed one again at once. `idle` resolves when nothing is left. */
export function fakeJobs(): JobQueue & { idle(): Promise<void>; readonly failures: unknown[] } {
  const handlers = new Map<string, Parameters<JobQueue['process']>[1]>();
  const known = new Set<string>();
  const failures: unknown[] = [];
  let work = Promise.resolve();

  async function attempt(queue: string, id: string, data: Readonly<Record<string, unknown>>): Promise<void> {
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      try {
        await handlers.get(queue)?.({ ...data }, { id, attempt });
        break;
      } catch (error) {
        failures.push(error);
      }
    }
    known.delete(id);
  }

  return {
    failures,
    async enqueue(queue, data, { jobId }) {
      if (known.has(jobId)) return;
      known.add(jobId);
      work = work.then(() => attempt(queue, jobId, data));
    },
    async process(queue, handler) {
      handlers.set(queue, handler);
    },
    counts: async () => ({ waiting: known.size, active: 0, failed: 0 }),
    idle: () => work,
    close: () => work,
  };
}

let tenants = 0;

/** A new tenant on a real billing store in memory, with usage and the log played by a list. */
export async function openRatingFixture(database: Database, startIso: string, clock = testClock(startIso)) {
  tenants += 1;
  const tenant = `tenant-${tenants}`;
  await database.query('insert into tenant (id, name, created_at) values ($1, $1, now())', [tenant]);
  const catalog = catalogStores(database);
  const usage = fakeUsage();
  const jobs = fakeJobs();
  const rating = ratingStore(database);
  const sealed = { behind: 0 };
  const ports: PlanMovePorts &
    Pick<PlanFitPorts, 'plans' | 'customers'> &
    Pick<AlertPorts, 'features' | 'balances'> & { wakeups: typeof rating; prepaid: PrepaidStore; trials: TrialNoticeStore } = {
    usage: usage.reader,
    accounts: rating,
    wakeups: rating,
    trials: trialNoticeStore(database),
    meters: catalog.meters,
    planMoves: catalog.planMoves,
    subscriptions: catalog.subscriptions,
    customers: catalog.customers,
    plans: catalog.plans,
    features: catalog.features,
    balances: memoryBalanceStore(),
    invoices: invoiceStore(database),
    prepaid: prepaidStore(database),
    ledger: { sealedCut: async () => [usage.events.length - sealed.behind] },
    log: { logId: 'log', partitionCount: 1, bounds: async () => ({ earliest: 0, next: usage.events.length }) },
    clock,
    serverClock: clock,
    jobs,
  };

  return {
    ...ports,
    ports,
    tenant,
    database,
    clock,
    jobs,
    usage,
    sealed,
    rules: alertRuleStore(database),

    async waiting(limit = 5000): Promise<Wakeup[]> {
      return (await rating.waiting(limit, [])).filter((row) => row.tenant === tenant);
    },

    async meter(key: string, aggregation: Meter['aggregation'] = 'sum', dimensions: Meter['dimensions'] = {}): Promise<void> {
      const valueProperty = aggregation === 'count' ? null : '$.value';
      const draft = { key, name: key, eventType: key, aggregation, valueProperty, dimensions, filter: {} };
      await catalog.meters.insert(draft, clock.nowMs(), tenant);
    },

    async plan(
      key: string,
      rateCards: readonly RateCard[],
      every: 'week' | 'month' | 'year' = 'month',
      proration?: 'second' | 'none',
      unusedTime: UnusedTime = 'credit',
    ): Promise<void> {
      const billingPeriod = { every, anchor: 'calendar', ...(proration && { proration }) } as const;
      await catalog.plans.insert(
        { key, name: key, currency: 'USD', billingPeriod, rateCards, unusedTime },
        clock.nowMs(),
        tenant,
      );
    },

    /** As if all versions of a plan had been made with these rules: published ones do not change. */
    async changeRules(plan: string, rules: ChangeRules): Promise<void> {
      await database.query(`alter table plan_version disable trigger plan_version_is_immutable`);
      await database.query('update plan_version set change_rules = $1::jsonb where plan = $2 and tenant = $3', [
        JSON.stringify(rules),
        plan,
        tenant,
      ]);
      await database.query(`alter table plan_version enable trigger plan_version_is_immutable`);
    },

    priceChanges: priceChangeCatalog({ ...catalog, clock }),
    negotiatedPrices: negotiatedPriceCatalog({ ...catalog, clock }),

    async customer(key: string, subjects: readonly string[], timezone = 'UTC'): Promise<void> {
      await catalog.customers.insert({ key, name: `${key} Inc.`, currency: 'USD', timezone, subjects }, clock.nowMs(), tenant);
    },

    async subscribe(customer: string, plan: string, startsAt: string, commitment: Commitment | null = null): Promise<string> {
      const startsAtMs = Date.parse(startsAt);
      const id = `sub_${tenant}_${customer}_${plan}`;
      const draft = { id, customer, plan, planVersion: 1, startsAtMs, commitment };
      const times = { startDayMs: startOfLocalDay(startsAtMs, 'UTC'), nowMs: clock.nowMs() };
      const inserted = await catalog.subscriptions.insert(draft, times, tenant);
      if (typeof inserted === 'string') throw new Error(`${id} was not inserted`);
      return id;
    },

    /** Commits usage: the events and the row that wakes rating appear together, as the segment ledger makes them. */
    async use(meter: string, subject: string, at: string, value: string, dims: UsageEvent['dims'] = {}): Promise<void> {
      usage.events.push({ meter, subject, atMs: Date.parse(at), value, dims });
      await database.query('insert into rating_wakeup (tenant, subjects) values ($1, $2::jsonb)', [
        tenant,
        JSON.stringify([subject]),
      ]);
    },

    /** Gives a customer units or money; effective from 2000 on unless said otherwise. Answers the id. */
    async give(customer: string, input: object): Promise<string> {
      const body = newGrantSchema.parse({ effectiveAt: '2000-01-01T00:00:00Z', ...input });
      return (await createGrant({ ...ports, customers: catalog.customers }, customer, body, tenant)).id;
    },

    /** Every movement of a customer's ledger, grants by their keys. */
    async ledger(customer: string): Promise<string[]> {
      const rows = await database.query<{ key: string; kind: string; amount: string; balance: string; adjusts: string | null }>(
        `select g.key, m.kind, trim_scale(m.amount) as amount, trim_scale(m.balance) as balance, m.adjusts from prepaid_movement m join prepaid_grant g on g.id = m."grant"
         where m.customer = $1 and m.tenant = $2 order by m.position`,
        [customer, tenant],
      );
      return rows.map(({ key, kind, amount, balance, adjusts }) => `${key} ${kind} ${amount} -> ${balance}${adjusts === null ? '' : ` for ${adjusts}`}`); // prettier-ignore
    },

    /** What the reconciliation says of this tenant's ledgers. */
    async prepaidFaults(): Promise<readonly string[]> {
      const own = <T extends { readonly tenant: string }>(page: { items: readonly T[]; nextAfter: string | null }) => {
        return { ...page, items: page.items.filter((each) => each.tenant === tenant) };
      };
      const { invoices, prepaid } = ports;
      return (
        await prepaidAddsUp({
          invoices: { allInvoices: async (request) => own(await invoices.allInvoices(request)) },
          prepaid: { allLedgers: async (request) => own(await prepaid.allLedgers(request)) },
        })
      ).differences;
    },

    async occurrences(): Promise<string[]> {
      const rows = await database.query<{ customer: string; threshold: string; spend: string; period_from: string }>(
        'select customer, threshold, spend, period_from from alert_occurrence where tenant = $1 order by period_from, customer, threshold_amount',
        [tenant],
      );
      return rows.map((row) => `${row.customer} ${row.threshold} at ${row.spend} in ${row.period_from.slice(0, 10)}`);
    },

    async messages(type: string): Promise<Record<string, unknown>[]> {
      const rows = await database.query<{ payload: string }>(
        'select payload from webhook_message where type = $1 and tenant = $2 order by created_at, id',
        [type, tenant],
      );
      return rows.map((row) => (JSON.parse(row.payload) as { data: Record<string, unknown> }).data);
    },

    async invoices(): Promise<{ number: string; subscription: string; period_from: string; total: string; document: string }[]> {
      return database.query(
        'select number, subscription, period_from, total, document from invoice where tenant = $1 order by number',
        [tenant],
      );
    },

    /** Leaves nothing that another test's worker would take up. */
    async close(): Promise<void> {
      await jobs.close();
      await database.query('delete from rating_wakeup');
      await database.query('delete from invoice_schedule');
      await database.query(`update invoice_run set state = 'complete'`);
    },
  };
}

export type RatingFixture = Awaited<ReturnType<typeof openRatingFixture>>;
