import type { InvoiceDocument } from '@meterline/domain/invoices';
import { add, decimal, formatMoney, ZERO } from '@meterline/domain/money';
import { parseInstantMs, startOfDateMs } from '@meterline/domain/time';
import { expect } from 'vitest';
import { type CasePlan, type ExpectedDocument, type LifecycleCase, money } from '../../support/lifecycle-vectors.ts';
import type { ScenarioServer } from '../../support/scenario-server.ts';
import type { Problem } from '../../support/scenario-tenant.ts';

export const DAY_MS = 86_400_000;
const EVERY: Readonly<Record<string, string>> = {
  weekly: 'week',
  monthly: 'month',
  quarterly: 'quarter',
  semiannual: 'half_year',
  yearly: 'year',
};
/** What the events of a case say: how much was used, or by how much what is held changed. */
const METERS: Readonly<Record<string, object>> = {
  used: { aggregation: 'sum' },
  held: { aggregation: 'weighted_sum', level: { values: 'change', unit: 'period' } },
};
/** Units of money: 5000 of them are 50.00. */
export const USAGE = { key: 'used', name: 'Used', meter: 'used', price: { model: 'per_unit', unitAmount: '0.01' } };

/** Units that are held from an event on, each paid for by its days. */
export const heldAt = (seatAmount: string) => ({
  ...{ key: 'held', name: 'Held', meter: 'held' },
  price: { model: 'per_seat', seatAmount, paymentTerm: 'arrears' },
});

/** Documents of a customer, oldest first. */
export interface Issued {
  readonly all: readonly InvoiceDocument[];
  readonly fees: readonly InvoiceDocument[];
  readonly notes: readonly InvoiceDocument[];
  /** Invoices of periods, by when they begin. */
  readonly periods: readonly InvoiceDocument[];
}

/** One case in a sandbox of its own: the customer `customer` with one subscription. */
export interface LifecycleRun {
  /** A plan of one flat fee, and whatever else `terms` say. */
  plan(key: string, plan: CasePlan, terms?: PlanTerms): Promise<void>;
  /** This and all below wait for what is invoiced at once. */
  subscribe(plan: string): Promise<void>;
  /** Goes to an instant, unless it is over: the clock ticks on by itself. */
  reach(atMs: number): Promise<void>;
  /** A change of plan. */
  change(plan: string, at?: 'period_end'): Promise<void>;
  refusedChange(plan: string): Promise<Problem>;
  end(at?: string): Promise<void>;
  use(atMs: number, n: string): Promise<void>;
  bill(): Promise<void>;
  issued(): Promise<Issued>;
  /** What the period comes to so far. */
  spend(): Promise<string>;
}

interface PlanTerms {
  readonly currency?: string;
  readonly proration?: 'second' | 'none';
  readonly rateCards?: readonly { readonly meter: string; readonly price: object; readonly modifiers?: object }[];
  readonly unusedTime?: string;
  readonly phases?: readonly object[];
  readonly changeRules?: object;
}

/** A date alone is a local midnight; some instants leave out their seconds. */
export function instantOf(text: string, timezone = 'UTC'): number {
  if (!text.includes('T')) return startOfDateMs(Date.parse(text) / DAY_MS, timezone);
  const ms = parseInstantMs(text.replace(/T(\d\d:\d\d)Z$/, 'T$1:00Z'));
  if (ms === undefined) throw new Error(`not an instant: ${text}`);
  return ms;
}

const instant = (ms: number) => new Date(ms).toISOString();
export const baseOf = (document: InvoiceDocument | undefined) => document?.lines.find(({ key }) => key === 'base')?.amount;

export const sumOf = (amounts: readonly string[]): string =>
  formatMoney(
    amounts.reduce((sum, amount) => add(sum, decimal(amount)), ZERO),
    'USD',
  );

/** The fee of an invoice, and the days it is for. */
export function expectFee(document: InvoiceDocument | undefined, expected: ExpectedDocument | undefined): void {
  expect(baseOf(document)).toBe(expected && money(expected.amountCents ?? ''));
  if (expected?.days === undefined) return;
  expect([document?.period.days, document?.period.daysInPeriod]).toEqual([Number(expected.days), Number(expected.daysInPeriod)]);
}

