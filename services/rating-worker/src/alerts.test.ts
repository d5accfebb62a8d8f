import { createAlertRule, evaluateWakeups } from '@meterline/pipeline/alerts';
import { processInvoiceRuns, requestInvoiceRun } from '@meterline/pipeline/invoices';
import type { RateCard } from '@meterline/domain/prices';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openRatingFixture, type RatingFixture } from '../../../test/support/rating.ts';
import type { Database } from '@meterline/pipeline/ports';
import { openTestDatabase } from '../../../test/support/database.ts';

// 10.00 a month and 0.01 a call: 1,000 calls make 20.00.
const RATE_CARDS: RateCard[] = [
  { key: 'base', name: 'Base fee', price: { model: 'flat', amount: '10.00' } },
  { key: 'calls', name: 'Calls', meter: 'calls', price: { model: 'per_unit', unitAmount: '0.01' } },
];

let database: Database;
let it: RatingFixture;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

beforeEach(async () => {
  it = await openRatingFixture(database, '2026-03-15T12:00:00Z');
  await it.meter('calls');
  await it.plan('pro', RATE_CARDS);
  await it.customer('acme', ['a1', 'a2']);
  await it.subscribe('acme', 'pro', '2026-02-01T00:00:00Z');
  await createAlertRule(it, { key: 'watch', customer: 'acme', budget: '100.00', thresholds: ['80%', '20.00', '50'] }, it.tenant);
});
afterEach(() => it.close());

/** One turn of the wake loop. */
async function rate(): Promise<number> {
  const wakeups = await it.waiting();
  return (await evaluateWakeups(it.ports, it.tenant, wakeups)).length;
}

test('a level fires when spend reaches it, once, and those crossed together fire together, lowest first', async () => {
  await it.use('calls', 'a1', '2026-03-15T11:00:00Z', '999');
  expect(await rate()).toBe(0); // 10.00 + 9.99 = 19.99
  await it.use('calls', 'a2', '2026-03-15T11:01:00Z', '1');
  expect(await rate()).toBe(1); // 20.00: just met
  await it.use('calls', 'a1', '2026-03-15T11:02:00Z', '6000');
  expect(await rate()).toBe(2); // 80.00: 50 and 80 % of 100.00
  await it.use('calls', 'a1', '2026-03-15T11:03:00Z', '1');
  expect(await rate()).toBe(0);
  const march = ['acme 20.00 at 20.00', 'acme 50 at 80.00', 'acme 80% at 80.00'].map((text) => `${text} in 2026-03-01`);
  expect(await it.occurrences()).toEqual(march);
  const messages = await it.messages('alert.triggered');
  expect(messages).toHaveLength(3);
  expect(messages).toContainEqual({
    id: expect.stringMatching(/^alo_/) as string,
    rule: 'watch',
    customer: 'acme',
    period: { from: '2026-03-01T00:00:00Z', to: '2026-04-01T00:00:00Z' },
    threshold: '80%',
    thresholdAmount: '80.00',
    budget: '100.00',
    spend: '80.00',
    currency: 'USD',
    asOf: { cut: [3], at: expect.stringMatching(/^2026-03-15T12:0/) as string },
  });
});

test('a customer beyond every level costs no usage query', async () => {
  await it.use('calls', 'a1', '2026-03-15T11:00:00Z', '9000');
  expect(await rate()).toBe(3);
  const asked = it.usage.queries.length;
  await it.use('calls', 'a1', '2026-03-15T11:02:00Z', '1');
  expect(await rate()).toBe(0);
  expect(it.usage.queries).toHaveLength(asked);
});

test('usage handled after its period ended fires the levels of that period, until it is invoiced', async () => {
  await it.use('calls', 'a1', '2026-03-31T23:59:00Z', '4000'); // March: 10.00 + 40.00 = 50.00; April: 10.00
  it.clock.moveTo(Date.parse('2026-04-01T00:00:10Z'));
  expect(await rate()).toBe(2);
  expect(await it.occurrences()).toEqual(['acme 20.00 at 50.00 in 2026-03-01', 'acme 50 at 50.00 in 2026-03-01']);

  await processInvoiceRuns(it.ports);
  await requestInvoiceRun(it.ports, undefined, it.tenant);
  await it.jobs.idle();
  await it.use('calls', 'a1', '2026-03-31T23:59:30Z', '9000');
  expect(await rate()).toBe(0);
});

test('a level reached by a new period’s fees alone fires without any usage, once the period before is invoiced', async () => {
  await createAlertRule(it, { key: 'fees', customer: 'acme', thresholds: ['10.00'] }, it.tenant);
  await rate();
  it.clock.moveTo(Date.parse('2026-04-01T00:00:10Z'));
  await processInvoiceRuns(it.ports);
  await requestInvoiceRun(it.ports, undefined, it.tenant);
  await it.jobs.idle();
  await rate();
  expect((await it.occurrences()).filter((text) => text.includes('10.00 at'))).toEqual([
    'acme 10.00 at 10.00 in 2026-03-01',
    'acme 10.00 at 10.00 in 2026-04-01',
  ]);
});

test('a rule created when spend is beyond its level fires without any usage to come', async () => {
  await it.use('calls', 'a1', '2026-03-15T11:00:00Z', '500'); // 15.00
  await rate();
  await createAlertRule(it, { key: 'late', plan: 'pro', thresholds: ['15'] }, it.tenant);
  expect(await rate()).toBe(1);
});

