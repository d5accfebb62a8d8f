import { catalogStores } from '@meterline/backends/postgres';
import type { InvoiceDocument, InvoiceThresholds } from '@meterline/domain/invoices';
import type { RateCard } from '@meterline/domain/prices';
import type { BillingCadence } from '@meterline/domain/subscriptions';
import { evaluateWakeups } from '@meterline/pipeline/alerts';
import {
  executeInvoiceRun,
  processInvoiceRuns,
  requeuePending,
  requestInvoiceRun,
  verifyInvoice,
} from '@meterline/pipeline/invoices';
import type { Database, InvoiceRun } from '@meterline/pipeline/ports';
import { spendOf } from '@meterline/pipeline/spend';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openTestDatabase } from '../../../test/support/database.ts';
import { expectVerified } from '../../../test/support/rated-again.ts';
import { openRatingFixture, type RatingFixture } from '../../../test/support/rating.ts';
import { changeNow } from '../../../test/support/subscription-changes.ts';

const CALLS: RateCard = { key: 'calls', name: 'Calls', meter: 'calls', price: { model: 'per_unit', unitAmount: '1' } };
const BASE: RateCard = { key: 'base', name: 'Base', price: { model: 'flat', amount: '50.00' } };
const STEPS: InvoiceThresholds = { steps: ['100', '500.00'], thenEvery: '500' };

let database: Database;
let it: RatingFixture;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  it = await openRatingFixture(database, '2026-03-10T12:00:00Z');
  await it.meter('calls');
  await it.customer('acme', ['a']);
});
afterEach(() => it.close());

async function plan(
  key: string,
  rateCards: readonly RateCard[],
  { invoiceThresholds = STEPS, ...cadence }: Partial<BillingCadence> & { invoiceThresholds?: InvoiceThresholds | null } = {},
): Promise<void> {
  const billingPeriod = { every: 'month', anchor: 'calendar', ...cadence } as const;
  await catalogStores(database).plans.insert({ key, name: key, currency: 'USD', billingPeriod, rateCards, invoiceThresholds }, it.clock.nowMs(), it.tenant); // prettier-ignore
}

async function subscribe(rateCards: readonly RateCard[], options: Parameters<typeof plan>[2] = {}): Promise<string> {
  await plan('pro', rateCards, options);
  return it.subscribe('acme', 'pro', '2026-03-01T00:00:00Z');
}

const use = (value: number, at = new Date(it.clock.nowMs()).toISOString()) => it.use('calls', 'a', at, String(value));
/** What rating workers do when rows wake them. */
const evaluate = async () => evaluateWakeups(it.ports, it.tenant, await it.waiting());

/** The same, and the runs that came of it; until nothing more does. */
async function rate(): Promise<InvoiceDocument[]> {
  await processInvoiceRuns(it.ports);
  while ((await it.waiting()).length > 0) {
    await evaluate();
    await it.jobs.idle();
  }
  return documents();
}

async function billAt(instant: string): Promise<InvoiceDocument[]> {
  it.clock.moveTo(Date.parse(instant));
  await processInvoiceRuns(it.ports);
  await requestInvoiceRun(it.ports, undefined, it.tenant);
  await it.jobs.idle();
  return documents();
}

async function documents(): Promise<InvoiceDocument[]> {
  const rows = await database.query<{ document: string }>('select document from invoice where tenant = $1 order by issued_at, number', [it.tenant]); // prettier-ignore
  return rows.map(({ document }) => JSON.parse(document) as InvoiceDocument);
}

const runs = async () => [...(await it.ports.invoices.runs({ after: null, limit: 100 }, it.tenant)).items].reverse();

async function theRun(): Promise<InvoiceRun> {
  const [run, ...others] = await runs();
  if (run === undefined || others.length > 0) throw new Error(`there are ${others.length + (run ? 1 : 0)} runs`);
  return run;
}

/** The runs that are left, as a start finds them. */
async function workOff(): Promise<void> {
  await processInvoiceRuns(it.ports);
  await requeuePending(it.ports);
  await it.jobs.idle();
}

const told = (all: readonly InvoiceDocument[]) =>
  all.map(({ kind = 'period', interim, total }) => {
    return [kind, ...(interim?.threshold ? [`reached ${interim.threshold} at ${interim.reached}`] : []), total].join(' ');
  });