/** Makes a sandbox whose clock begins with the case. */
export async function beginCase(
  server: ScenarioServer,
  { id, timezone = 'UTC', billing = 'calendar' }: Pick<LifecycleCase, 'id' | 'timezone' | 'billing'>,
  startMs: number,
): Promise<LifecycleRun> {
  const tenant = await server.sandbox(id, instant(startMs));
  const { call } = tenant;
  await call('PUT', '/v1/invoice-schedule', { cron: '0 0 29 2 *' }); // only the runs asked for here
  const made = new Set<string>();
  let hasCustomer = false;
  let subscription = '';

  async function meter(key: string): Promise<void> {
    if (made.has(key)) return;
    made.add(key);
    await call('POST', '/v1/meters', { key, name: key, eventType: 'used', valueProperty: '$.n', ...METERS[key] });
  }

  async function documents(list: 'invoices' | 'credit-notes'): Promise<InvoiceDocument[]> {
    const { items } = await call<{ items: { id: string }[] }>('GET', `/v1/${list}?customer=customer&limit=100`);
    return Promise.all(items.toReversed().map((item) => call<InvoiceDocument>('GET', `/v1/${list}/${item.id}`)));
  }

  return {
    async plan(key, { amountCents = '100', interval, payInAdvance = false, minimumCommitmentCents }, terms = {}) {
      const { currency = 'USD', proration, rateCards = [], ...more } = terms;
      for (const card of rateCards) await meter(card.meter);
      const amount = currency === 'USD' ? money(amountCents) : amountCents;
      const price = { model: 'flat', amount, paymentTerm: payInAdvance ? 'advance' : 'arrears' };
      await call('POST', '/v1/plans', {
        ...{ key, name: key, currency },
        billingPeriod: { every: EVERY[interval], anchor: billing, ...(proration && { proration }) },
        rateCards: [{ key: 'base', name: 'Base', price }, ...rateCards],
        ...(minimumCommitmentCents !== undefined && {
          commitment: { minimumSpend: money(minimumCommitmentCents), every: 'period' },
        }),
        ...more,
      });
      if (hasCustomer) return;
      await call('POST', '/v1/customers', { key: 'customer', name: id, currency, timezone, subjects: ['customer'] });
      hasCustomer = true;
    },

    async subscribe(plan) {
      const startsAt = instant(startMs);
      ({ id: subscription } = await call<{ id: string }>('POST', '/v1/subscriptions', { customer: 'customer', plan, startsAt }));
      await tenant.runsOver();
    },

    async reach(atMs) {
      const { now } = await call<{ now: string }>('GET', '/v1/clock');
      if (Date.parse(now) < atMs) await tenant.clockTo(instant(atMs));
    },

    async change(plan, at) {
      await call('POST', `/v1/subscriptions/${subscription}/changes`, { kind: 'plan', plan, ...(at && { at }) });
      await tenant.runsOver();
    },

    async refusedChange(plan) {
      return tenant.refusal('POST', `/v1/subscriptions/${subscription}/changes`, { kind: 'plan', plan });
    },

    async end(at) {
      await call('POST', `/v1/subscriptions/${subscription}/end`, at === undefined ? {} : { at });
      await tenant.runsOver();
    },

    async use(atMs, n) {
      const time = instant(atMs);
      await call('POST', '/v1/events', [{ specversion: '1.0', id: time, source: 'test', type: 'used', subject: 'customer', time, data: { n } }]); // prettier-ignore
    },

    async bill() {
      await tenant.invoiceRun();
    },

    async spend() {
      return (await call<{ total: string }>('GET', '/v1/customers/customer/spend')).total;
    },

    async issued() {
      await tenant.runsOver();
      const [invoices, notes] = await Promise.all([documents('invoices'), documents('credit-notes')]);
      const periods = invoices.filter(({ kind }) => kind === undefined);
      return {
        all: [...invoices, ...notes],
        fees: invoices.filter(({ kind }) => kind === 'fee'),
        notes,
        periods: periods.toSorted((a, b) => a.period.from.localeCompare(b.period.from)),
      };
    },
  };
}
