import { setTimeout as sleep } from 'node:timers/promises';
import type { InvoiceDocument } from '@meterline/domain/invoices';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import vectors from '../data/vectors/lifecycle.json' with { type: 'json' };
import { type ScenarioServer, startScenario } from '../support/scenario-server.ts';

/** Figures of an established billing system, on one server whose clock moves through all of them in the order of time. What is not followed, and why: docs/guides/fees.md. */
interface Expected {
  readonly kind?: string;
  readonly amountCents?: string;
  readonly subtotalCents?: string;
  readonly from?: string;
  readonly to?: string;
}

interface Step {
  readonly at: string;
  readonly do: string;
  readonly value?: string;
  readonly perUnitCents?: string;
  readonly expect?: readonly Expected[];
}

interface Case {
  readonly id: string;
  readonly kind: string;
  readonly plan: {
    readonly amountCents?: string;
    readonly interval: string;
    readonly payInAdvance?: boolean;
    readonly trialDays?: string;
  };
  readonly billing?: 'calendar' | 'anniversary';
  readonly timezone?: string;
  readonly startAt?: string;
  readonly endingAt?: string;
  readonly terminatedAt?: string;
  readonly trialDays?: string;
  readonly period?: string;
  readonly upgraded?: boolean;
  readonly usageCents?: string;
  readonly onTermination?: string;
  readonly given?: { readonly planAmountOnFee?: string; readonly paid?: string };
  readonly steps?: readonly Step[];
  readonly noInvoiceAt?: readonly string[];
  readonly exactlyOneInvoiceAcross?: readonly string[];
  readonly stillOneInvoiceAt?: readonly string[];
  readonly expect?: readonly Expected[] | { readonly subtotalCents: string };
}

const NOT_FOLLOWED = new Set(['lagop-upgrade-001', 'lagop-term-016', 'lagop-ct-004', 'lagop-ct-007', 'lagop-ct-008', 'lagop-ct-010', 'lagop-ct-011']); // prettier-ignore
const KINDS = ['start', 'terminate', 'termination_credit_note', 'subscription_fee', 'scheduled_end', 'billing_run', 'period_sequence', 'trial']; // prettier-ignore
const CASES = (vectors as unknown as Case[]).filter(({ id, kind }) => KINDS.includes(kind) && !NOT_FOLLOWED.has(id));
const EVERY: Readonly<Record<string, string>> = {
  weekly: 'week',
  monthly: 'month',
  quarterly: 'quarter',
  semiannual: 'half_year',
  yearly: 'year',
};
const UNUSED_TIME: Readonly<Record<string, string>> = { refund: 'refund', skip: 'none' };
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let server: ScenarioServer;
/** What each case came to: its documents when all of it was over, and counts of its invoices at instants. */
const results = new Map<string, { documents: InvoiceDocument[]; counts: number[] }>();

beforeAll(async () => {
  const actions = CASES.flatMap(actionsOf).toSorted((a, b) => a.atMs - b.atMs);
  server = await startScenario({ now: new Date((actions[0]?.atMs ?? 0) - DAY_MS).toISOString() });
  await call('PUT', '/v1/invoice-schedule', { cron: '0 0 29 2 *' }); // only the runs asked for here
  await call('POST', '/v1/meters', { key: 'used', name: 'Used', eventType: 'used', aggregation: 'sum', valueProperty: '$.n', dimensions: {} }); // prettier-ignore
  for (const { atMs, act } of actions) {
    // The clock goes on by itself: what happens at one instant happens within some seconds.
    const { now } = await call<{ now: string }>('GET', '/v1/clock');
    if (Date.parse(now) < atMs) await server.clockTo(new Date(atMs).toISOString());
    await act();
  }
}, 300_000);
afterAll(() => server.stop());

const call: ScenarioServer['call'] = (method, route, body) => server.call(method, route, body);

async function runsComplete(): Promise<void> {
  for (;;) {
    const { items } = await call<{ items: { state: string }[] }>('GET', '/v1/invoice-runs?limit=20');
    if (items.every(({ state }) => state === 'complete')) return;
    await sleep(10);
  }
}

async function bill(): Promise<void> {
  await call('POST', '/v1/invoice-runs', {});
  await runsComplete();
}

const instantOf = (text: string) =>
  Date.parse(text.includes('T') ? text.replace(/T(\d\d:\d\d)Z$/, 'T$1:00Z') : `${text}T00:00:00Z`);