describe('a threshold', () => {
  test('is invoiced when what is owed for usage reaches it, with all of the period so far; fees and what comes behind wait for its end', async () => {
    const subscription = await subscribe([BASE, CALLS]);
    await use(99.99);
    expect(await rate()).toEqual([]);
    await use(0.01);
    const [first] = await rate();
    expect(first).toMatchObject({
      kind: 'interim',
      lines: [{ key: 'calls', quantity: '100', amount: '100.00' }],
      interim: { part: 1, usageTo: '2026-03-10T12:01:00Z', threshold: '100.00', reached: '100.00' },
      total: '100.00',
    });
    expect(await theRun()).toMatchObject({ subscription, threshold: '100.00', state: 'complete', invoices: 1 });
    expect(await it.messages('invoice.finalized')).toMatchObject([{ kind: 'interim', threshold: '100.00', total: '100.00' }]);
    await use(30);
    expect(told(await billAt('2026-04-01T00:05:00Z'))).toEqual(['interim reached 100.00 at 100.00 100.00', 'period 80.00']);
    await expectVerified(it);
  });

  test('that is crossed with others is invoiced once, at the highest; behind the steps they go on', async () => {
    await subscribe([CALLS]);
    await use(730);
    await rate();
    await use(270); // 1,000: the second of "then every 500"
    await rate();
    await use(2499.99); // 3,499.99
    expect(told(await rate())).toEqual([
      'interim reached 500.00 at 730.00 730.00',
      'interim reached 1000.00 at 1000.00 270.00',
      'interim reached 3000.00 at 3499.99 2499.99',
    ]);
    await expectVerified(it);
  });

  test('counts what is left to pay: packs and allowances before it, credits not', async () => {
    await subscribe([{ ...CALLS, modifiers: { allowance: { units: '50' } } }]);
    await it.give('acme', { kind: 'units', key: 'pack', name: 'Pack', meter: 'calls', amount: '30' });
    await it.give('acme', { kind: 'money', key: 'gift', name: 'Gift', amount: '70.00' });
    await use(179); // 99 behind the allowance and the pack
    expect(await rate()).toEqual([]);
    await use(1);
    expect(await rate()).toMatchObject([{ interim: { threshold: '100.00', reached: '100.00' }, prepaid: { credited: '70.00' }, total: '30.00' }]); // prettier-ignore
    await expectVerified(it);
  });

  test('is no fee, and a minimum or fee paid in advance is invoiced by itself first', async () => {
    const overage = { allowance: { units: '100', overagePrice: CALLS.price } };
    await subscribe([{ ...CALLS, price: { model: 'flat', amount: '310.00', paymentTerm: 'advance' }, modifiers: overage }]);
    await use(199);
    expect(told(await rate())).toEqual(['fee 310.00']);
    await use(1);
    expect(told(await rate())).toEqual(['fee 310.00', 'interim reached 100.00 at 100.00 100.00']);
    await expectVerified(it);
  });

  test('that a minimum paid in advance covers is not reached until that is used up', async () => {
    await plan('pro', [CALLS]);
    await it.subscribe('acme', 'pro', '2026-03-01T00:00:00Z', { every: 'period', minimumSpend: '300', trueUp: 'in_advance' });
    await use(399);
    expect(told(await rate())).toEqual(['advance 300.00']);
    await use(1);
    expect(told(await rate())).toEqual(['advance 300.00', 'interim reached 100.00 at 100.00 100.00']);
    await expectVerified(it);
  });
});

