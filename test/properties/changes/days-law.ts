import assert from 'node:assert/strict';
import { catalogStores } from '@meterline/backends/postgres';
import type { InvoiceDocument } from '@meterline/domain/invoices';
import { localDateAt, parseInstantMs } from '@meterline/domain/time';
import type { Database, SubscriptionRecord } from '@meterline/pipeline/ports';
import fc from 'fast-check';
import { type PlanTerms, type WholeLife, wholeLife } from '../../support/subscription-arbitraries.ts';
import { bill, documents, subscribed, type Subscribed, take } from '../../support/subscription-life.ts';
import type { Law } from '../law.ts';
import { chargedByPeriod, isOfPeriod } from './charged.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const TITLE = 'any plans and changes: each day is billed once by its plan, and comes to the same in one go as month by month';

/** Each case has two tenants of its own. */
export function daysLaw(database: Database): Law {
  return { title: TITLE, property: fc.asyncProperty(wholeLife, (lived) => daysAreBilledOnce(database, lived)) };
}

/**
 * What is kept of fees for unused time was billed by whoever billed in time: such plans are left to the other law. So are minimums in advance, of
 * which nothing is given back while the subscription rests (ADR 47), and thresholds: what one invoiced on a day that rests afterwards stays invoiced (ADR 44).
 */
function givesBack(terms: PlanTerms): PlanTerms {
  const { unusedTime, commitment } = terms;
  const inAdvance = commitment?.trueUp === 'in_advance';
  return {
    ...terms,
    unusedTime: unusedTime === 'none' ? 'refund' : unusedTime,
    commitment: inAdvance ? null : commitment,
    invoiceThresholds: undefined,
  };
}

/** Each day is billed once, by its plan, and what it comes to does not depend on when invoices run. */
async function daysAreBilledOnce(database: Database, { steps, beginning }: WholeLife): Promise<void> {
  const [one, two, three] = beginning.plans;
  const plans: typeof beginning.plans = [givesBack(one), givesBack(two), givesBack(three)];
  const monthly = await subscribed(database, { ...beginning, plans });
  const atOnce = await subscribed(database, { ...beginning, plans, billedAtStart: false });
  let atMs = beginning.startsAtMs;
  for (const step of steps) {
    atMs += step.afterHours * HOUR_MS;
    await billInTime(monthly, atMs);
    const made = await take(monthly, step, atMs);
    assert.equal(await take(atOnce, { ...step, billed: false }, atMs), made);
  }
  atMs += 100 * DAY_MS;
  await billInTime(monthly, atMs);
  for (const { it } of [monthly, atOnce]) it.clock.moveTo(atMs);
  for (const { it } of [monthly, atOnce]) await bill(it);
  const inParts = await documents(monthly.it);
  const inOneGo = await documents(atOnce.it);
  const covered = periodsOf(inOneGo);
  assert.deepEqual(periodsOf(inParts), covered);
  // What goes on is billed as far as runs came; it is settled when it ends.
  const goesOn = ({ period }: InvoiceDocument) => (parseInstantMs(period.to) ?? NaN) > atMs;
  const open = new Set([...inParts, ...inOneGo].filter(goesOn).map(({ period }) => period.from));
  const ended = (all: readonly InvoiceDocument[]) => chargedByPeriod(all.filter(({ period }) => !open.has(period.from)));
  assert.deepEqual(ended(inParts), ended(inOneGo));

  const { it, subscription } = atOnce;
  const record = await catalogStores(database).subscriptions.byId(subscription, it.tenant);
  if (record === undefined) throw new Error(`there is no subscription ${subscription}`);
  expectDaysOnce(record, inOneGo.filter(isOfPeriod), beginning.timezone);
}

/** As a scheduler would, sometimes twice within a period. */
async function billInTime({ it }: Subscribed, untilMs: number): Promise<void> {
  while (it.clock.nowMs() + 11 * DAY_MS < untilMs) {
    it.clock.moveTo(it.clock.nowMs() + 11 * DAY_MS);
    await bill(it);
  }
}

const periodsOf = (all: readonly InvoiceDocument[]) =>
  all
    .filter(isOfPeriod)
    .map(({ plan, phase, period }) => `${period.from} ${period.to} ${plan} ${phase?.key ?? ''}`)
    .toSorted();

function expectDaysOnce({ stages, endsAtMs }: SubscriptionRecord, invoices: readonly InvoiceDocument[], timezone: string): void {
  const dayOf = (instant: string | number) =>
    localDateAt(typeof instant === 'number' ? instant : (parseInstantMs(instant) ?? NaN), timezone);
  const lastDay = endsAtMs === null ? Infinity : dayOf(endsAtMs);
  const firstDay = dayOf(stages[0]?.fromMs ?? NaN);
  const billed = invoices.map(({ plan, period }) => ({ plan, from: dayOf(period.from), to: dayOf(period.to) }));
  for (let day = firstDay; day < Math.max(firstDay, ...billed.map(({ to }) => to)); day += 1) {
    const covering = billed.filter(({ from, to }) => from <= day && day < to).map(({ plan }) => plan);
    const stage = stages.findLast(({ fromMs }) => dayOf(fromMs) <= day);
    const holds =
      stage !== undefined && (stage.untilMs === null || day < dayOf(stage.untilMs)) && !stage.paused && day <= lastDay;
    assert.deepEqual({ day, plans: covering }, { day, plans: holds ? [stage.plan] : [] });
  }
}