const money = (cents: string) => (Number(cents) / 100).toFixed(2);

async function subscribe(vector: Case, atMs: number): Promise<void> {
  const { id, plan, billing = 'calendar', timezone = 'UTC', usageCents, onTermination, given, steps = [] } = vector;
  const { trialDays = plan.trialDays, upgraded = false } = vector;
  const fee = {
    model: 'flat',
    amount: money(given?.planAmountOnFee ?? plan.amountCents ?? '100'),
    paymentTerm: plan.payInAdvance === true ? 'advance' : 'arrears',
  };
  const unitCents = steps.find(({ perUnitCents }) => perUnitCents !== undefined)?.perUnitCents;
  const unitAmount = unitCents === undefined ? '0.01' : money(unitCents);
  const used = { key: 'used', name: 'Used', meter: 'used', price: { model: 'per_unit', unitAmount } };
  const isMetered = usageCents !== undefined || unitCents !== undefined;
  const trial = { key: 'trial', name: 'Trial', lasts: { days: Number(trialDays) }, trial: { converts: 'always' } };
  const free = { ...trial, rateCards: [{ key: 'base', percentOff: '100' }] };
  await call('POST', '/v1/customers', { key: id, name: id, currency: 'USD', timezone, subjects: [id] });
  const terms = {
    ...{ name: id, currency: 'USD', billingPeriod: { every: EVERY[plan.interval], anchor: billing } },
    rateCards: [{ key: 'base', name: 'Base', price: fee }, ...(isMetered ? [used] : [])],
    unusedTime: UNUSED_TIME[onTermination ?? ''] ?? 'credit',
  };
  await call('POST', '/v1/plans', { key: id, ...terms, ...(trialDays !== undefined && { phases: [free] }) });
  if (upgraded) await call('POST', '/v1/plans', { key: `${id}-next`, ...terms });
  const { id: subscription } = await call<{ id: string }>('POST', '/v1/subscriptions', { customer: id, plan: id });
  subscriptions.set(id, subscription);
  await runsComplete();
  if (usageCents === undefined) return;
  await use(id, atMs, usageCents);
}

async function use(subject: string, atMs: number, n: string): Promise<void> {
  const time = new Date(atMs).toISOString();
  await call('POST', '/v1/events', [{ specversion: '1.0', id: `${subject} ${time}`, source: 'test', type: 'used', subject, time, data: { n } }]); // prettier-ignore
}

async function upgrade({ id }: Case): Promise<void> {
  await call('POST', `/v1/subscriptions/${subscriptions.get(id)}/changes`, { kind: 'plan', plan: `${id}-next` });
}

const subscriptions = new Map<string, string>();

async function end({ id }: Case, at?: string): Promise<void> {
  await call('POST', `/v1/subscriptions/${subscriptions.get(id)}/end`, at === undefined ? {} : { at });
  await runsComplete();
}

async function documentsOf(customer: string): Promise<InvoiceDocument[]> {
  const found: InvoiceDocument[] = [];
  for (const list of ['invoices', 'credit-notes']) {
    const { items } = await call<{ items: { id: string }[] }>('GET', `/v1/${list}?customer=${customer}&limit=100`);
    for (const { id } of items.toReversed()) found.push(await call('GET', `/v1/${list}/${id}`));
  }
  return found;
}

interface Action {
  readonly atMs: number;
  readonly act: () => Promise<void>;
}