describe('a plan rule', () => {
  test('looks at the subscriptions on its plan only, a customer rule at all of them', async () => {
    await it.plan('extra', [{ key: 'fee', name: 'Fee', price: { model: 'flat', amount: '45.00' } }]);
    await it.subscribe('acme', 'extra', '2026-03-01T00:00:00Z');
    await createAlertRule(it, { key: 'plan', plan: 'extra', thresholds: ['45', '46'] }, it.tenant);
    await rate();
    const rows = await it.database.query(
      'select rule, threshold, spend from alert_occurrence where period_from = $1 and tenant = $2 order by 1, 2',
      [new Date('2026-03-01'), it.tenant],
    );
    // all: 10.00 + 45.00 = 55.00; on `extra`: 45.00
    expect(rows).toEqual([
      { rule: 'plan', threshold: '45', spend: '45.00' },
      { rule: 'watch', threshold: '20.00', spend: '55.00' },
      { rule: 'watch', threshold: '50', spend: '55.00' },
    ]);
  });
});

test('a rule says nothing about a period that had ended when it was made', async () => {
  await it.use('calls', 'a1', '2026-02-15T11:00:00Z', '9000'); // February, not invoiced yet: 100.00
  expect(await rate()).toBe(0);
});

test('an archived rule fires no more', async () => {
  await it.rules.archive('watch', it.clock.nowMs(), it.tenant);
  await it.use('calls', 'a1', '2026-03-15T11:00:00Z', '9000');
  expect(await rate()).toBe(0);
});

test('rows that concern no rule are dropped without a usage query', async () => {
  await rate();
  await it.customer('quiet', ['q']);
  await it.subscribe('quiet', 'pro', '2026-03-01T00:00:00Z');
  const asked = it.usage.queries.length;
  await it.use('calls', 'q', '2026-03-15T11:00:00Z', '9000');
  await it.use('calls', 'nobody', '2026-03-15T11:00:00Z', '9000');
  expect(await rate()).toBe(0);
  expect(it.usage.queries).toHaveLength(asked);
  expect(await it.waiting()).toEqual([]);
});

describe('neither missed nor doubled', () => {
  test('killed before anything is recorded, the rows are still there and fire the next time', async () => {
    await it.use('calls', 'a1', '2026-03-15T11:00:00Z', '1000');
    const wakeups = await it.waiting();
    const dying = { ...it.wakeups, conclude: () => Promise.reject(new Error('killed')) };
    await expect(evaluateWakeups({ ...it.ports, wakeups: dying }, it.tenant, wakeups)).rejects.toThrow('killed');
    expect(await rate()).toBe(1);
    expect(await it.messages('alert.triggered')).toHaveLength(1);
  });

  test('killed within the recording transaction, nothing of it remains', async () => {
    await it.use('calls', 'a1', '2026-03-15T11:00:00Z', '1000');
    await it.database.query(
      `create function refuse() returns trigger language plpgsql as $$ begin raise exception 'killed'; end $$;`,
    );
    await it.database.query('create trigger kill before delete on rating_wakeup for each row execute function refuse()');
    await expect(rate()).rejects.toThrow('killed');
    expect(await it.occurrences()).toEqual([]);
    expect(await it.messages('alert.triggered')).toEqual([]);
    await it.database.query('drop trigger kill on rating_wakeup');
    expect(await rate()).toBe(1);
  });

  test('two workers over the same rows fire once', async () => {
    await it.use('calls', 'a1', '2026-03-15T11:00:00Z', '1000');
    const wakeups = await it.waiting();
    const fired = await Promise.all([1, 2, 3].map(() => evaluateWakeups(it.ports, it.tenant, wakeups)));
    expect(fired.flat()).toHaveLength(1);
    expect(await it.messages('alert.triggered')).toHaveLength(1);
  });

  test('usage committed while its customer is evaluated is looked at afterwards', async () => {
    await it.use('calls', 'a1', '2026-03-15T11:00:00Z', '1');
    const wakeups = await it.waiting();
    const racing = {
      ...it.wakeups,
      async conclude(...concluded: Parameters<typeof it.wakeups.conclude>) {
        await it.use('calls', 'a1', '2026-03-15T11:00:01Z', '999');
        return it.wakeups.conclude(...concluded);
      },
    };
    expect(await evaluateWakeups({ ...it.ports, wakeups: racing }, it.tenant, wakeups)).toEqual([]);
    expect(await rate()).toBe(1);
  });
});

test('however usage, evaluations and crashes interleave, each level fires exactly once', async () => {
  let spendCents = 1000;
  for (let step = 0; step < 40; step += 1) {
    const calls = (step * 7919) % 400;
    await it.use('calls', step % 2 === 0 ? 'a1' : 'a2', '2026-03-15T11:00:00Z', String(calls));
    spendCents += calls;
    const wakeups = await it.waiting(1 + (step % 3));
    const dying = { ...it.wakeups, conclude: () => Promise.reject(new Error('killed')) };
    if (step % 4 === 1) await evaluateWakeups({ ...it.ports, wakeups: dying }, it.tenant, wakeups).catch(() => undefined);
    else await evaluateWakeups(it.ports, it.tenant, wakeups);
  }
  await rate();
  expect(spendCents).toBeGreaterThan(8000);
  expect((await it.occurrences()).map((text) => text.split(' ')[1])).toEqual(['20.00', '50', '80%']);
  expect(await it.messages('alert.triggered')).toHaveLength(3);
});