describe('a threshold that was passed', () => {
  test('is not taken back when usage is withdrawn, nor reached again when it comes back, but in the next period', async () => {
    await subscribe([CALLS]);
    await use(120);
    await rate();
    await use(-80);
    expect(told(await rate())).toEqual(['interim reached 100.00 at 120.00 120.00']);
    await use(100); // 140: what is owed in all
    expect(await rate()).toHaveLength(1);
    await use(360); // 500
    expect(told(await rate())).toEqual(['interim reached 100.00 at 120.00 120.00', 'interim reached 500.00 at 500.00 380.00']);
    await use(-200);
    await rate();
    expect(told(await billAt('2026-04-01T00:05:00Z')).at(-1)).toBe('period -200.00');
    await use(100);
    expect(told(await rate()).at(-1)).toBe('interim reached 100.00 at 100.00 100.00');
    await expectVerified(it);
  });

  test('is one of its plan: a change of plan begins anew with what is used from then on', async () => {
    const subscription = await subscribe([CALLS]);
    await plan('max', [{ ...CALLS, price: { model: 'per_unit', unitAmount: '2' } }], { invoiceThresholds: { thenEvery: '60' } });
    await use(120, '2026-03-09T00:00:00Z');
    await rate();
    await use(5);
    await changeNow(it, subscription, { kind: 'plan', plan: 'max' });
    // The day of the change is of the new plan: 5 and 25 calls of it at 2.00
    await use(25);
    const all = await rate();
    expect(told(all.filter(({ plan: of }) => of === 'max'))).toEqual(['interim reached 60.00 at 60.00 60.00']);
    await billAt('2026-04-01T00:05:00Z');
    await expectVerified(it);
  });

  test('on the day of a change is deducted from what the new plan bills of that day, whatever its cards are', async () => {
    await plan('pro', [CALLS]);
    const subscription = await it.subscribe('acme', 'pro', '2026-03-10T09:00:00Z');
    await plan('max', [{ ...CALLS, key: 'voice', name: 'Voice' }], { invoiceThresholds: { steps: ['150'] } });
    await use(120);
    await rate();
    await changeNow(it, subscription, { kind: 'plan', plan: 'max' });
    await use(30); // 150 under the new plan, of which 120 were billed: 120 + 150 asked for, and 120 held back
    await rate();
    await use(40);
    const all = await billAt('2026-04-01T00:05:00Z');
    expect(told(all)).toEqual([
      'interim reached 100.00 at 120.00 120.00',
      'interim reached 150.00 at 270.00 150.00',
      'period -80.00', // 190 - 270
    ]);
    await expectVerified(it);
  });

  test('by a corrected price is invoiced without any usage to come', async () => {
    await subscribe([CALLS]);
    await use(60);
    expect(await rate()).toEqual([]);
    const change = {
      rateCard: 'calls',
      validFrom: '2026-03-01T00:00:00Z',
      price: { model: 'per_unit', unitAmount: '2' },
    } as const;
    await it.priceChanges.add({ plan: 'pro', version: 1 }, change, it.tenant);
    expect(told(await rate())).toEqual(['interim reached 100.00 at 120.00 120.00']);
    await expectVerified(it);
  });
});

describe('thresholds under a year that bills its usage by the month', () => {
  test('count what months billed, and leave to the month what they did not', async () => {
    await subscribe([CALLS], { every: 'year', usageEvery: 'month' });
    await use(80);
    await rate();
    await billAt('2026-04-01T00:05:00Z');
    await use(20);
    await rate();
    await use(15, '2026-04-01T00:03:00Z');
    await rate();
    expect(told(await billAt('2026-05-01T00:05:00Z'))).toEqual([
      'interim 80.00',
      'interim reached 100.00 at 100.00 20.00',
      'interim 15.00',
    ]);
    await use(400);
    expect(told(await billAt('2026-06-01T00:05:00Z')).at(-1)).toBe('interim reached 500.00 at 515.00 400.00');
    expect(told(await rate())).toHaveLength(4);
    await expectVerified(it);
  });
});

describe('a threshold is reached once', () => {
  test('by workers at the same time, over the same rows and with the same runs', async () => {
    await subscribe([CALLS]);
    await use(650);
    await Promise.all([1, 2, 3].map(evaluate));
    const run = await theRun();
    await Promise.all([1, 2, 3].map(() => executeInvoiceRun(it.ports, run)));
    expect(told(await rate())).toEqual(['interim reached 500.00 at 650.00 650.00']);
  });

  test('when its worker is killed before it forgot the rows, between the request and the invoice, or behind that', async () => {
    await subscribe([CALLS]);
    await use(120);
    const dead = () => Promise.reject(new Error('killed'));
    const noJobs = { ...it.jobs, enqueue: dead };
    const rows = await it.waiting();
    const killed = { ...it.ports, jobs: noJobs, wakeups: { ...it.wakeups, conclude: dead } };
    await expect(evaluateWakeups(killed, it.tenant, rows)).rejects.toThrow('killed');
    expect(await it.waiting()).toEqual(rows);
    await evaluateWakeups({ ...it.ports, jobs: noJobs }, it.tenant, rows);
    expect(await it.waiting()).toEqual([]);
    const run = await theRun();
    expect(run.state).toBe('running');

    const { invoices } = it.ports;
    const beforeIssue = { ...it.ports, invoices: { ...invoices, issue: dead } };
    await expect(executeInvoiceRun(beforeIssue, run)).rejects.toThrow('killed');
    expect(await documents()).toEqual([]);
    const behindIssue = { ...it.ports, invoices: { ...invoices, completeRun: dead } };
    await expect(executeInvoiceRun(behindIssue, run)).rejects.toThrow('killed');
    expect(told(await documents())).toEqual(['interim reached 100.00 at 120.00 120.00']);

    // Nobody enqueued it: the next start does.
    await workOff();
    expect((await runs()).map(({ id, state, invoices: issued }) => [id, state, issued])).toEqual([[run.id, 'complete', 1]]);
    expect(told(await rate())).toHaveLength(1);
    await expectVerified(it);
  });

  test('by a run that has not begun: a higher level raises it, and one invoice is of the highest', async () => {
    await subscribe([CALLS]);
    const levels: (string | null)[] = [];
    for (const value of [110, 400, 500, 3]) {
      await use(value);
      await evaluate();
      levels.push((await theRun()).threshold);
    }
    expect(levels).toEqual(['100.00', '500.00', '1000.00', '1000.00']);
    expect((await theRun()).targetCut).toEqual([3]);
    await workOff();
    expect(told(await documents())).toEqual(['interim reached 1000.00 at 1013.00 1013.00']);
  });

  test('where it was reached while a run was at work, the end of that run has it looked at again', async () => {
    await subscribe([CALLS]);
    await use(110);
    await evaluate();
    const run = await theRun();
    const { invoices } = it.ports;
    const slow = {
      ...it.ports,
      invoices: {
        ...invoices,
        // Behind what the run rated, and before it is complete: the worker finds the level, and a run that is there.
        async completeRun(...of: Parameters<typeof invoices.completeRun>) {
          await use(500);
          await evaluate();
          await invoices.completeRun(...of);
        },
      },
    };
    await executeInvoiceRun(slow, run);
    expect(told(await documents())).toEqual(['interim reached 100.00 at 110.00 110.00']);
    expect(told(await rate()).at(-1)).toBe('interim reached 500.00 at 610.00 500.00');
  });

  test('not at all where usage was withdrawn before the run came to it, but when it is there again', async () => {
    await subscribe([CALLS]);
    await use(110);
    await evaluate();
    await use(-30);
    await workOff();
    expect((await runs()).map(({ state, invoices }) => [state, invoices])).toEqual([['complete', 0]]);
    await use(20);
    expect(told(await rate())).toEqual(['interim reached 100.00 at 100.00 100.00']);
  });
});