/** What a case does, and when. */
function actionsOf(vector: Case): Action[] {
  const { id, kind, timezone = 'UTC' } = vector;
  const counts: number[] = [];
  const startText = vector.startAt ?? vector.steps?.[0]?.at ?? vector.period?.slice(0, 10) ?? impliedStart(vector);
  // A date is one of the customer's zone; those here are all of UTC.
  const startMs = instantOf(startText);
  if (Number.isNaN(startMs)) throw new Error(`${id} in ${timezone} does not say when it starts`);
  const conclude = async () => void results.set(id, { documents: await documentsOf(id), counts });
  const then = (atMs: number, act: () => Promise<void>) => ({ atMs, act });
  const begin = then(startMs, () => subscribe(vector, startMs));
  const endText = vector.terminatedAt ?? vector.steps?.find((step) => step.do === 'terminate')?.at;
  const invoiceDay = (text: string) => instantOf(text) + 12 * HOUR_MS;
  switch (kind) {
    case 'start':
      return [begin, then(startMs + 1000, conclude), then(startMs + 1000, () => end(vector))];
    case 'terminate':
    case 'termination_credit_note':
    case 'subscription_fee': {
      if (endText === undefined) {
        // A year, a month, a week: their first invoice is due by then.
        const days: Readonly<Record<string, number>> = { weekly: 8, monthly: 32, yearly: 300 };
        const doneMs = startMs + (days[vector.plan.interval] ?? 0) * DAY_MS;
        return [begin, then(doneMs, bill), then(doneMs + 1, conclude), then(doneMs + 2, () => end(vector))];
      }
      const endMs = instantOf(endText);
      const october = kind === 'termination_credit_note' ? [then(instantOf('2022-10-01'), bill)] : [];
      const last = then(endMs + 26 * HOUR_MS, bill);
      return [
        begin,
        ...october,
        then(endMs, () => (vector.upgraded ? upgrade(vector) : end(vector))),
        last,
        then(last.atMs + 1, conclude),
      ];
    }
    case 'trial': {
      const steps = (vector.steps ?? []).slice(1).map(({ at, value }) => {
        const atMs = instantOf(at);
        return then(atMs, value === undefined ? bill : () => use(id, atMs, value));
      });
      const doneMs = Math.max(...steps.map(({ atMs }) => atMs)) + 1;
      return [begin, ...steps, then(doneMs, conclude), then(doneMs + 1, () => end(vector))];
    }
    case 'scheduled_end': {
      const endMs = instantOf(vector.endingAt ?? '');
      const scheduled = then(startMs + 1000, () => end(vector, new Date(endMs).toISOString()));
      return [begin, scheduled, then(endMs + 26 * HOUR_MS, bill), then(endMs + 27 * HOUR_MS, conclude)];
    }
    case 'billing_run': {
      const count = (text: string) =>
        then(instantOf(text), async () => {
          await bill();
          counts.push((await documentsOf(id)).length);
        });
      const { noInvoiceAt = [], exactlyOneInvoiceAcross = [], stillOneInvoiceAt = [] } = vector;
      // Periods before those that the case looks at.
      const before = count(new Date(instantOf(noInvoiceAt[0] ?? '') - 6 * HOUR_MS).toISOString().replace('.000', ''));
      const looks = [...noInvoiceAt, exactlyOneInvoiceAcross.at(-1) ?? '', ...stillOneInvoiceAt].map(count);
      const across = exactlyOneInvoiceAcross.slice(0, -1).map((text) => then(instantOf(text), bill));
      const doneMs = Math.max(...looks.map(({ atMs }) => atMs)) + 1;
      return [begin, before, ...looks, ...across, then(doneMs, conclude), then(doneMs + 1, () => end(vector))];
    }
    case 'period_sequence': {
      const days = (vector.expect as unknown as { billAt: string }[]).map(({ billAt }) => then(invoiceDay(billAt), bill));
      const doneMs = Math.max(...days.map(({ atMs }) => atMs)) + 1;
      return [begin, ...days, then(doneMs, conclude), then(doneMs + 1, () => end(vector))];
    }
    default:
      throw new Error(`nothing is known of ${kind}`);
  }
}

/** Of those that say it in words alone. */
function impliedStart({ terminatedAt, trialDays }: Case): string {
  if (terminatedAt === undefined) return trialDays === undefined ? '' : '2022-03-01';
  return trialDays === undefined ? '2022-03-14' : '2022-03-15';
}

const amountOf = (kind: string, expected: readonly Expected[] = []) => expected.find((each) => each.kind === kind)?.amountCents;
const baseOf = (document: InvoiceDocument | undefined) => document?.lines.find(({ key }) => key === 'base')?.amount;

function resultOf({ id }: Case) {
  const found = results.get(id);
  if (found === undefined) throw new Error(`${id} was not concluded`);
  const { documents } = found;
  return {
    ...found,
    fees: documents.filter(({ kind }) => kind === 'fee'),
    notes: documents.filter(({ kind }) => kind === 'credit_note'),
    periods: documents.filter(({ kind }) => kind === undefined),
  };
}

const ofKind = (...kinds: string[]) => CASES.filter(({ kind }) => kinds.includes(kind));

describe('fees of the vectors over the API', () => {
  it.each(ofKind('start'))('$id is invoiced as it starts', (vector) => {
    const { fees, documents } = resultOf(vector);
    expect(documents).toHaveLength(1);
    expect(fees[0]?.total).toBe(money(amountOf('subscription_fee', vector.expect as Expected[]) ?? ''));
  });

  it.each(ofKind('terminate'))('$id bills and gives back what the vector says', (vector) => {
    const { fees, notes, periods } = resultOf(vector);
    const [begun, ended] = [vector.steps?.[0]?.expect, vector.steps?.find((step) => step.do === 'terminate')?.expect];
    const note = ended?.find(({ kind }) => kind === 'credit_note');
    const fee = amountOf('subscription_fee', begun);
    expect(fees[0]?.total).toBe(fee === undefined ? undefined : money(fee));
    expect(notes.map(({ creditNote }) => creditNote?.amount)).toEqual(
      note === undefined ? [] : [money(note.subtotalCents ?? '')],
    );
    const last = amountOf('subscription_fee', ended);
    if (last !== undefined) expect(baseOf(periods.at(-1))).toBe(money(last));
    // In the end the usage is left to pay, less what was credited; taxes are left out.
    const credited = note === undefined || vector.onTermination === 'refund' ? 0 : Number(note.subtotalCents);
    const due = Number(vector.usageCents ?? 0) + Number(last ?? 0) - credited;
    expect(periods.at(-1)?.total).toBe(money(String(Math.max(due, 0))));
  });

  it.each(ofKind('termination_credit_note'))('$id is credited', (vector) => {
    const { subtotalCents } = vector.expect as { subtotalCents: string };
    expect(resultOf(vector).notes.map(({ creditNote }) => creditNote)).toMatchObject([
      { amount: money(subtotalCents), treatment: 'credit', lines: [{ unused: 16, inPeriod: 31 }] },
    ]);
  });

  it.each(ofKind('subscription_fee', 'scheduled_end'))('$id is billed when its period ends', (vector) => {
    const { fees, periods } = resultOf(vector);
    // A trial has an invoice of its own, of nothing; where it lasts beyond the period that is the one.
    const paid =
      vector.plan.payInAdvance === true ? fees : periods.toSorted((a, b) => a.period.from.localeCompare(b.period.from));
    const behind = paid.find(({ phase }) => phase === undefined) ?? paid[0];
    expect(baseOf(behind)).toBe(money(amountOf('subscription_fee', vector.expect as Expected[]) ?? ''));
  });

  it.each(ofKind('trial'))('$id pays its fee from the end of the trial on, and usage always', (vector) => {
    const { fees, periods } = resultOf(vector);
    const expected = (kind: string) =>
      (vector.steps ?? []).flatMap((step) => step.expect ?? []).filter((each) => each.kind === kind).map(({ amountCents = '' }) => money(amountCents)); // prettier-ignore
    const inOrder = periods.toSorted((a, b) => a.period.from.localeCompare(b.period.from));
    const usage = inOrder.flatMap(({ lines }) => lines.filter(({ key, amount }) => key === 'used' && amount !== '0.00'));
    expect(fees.map(({ total }) => total)).toEqual(expected('subscription_fee'));
    expect(usage.map(({ amount }) => amount)).toEqual(expected('usage_fee'));
  });

  it.each(ofKind('billing_run'))('$id gets one invoice, however often it is run', (vector) => {
    const [before = 0, ...counts] = resultOf(vector).counts;
    const none = (vector.noInvoiceAt ?? []).map(() => 0);
    const one = [0, ...(vector.stillOneInvoiceAt ?? [])].map(() => 1);
    expect(counts.map((count) => count - before)).toEqual([...none, ...one]);
  });

  it.each(ofKind('period_sequence'))('$id has the periods of the vector', (vector) => {
    const { fees, periods } = resultOf(vector);
    const billed = vector.plan.payInAdvance === true ? fees : periods;
    const expected = (vector.expect as readonly Expected[]).map(({ from, to }) => ({
      from,
      to: new Date(instantOf(to ?? '') + 1000).toISOString().replace('.000', ''),
    }));
    expect(billed.map(({ period }) => ({ from: period.from, to: period.to }))).toEqual(expected);
  });

  it('all of it reconciles', async () => {
    const { holds, invariants } = await call<{ holds: boolean; invariants: unknown[] }>('GET', '/v1/reconciliation');
    expect(holds, JSON.stringify(invariants)).toBe(true);
  });
});