const CARRYING: RateCard = { ...CALLS, modifiers: { allowance: { units: '50', carryOver: { maximumUnits: '50' } } } };
test.each([
  // 40 units carried over and 50 included
  { what: 'is invoiced first where units carry over from it', card: CARRYING, wait: [], total: '0.00', due: '100.00' },
  { what: 'is left to the schedule otherwise', card: CALLS, wait: ['interim reached 100.00 at 190.00 190.00'], total: '10.00', due: '190.00' }, // prettier-ignore
])('the period before $what', async ({ card, wait, total, due }) => {
  await subscribe([card]);
  await use(10);
  await rate();
  it.clock.moveTo(Date.parse('2026-04-01T00:01:00Z'));
  await use(190);
  expect(told(await rate())).toEqual(wait);
  await billAt('2026-04-01T00:05:00Z'); // wakes rating
  expect(told(await rate()).toSorted()).toEqual([`interim reached 100.00 at ${due} ${due}`, `period ${total}`]);
  await expectVerified(it);
});

test('a level that is reached by time alone is found by the next run of the schedule', async () => {
  await subscribe([CALLS]);
  await use(150, '2026-03-10T12:04:00Z'); // ahead of the clock
  expect(await rate()).toEqual([]);
  expect(told(await billAt('2026-03-11T00:05:00Z'))).toEqual(['interim reached 100.00 at 150.00 150.00']);
});

test('live spend says which level is next; whoever is beyond all of them costs no usage query', async () => {
  await subscribe([CALLS], { invoiceThresholds: { steps: ['100', '200'] } });
  const next = async () => (await spendOf(it.ports, 'acme', it.clock.nowMs(), it.tenant)).subscriptions[0]?.nextThreshold;
  expect(await next()).toBe('100.00');
  await use(150);
  await rate();
  expect(await next()).toBe('200.00');
  await use(50);
  await rate();
  expect(await next()).toBe(null);
  const asked = it.usage.queries.length;
  await use(500);
  await evaluate();
  expect(it.usage.queries).toHaveLength(asked);
});

test('an invoice that names another level than it reaches, or none, does not verify', async () => {
  await subscribe([CALLS]);
  await use(120);
  await rate();
  const [invoice] = await documents();
  const forged = async (interim: object) => {
    const document = JSON.stringify({ ...invoice, interim: { ...invoice?.interim, ...interim } });
    return (await verifyInvoice(it.ports, document)).differences;
  };
  for (const [said, interim] of [
    ['50.00 at 120.00', { threshold: '50.00' }],
    ['100.00 at 121.00', { reached: '121.00' }],
    ['nothing at nothing', { threshold: undefined, reached: undefined }],
  ] as const)
    expect(await forged(interim)).toEqual([`threshold: issued ${said}, reached again 100.00 at 120.00`]);
  expect(await forged({})).toEqual([]);
});
